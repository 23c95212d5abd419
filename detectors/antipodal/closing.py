"""Closing the gripper on the height map: what each candidate's fingers come down on, and where the pads touch.

Every candidate gets a strip of the map, turned into its closing direction: ``heights[n, line, step]``, with the lines
side by side across a pad's width and the steps along the closing direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.sampling import Pairs
from detectors.antipodal.scene import Scene
from detectors.antipodal.settings import AntipodalSettings
from robot import gripper_geometry

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CONTACT_DEPTH_M = 0.005  # the pads' height of contact is read off this far into the object
_CENTRAL_M = 0.004  # lines this near to the middle count as the closing line itself
_PATCH_M = 0.0025  # pad lines that touch within this of the first are pressed on as the rubber gives
_SPARE_M = 0.004  # the pads start closing this far outside the pair


@dataclass(frozen=True)
class Strips:
    """The map around every candidate.

    Attributes:
        heights: (n, lines, steps) float32 heights above the table [m].
        unknown: (n, lines, steps) True where nothing was measured.
        lines: positions across the closing direction [m].
        steps: positions along it, from the pair's midpoint [m].
        cell_m: distance between steps [m].
    """

    heights: NDArray[np.float32]
    unknown: Mask
    lines: Array
    steps: Array
    cell_m: float

    def central(self) -> NDArray[np.float32]:
        """(n, steps) heights along the closing line."""
        middle = self.heights[:, np.abs(self.lines) < _CENTRAL_M, :]  # lines lie evenly about 0: their count is odd
        return _nth_highest(middle, (middle.shape[1] + 1) // 2)

    def ridge(self) -> NDArray[np.float32]:
        """(n, steps) the highest point across the pad's width, but for two stray ones."""
        return _nth_highest(self.heights, 3)


@dataclass(frozen=True)
class Touch:
    """Where the pads first meet the object; positions along the axis from the pair's midpoint [m].

    Attributes:
        low, high: (n,) first contacts of the two pads.
        tilt_rad: (n,) the larger angle between a pad and the face it meets.
        patch: (n,) the smaller share of a pad's width that is pressed on.
        found: (n,) True where both pads meet something.
    """

    low: Array
    high: Array
    tilt_rad: Array
    patch: Array
    found: Mask


def cut_strips(scene: Scene, pairs: Pairs, settings: AntipodalSettings) -> Strips:
    """Look the map up around every pair, as far as the open fingers reach."""
    half_width = settings.finger_width_m / 2
    side = int(np.ceil(half_width / max(scene.cell_m, 0.002)))
    lines: Array = np.arange(-side, side + 1, dtype=np.float64) * (half_width / side)
    reach = settings.stroke_m / 2 + settings.finger_thickness_m + 2 * scene.cell_m
    count = int(np.ceil(reach / scene.cell_m))
    steps: Array = np.arange(-count, count + 1, dtype=np.float64) * scene.cell_m
    axis = pairs.axis.astype(np.float32)
    across = np.stack([-axis[:, 1], axis[:, 0]], axis=1)
    start = (pairs.centre_m - np.asarray(scene.origin_m)).astype(np.float32) / np.float32(scene.cell_m)
    t, k = (lines / scene.cell_m).astype(np.float32), (steps / scene.cell_m).astype(np.float32)

    def cell_index(d: int, limit: int) -> NDArray[np.int32]:
        base = start[:, d, None, None] + across[:, d, None, None] * t[None, :, None]
        index = np.clip(np.rint(base + axis[:, d, None, None] * k), 0, limit - 1)
        return np.asarray(index, dtype=np.int32)

    rows, columns = scene.height_m.shape
    flat = cell_index(1, rows) * np.int32(columns) + cell_index(0, columns)
    return Strips(scene.height_m.ravel()[flat], (~scene.known).ravel()[flat], lines, steps, scene.cell_m)


def contact_heights(strips: Strips, width_m: Array) -> tuple[Array, Array]:
    """Heights of the object just inside the two contacts: the lower and the higher [m]."""
    central, steps, outer = strips.central(), strips.steps, width_m[:, None] / 2
    inner = np.maximum(outer - _CONTACT_DEPTH_M, outer / 2)
    left = np.where((steps <= -inner) & (steps >= -outer), central, 0.0).max(axis=1)
    right = np.where((steps >= inner) & (steps <= outer), central, 0.0).max(axis=1)
    return np.minimum(left, right).astype(np.float64), np.maximum(left, right).astype(np.float64)


def heights_around(strips: Strips, width_m: Array, scene: Scene, settings: AntipodalSettings) -> tuple[Array, Array]:
    """Highest point between the contacts, and what the open fingers come down on (0 for bare table) [m]."""
    ridge, out = strips.ridge(), np.abs(strips.steps)
    top = np.where(out <= width_m[:, None] / 2 + 0.002, ridge, 0.0).max(axis=1)
    play = settings.clearances_m[len(settings.clearances_m) // 2]
    beyond = out - np.minimum(width_m / 2 + play, settings.stroke_m / 2)[:, None]
    under = np.where((beyond >= 0) & (beyond <= settings.finger_thickness_m), ridge, 0.0).max(axis=1)
    return top.astype(np.float64), np.where(under > scene.clear_height_m, under, 0.0).astype(np.float64)


def highest_nearby(scene: Scene, points_m: Array, width_m: float) -> Array:
    """Highest point of the map within a square of ``width_m`` about each point [m]."""
    coarse = 4  # cells; a palm needs no finer map
    rows, columns = scene.cells(points_m)
    local = cv2.dilate(scene.height_m, np.ones((2 * coarse - 1, 2 * coarse - 1), np.uint8))[::coarse, ::coarse]
    size = 2 * max(1, round((width_m / 2 / scene.cell_m - coarse) / coarse)) + 1
    wide = cv2.dilate(np.ascontiguousarray(local), np.ones((size, size), np.uint8))
    limit_row, limit_column = wide.shape[0] - 1, wide.shape[1] - 1
    return np.asarray(
        wide[np.minimum(rows // coarse, limit_row), np.minimum(columns // coarse, limit_column)], dtype=np.float64
    )


def still_to_come_m(width_m: Array) -> Array:
    """How much lower the tips would get if the jaws closed fully from ``width_m`` [m]; never negative."""
    widths = np.linspace(0.0, 0.09, 46)
    return np.interp(width_m, widths, [gripper_geometry.still_to_come_m(w) for w in widths])


def close_pads(strips: Strips, tip_m: Array, width_m: Array, scene: Scene) -> Touch:
    """Move both pads inwards until they meet what stands higher than the tips."""
    above = np.maximum(tip_m + 0.001, 0.8 * scene.object_height_m)  # at the table the noise must not count as object
    solid = strips.heights > above[:, None, None]
    start, steps = (width_m / 2 + _SPARE_M)[:, None, None], strips.steps
    low, low_patch, low_tilt = _first(solid & (steps >= -start) & (steps <= 0), strips.lines, steps)
    high, high_patch, high_tilt = _first((solid & (steps <= start) & (steps >= 0))[:, :, ::-1], strips.lines, steps)
    found = np.isfinite(low) & np.isfinite(high)
    low, high = np.where(found, low, 0.0) - strips.cell_m / 2, np.where(found, -high, 0.0) + strips.cell_m / 2
    return Touch(low, high, np.maximum(low_tilt, high_tilt), np.minimum(low_patch, high_patch), found)


def _nth_highest(heights: NDArray[np.float32], nth: int) -> NDArray[np.float32]:
    """(n, lines, steps) -> (n, steps), the nth highest over the lines; for a small nth far faster than partitioning."""
    highest = [np.full(heights[:, 0].shape, -np.inf, dtype=np.float32) for _ in range(nth)]
    for line in range(heights.shape[1]):
        falling = heights[:, line]
        for place in range(nth):
            highest[place], falling = np.maximum(highest[place], falling), np.minimum(highest[place], falling)
    return highest[-1]


def _first(solid: Mask, lines: Array, steps: Array) -> tuple[Array, Array, Array]:
    """First touch from the low end: position [m] (inf for none), share of the pad pressed on, the face's tilt [rad]."""
    hit = solid.any(axis=2)
    where = np.where(hit, steps[solid.argmax(axis=2)], np.inf)
    second = np.partition(where, 1, axis=1)[:, 1]  # one line alone may be a stray cell
    first = np.where(np.isfinite(second), second, where.min(axis=1))
    behind = np.where(hit, where, 0.0) - np.where(np.isfinite(first), first, 0.0)[:, None]
    pressed = hit & (behind <= _PATCH_M)
    weight = (hit & (behind <= 2 * _PATCH_M)).astype(np.float64)
    total = np.maximum(weight.sum(axis=1), 1.0)
    mean_line, mean_behind = (weight * lines).sum(axis=1) / total, (weight * behind).sum(axis=1) / total
    centred = lines - mean_line[:, None]
    spread = (weight * centred**2).sum(axis=1)
    slope = (weight * centred * (behind - mean_behind[:, None])).sum(axis=1) / np.maximum(spread, 1e-9)
    # Too short a face says nothing about its tilt.
    tilt = np.where(spread > 0.003**2 * total, np.abs(np.arctan(slope)), 0.0)
    return first, pressed.mean(axis=1), tilt


def find_room(
    strips: Strips, tip_m: Array, touch: Touch, scene: Scene, settings: AntipodalSettings
) -> tuple[Array, Array]:
    """The opening with the most room for both fingers [m], and how much room that is, in [0, 1]."""
    width, middle = touch.high - touch.low, (touch.high + touch.low) / 2
    obstacle = strips.heights > np.maximum(tip_m - 0.002, scene.clear_height_m)[:, None, None]
    blocked, unknown = obstacle.mean(axis=1), strips.unknown.mean(axis=1)
    best = np.zeros(len(width))
    opening = np.clip(width + 2 * min(settings.clearances_m), 1e-3, settings.stroke_m)
    for play in settings.clearances_m:
        jaw = np.clip(width + 2 * play, 1e-3, settings.stroke_m)
        share, dark = np.zeros(len(width)), np.zeros(len(width))
        for side in (-1.0, 1.0):
            along = side * (strips.steps - middle[:, None]) - jaw[:, None] / 2
            finger = (along >= -strips.cell_m / 2) & (along <= settings.finger_thickness_m)
            cells = np.maximum(finger.sum(axis=1), 1)
            share = np.maximum(share, (blocked * finger).sum(axis=1) / cells)
            dark = np.maximum(dark, (unknown * finger).sum(axis=1) / cells)
        free = np.clip(1.0 - share / 0.06, 0.0, 1.0) * (1.0 - 0.5 * dark)
        room = free * np.clip((jaw - width) / 2 / 0.008, 0.0, 1.0) ** 0.5
        better = room > best + 1e-9
        best, opening = np.where(better, room, best), np.where(better, jaw, opening)
    return opening, best
