"""Robust Ferrari-Canny quality: soft-finger contacts, averaged over errors of pose and friction (Dex-Net 2.0, II-B).

The epsilon quality is the radius of the largest ball about the origin inside the convex hull of the wrenches that two
unit contact forces can exert; torques count in units of the gripper's half stroke.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.contacts import Contacts
from robot.gripper_geometry import STROKE_M

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CONE_EDGES = 8
TORSION_RADIUS_M = 0.006  # soft finger: torque about the normal up to friction times this, as in the simulator's pads
_TORQUE_UNIT_M = STROKE_M / 2


def force_closure(contacts: Contacts, friction: Array, target: int) -> Mask:
    """(N,) whether both pads meet ``target`` and the line between the contacts lies in both friction cones.

    For two soft-finger contacts this is exactly force closure (Nguyen 1988).
    """
    both = (contacts.owner == target).all(axis=1)
    gap = contacts.point_m[:, 1] - contacts.point_m[:, 0]
    length = np.maximum(np.linalg.norm(gap, axis=1, keepdims=True), 1e-9)
    line = gap / length
    cosine = np.minimum(-(contacts.normal[:, 0] * line).sum(axis=1), (contacts.normal[:, 1] * line).sum(axis=1))
    return np.asarray(both & (cosine >= np.cos(np.arctan(friction))) & (length[:, 0] > 1e-4))


def epsilon_quality(points_m: Array, normals: Array, friction: float) -> float:
    """Ferrari-Canny epsilon of two soft-finger contacts; 0 without force closure.

    Args:
        points_m, normals: (2, 3) contact points [m] and outward normals.
        friction: Coulomb coefficient.
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(wrenches(points_m, normals, friction))
    except QhullError:
        return 0.0
    return max(float(-hull.equations[:, -1].max()), 0.0)


def wrenches(points_m: Array, normals: Array, friction: float) -> Array:
    """(2 * (CONE_EDGES + 2), 6) forces and scaled torques about the middle of the contacts."""
    arms = points_m - points_m.mean(axis=0)
    inward = -normals / np.linalg.norm(normals, axis=1, keepdims=True)
    side = _cross(inward, np.eye(3)[np.argmin(np.abs(inward), axis=1)])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = _cross(inward, side)
    turns = 2 * math.pi * np.arange(CONE_EDGES) / CONE_EDGES
    around = np.cos(turns)[:, None] * side[:, None] + np.sin(turns)[:, None] * other[:, None]
    forces = np.concatenate([inward[:, None] + friction * around, np.repeat(inward[:, None], 2, axis=1)], axis=1)
    torques = _cross(np.broadcast_to(arms[:, None], forces.shape), forces)
    twist = friction * TORSION_RADIUS_M * inward
    torques[:, -2] += twist
    torques[:, -1] -= twist
    return np.concatenate([forces, torques / _TORQUE_UNIT_M], axis=-1).reshape(-1, 6)


def _cross(a: Array, b: Array) -> Array:
    """``np.cross`` of (..., 3), which takes longer to start than to work on so few."""
    return np.stack(
        [
            a[..., 1] * b[..., 2] - a[..., 2] * b[..., 1],
            a[..., 2] * b[..., 0] - a[..., 0] * b[..., 2],
            a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0],
        ],
        axis=-1,
    )
