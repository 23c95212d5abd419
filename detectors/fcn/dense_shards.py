"""The dense grasps of a data set's scenes, found once and kept beside its images: ``prepared/dense_00012.npz``.

What is kept of a scene's dense grasps is what GQ-CNN, who learnt from lifts, calls robust as well: force closure alone
knows nothing of weight.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.npz_files import DamagedFile, load_arrays, save_arrays
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import ROBUST_THRESHOLD, RobustnessMetric
from detectors.inpainting import fill_holes
from detectors.oneshot.prepared import FOLDER
from detectors.synthesis.catalogue import Catalogue, open_catalogue
from detectors.synthesis.dense import dense_grasps
from detectors.synthesis.grasp_frames import ImageGrasps, to_image
from detectors.synthesis.lifting import Lying
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.scene_shards import SCENES_FOLDER, SceneRecord, read_scenes
from detectors.synthesis.settings import read_dataset
from detectors.synthesis.viewing import triangles_of
from robot.errors import SettingsError

_SHARD = re.compile(r"scenes_(\d+)\.npz")
_COLUMNS = {"number", "grasps", "quality"}
_DICE = 2  # apart from those that made the scene, and from those of the truths it is judged by


@dataclass(frozen=True, eq=False)
class DenseGrasps:
    """G grasps.

    Attributes:
        number: (G,) number of the scene, ascending.
        grasps: (G, 5) u, v [px], depth [m], angle [rad], opening [m].
        quality: (G,) GQ-CNN's probability.
    """

    number: NDArray[np.int64]
    grasps: NDArray[np.float32]
    quality: NDArray[np.float32]

    def of(self, scene: int) -> NDArray[np.float32]:
        """(K, 5) the grasps of the scene with this number."""
        low, high = np.searchsorted(self.number, [scene, scene + 1])
        return np.asarray(self.grasps[low:high])


def prepare_dense(
    folder: Path, metric: RobustnessMetric, tell: Callable[[str], None], *, part: tuple[int, int] = (0, 1)
) -> None:
    """Find the dense grasps of every shard of scenes that is there and has none; see ``oneshot.prepared.prepare``.

    Raises:
        SettingsError: there is no data set, or a file cannot be read or written.
    """
    catalogue = open_catalogue(read_dataset(folder))
    (folder / FOLDER).mkdir(exist_ok=True)
    for file in sorted((folder / SCENES_FOLDER).glob("scenes_*.npz"))[part[0] :: part[1]]:
        found = _SHARD.fullmatch(file.name)
        out = folder / FOLDER / f"dense_{found[1]}.npz" if found else None
        if out is None or out.is_file():
            continue
        scenes = [_of_scene(record, catalogue, metric) for record in read_scenes(file)]
        save_arrays(out, {name: np.concatenate([scene[name] for scene in scenes]) for name in sorted(_COLUMNS)})
        tell(f"dense grasps of {file.name}")


def load_dense(folder: Path) -> DenseGrasps:
    """What ``prepare_dense`` has found.

    Raises:
        SettingsError: nothing is there, or a file is damaged.
    """
    files = sorted((folder / FOLDER).glob("dense_*.npz"))
    if not files:
        raise SettingsError(f"{folder}: no dense grasps are prepared")
    parts = []
    for file in files:
        try:
            arrays = load_arrays(file)
        except DamagedFile as error:
            raise SettingsError(str(error), f"delete {file.name}: it will be made again") from None
        if set(arrays) != _COLUMNS:
            raise SettingsError(f"{file}: holds no dense grasps", f"delete {file.name}: it will be made again")
        parts.append(arrays)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in _COLUMNS}
    order = np.argsort(joined["number"], kind="stable")
    return DenseGrasps(**{name: column[order] for name, column in joined.items()})


def _of_scene(record: SceneRecord, catalogue: Catalogue, metric: RobustnessMetric) -> dict[str, NDArray[np.generic]]:
    lying = [Lying(catalogue.thing(int(n)), T) for n, T in zip(record.things, record.T_table_object, strict=True)]
    triangles = triangles_of(lying)
    caster = RayCaster(triangles.vertices, triangles.faces)
    rng = np.random.default_rng([record.number, _DICE])
    image = to_image(dense_grasps(lying, triangles, caster, rng), record.camera, record.T_table_camera)
    frame = record.frame()
    quality = _quality(image, fill_holes(frame.depth_m, frame.valid), record, metric)
    robust = quality >= ROBUST_THRESHOLD
    table = np.stack([image.u, image.v, image.depth_m, image.angle_rad, image.width_m], axis=1)
    return {
        "number": np.full(int(robust.sum()), record.number, np.int64),
        "grasps": table[robust].astype(np.float32),
        "quality": quality[robust].astype(np.float32),
    }


def _quality(
    image: ImageGrasps, filled_m: NDArray[np.float32], record: SceneRecord, metric: RobustnessMetric
) -> NDArray[np.float64]:
    if len(image.u) == 0:
        return np.zeros(0)
    arrays = GraspArrays(image.u, image.v, image.depth_m, image.angle_rad, image.width_m)
    return np.asarray(metric.quality_in(filled_m, record.camera, arrays), dtype=np.float64)
