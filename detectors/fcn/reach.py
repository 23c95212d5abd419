"""How deep a grasp goes, from the heights about it: the maps say where, at which angle and how wide, but not that.

GG-CNN took the depth at the grasp's pixel. Here the fingertips go down beside what stands between the jaws as far as
the pads reach below where they meet it, but not onto what the open fingers come down on, and never to the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.settings import AntipodalSettings
from detectors.fcn.settings import STEP_M

Array = NDArray[np.float64]

_GRIPPER = AntipodalSettings()
_LINE_M = 0.004  # pixels this near to the closing line are what the pads close on
_PITCH_M = 0.002
_MARGIN_M = 0.002
_STANDS_M = 0.005
_CONTACT_DEPTH_M = 0.005  # the height of a contact is read off within this of the rim
_PLAY_M = (0.010, 0.005, 0.0)
_HIGHEST, _UNDER = 90.0, 85.0  # percentiles: single pixels at an edge hang in the air


@dataclass(frozen=True)
class Reach:
    """How a grasp goes down: height of the grasp point above the table, and opening before closing [m]."""

    height_m: float
    width_m: float


def reach(height_m: NDArray[np.float32], row: float, column: float, angle_rad: float, width_m: float) -> Reach:
    """How far down, and with how much play, the jaws go where the maps say that they should.

    The opening on the map is the mean of what holds there; cell and camera are some millimetres off, so the jaws open
    wider by up to 10 mm where nothing is in the way.

    Args:
        height_m: (H, W) a view's heights above the table [m], 1.25 mm a pixel.
        row, column: the grasp's pixel in it.
        angle_rad: closing direction from the view's x towards its y axis.
        width_m: opening of the jaws, as wide as it looks at the table.
    """
    widest = _GRIPPER.stroke_m / 2 + _GRIPPER.finger_thickness_m
    along = np.arange(-widest, widest + _PITCH_M / 2, _PITCH_M)
    across = np.arange(-_GRIPPER.finger_width_m / 2, _GRIPPER.finger_width_m / 2 + _PITCH_M / 2, _PITCH_M)
    strip = _look_up(height_m, row, column, angle_rad, along, across)
    openings = [min(width_m + play, max(_GRIPPER.stroke_m, width_m)) for play in _PLAY_M]
    reaches = [Reach(_grasp_height_m(strip, along, across, opening), opening) for opening in openings]
    return min(reaches, key=lambda one: (round(one.height_m, 3), -one.width_m))


def _grasp_height_m(strip: NDArray[np.float32], along: Array, across: Array, width_m: float) -> float:
    """Height of the grasp point above the table [m], from the (across, along) heights about it."""
    half = min(width_m / 2, along[-1] - _GRIPPER.finger_thickness_m)
    between, line = np.abs(along) <= half, np.abs(across) <= _LINE_M
    top = float(np.percentile(strip[np.ix_(line, between)], _HIGHEST))
    left, right = (
        (side >= half) & (side <= half + _GRIPPER.finger_thickness_m + _PITCH_M / 2) for side in (-along, along)
    )
    under = max(float(np.percentile(strip[:, side], _UNDER)) for side in (left, right))
    contact = _contact_height_m(np.median(strip[line][:, between], axis=0), along[between], top)
    tip = max(contact - _GRIPPER.pad_reach_m, top - _GRIPPER.max_reach_m)
    tip = max(tip, under + _MARGIN_M if under > _GRIPPER.min_height_m else 0.0)
    if tip <= _GRIPPER.tip_margin_m:  # on the table: as the antipodal detector, half-way up what is low
        return max(min(_GRIPPER.tip_margin_m + _GRIPPER.tip_to_centre_m, top / 2), 0.0)
    return tip + _GRIPPER.tip_to_centre_m


def _contact_height_m(heights: NDArray[np.float32], along: Array, top: float) -> float:
    """Height of what the pads meet first, on the lower side [m]: of a ball that is far below its top.

    Args:
        heights: (n,) along the closing line, between the jaws [m].
        along: (n,) where [m].
        top: what to say where nothing stands on the line.
    """
    stands = along[heights > _STANDS_M]
    if len(stands) == 0:
        return top
    first, last = stands[0], stands[-1]
    left = heights[(along >= first) & (along <= first + _CONTACT_DEPTH_M)]
    right = heights[(along <= last) & (along >= last - _CONTACT_DEPTH_M)]
    return min(float(left.max()), float(right.max()), top)


def _look_up(
    height_m: NDArray[np.float32], row: float, column: float, angle_rad: float,
    along: Array, across: Array,
) -> NDArray[np.float32]:  # fmt: skip
    """(across, along) heights on a lattice turned into the closing direction, by the nearest pixels."""
    a, b = np.meshgrid(along / STEP_M, across / STEP_M)
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    columns = np.clip(np.rint(column + c * a - s * b), 0, height_m.shape[1] - 1).astype(np.intp)
    rows = np.clip(np.rint(row + s * a + c * b), 0, height_m.shape[0] - 1).astype(np.intp)
    return height_m[rows, columns]
