"""Square windows of an image, turned, mirrored and scaled, and the grasp rectangles in them.

A view is sampled from the full image through its whole transform. Rectangles are rows u, v [px], angle [rad] from +u
towards +v, length along the closing direction [px] (the opening), height across it [px] (the plates).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Rows = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Variation:
    """How far a training view may differ from the image (paper, section IV-B, for both datasets).

    Attributes:
        turn_rad: at most so far to either side.
        zoom: smallest and largest scale.
        mirror: left and right may change places.
        shift_px: at most so far from the place looked at, in pixels of the view.
    """

    turn_rad: float
    zoom: tuple[float, float]
    mirror: bool
    shift_px: float


VARIATIONS = {
    # "we decrease the zooming range to 0.8 and increase the rotation range to 20 degree"
    "paper": Variation(math.radians(20), (0.8, 1.0), mirror=False, shift_px=40.0),
    # For a camera that looks straight down every direction is as good as another, and so is the mirror image.
    "strong": Variation(math.pi, (0.8, 1.2), mirror=True, shift_px=60.0),
}


def view_matrix(
    focus: tuple[float, float], size: int, scale: float, turn_rad: float = 0.0, *, mirror: bool = False,
    shift_px: tuple[float, float] = (0.0, 0.0),
) -> Matrix:  # fmt: skip
    """(2, 3) from pixels of the image to pixels of the view.

    Args:
        focus: pixel of the image that comes to lie in the middle, but for the shift.
        size: of the view, in pixels.
        scale: pixels of the view for one of the image.
        turn_rad: from +u towards +v, after the mirroring.
        mirror: u is turned round first.
        shift_px: of the view.
    """
    c, s = math.cos(turn_rad) * scale, math.sin(turn_rad) * scale
    linear = np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if mirror else 1.0, 1.0])
    offset = np.array([(size - 1) / 2, (size - 1) / 2]) + shift_px - linear @ np.asarray(focus, dtype=float)
    return np.hstack([linear, offset[:, None]])


def draw_matrix(
    focus: tuple[float, float], size: int, scale: float, variation: Variation, rng: np.random.Generator
) -> Matrix:
    """As ``view_matrix``, varied at random."""
    x, y = rng.uniform(-variation.shift_px, variation.shift_px, 2)
    return view_matrix(
        focus,
        size,
        scale * float(rng.uniform(*variation.zoom)),
        float(rng.uniform(-variation.turn_rad, variation.turn_rad)),
        mirror=variation.mirror and bool(rng.random() < 0.5),
        shift_px=(float(x), float(y)),
    )


def warp(image: Image, matrix: Matrix, shape: tuple[int, int]) -> Image:
    """(H, W) or (H, W, C) -> (rows, columns) or with C; beyond the image's edge the outermost pixels go on."""
    return np.asarray(
        cv2.warpAffine(image, matrix, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.float32,
    )


def moved(rectangles: Rows, matrix: Matrix) -> Rows:
    """(K, 5) rectangles of the image as they lie in the view."""
    linear, scale = matrix[:, :2], math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    centre = rectangles[:, :2] @ linear.T + matrix[:, 2]
    along = np.stack([np.cos(rectangles[:, 2]), np.sin(rectangles[:, 2])], axis=1) @ linear.T
    angle = np.arctan2(along[:, 1], along[:, 0])
    return np.column_stack([centre, angle, rectangles[:, 3:] * scale])


def inverse(matrix: Matrix) -> Matrix:
    """(2, 3) from the view back to the image."""
    return np.asarray(cv2.invertAffineTransform(matrix), dtype=np.float64)
