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
    middle = points_m.mean(axis=0)
    rows = []
    turns = 2 * math.pi * np.arange(CONE_EDGES) / CONE_EDGES
    for point, normal in zip(points_m, normals, strict=True):
        inward = -normal / np.linalg.norm(normal)
        helper = np.eye(3)[int(np.argmin(np.abs(inward)))]
        side = np.cross(inward, helper)
        side /= np.linalg.norm(side)
        other = np.cross(inward, side)
        forces = inward + friction * (np.cos(turns)[:, None] * side + np.sin(turns)[:, None] * other)
        torques = np.cross(point - middle, forces) / _TORQUE_UNIT_M
        rows.append(np.hstack([forces, torques]))
        twist = friction * TORSION_RADIUS_M / _TORQUE_UNIT_M * inward
        plain = np.cross(point - middle, inward) / _TORQUE_UNIT_M
        rows.append(np.array([[*inward, *(plain + twist)], [*inward, *(plain - twist)]]))
    return np.vstack(rows)
