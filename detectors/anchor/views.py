"""Training views: a picture turned, mirrored, shifted and scaled to the network's input, in other light."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anchor.settings import COLOR_MEAN, COLOR_SPREAD, INPUT_PX
from detectors.fcn.views import Matrix, Rows, moved, view_matrix

Rgb = NDArray[np.uint8]
Float = NDArray[np.float32]


@dataclass(frozen=True)
class Variation:
    """How far a training view differs from its picture.

    The paper's (section V-A.2): turned, mirrored, shifted up to 50 pixels on both axes. Changes of scale and light are
    ours: they stand in for what a network pretrained on a million photographs has already seen.

    Attributes:
        turn_rad: at most so far to either side.
        mirror: left and right may change places.
        shift_px: at most so far, in pixels of the input.
        zoom: smallest and largest scale.
        light: strength of the changes of colour, 0 to 1.
    """

    turn_rad: float = math.pi
    mirror: bool = True
    shift_px: float = 50.0
    zoom: tuple[float, float] = (0.8, 1.25)
    light: float = 1.0


@dataclass(frozen=True, eq=False)
class ColorPicture:
    """One picture to learn from.

    Attributes:
        image: (H, W, 3) RGB.
        truths: (K, 5) true grasps u, v [px], angle [rad], width, height [px], in the picture.
        scale: pixels of the input for one of the picture.
        focus: (u, v) that comes to lie in the middle of an unvaried view.
    """

    image: Rgb
    truths: Rows
    scale: float
    focus: tuple[float, float]


def draw_view(picture: ColorPicture, variation: Variation, rng: np.random.Generator) -> tuple[Rgb, Rows]:
    """(320, 320, 3) a varied view of the picture, and its true grasps as they lie in it."""
    x, y = rng.uniform(-variation.shift_px, variation.shift_px, 2)
    matrix = view_matrix(
        picture.focus,
        INPUT_PX,
        picture.scale * float(np.exp(rng.uniform(*np.log(variation.zoom)))),
        float(rng.uniform(-variation.turn_rad, variation.turn_rad)),
        mirror=variation.mirror and bool(rng.random() < 0.5),
        shift_px=(float(x), float(y)),
    )
    image = cut(picture.image, matrix, (INPUT_PX, INPUT_PX))
    return relit(image, variation.light, rng), moved(picture.truths, matrix)


def cut(image: Rgb, matrix: Matrix, shape: tuple[int, int]) -> Rgb:
    """(rows, columns, 3) a window of the image; beyond its edge the outermost pixels go on."""
    smaller = abs(float(np.linalg.det(matrix[:, :2]))) < 0.5
    source = cv2.GaussianBlur(image, (0, 0), 0.7) if smaller else image  # else a fine pattern becomes another one
    found = cv2.warpAffine(source, matrix, shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, dtype=np.uint8)


def relit(image: Rgb, strength: float, rng: np.random.Generator) -> Rgb:
    """The same picture under other light, through another lens."""
    if strength <= 0:
        return image
    picture = image.astype(np.float32)
    if rng.random() < 0.2 * strength:
        picture = picture[..., rng.permutation(3)]
    if rng.random() < 0.1 * strength:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    gains = np.exp(rng.normal(scale=0.12 * strength, size=3) + rng.normal(scale=0.2 * strength))
    middle = float(picture.mean())
    contrast = float(np.exp(rng.normal(scale=0.2 * strength)))
    picture = ((picture - middle) * np.float32(contrast) + np.float32(middle)) * gains.astype(np.float32)
    if rng.random() < 0.25 * strength:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.5, 1.5)))
    if rng.random() < 0.5 * strength:
        picture = picture + rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(rng.uniform(0, 8))
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)


def as_input(images: NDArray[np.uint8]) -> Float:
    """(..., 3) colours as the network is shown them, about -2 to 2."""
    return np.asarray((images.astype(np.float32) - COLOR_MEAN) / COLOR_SPREAD, dtype=np.float32)


def as_boxes(rows: Rows) -> Float:
    """(K, 5) rectangles u, v, angle, width, height as the anchors' x, y, w, h, theta."""
    return np.asarray(rows[:, [0, 1, 3, 4, 2]], dtype=np.float32)
