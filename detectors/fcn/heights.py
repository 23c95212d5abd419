"""What map networks see: heights above the table, in the units of ``detectors.oneshot.looking``, or colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.fcn.settings import STEP_M, VIEW_PX
from detectors.oneshot.looking import HEIGHT_HIGH, HEIGHT_LOW, HEIGHT_UNIT_M

Image = NDArray[np.float32]
_BOW_LIMIT_M = 0.008
_COLOR_MEAN, _COLOR_SPREAD = 127.5, 64.0


def height_map(depth_m: Image, camera: NDArray[np.float32], table: NDArray[np.float32]) -> tuple[Image, float]:
    """Heights, and the table's depth in the middle.

    Args:
        depth_m: (H, W) without holes [m].
        camera: (4,) fx, fy, cx, cy [px].
        table: (10,) as in ``detectors.oneshot.looking.Images``.

    Returns:
        (H, W) heights above the table [m]; the table's depth at the image's middle [m].
    """
    fx, fy, cx, cy = (float(value) for value in camera)
    rows, columns = depth_m.shape
    x = ((np.arange(columns, dtype=np.float32) - cx) / fx)[None, :].astype(np.float32)
    y = ((np.arange(rows, dtype=np.float32) - cy) / fy)[:, None].astype(np.float32)
    n, offset, c = table[:3], table[3], table[4:]
    bow = np.clip(c[0] + x * (c[1] + c[3] * x + c[4] * y) + y * (c[2] + c[5] * y), -_BOW_LIMIT_M, _BOW_LIMIT_M)
    facing = n[0] * x + n[1] * y + n[2]
    heights = depth_m * facing - offset - bow
    middle = float(((offset + bow) / facing)[rows // 2, columns // 2])
    return heights.astype(np.float32, copy=False), middle


def height_image(depth_m: Image, camera: NDArray[np.float32], table: NDArray[np.float32]) -> tuple[Image, float]:
    """(H, W) heights as a network is shown them, and the table's depth in the middle [m]; see ``height_map``."""
    heights, middle = height_map(depth_m, camera, table)
    return shown(heights), middle


def shown(height_m: Image) -> Image:
    """Heights [m] as a network is shown them: in units of 4 cm, clipped to what a grasp can have to do with."""
    return np.asarray(np.clip(height_m / np.float32(HEIGHT_UNIT_M), HEIGHT_LOW, HEIGHT_HIGH), dtype=np.float32)


def metric_scale(table_depth_m: float, focal_px: float) -> float:
    """Pixels of a view for one of a depth image."""
    return table_depth_m / (focal_px * STEP_M)


def color_image(color: NDArray[np.uint8]) -> Image:
    """(H, W, 3) colours as a network is shown them, about -2 to 2."""
    return np.asarray((color.astype(np.float32) - _COLOR_MEAN) / _COLOR_SPREAD, dtype=np.float32)


def color_scale(shape: tuple[int, ...]) -> float:
    """Pixels of a view for one of a colour image: its longer side fills the view."""
    return VIEW_PX / max(shape[:2])
