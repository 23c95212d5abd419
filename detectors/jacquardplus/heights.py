"""How deep a predicted rectangle goes: a fixed rule on the true geometry, for a picture says nothing about depth.

The fingertips go down beside what stands between the jaws, as deep as the pads reach below the place where they meet
it; but not onto what the open fingers come down on, not so far that the palm meets something, and not to the table.
The rules and the gripper's measures are those of the detectors (``detectors.antipodal.settings``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.settings import AntipodalSettings
from detectors.synthesis.grasp_frames import TIP_BELOW_GRASP_M
from detectors.synthesis.ray_casting import RayCaster
from robot.gripper_geometry import closed_tip_drop_m, still_to_come_m

Array = NDArray[np.float64]

_GRIPPER = AntipodalSettings()
_CELL_M = 0.0015
_LINE_M = 0.004  # lines this near to the middle are what the pads close on
_STANDS_M = 0.001
_RIM_M = 0.005  # the height of a contact is read off within this of the rim
_ABOVE_M = 1.0


@dataclass(frozen=True, eq=False)
class Strip:
    """True heights about a grasp, turned into its closing direction.

    Attributes:
        height_m: (lines, steps) of what stands there, 0 for the table.
        across_m, along_m: (lines,), (steps,) the cells' places.
    """

    height_m: Array
    across_m: Array
    along_m: Array


def cut_strip(caster: RayCaster, centre_xy_m: Array, yaw_rad: float) -> Strip:
    """The heights under the open gripper about a place on the table."""
    side = max(_GRIPPER.palm_width_m / 2, _GRIPPER.stroke_m / 2 + _GRIPPER.finger_thickness_m)
    count = round(side / _CELL_M)
    place: Array = np.arange(-count, count + 1, dtype=np.float64) * _CELL_M
    along, across = np.meshgrid(place, place)
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    points = np.stack([centre_xy_m[0] + along * c - across * s, centre_xy_m[1] + along * s + across * c,
                       np.full(along.shape, _ABOVE_M)], axis=-1)  # fmt: skip
    flown, _ = caster.cast(points, np.array([0.0, 0.0, -1.0]))
    return Strip(np.where(np.isfinite(flown), np.maximum(_ABOVE_M - flown, 0.0), 0.0), place, place)


def centre_height_m(strip: Strip, width_m: float) -> float:
    """Height of the grasp point at which the tips stand as deep as the rule says when the pads touch.

    Args:
        strip: about the grasp.
        width_m: opening of the jaws before closing.
    """
    tip, touching = _tip(strip, width_m)
    return max(tip + closed_tip_drop_m(width_m, TIP_BELOW_GRASP_M) - still_to_come_m(touching), 0.0)


def _tip(strip: Strip, width_m: float) -> tuple[float, float]:
    """Height of the tips when the pads touch, and how far apart the pads are then [m]."""
    half, thick = width_m / 2, _GRIPPER.finger_thickness_m
    out = np.abs(strip.along_m)
    pad = np.abs(strip.across_m) <= _GRIPPER.finger_width_m / 2
    ridge = strip.height_m[pad].max(axis=0)
    line = np.median(strip.height_m[np.abs(strip.across_m) <= _LINE_M], axis=0)
    between = out <= max(half, _CELL_M)
    palm = strip.height_m[np.ix_(np.abs(strip.across_m) <= _GRIPPER.palm_width_m / 2, out <= _GRIPPER.palm_width_m / 2)]
    landing = float(ridge[(out >= half) & (out <= half + thick)].max())
    top = float(ridge[between].max())
    contact, touching = _contact(line[between], strip.along_m[between], max(landing, _STANDS_M), top)
    tip = max(
        contact - _GRIPPER.pad_reach_m,
        top - _GRIPPER.max_reach_m,
        float(palm.max()) - _GRIPPER.palm_reach_m,
        landing + _GRIPPER.tip_margin_m if landing > _STANDS_M else 0.0,
        _GRIPPER.tip_margin_m,
    )
    return tip, touching


def _contact(heights_m: Array, along_m: Array, floor_m: float, top_m: float) -> tuple[float, float]:
    """Height of what the pads meet first, on its lower side, and how wide it is [m].

    Args:
        heights_m: (n,) along the closing line, between the jaws.
        along_m: (n,) where.
        floor_m: what is no higher than this is below the tips.
        top_m: what to say where nothing stands on the line.
    """
    stands = heights_m > floor_m
    if not stands.any():
        return top_m, 0.0
    middle = len(along_m) // 2
    if stands[middle]:  # what stands there is meant, and not a neighbour that lies between the jaws as well
        gaps = np.flatnonzero(~stands)
        stands[: max(gaps[gaps < middle], default=0)] = False
        stands[min(gaps[gaps > middle], default=len(along_m)) :] = False
    first, last = along_m[stands][[0, -1]]
    left = heights_m[(along_m >= first) & (along_m <= first + _RIM_M)]
    right = heights_m[(along_m <= last) & (along_m >= last - _RIM_M)]
    return min(float(left.max()), float(right.max()), top_m), float(last - first)
