"""Flat prints, the calibration board's and the table marks', drawn as a sensor's pixels average over them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.calibration_board import MARK_DICTIONARY, MARK_SIDE_M, BoardSettings
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, transform
from robot.simulator.cell_body import TABLE_TOP_M

Image = NDArray[np.float32]
Window = tuple[slice, slice]

MARKS_XY_M = ((0.31, 0.27), (0.69, 0.27), (0.31, -0.27), (0.69, -0.27))
"""Middles of the table's marks in the base frame; a mark's place in the list is its id."""

_TEXELS_PER_M = 4000.0
_MARK_MARGIN_M = 0.010
_SUPERSAMPLING = 4
_INK, _PAPER = 0.05, 0.91
_NEAREST_M = 0.01


@dataclass(frozen=True, eq=False)
class Print:
    """A picture in the plane z = 0 of its own frame, x along its columns and y along its rows.

    Attributes:
        picture: (H, W) white is 255.
        texels_per_m: resolution.
        corner_m: x and y of the picture's upper left corner.
    """

    picture: NDArray[np.uint8]
    texels_per_m: float
    corner_m: tuple[float, float]

    def window(self, sensor: Intrinsics, T_sensor_print: Transform) -> Window | None:
        """The pixels that it can touch; None when it is out of sight."""
        rows, columns = np.array(self.picture.shape) / self.texels_per_m
        x, y = self.corner_m
        corners = apply(T_sensor_print, [[x + i * columns, y + j * rows, 0.0] for i in (0, 1) for j in (0, 1)])
        if corners[:, 2].max() < _NEAREST_M:
            return None
        if corners[:, 2].min() < _NEAREST_M:
            return slice(0, sensor.height), slice(0, sensor.width)
        pixels = sensor.project(corners)
        low = np.clip(np.floor(pixels.min(axis=0)).astype(int), 0, (sensor.width, sensor.height))
        high = np.clip(np.ceil(pixels.max(axis=0)).astype(int) + 1, 0, (sensor.width, sensor.height))
        return (slice(low[1], high[1]), slice(low[0], high[0])) if (low < high).all() else None

    def draw(self, sensor: Intrinsics, T_sensor_print: Transform, window: Window) -> tuple[Image, Image]:
        """(h, w) albedo and (h, w) share of each pixel that the print covers, both averaged over the pixel.

        Of pixels whose ray meets the plane behind the sensor the answer means nothing.
        """
        import cv2

        size = (window[1].stop - window[1].start) * _SUPERSAMPLING, (window[0].stop - window[0].start) * _SUPERSAMPLING
        way = self._texels_to_samples(sensor, T_sensor_print, window)
        both = np.dstack([self.picture, np.full_like(self.picture, 255)])
        fine = cv2.warpPerspective(both, way, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        coarse = cv2.resize(fine.astype(np.float32), None, fx=1 / _SUPERSAMPLING, fy=1 / _SUPERSAMPLING,
                            interpolation=cv2.INTER_AREA) / np.float32(255.0)  # fmt: skip
        white, covered = coarse[..., 0], coarse[..., 1]
        albedo = _INK + (_PAPER - _INK) * white / np.maximum(covered, 1e-3)
        return albedo.astype(np.float32), covered

    def _texels_to_samples(self, sensor: Intrinsics, T_sensor_print: Transform, window: Window) -> NDArray[np.float64]:
        """(3, 3) from texels, by their middles, to the samples in the pixels of ``window``."""
        step = 1.0 / self.texels_per_m
        x, y = self.corner_m
        local = np.array([[step, 0.0, x + step / 2], [0.0, step, y + step / 2], [0.0, 0.0, 1.0]])
        plane = T_sensor_print[:3, [0, 1, 3]]
        lens = np.array([[sensor.fx, 0.0, sensor.cx], [0.0, sensor.fy, sensor.cy], [0.0, 0.0, 1.0]])
        n = float(_SUPERSAMPLING)
        left, top = window[1].start, window[0].start
        samples = np.array([[n, 0.0, (0.5 - left) * n - 0.5], [0.0, n, (0.5 - top) * n - 0.5], [0.0, 0.0, 1.0]])
        return np.asarray(samples @ lens @ plane @ local)


@functools.lru_cache(maxsize=4)
def board_print(board: BoardSettings) -> Print:
    """The board's print, in the board's frame; a whole number of texels to a square."""
    texels_per_m = round(_TEXELS_PER_M * board.square_m) / board.square_m
    margin_m = round(board.margin_m * texels_per_m) / texels_per_m
    return Print(board.picture(texels_per_m), texels_per_m, (-margin_m, -margin_m))


@functools.lru_cache(maxsize=len(MARKS_XY_M))
def mark_print(mark_id: int) -> Print:
    """A mark with a white margin, about its middle."""
    import cv2

    side = round(MARK_SIDE_M * _TEXELS_PER_M / 6) * 6  # texels; four modules and the border on either side
    margin = round(_MARK_MARGIN_M * _TEXELS_PER_M)
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARK_DICTIONARY))
    picture = np.pad(cv2.aruco.generateImageMarker(dictionary, mark_id, side), margin, constant_values=255)
    texels_per_m = side / MARK_SIDE_M
    corner_m = -(side / 2 + margin) / texels_per_m
    return Print(picture, texels_per_m, (corner_m, corner_m))


def T_base_mark(mark_id: int) -> Transform:
    """(4, 4) of a mark on the table, print up, upright in the nominal fixed camera's picture."""
    return transform([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]], [*MARKS_XY_M[mark_id], TABLE_TOP_M])
