"""A data set's images made ready for training, once: holes filled, table fitted, grasps judged by GQ-CNN.

What is ready lies beside the data, a pair of files a shard: ``prepared/depth_00012.npy`` (n, H, W) in tenths of a
millimetre, which is mapped rather than read, and ``prepared/grasps_00012.npz`` with everything else. Started again,
preparing goes on where it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.table import fit_table
from detectors.dexnet.npz_files import DamagedFile, load_arrays, save_arrays
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import RobustnessMetric
from detectors.inpainting import fill_holes
from detectors.oneshot.looking import camera_row, table_row
from detectors.synthesis.scene_shards import SCENES_FOLDER, SceneRecord, read_scenes
from detectors.synthesis.splits import split_of
from robot.errors import SettingsError
from robot.whole_files import whole_file

FOLDER = "prepared"
TENTHS_PER_M = 10_000
_SHARD = re.compile(r"scenes_(\d+)\.npz")
_GRASPS = ("u", "v", "depth_m", "angle_rad", "width_m")
_COLUMNS = {"number", "thing", "camera", "table", "grasps", "success", "quality", "owner"}


@dataclass(frozen=True, eq=False)
class PreparedScenes:
    """N images with their labelled grasps.

    Attributes:
        depth: one (n, H, W) uint16 map a shard, in tenths of a millimetre, without holes.
        place: (N, 2) shard and row of every image.
        number: (N,) scene number.
        split: (N,) "train", "validation" or "test", by the things shown.
        camera, table: (N, 4) and (N, 10) rows of ``detectors.oneshot.looking.Images``.
        grasps: (G, 5) u, v, depth, angle, width.
        owner: (G,) image of each grasp.
        success: (G,) share of noisy lifts that succeeded.
        quality: (G,) GQ-CNN's probability.
    """

    depth: tuple[NDArray[np.uint16], ...]
    place: NDArray[np.int64]
    number: NDArray[np.int64]
    split: NDArray[np.str_]
    camera: NDArray[np.float32]
    table: NDArray[np.float32]
    grasps: NDArray[np.float32]
    owner: NDArray[np.int64]
    success: NDArray[np.float32]
    quality: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.number)

    def depth_m(self, images: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n, H, W) depth of some images [m]."""
        stack = np.stack([self.depth[shard][row] for shard, row in self.place[images]])
        return np.asarray(stack * np.float32(1 / TENTHS_PER_M), dtype=np.float32)


def prepare(
    folder: Path, metric: RobustnessMetric, tell: Callable[[str], None], *, part: tuple[int, int] = (0, 1)
) -> None:
    """Prepare every shard of scenes that is there and not ready.

    Args:
        folder: a data set with depth images.
        metric: judges the labelled grasps.
        tell: takes a line now and then.
        part: (i, n) does every n-th shard only, so that several processes can share the work.

    Raises:
        SettingsError: there are no images, or one cannot be read or written.
    """
    scenes = folder / SCENES_FOLDER
    files = sorted(scenes.glob("scenes_*.npz")) if scenes.is_dir() else []
    if not files:
        raise SettingsError(f"{folder}: holds no images", "make the data set with --images depth or --images all")
    for file in files[part[0] :: part[1]]:
        found = _SHARD.fullmatch(file.name)
        if found is None or _grasps_file(folder, found[1]).is_file():
            continue
        records = read_scenes(file)
        ready = [one for one in (_ready(record, metric) for record in records) if one is not None]
        if ready:
            _write(folder, found[1], ready)
        tell(f"prepared {file.name}" if ready else f"{file.name} is left out: no table is seen in any of its scenes")


def load_prepared(folder: Path) -> PreparedScenes:
    """What ``prepare`` has made ready.

    Raises:
        SettingsError: nothing is ready, or a file is damaged.
    """
    files = sorted((folder / FOLDER).glob("grasps_*.npz"))
    if not files:
        raise SettingsError(f"{folder}: nothing is prepared")
    depth, parts, place = [], [], []
    grasp_count = image_count = 0
    for shard, file in enumerate(files):
        arrays, images = _read(folder, file)
        arrays["owner"] = arrays["owner"] + image_count
        depth.append(images)
        place.append(np.stack([np.full(len(arrays["number"]), shard), np.arange(len(arrays["number"]))], axis=1))
        grasp_count, image_count = grasp_count + len(arrays["owner"]), image_count + len(arrays["number"])
        parts.append(arrays)
    joined: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    split = np.array([split_of(int(thing)) for thing in joined.pop("thing")])
    return PreparedScenes(tuple(depth), np.concatenate(place), split=split, **joined)


def _read(folder: Path, file: Path) -> tuple[dict[str, NDArray[Any]], NDArray[np.uint16]]:
    """One shard: the columns, and its images, mapped."""
    depth_file = _depth_file(folder, file.stem.split("_")[1])
    again = f"delete {file.name} and {depth_file.name}: they will be made again"
    try:
        arrays = load_arrays(file)
        images = np.load(depth_file, mmap_mode="r", allow_pickle=False)
    except DamagedFile as error:
        raise SettingsError(str(error), again) from None
    except (OSError, ValueError, EOFError) as error:
        raise SettingsError(f"{depth_file}: cannot be read: {error}", again) from None
    if set(arrays) != _COLUMNS or len(images) != len(arrays["number"]):
        raise SettingsError(f"{file}: does not hold what is prepared of {len(images)} images", again)
    return arrays, images


def _ready(record: SceneRecord, metric: RobustnessMetric) -> dict[str, NDArray[Any]] | None:
    """The columns of one scene, or None where no table can be found in it."""
    frame = record.frame()
    table = fit_table(frame, np.random.default_rng(record.number))
    if table is None:
        return None
    filled = fill_holes(frame.depth_m, frame.valid)
    grasps = np.stack([getattr(record.grasps, name) for name in _GRASPS], axis=1).astype(np.float32)
    quality = metric.quality_in(filled, frame.intrinsics, GraspArrays(*grasps.T))
    return {
        "depth": np.rint(filled * TENTHS_PER_M).astype(np.uint16),
        "number": np.array(record.number),
        "thing": np.array(record.things[0]),
        "camera": np.array(camera_row(frame.intrinsics), np.float32),
        "table": table_row(table),
        "grasps": grasps,
        "success": record.grasps.physical_success,
        "quality": quality.astype(np.float32),
    }


def _write(folder: Path, index: str, scenes: list[dict[str, NDArray[Any]]]) -> None:
    with whole_file(_depth_file(folder, index)) as stream:
        np.save(stream, np.stack([scene["depth"] for scene in scenes]))
    arrays = {name: np.stack([scene[name] for scene in scenes]) for name in ("number", "thing", "camera", "table")}
    arrays |= {name: np.concatenate([scene[name] for scene in scenes]) for name in ("grasps", "success", "quality")}
    arrays["owner"] = np.repeat(np.arange(len(scenes)), [len(scene["grasps"]) for scene in scenes])
    save_arrays(_grasps_file(folder, index), arrays)


def _depth_file(folder: Path, index: str) -> Path:
    return folder / FOLDER / f"depth_{index}.npy"


def _grasps_file(folder: Path, index: str) -> Path:
    return folder / FOLDER / f"grasps_{index}.npz"
