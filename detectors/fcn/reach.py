"""How deep a grasp goes, from the heights about it: the maps say where, at which angle and how wide, but not that.

GG-CNN took the depth at the grasp's pixel. Here the fingertips go down beside what stands between the jaws as far as
the pads reach, but not onto what the open fingers come down on, and never to the table.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.settings import AntipodalSettings
from detectors.fcn.settings import STEP_M

_GRIPPER = AntipodalSettings()
_LINE_M = 0.004  # pixels this near to the closing line are what the pads close on
_PITCH_M = 0.002
_MARGIN_M = 0.002
_HIGHEST, _UNDER = 90.0, 85.0  # percentiles: single pixels at an edge hang in the air


def grasp_height_m(height_m: NDArray[np.float32], row: float, column: float, angle_rad: float, width_m: float) -> float:
    """Height of the grasp point above the table [m].

    Args:
        height_m: (H, W) a view's heights above the table [m], 1.25 mm a pixel.
        row, column: the grasp's pixel in it.
        angle_rad: closing direction from the view's x towards its y axis.
        width_m: opening of the jaws, as wide as it looks at the table.
    """
    half, finger = width_m / 2, _GRIPPER.finger_thickness_m
    along = np.arange(-half - finger, half + finger + _PITCH_M / 2, _PITCH_M)
    across = np.arange(-_GRIPPER.finger_width_m / 2, _GRIPPER.finger_width_m / 2 + _PITCH_M / 2, _PITCH_M)
    strip = _look_up(height_m, row, column, angle_rad, along, across)
    between, line = np.abs(along) <= half, np.abs(across) <= _LINE_M
    top = float(np.percentile(strip[np.ix_(line, between)], _HIGHEST))
    under = max(float(np.percentile(strip[:, side], _UNDER)) for side in (along <= -half, along >= half))
    tip = max(top - _GRIPPER.pad_reach_m, under + _MARGIN_M if under > _GRIPPER.min_height_m else 0.0)
    tip = max(tip, _GRIPPER.tip_margin_m)
    return max(min(tip + _GRIPPER.tip_to_centre_m, top / 2 if tip <= _GRIPPER.tip_margin_m else math.inf), 0.0)


def _look_up(
    height_m: NDArray[np.float32], row: float, column: float, angle_rad: float,
    along: NDArray[np.float64], across: NDArray[np.float64],
) -> NDArray[np.float32]:  # fmt: skip
    """(across, along) heights on a lattice turned into the closing direction, by the nearest pixels."""
    a, b = np.meshgrid(along / STEP_M, across / STEP_M)
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    columns = np.clip(np.rint(column + c * a - s * b), 0, height_m.shape[1] - 1).astype(np.intp)
    rows = np.clip(np.rint(row + s * a + c * b), 0, height_m.shape[0] - 1).astype(np.intp)
    return height_m[rows, columns]
