"""How deep a grasp goes, and with how much play: the maps say where, at which angle and how wide, but not that.

GG-CNN took the depth at the grasp's pixel. Here the fingertips go down beside what stands between the jaws as far as
the pads reach below where they meet it; but not onto what the open fingers come down on, not so far that the palm meets
something, and not to the table. The rules and the gripper's measures are those of the antipodal detector; like it, they
are applied to heights seen along the optical axis, for in the picture itself a tall thing leans over its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.settings import AntipodalSettings
from robot.frame import Intrinsics

Array = NDArray[np.float64]
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

_GRIPPER = AntipodalSettings()
_CELL_M = 0.002
_LINE_M = 0.004  # lines this near to the middle are what the pads close on
_STANDS_M = 0.005
_CONTACT_DEPTH_M = 0.005  # the height of a contact is read off within this of the rim
_PLAY_M = (0.010, 0.005, 0.0)
_FLAT_M, _HELD_M, _HELD_SHARE = 0.002, 0.012, 0.4  # of the uppermost 12 mm the pads must meet so much
_STRAY = 3  # so many lines must agree: single pixels at an edge hang in the air


@dataclass(frozen=True, eq=False)
class Surface:
    """What the camera saw, as heights.

    Attributes:
        depth_m: (H, W) without holes [m].
        height_m: (H, W) above the table [m].
        measured: (H, W) False where a hole was filled.
        camera: of the image.
    """

    depth_m: Map
    height_m: Map
    measured: Mask
    camera: Intrinsics


@dataclass(frozen=True)
class Reach:
    """How a grasp goes down.

    Attributes:
        height_m: of the grasp point above the table.
        width_m: opening before closing.
        seen: share of what the worse of the two fingers comes down on that was measured.
        engages: whether the tips come to lie far enough below the top of what stands between them to hold it.
    """

    height_m: float
    width_m: float
    seen: float
    engages: bool = True


@dataclass(frozen=True, eq=False)
class Strip:
    """Heights about a grasp, seen along the optical axis and turned into its closing direction.

    Attributes:
        height_m: (lines, steps) the highest point in each cell, 0 where there is none [m].
        seen: (lines, steps) whether anything was measured there.
        across, along: (lines,), (steps,) the cells' places [m].
    """

    height_m: Map
    seen: Mask
    across: Array
    along: Array


def reach(surface: Surface, centre_m: Array, angle_rad: float, width_m: float) -> Reach:
    """How far down, and with how much play, the jaws go where the maps say that they should.

    The opening on the map is the mean of what holds there; cell and camera are some millimetres off, so the jaws open
    wider by up to 10 mm where nothing is in the way.

    Args:
        surface: what the camera saw.
        centre_m: (2,) of the grasp, across the optical axis, in the camera's frame [m].
        angle_rad: closing direction from the camera's x towards its y axis.
        width_m: opening of the jaws.
    """
    side = max(_GRIPPER.palm_width_m / 2, _GRIPPER.stroke_m / 2 + _GRIPPER.finger_thickness_m) + _CELL_M
    strip = cut_strip(surface, centre_m, angle_rad, side)
    openings = dict.fromkeys(min(width_m + play, _GRIPPER.stroke_m) for play in _PLAY_M)
    found = [_reach(strip, opening) for opening in openings]
    return min(found, key=lambda one: (round(one.height_m, 3), -one.width_m))


def cut_strip(surface: Surface, centre_m: Array, angle_rad: float, side_m: float) -> Strip:
    """The heights within ``side_m`` of a grasp's centre, along and across its closing direction."""
    rows, columns = _window(surface, centre_m, side_m * np.sqrt(2.0))
    depth = surface.depth_m[rows, columns]
    u, v = np.arange(columns.start, columns.stop), np.arange(rows.start, rows.stop)
    x = (u[None, :] - surface.camera.cx) / surface.camera.fx * depth - centre_m[0]
    y = (v[:, None] - surface.camera.cy) / surface.camera.fy * depth - centre_m[1]
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    count = round(side_m / _CELL_M)
    place: Array = np.arange(-count, count + 1, dtype=np.float64) * _CELL_M
    step, line = (np.rint(value / _CELL_M).astype(np.intp) + count for value in (x * c + y * s, y * c - x * s))
    inside = (step >= 0) & (step < len(place)) & (line >= 0) & (line < len(place))
    flat = (line * len(place) + step)[inside]
    heights = np.zeros(len(place) ** 2, dtype=np.float32)
    np.maximum.at(heights, flat, surface.height_m[rows, columns][inside])
    seen = np.bincount(flat, surface.measured[rows, columns][inside], len(place) ** 2) > 0
    shape = (len(place), len(place))
    return Strip(heights.reshape(shape), seen.reshape(shape), place, place)


def _window(surface: Surface, centre_m: Array, side_m: float) -> tuple[slice, slice]:
    """Rows and columns in which everything within ``side_m`` of a place can appear, near or far from the camera."""
    K, (height, width) = surface.camera, surface.depth_m.shape
    near, far = float(surface.depth_m.min()), float(surface.depth_m.max())

    def bounds(centre: float, focal: float, middle: float, size: int) -> slice:
        ends = [(centre + sign * side_m) / z * focal + middle for sign in (-1, 1) for z in (near, far)]
        return slice(int(np.clip(min(ends), 0, size - 1)), int(np.clip(max(ends), 0, size - 1)) + 1)

    return bounds(centre_m[1], K.fy, K.cy, height), bounds(centre_m[0], K.fx, K.cx, width)


def _reach(strip: Strip, width_m: float) -> Reach:
    """With the jaws open so wide."""
    half, thick = width_m / 2, _GRIPPER.finger_thickness_m
    pad = np.abs(strip.across) <= _GRIPPER.finger_width_m / 2
    ridge = np.sort(strip.height_m[pad], axis=0)[-_STRAY]
    line = np.median(strip.height_m[np.abs(strip.across) <= _LINE_M], axis=0)
    out = np.abs(strip.along)
    between, under = out <= half, (out >= half) & (out <= half + thick)
    top = float(ridge[between].max())
    landing = float(ridge[under].max())
    palm = out <= _GRIPPER.palm_width_m / 2
    above = float(np.sort(strip.height_m[np.ix_(palm, palm)], axis=None)[-(_STRAY**2)])
    tip = max(
        _contact_height_m(line[between], strip.along[between], top) - _GRIPPER.pad_reach_m,
        top - _GRIPPER.max_reach_m,
        above - _GRIPPER.palm_reach_m,
        landing + _GRIPPER.tip_margin_m if landing > _STANDS_M else 0.0,
        _GRIPPER.tip_margin_m,
    )
    seen = min(float(strip.seen[np.ix_(pad, under & side)].mean()) for side in (strip.along < 0, strip.along > 0))
    low = top / 2 if tip <= _GRIPPER.tip_margin_m else np.inf  # on the table: half-way up what is low
    engages = top > _FLAT_M and top - tip >= _HELD_SHARE * min(top, _HELD_M)
    return Reach(max(min(tip + _GRIPPER.tip_to_centre_m, low), 0.0), width_m, seen, engages)


def _contact_height_m(heights: Map, along: Array, top: float) -> float:
    """Height of what the pads meet first, on the lower side [m]: of a ball that is far below its top.

    Args:
        heights: (n,) along the closing line, between the jaws [m].
        along: (n,) where [m].
        top: what to say where nothing stands on the line.
    """
    stands = heights > _STANDS_M
    if not stands.any():
        return top
    middle = len(along) // 2
    if stands[middle]:  # what stands there is meant, and not a neighbour that lies between the jaws as well
        gaps = np.flatnonzero(~stands)
        stands[: max(gaps[gaps < middle], default=0)] = False
        stands[min(gaps[gaps > middle], default=len(along)) :] = False
    first, last = along[stands][[0, -1]]
    left = heights[(along >= first) & (along <= first + _CONTACT_DEPTH_M)]
    right = heights[(along <= last) & (along >= last - _CONTACT_DEPTH_M)]
    return min(float(left.max()), float(right.max()), top)
