"""The detection version of a Dex-Net data set: whole images beside the grasps, rather than crops.

The makers name the tensors (https://github.com/BerkeleyAutomation/gqcnn/issues/27): ``raw`` is an image before it is
moved and turned to a grasp, ``table`` one that shows the table. So, in files like those of ``detectors.dexnet.fields``:

    depth_ims_raw_table   (n, H, W, 1) metres: the image that the grasp of the same row was found in; H = W = 400 in
                          the set that the GQ-STN paper used (section III-B)
    hand_poses            row, column, depth, angle, offsets from the principal point, width in the image
    robust_ferrari_canny  a grasp is good where it is above 0.002
    image_labels          number of the image, if there; otherwise equal neighbours are one image
    camera_intrs          (n, 4 or more) fx, fy, cx, cy, if there; otherwise they follow from ``hand_poses``, for every
                          gripper of the set opens 50 mm
    obj_labels            number of the object, if there (or object_labels); for folds by object

No copy of such a set has been at hand: what does not fit this description is refused, not guessed at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.fields import POSITIVE_QUALITY, PUBLISHED_WIDTH_M
from detectors.dexnet.npz_files import Damaged, DamagedFile, DamageWatch, load_array
from detectors.dexnet.writing import TENSORS_FOLDER
from detectors.evaluation.labelled import LabelledImage
from detectors.evaluation.rectangles import HEIGHT_PER_WIDTH, Rectangle
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics

IMAGES = "depth_ims_raw_table"
_OBJECTS = ("obj_labels", "object_labels")
_ROW, _COLUMN, _DEPTH, _ANGLE, _ROW_OFFSET, _COLUMN_OFFSET, _WIDTH_PX = range(7)

Array = NDArray[Any]


def has_images(folder: Path) -> bool:
    """Whether the folder holds whole images, there or in ``tensors``."""
    return bool(_files(folder))


def iter_images(
    folder: Path,
    *,
    camera: Intrinsics | None,
    damaged: Damaged,
    tell: Callable[[str], None],
    skipped: Counter[str],
) -> Iterator[LabelledImage]:
    """The images that have a good grasp, one file in memory at a time; an image in two files counts as two.

    Args:
        folder: a data set.
        camera: of all images; None takes it from the set.
        damaged: "stop" at a damaged file, or "skip" its index.
        tell: takes one line for each index that is left out, and one at the end.
        skipped: counts the images without a good grasp, which the rectangle metric cannot judge.

    Raises:
        SettingsError: a file is damaged and ``damaged`` is "stop".
    """
    watch, files = DamageWatch(damaged, tell), _files(folder)
    number = 0
    for file in files:
        for frame, truths, thing in watch.attempt(f"index {file.stem[-5:]}", partial(_read, file, camera)) or ():
            number += 1
            if truths:
                yield LabelledImage(
                    f"{file.stem}:{number}", Frame(frame.depth_m, frame.intrinsics, number=number), truths, thing
                )
            else:
                skipped["no good grasp among its labels"] += 1
    watch.sum_up(len(files), "indices")


def _files(folder: Path) -> list[Path]:
    homes = [home for home in (folder / TENSORS_FOLDER, folder) if home.is_dir()]
    return next((found for home in homes if (found := sorted(home.glob(f"{IMAGES}_*.np[yz]")))), [])


def _read(path: Path, camera: Intrinsics | None) -> list[tuple[Frame, tuple[Rectangle, ...], str]]:
    """Every image of one index with its good grasps and the number of its object."""
    images, poses, quality = load_array(path), _companion(path, "hand_poses"), _companion(path, "robust_ferrari_canny")
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    if images.ndim != 3 or not len(images) == len(poses) == len(quality) or poses.ndim != 2 or poses.shape[1] < 7:
        raise DamagedFile(path, f"has the shape {images.shape} beside hand_poses of {poses.shape}")
    if not (np.isfinite(poses).all() and (poses[:, _DEPTH] > 0).all()):
        raise DamagedFile(path, "its hand_poses hold numbers that are not finite, or depths that are not positive")
    if not _inside(poses, images.shape[1:]):
        raise DamagedFile(path, "its hand_poses lie outside the images: they belong to images of another size")
    try:
        starts = _starts(path, images)
        parts = [slice(a, b) for a, b in zip(starts, [*starts[1:], len(images)], strict=True)]
        seen = [_one(path, images[part.start], poses[part], quality[part].reshape(-1), camera, part) for part in parts]
        return [(*one, thing) for one, thing in zip(seen, _things(path, starts), strict=True)]
    except (ValueError, IndexError, SettingsError) as error:
        raise DamagedFile(path, str(error)) from None


def _one(
    path: Path, depth_m: Array, poses: Array, quality: Array, camera: Intrinsics | None, part: slice
) -> tuple[Frame, tuple[Rectangle, ...]]:
    seen_by = camera or _camera(path, poses, depth_m.shape, part.start)
    if depth_m.shape != (seen_by.height, seen_by.width):
        raise DamagedFile(
            path, f"its images are {depth_m.shape[1]} x {depth_m.shape[0]}, the intrinsics are for another size"
        )
    good = poses[quality > POSITIVE_QUALITY]
    width = PUBLISHED_WIDTH_M * seen_by.fx / good[:, _DEPTH]
    width = np.where(good[:, _WIDTH_PX] > 0, good[:, _WIDTH_PX], width)
    columns = (good[:, _COLUMN], good[:, _ROW], good[:, _ANGLE], width, width * HEIGHT_PER_WIDTH)
    truths = tuple(Rectangle(*(float(column[i]) for column in columns)) for i in range(len(good)))
    return Frame(depth_m, seen_by), truths


def _camera(path: Path, poses: Array, shape: tuple[int, ...], row: int) -> Intrinsics:
    height, width = shape
    beside = _beside(path, "camera_intrs")
    if beside is not None:
        fx, fy, cx, cy = (float(value) for value in load_array(beside)[row][:4])
        return Intrinsics(fx, fy, cx, cy, width, height)
    focal = float(np.median(poses[:, _WIDTH_PX] * poses[:, _DEPTH])) / PUBLISHED_WIDTH_M
    if focal <= 0:
        raise DamagedFile(path, "its hand_poses do not tell the camera: give --intrinsics")
    cx, cy = (float(np.median(poses[:, a] - poses[:, b])) for a, b in ((_COLUMN, _COLUMN_OFFSET), (_ROW, _ROW_OFFSET)))
    return Intrinsics(focal, focal, cx, cy, width, height)


def _starts(path: Path, images: Array) -> list[int]:
    """Where a new image begins."""
    labels = _beside(path, "image_labels")
    if labels is not None:
        numbers = load_array(labels).reshape(-1)
        return [i for i in range(len(images)) if i == 0 or numbers[i] != numbers[i - 1]]
    return [i for i in range(len(images)) if i == 0 or not np.array_equal(images[i], images[i - 1])]


def _things(path: Path, starts: list[int]) -> list[str]:
    """Number of the object of each image; "" where the set does not say."""
    labels = next((found for name in _OBJECTS if (found := _beside(path, name)) is not None), None)
    if labels is None:
        return [""] * len(starts)
    numbers = load_array(labels).reshape(-1)
    return [str(int(numbers[start])) for start in starts]


def _inside(poses: Array, shape: tuple[int, ...]) -> bool:
    inside = (poses[:, [_ROW, _COLUMN]] >= 0) & (poses[:, [_ROW, _COLUMN]] <= np.array(shape) - 1)
    return bool(inside.all())


def _companion(path: Path, name: str) -> Array:
    found = _beside(path, name)
    if found is None:
        raise DamagedFile(path, f"has no {name}{path.stem[len(IMAGES) :]} beside it")
    return load_array(found)


def _beside(path: Path, name: str) -> Path | None:
    stem = f"{name}{path.stem[len(IMAGES) :]}"
    return next((file for suffix in (".npz", ".npy") if (file := path.with_name(stem + suffix)).is_file()), None)
