"""The detection version of a data set: whole images with their grasps, a shard of scenes a file.

Images are kept as deflated planes: of PNG and zlib at several levels the fastest was level 1 on the low and the high
bytes apart, and about as small as PNG at level 3 (a noisy depth image 71 kB and 2.0 ms against 74 kB and 8.8 ms).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.npz_files import Damaged, DamagedFile, DamageWatch, load_arrays, save_arrays
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics
from robot.geometry import Transform

SCENES_PER_FILE = 25
SCENES_FOLDER = "scenes"
DEPTH_STEP_M = 1e-4
"""Depths are rounded to the nearest tenth of a millimetre on the disk; the farthest that fits is 6.5535 m."""

Depth = NDArray[np.float32]
Floats = NDArray[np.float32]
_STEPS_PER_M = np.float32(10_000)
_FARTHEST_M = 6.55354  # still rounds to what two bytes hold
_FILE_NAME = re.compile(r"scenes_(\d+)\.npz")


@dataclass(frozen=True, eq=False, kw_only=True)
class SceneGrasps:
    """The grasps of one scene; row i of every column is the same one.

    Attributes:
        u, v: (m,) grasp centre [px].
        depth_m: (m,) of the grasp point along the optical axis [m].
        angle_rad: (m,) closing direction about the optical axis, from +u towards +v [rad].
        width_m: (m,) opening of the jaws before closing [m].
        kind: (m,) int8 how the grasp was drawn.
        object_index: (m,) int16 row of the scene's ``things`` that it is meant for, -1 for none.
        physical_success: (m,) share of noisy lifts that succeeded.
        force_closure, collision_free: (m,) share of noisy samples.
        robust_ferrari_canny: (m,) mean epsilon quality over noisy samples, 0 where the gripper collides.
    """

    u: Floats
    v: Floats
    depth_m: Floats
    angle_rad: Floats
    width_m: Floats
    kind: NDArray[np.int8]
    object_index: NDArray[np.int16]
    physical_success: Floats
    force_closure: Floats
    robust_ferrari_canny: Floats
    collision_free: Floats

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            column = np.asarray(getattr(self, field.name), dtype=_GRASP_TYPES.get(field.name, np.float32))
            if column.shape != (len(self),) or not np.isfinite(column).all():
                raise ValueError(f"{field.name} must be {len(self)} finite numbers, has the shape {column.shape}")
            object.__setattr__(self, field.name, column)

    def __len__(self) -> int:
        return len(self.u)


_GRASP_TYPES: dict[str, type[np.generic]] = {"kind": np.int8, "object_index": np.int16}
_GRASP_COLUMNS = tuple(field.name for field in dataclasses.fields(SceneGrasps))


@dataclass(frozen=True, eq=False, kw_only=True)
class SceneRecord:
    """One look at one heap of things on the table. The table's frame: z up, its top at z = 0.

    Attributes:
        number: of the scene.
        things: (k,) numbers of the things; their shapes, masses and frictions follow from them.
        T_table_object: (k, 4, 4) where they lie [m].
        camera: intrinsics of all images.
        T_table_camera: (4, 4) where the camera is [m].
        depth_m: (H, W) what a stereo camera measures along the optical axis; 0 where unknown [m].
        clean_depth_m: (H, W) what is there [m].
        mask: (H, W) uint8, 0 for the background, i + 1 for ``things[i]``.
        color: (H, W, 3) uint8 RGB, or None.
        grasps: of this scene.
    """

    number: int
    things: NDArray[np.int64]
    T_table_object: NDArray[np.float64]
    camera: Intrinsics
    T_table_camera: Transform
    depth_m: Depth
    clean_depth_m: Depth
    mask: NDArray[np.uint8]
    color: NDArray[np.uint8] | None
    grasps: SceneGrasps

    def __post_init__(self) -> None:
        shape, k = (self.camera.height, self.camera.width), len(self.things)
        _set(self, "things", np.int64, (k,))
        _set(self, "T_table_object", np.float64, (k, 4, 4))
        _set(self, "T_table_camera", np.float64, (4, 4))
        _set(self, "depth_m", np.float32, shape)
        _set(self, "clean_depth_m", np.float32, shape)
        _set(self, "mask", np.uint8, shape)
        if self.color is not None:
            _set(self, "color", np.uint8, (*shape, 3))
        for name in ("depth_m", "clean_depth_m"):
            depth = getattr(self, name)
            if float(depth.min()) < 0 or float(depth.max()) > _FARTHEST_M:
                raise ValueError(f"{name} reaches from {depth.min():g} to {depth.max():g} m, expected 0 to 6.5535 m")
        if int(self.mask.max()) > k:
            raise ValueError(f"mask names thing {int(self.mask.max())} of {k}")
        if len(self.grasps) and not -1 <= self.grasps.object_index.min() <= self.grasps.object_index.max() < k:
            raise ValueError(f"object_index must lie between -1 and {k - 1}")

    def frame(self) -> Frame:
        """What a detector gets to see."""
        return Frame(depth_m=self.depth_m, intrinsics=self.camera, color=self.color, number=self.number)


def scenes_file(folder: Path, index: int) -> Path:
    """Where a shard lies in a data set."""
    return folder / SCENES_FOLDER / f"scenes_{index:05d}.npz"


def write_scenes(path: Path, records: Sequence[SceneRecord]) -> None:
    """Write one shard, whole or not at all; the same records give the same bytes. Depths are rounded to 0.1 mm.

    Raises:
        SettingsError: the file cannot be written.
        ValueError: there are no records, or their images differ in size.
    """
    if not records or len({record.depth_m.shape for record in records}) != 1:
        raise ValueError("a shard needs at least one scene, and images of one size")
    colors = [record.color for record in records if record.color is not None]
    shape = records[0].depth_m.shape
    arrays: dict[str, NDArray[Any]] = {
        "number": np.array([record.number for record in records], np.int64),
        "thing_count": np.array([len(record.things) for record in records], np.int64),
        "things": np.concatenate([record.things for record in records]),
        "T_table_object": np.concatenate([record.T_table_object for record in records]),
        "camera": np.array([dataclasses.astuple(record.camera) for record in records], np.float64),
        "T_table_camera": np.stack([record.T_table_camera for record in records]),
        "depth": np.stack([_planes(record.depth_m) for record in records]),
        "clean_depth": np.stack([_planes(record.clean_depth_m) for record in records]),
        "mask": np.stack([record.mask for record in records]),
        "has_color": np.array([record.color is not None for record in records], np.bool_),
        "color": np.stack(colors) if colors else np.zeros((0, *shape, 3), np.uint8),
        "grasp_count": np.array([len(record.grasps) for record in records], np.int64),
    }
    for name in _GRASP_COLUMNS:
        arrays[f"grasp_{name}"] = np.concatenate([getattr(record.grasps, name) for record in records])
    save_arrays(path, arrays)


def read_scenes(path: Path) -> list[SceneRecord]:
    """The scenes of one shard.

    Raises:
        SettingsError: the file is missing, damaged or no shard; the message says which file and what is wrong.
    """
    try:
        return _read(path)
    except DamagedFile as error:
        raise SettingsError(str(error)) from None


def iter_scenes(folder: Path, *, damaged: Damaged, tell: Callable[[str], None]) -> Iterator[SceneRecord]:
    """The scenes of a data set in order, one shard in memory at a time.

    Args:
        folder: a data set, or its ``scenes`` folder.
        damaged: "stop" at a damaged shard, or "skip" it.
        tell: takes one line for each shard that is left out, and one at the end.

    Raises:
        SettingsError: there are no shards, none can be read, or one is damaged and ``damaged`` is "stop".
    """
    watch = DamageWatch(damaged, tell)
    path = folder / SCENES_FOLDER if (folder / SCENES_FOLDER).is_dir() else folder
    files = [file for file in sorted(path.iterdir()) if _FILE_NAME.fullmatch(file.name)] if path.is_dir() else []
    if not files:
        raise SettingsError(f"{folder}: no scenes_*.npz, there or in {SCENES_FOLDER}/")
    for file in files:
        yield from watch.attempt(f"shard {file.name}", partial(_read, file)) or ()
    watch.sum_up(len(files), "shards")
    if watch.skipped == len(files):
        raise SettingsError(f"{path}: no readable scenes")


def _set(record: SceneRecord, name: str, dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    array = np.asarray(getattr(record, name), dtype=dtype)
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite and of the shape {shape}, has {array.shape}")
    object.__setattr__(record, name, array)


def _planes(depth_m: Depth) -> NDArray[np.uint8]:
    """(2, H, W): low and high bytes of the depth in tenths of a millimetre; apart they deflate better."""
    tenths = np.rint(depth_m * _STEPS_PER_M).astype("<u2")
    return np.ascontiguousarray(np.moveaxis(tenths.view(np.uint8).reshape(*depth_m.shape, 2), 2, 0))


def _metres(planes: NDArray[np.uint8]) -> Depth:
    tenths = planes[0] | planes[1].astype(np.uint16) << 8
    return np.asarray(tenths.astype(np.float32) / _STEPS_PER_M, dtype=np.float32)


def _read(path: Path) -> list[SceneRecord]:
    arrays = load_arrays(path)
    missing = [name for name in _LAYOUT if name not in arrays]
    if missing:
        raise DamagedFile(path, f"no shard of scenes: it lacks {', '.join(missing)}")
    for name, (dtype, rest) in _LAYOUT.items():
        array = arrays[name]
        fits = array.ndim == 1 + len(rest) and all(b in (-1, a) for a, b in zip(array.shape[1:], rest, strict=True))
        if array.dtype != dtype or not fits:
            raise DamagedFile(path, f"{name} has the type {array.dtype} and the shape {array.shape}")
    try:
        return _records(arrays)
    except (ValueError, IndexError, ArithmeticError, SettingsError) as error:
        raise DamagedFile(path, str(error)) from None


_PER_SCENE: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    "number": (np.int64, ()),
    "thing_count": (np.int64, ()),
    "camera": (np.float64, (6,)),
    "T_table_camera": (np.float64, (4, 4)),
    "depth": (np.uint8, (2, -1, -1)),
    "clean_depth": (np.uint8, (2, -1, -1)),
    "mask": (np.uint8, (-1, -1)),
    "has_color": (np.bool_, ()),
    "grasp_count": (np.int64, ()),
}
_LAYOUT: dict[str, tuple[type[np.generic], tuple[int, ...]]] = {
    **_PER_SCENE,
    "things": (np.int64, ()),
    "T_table_object": (np.float64, (4, 4)),
    "color": (np.uint8, (-1, -1, 3)),
    **{f"grasp_{name}": (_GRASP_TYPES.get(name, np.float32), ()) for name in _GRASP_COLUMNS},
}


def _records(arrays: dict[str, NDArray[Any]]) -> list[SceneRecord]:
    if len({len(arrays[name]) for name in _PER_SCENE}) != 1:
        raise ValueError("the arrays differ in how many scenes they hold")
    things, grasps = (_slices(arrays[name]) for name in ("thing_count", "grasp_count"))
    color_of = np.where(arrays["has_color"], np.cumsum(arrays["has_color"]) - 1, -1)
    records = []
    for i, number in enumerate(arrays["number"]):
        fx, fy, cx, cy, width, height = (float(value) for value in arrays["camera"][i])
        columns = {name: arrays[f"grasp_{name}"][grasps[i]] for name in _GRASP_COLUMNS}
        record = SceneRecord(
            number=int(number),
            things=arrays["things"][things[i]],
            T_table_object=arrays["T_table_object"][things[i]],
            camera=Intrinsics(fx, fy, cx, cy, int(width), int(height)),
            T_table_camera=arrays["T_table_camera"][i],
            depth_m=_metres(arrays["depth"][i]),
            clean_depth_m=_metres(arrays["clean_depth"][i]),
            mask=arrays["mask"][i].copy(),  # a view would hold on to the whole shard
            color=arrays["color"][color_of[i]].copy() if color_of[i] >= 0 else None,
            grasps=SceneGrasps(**columns),
        )
        if len(record.things) != arrays["thing_count"][i] or len(record.grasps) != arrays["grasp_count"][i]:
            raise ValueError(f"scene {record.number} is not complete")
        records.append(record)
    return records


def _slices(counts: NDArray[Any]) -> list[slice]:
    ends = np.cumsum(counts)
    return [slice(int(end - count), int(end)) for count, end in zip(counts, ends, strict=True)]
