"""One small picture a trial: what the camera saw around the grasp, with the jaws drawn to scale."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from trials.frames import read_color, read_depth

if TYPE_CHECKING:
    from trials.record import TrialRecord

SIZE_PX = 300  # of the picture
CROP_PX = 150  # of the image, at least: wide enough that an object of a hand's size is seen whole
MAX_BYTES = 22_000
PAD_WIDTH_M = 0.022  # of a finger of the 2F-85, across the closing direction
_SUBPIXEL_BITS = 4

Image: TypeAlias = NDArray[np.uint8]
Picture = Literal["color", "depth"]


def thumbnail(frames: Path, record: TrialRecord, fx: float | None, picture: Picture = "color") -> str | None:
    """A ``data:`` address of a JPEG of the trial, or None if no such frame was stored.

    Where colour is asked for and there is none, depth stands in. The grasp is drawn if ``fx`` [pixels] is known.
    """
    image = read_color(frames, record.trial) if picture == "color" else None
    if image is None:
        depth_m = read_depth(frames, record.trial)
        if depth_m is None:
            return None
        image = depth_as_grey(depth_m)
    return _as_data_address(draw_thumbnail(image, record, fx))


def draw_thumbnail(image: Image, record: TrialRecord, fx: float | None) -> Image:
    """(H, W, 3) RGB -> (SIZE_PX, SIZE_PX, 3) RGB around the grasp, or the whole of it where there is no grasp."""
    height, width = image.shape[:2]
    grasp = record.grasp
    if grasp is None or fx is None:
        return _window(image, (width - 1) / 2, (height - 1) / 2, max(width, height))
    opening_px = grasp["width_m"] * fx / grasp["depth_m"]
    side = float(np.clip(1.8 * opening_px, CROP_PX, max(width, height)))
    u = _centre(grasp["u"], side, width)
    v = _centre(grasp["v"], side, height)
    picture = _window(image, u, v, side)
    scale = SIZE_PX / side
    centre = np.array([grasp["u"] - u, grasp["v"] - v]) * scale + (SIZE_PX - 1) / 2
    _draw_jaws(picture, centre, grasp["angle_rad"], opening_px * scale, PAD_WIDTH_M * fx / grasp["depth_m"] * scale)
    return picture


def depth_as_grey(depth_m: NDArray[np.float32]) -> Image:
    """(H, W) depth [m] -> (H, W, 3): near is light, far is dark, unknown is a dark red."""
    known = depth_m > 0
    image = np.zeros((*depth_m.shape, 3), dtype=np.uint8)
    if known.any():
        near, far = np.percentile(depth_m[known], [0.05, 99.95])
        span = max(float(far - near), 0.02)
        grey = np.clip(235 - 195 * (depth_m - near) / span, 30, 235).astype(np.uint8)
        image[...] = grey[..., None]
    image[~known] = (84, 22, 32)
    return image


def _centre(wanted: float, side: float, length: int) -> float:
    """Move the window's centre so that it stays inside the image where it fits in at all."""
    low, high = (side - 1) / 2, length - 1 - (side - 1) / 2
    return float(np.clip(wanted, low, high)) if low <= high else (length - 1) / 2


def _window(image: Image, u: float, v: float, side: float) -> Image:
    """The square around (u, v), enlarged; grey where it reaches beyond the image."""
    import cv2

    scale = SIZE_PX / side
    image = np.ascontiguousarray(image)
    if scale < 1:  # warpAffine does not average what it leaves out
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        u, v, scale = (u + 0.5) * scale - 0.5, (v + 0.5) * scale - 0.5, 1.0
    middle = (SIZE_PX - 1) / 2
    transform = np.array([[scale, 0, middle - scale * u], [0, scale, middle - scale * v]])
    picture: Image = cv2.warpAffine(
        image, transform, (SIZE_PX, SIZE_PX), flags=cv2.INTER_CUBIC, borderValue=(128, 128, 128)
    )
    return picture


def _draw_jaws(picture: Image, centre: NDArray[np.float64], angle_rad: float, opening_px: float, pad_px: float) -> None:
    closing = np.array([np.cos(angle_rad), np.sin(angle_rad)])
    across = np.array([-closing[1], closing[0]])
    jaws = [centre + side * closing * opening_px / 2 for side in (-1, 1)]
    lines = [(jaw - across * pad_px / 2, jaw + across * pad_px / 2) for jaw in jaws]
    # A dark edge keeps the lines visible on every ground.
    for color, extra in (((20, 20, 20), 3), ((255, 255, 255), 0)):
        _line(picture, jaws[0], jaws[1], color, 1 + extra)
    for color, extra in (((20, 20, 20), 4), ((255, 196, 0), 0)):
        for start, end in lines:
            _line(picture, start, end, color, 5 + extra)
    _dot(picture, centre, (20, 20, 20), 6)
    _dot(picture, centre, (255, 196, 0), 4)


def _fixed_point(point: NDArray[np.float64]) -> tuple[int, int]:
    x, y = np.rint(np.clip(point, -4 * SIZE_PX, 4 * SIZE_PX) * 2**_SUBPIXEL_BITS).astype(int)
    return int(x), int(y)


def _line(
    picture: Image, start: NDArray[np.float64], end: NDArray[np.float64], color: tuple[int, int, int], width: int
) -> None:
    import cv2

    cv2.line(picture, _fixed_point(start), _fixed_point(end), color, width, cv2.LINE_AA, _SUBPIXEL_BITS)


def _dot(picture: Image, centre: NDArray[np.float64], color: tuple[int, int, int], radius: int) -> None:
    import cv2

    cv2.circle(picture, _fixed_point(centre), radius << _SUBPIXEL_BITS, color, -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def _as_data_address(picture: Image) -> str:
    import cv2

    data = b""
    for quality in (84, 70, 55, 40):
        _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        data = encoded.tobytes()
        if len(data) <= MAX_BYTES:
            break
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
