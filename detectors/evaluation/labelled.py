"""What a loader of a data set gives: an image with its good grasps. And what the loaders have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.rectangles import Rectangle
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics

Image = TypeVar("Image", NDArray[np.float32], NDArray[np.uint8])


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image of a data set that is labelled with rectangles.

    Attributes:
        name: for messages; two crops of one photograph share it, so that folds keep them together.
        frame: its ``number`` becomes the seed of whatever is drawn.
        truths: the good grasps.
        thing: which thing it shows, one text for one thing; "" where the data set does not say.
        depth: what its depth was read from, where a data set has several kinds; "" where it has one.
    """

    name: str
    frame: Frame
    truths: tuple[Rectangle, ...]
    thing: str = ""
    depth: str = ""


class Unusable(Exception):
    """Why a loader leaves an image out, in words that fit many."""


def existing(path: Path, otherwise: str) -> Path:
    """The same path.

    Raises:
        Unusable: there is no such file; ``otherwise`` is the reason.
    """
    if not path.is_file():
        raise Unusable(otherwise)
    return path


def readable(read: Callable[[Path], Image], path: Path) -> Image:
    """What ``read`` makes of the file.

    Raises:
        Unusable: the file is damaged or of another kind.
    """
    try:
        return read(path)
    except SettingsError:
        raise Unusable("an image cannot be read") from None


def labelled_frame(
    depth_m: NDArray[np.float32] | None, color: NDArray[np.uint8] | None, camera: Intrinsics, number: int
) -> Frame:
    """A frame of what an image has: without depth every reading is missing, without colour there is none.

    Raises:
        Unusable: the camera is one of another size, or the depths are no metres.
    """
    shape = (camera.height, camera.width)
    if any(image is not None and image.shape[:2] != shape for image in (depth_m, color)):
        raise Unusable(f"another size than the camera's {camera.width} x {camera.height}")
    try:
        return Frame(np.zeros(shape, np.float32) if depth_m is None else depth_m, camera, color, number=number)
    except SettingsError:
        raise Unusable("its depths are no metres") from None
