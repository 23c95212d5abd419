"""What the gripper's true shape meets, by rays against the true triangles: collisions on the way down, first contacts.

A straight-down approach collides exactly where something under the gripper's footprint stands higher than the part
that comes down on it, so vertical rays decide it; horizontal rays from the pads' faces find where they first touch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.grasp_frames import TableGrasps
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.viewing import Triangles
from robot.gripper_body import PALM_LENGTH_M
from robot.gripper_geometry import (
    OPENING_CLEARANCE_M,
    PAD_LENGTH_M,
    PAD_THICKNESS_M,
    PAD_WIDTH_M,
    STROKE_M,
    TIP_FROM_FLANGE_OPEN_M,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_GRAZE_M = 0.0005  # what the rubber and the arm yield before a touch counts as a collision
_ABOVE_M = 1.0
_SAME_TOUCH_M = 0.0025  # the rubber gives and the thing turns: rays that end within this of the first one touch, too
_BELOW_TABLE_M = 0.003  # a grasp point further below the table's top than this is in the table


@dataclass(frozen=True, eq=False)
class Footprint:
    """Sampled undersides of the gripper: (P,) offset beyond the pad's face, along the pad, and height above the tip."""

    beyond_m: Array
    along_m: Array
    above_tip_m: Array


def _grid(beyond: tuple[float, ...], along: tuple[float, ...], above: float) -> Array:
    b, a = np.meshgrid(beyond, along)
    return np.stack([b.ravel(), a.ravel(), np.full(b.size, above)])


_SIDE = PAD_WIDTH_M / 2 - _GRAZE_M
_FINGER = Footprint(
    *np.concatenate(
        [
            _grid(
                (0.0005, PAD_THICKNESS_M / 2, PAD_THICKNESS_M - 0.0005), (-_SIDE, -_SIDE / 2, 0, _SIDE / 2, _SIDE), 0
            ),
            _grid((0.0095, 0.0155), (-0.0105, 0.0, 0.0105), 0.010),  # the metal behind the rubber
            _grid((0.0065, 0.014, 0.0215), (-0.012, 0.0, 0.012), TIP_FROM_FLANGE_OPEN_M - 0.112),  # the links
        ],
        axis=1,
    )
)
_PALM_X, _PALM_Y = np.meshgrid(np.linspace(-0.042, 0.042, 6), np.linspace(-0.031, 0.031, 5))

_PAD_Y, _PAD_Z = np.meshgrid(np.linspace(-_SIDE, _SIDE, 5), np.array([0.0008, 0.006, 0.013, 0.021, 0.029, 0.0367]))
assert float(_PAD_Z.max()) < PAD_LENGTH_M


@dataclass(frozen=True, eq=False)
class Contacts:
    """First contacts of both pads, (N, 2, ...): the pad on the negative side of the closing direction comes first.

    Attributes:
        distance_m: (N, 2) from the grasp's middle plane; infinity where the pad meets nothing.
        point_m: (N, 2, 3) middle of the patch that is touched, table frame.
        normal: (N, 2, 3) outward unit normals of the thing there.
        owner: (N, 2) place of the thing that is touched, -1 for none.
    """

    distance_m: Array
    point_m: Array
    normal: Array
    owner: NDArray[np.int64]


def collides(caster: RayCaster, grasps: TableGrasps) -> Mask:
    """(N,) True where the open gripper, coming straight down, meets anything or the grasp point is in the table."""
    tip, closing = grasps.tip_m(grasps.width_m), grasps.closing
    across = np.stack([-closing[:, 1], closing[:, 0], np.zeros(len(grasps))], axis=-1)
    hit = grasps.centre_m[:, 2] < -_BELOW_TABLE_M
    for side in (-1.0, 1.0):
        out = side * (grasps.width_m[:, None] / 2 + _FINGER.beyond_m)
        top = _tops(caster, grasps, closing, across, out, np.broadcast_to(_FINGER.along_m, out.shape))
        hit |= (top > tip[:, None] + _FINGER.above_tip_m + _GRAZE_M).any(axis=1)
    out = np.broadcast_to(_PALM_X.ravel(), (len(grasps), _PALM_X.size))
    top = _tops(caster, grasps, closing, across, out, np.broadcast_to(_PALM_Y.ravel(), out.shape))
    palm = grasps.flange_m - PALM_LENGTH_M
    return np.asarray(hit | (top > palm[:, None] + _GRAZE_M).any(axis=1))


def _tops(caster: RayCaster, grasps: TableGrasps, closing: Array, across: Array, out: Array, along: Array) -> Array:
    """(N, P) heights of what lies under the points [m]; 0 for the table."""
    points = grasps.centre_m[:, None, :] + out[..., None] * closing[:, None, :] + along[..., None] * across[:, None, :]
    points[..., 2] = _ABOVE_M
    flown, _ = caster.cast(points, np.array([0.0, 0.0, -1.0]))
    return np.where(np.isfinite(flown), _ABOVE_M - flown, 0.0)


def first_contacts(caster: RayCaster, triangles: Triangles, grasps: TableGrasps) -> Contacts:
    """Close both pads from where they came down until they touch, as if nothing moved.

    The tips sink on their arc while they close, so a first look at the usual opening finds the opening of contact, and
    a second one looks at the height that belongs to it; where a pad met nothing, at that of closed jaws.
    """
    usual = np.maximum(grasps.width_m - OPENING_CLEARANCE_M, 0.0)
    between = _both_pads(caster, triangles, grasps, usual).distance_m.sum(axis=1)
    opening = np.where(np.isfinite(between), np.clip(between, 0.0, grasps.width_m), 0.0)
    return _both_pads(caster, triangles, grasps, opening)


def _both_pads(caster: RayCaster, triangles: Triangles, grasps: TableGrasps, opening_m: Array) -> Contacts:
    """What the pads meet at the height that the tips have at an opening of (N,) ``opening_m``."""
    closing, tip = grasps.closing, grasps.tip_m(opening_m)
    across = np.stack([-closing[:, 1], closing[:, 0], np.zeros(len(grasps))], axis=-1)
    sides = [_one_pad(caster, triangles, grasps, closing * side, across, tip) for side in (-1.0, 1.0)]
    return Contacts(*(np.stack(both, axis=1) for both in zip(*sides, strict=True)))


def _one_pad(
    caster: RayCaster, triangles: Triangles, grasps: TableGrasps, outward: Array, across: Array, tip_m: Array
) -> tuple[Array, Array, Array, NDArray[np.int64]]:
    """Distance (N,), point (N, 3), normal (N, 3) and owner (N,) of the first touch of the ``outward`` pad."""
    open_m = grasps.width_m / 2 + _GRAZE_M
    start = grasps.centre_m[:, None, :] + (outward * open_m[:, None])[:, None, :]
    start = start + _PAD_Y.ravel()[:, None] * across[:, None, :]
    start[..., 2] = tip_m[:, None] + _PAD_Z.ravel()
    flown, faces = caster.cast(start, -outward[:, None, :])
    reach = flown.copy()
    reach[flown > open_m[:, None] + STROKE_M / 2] = np.inf
    first = reach.min(axis=1)
    touched = np.isfinite(first)
    patch = reach <= np.where(touched, first, -1.0)[:, None] + _SAME_TOUCH_M
    count = np.maximum(patch.sum(axis=1), 1)[:, None]
    point = (np.where(patch[..., None], start - outward[:, None, :] * np.where(patch, flown, 0.0)[..., None], 0.0)).sum(
        axis=1
    ) / count
    normal = np.where(patch[..., None], caster.normals[np.maximum(faces, 0)], 0.0).sum(axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    nearest = faces[np.arange(len(faces)), reach.argmin(axis=1)]
    owner = np.where(touched, triangles.owner[np.maximum(nearest, 0)], -1)
    return np.where(touched, open_m - first, np.inf), point, normal, owner
