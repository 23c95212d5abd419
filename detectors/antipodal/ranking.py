"""How good a pair is for this gripper, as a product of terms in [0, 1] that each ask one question.

Do the pads meet the faces squarely and on enough of their width? How deep do they overlap with the object? Is there
room for the open fingers, on bare table? Is it object that lies between the pads, and does its weight hang near them?
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.closing import (
    Strips,
    Touch,
    close_pads,
    contact_heights,
    cut_strips,
    find_room,
    heights_around,
    highest_nearby,
    still_to_come_m,
)
from detectors.antipodal.sampling import Pairs
from detectors.antipodal.scene import Mask, Scene
from detectors.antipodal.settings import AntipodalSettings

Array = NDArray[np.float64]

_MIN_OVERLAP_M, _FULL_OVERLAP_M = 0.001, 0.013
_TORQUE_ARM_M = 0.045  # lever at which the object's weight halves the trust in a grasp
_SAFE_GAP_M, _FAR_GAP_M = 0.010, 0.030


@dataclass(frozen=True)
class Candidates:
    """Grasps with what the ranking has measured on them; learned detectors rank these anew.

    Attributes:
        centre_m: (n, 2) midpoint between the pads' first contacts in the camera's x, y [m].
        axis: (n, 2) unit closing direction in the camera's x, y.
        contact_width_m: (n,) distance between the first contacts [m].
        opening_m: (n,) jaw opening before closing [m], at most the stroke.
        tip_height_m: (n,) height of the fingertips above the table at contact [m].
        centre_height_m: (n,) height of the grasp centre above the table [m].
        owner: (n,) index of the object.
        quality: (n,) in [0, 1]; 0 where the grasp cannot be carried out.
    """

    centre_m: Array
    axis: Array
    contact_width_m: Array
    opening_m: Array
    tip_height_m: Array
    centre_height_m: Array
    owner: NDArray[np.int32]
    quality: Array

    def __len__(self) -> int:
        return len(self.quality)

    def __getitem__(self, chosen: NDArray[np.intp] | Mask) -> Candidates:
        return Candidates(*(getattr(self, f.name)[chosen] for f in fields(self)))


@dataclass(frozen=True)
class Closing:
    """What happens when the jaws close on each pair, by the gripper's geometry alone.

    Attributes:
        strips: the map about each pair.
        touch: where the pads meet the object, with the tips at their lowest.
        contact_m, higher_m: (n,) heights of the object at the lower and the higher contact [m].
        under_m: (n,) what the open fingers come down on, 0 for bare table [m].
        table_floor_m: (n,) lowest height of the tips over bare table [m].
        floor_m: (n,) lowest height of the tips that table, neighbours and the palm allow [m].
        tip_m: (n,) as deep as the tips can go and need to go [m].
        centre_m: (n, 2) midpoint between the first contacts in the camera's x, y [m].
        width_m: (n,) distance between the first contacts [m].
        possible: (n,) False where the pads miss the object or it does not fit between them.
    """

    strips: Strips
    touch: Touch
    contact_m: Array
    higher_m: Array
    under_m: Array
    table_floor_m: Array
    floor_m: Array
    tip_m: Array
    centre_m: Array
    width_m: Array
    possible: Mask


def close_on(scene: Scene, pairs: Pairs, settings: AntipodalSettings) -> Closing:
    """Find out where the tips can go and what the pads meet there. The order of the pairs is kept."""
    strips = cut_strips(scene, pairs, settings)
    contact, higher = contact_heights(strips, pairs.width_m)
    top, under = heights_around(strips, pairs.width_m, scene, settings)
    table_floor = settings.tip_margin_m + still_to_come_m(pairs.width_m)  # closing on nothing must not hit the table
    landing = np.where(under > 0.0, under + settings.tip_margin_m, 0.0)
    palm = highest_nearby(scene, pairs.centre_m, settings.palm_width_m) - settings.palm_reach_m
    floor = np.maximum.reduce([table_floor, landing, top - settings.max_reach_m, palm])
    tip = np.maximum(floor, contact - settings.pad_reach_m)
    touch = close_pads(strips, tip, pairs.width_m, scene)
    width, shift = touch.high - touch.low, (touch.high + touch.low) / 2
    centre = pairs.centre_m + shift[:, None] * pairs.axis
    possible = touch.found & (contact - tip > 2 * _MIN_OVERLAP_M)
    possible &= (width > 0) & (width <= settings.max_object_width_m) & _centre_ok(scene, centre, pairs, settings)
    return Closing(strips, touch, contact, higher, under, table_floor, floor, tip, centre, width, possible)


def rank_pairs(scene: Scene, pairs: Pairs, settings: AntipodalSettings) -> Candidates:
    """Measure every pair with the gripper's geometry. The order of the pairs is kept."""
    return rank_closing(scene, pairs, close_on(scene, pairs, settings), settings)


def rank_closing(scene: Scene, pairs: Pairs, closing: Closing, settings: AntipodalSettings) -> Candidates:
    """Quality, opening and grasp centre for every pair whose closing is known."""
    touch, contact, tip, width = closing.touch, closing.contact_m, closing.tip_m, closing.width_m
    opening, room = find_room(closing.strips, tip, touch, scene, settings)
    quality = (
        _squareness(np.maximum(pairs.slant_rad, touch.tilt_rad), settings)
        * (0.55 + 0.45 * touch.patch)
        * _overlap(contact - tip)
        * (0.7 + 0.3 * contact / np.maximum(closing.higher_m, 1e-6))
        * room
        * _landing(closing.under_m, tip)
        * (1.0 - 0.3 * (width / settings.max_object_width_m) ** 2)
        * _filled(closing.strips, touch, scene)
        * _balance(scene, closing.centre_m, pairs)
    )
    quality = np.where(closing.possible, np.clip(quality, 0.0, 1.0), 0.0)
    height = centre_height(tip, contact, closing.table_floor_m, settings)
    return Candidates(closing.centre_m, pairs.axis, width, opening, tip, height, pairs.owner, quality)


def _squareness(slant_rad: Array, settings: AntipodalSettings) -> Array:
    return np.clip(1.0 - (slant_rad / (1.25 * settings.cone_rad)) ** 2, 0.0, 1.0)


def _overlap(overlap_m: Array) -> Array:
    share = (overlap_m - _MIN_OVERLAP_M) / (_FULL_OVERLAP_M - _MIN_OVERLAP_M)
    return np.sqrt(np.clip(share, 0.0, 1.0))


def _landing(under: Array, tip: Array) -> Array:
    """Trust in a landing place: bare table is best, then what lies far below the tips."""
    gap = (tip - under - _SAFE_GAP_M) / (_FAR_GAP_M - _SAFE_GAP_M)
    return np.where(under > 0.0, 0.4 + 0.6 * np.clip(gap, 0.0, 1.0), 1.0)


def _filled(strips: Strips, touch: Touch, scene: Scene) -> Array:
    """How much of the line between the contacts is object; a grasp across a hollow keeps some worth."""
    between = (strips.steps >= touch.low[:, None]) & (strips.steps <= touch.high[:, None])
    share = ((strips.central() > scene.object_height_m) & between).sum(axis=1) / np.maximum(between.sum(axis=1), 1)
    return np.asarray(0.3 + 0.7 * np.clip(share / 0.9, 0.0, 1.0))


def _balance(scene: Scene, centre: Array, pairs: Pairs) -> Array:
    """Less for a grasp far from the object's centre of volume, about which its weight would turn it."""
    lever = np.linalg.norm(centre - scene.objects.centre_m[pairs.owner], axis=1)
    return np.asarray(1.0 / (1.0 + (lever / _TORQUE_ARM_M) ** 2))


def _centre_ok(scene: Scene, centre: Array, pairs: Pairs, settings: AntipodalSettings) -> Mask:
    rows, columns = scene.cells(centre)
    ok = scene.known[rows, columns]
    return ok & (scene.objects.labels[rows, columns] == pairs.owner + 1) if settings.centre_on_object else ok


def centre_height(tip: Array, contact: Array, table_floor: Array, settings: AntipodalSettings) -> Array:
    """A fixed distance above the tips; half-way up a flat object, for which the tips are at the table anyway."""
    usual = tip + settings.tip_to_centre_m
    return np.where(tip <= table_floor + 1e-9, np.minimum(usual, contact / 2), usual)
