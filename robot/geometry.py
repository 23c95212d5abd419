"""Rigid transforms as (4, 4) matrices ``T_a_b``, which map coordinates in b to coordinates in a."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

Transform = NDArray[np.float64]


def transform(rotation: ArrayLike | Rotation, translation_m: ArrayLike) -> Transform:
    """(4, 4) from a (3, 3) matrix or a scipy Rotation, and a (3,) translation [m]."""
    T = np.eye(4)
    T[:3, :3] = rotation.as_matrix() if isinstance(rotation, Rotation) else np.asarray(rotation, dtype=np.float64)
    T[:3, 3] = np.asarray(translation_m, dtype=np.float64)
    return T


def invert(T_a_b: Transform) -> Transform:
    """T_b_a, exactly rigid."""
    R = T_a_b[:3, :3]
    return transform(R.T, -R.T @ T_a_b[:3, 3])


def pose_to_transform(pose: ArrayLike) -> Transform:
    """A UR pose [x, y, z, rx, ry, rz] (metres, rotation vector in radians) -> (4, 4)."""
    p = np.array(pose, dtype=np.float64)  # scipy wants it writable
    return transform(Rotation.from_rotvec(p[3:]), p[:3])


def transform_to_pose(T: Transform) -> NDArray[np.float64]:
    """(4, 4) -> a UR pose (6,) [x, y, z, rx, ry, rz]."""
    return np.concatenate([T[:3, 3], Rotation.from_matrix(T[:3, :3]).as_rotvec()])


def apply(T_a_b: Transform, points_b: ArrayLike) -> NDArray[np.float64]:
    """(..., 3) points in b -> points in a."""
    return np.asarray(points_b, dtype=np.float64) @ T_a_b[:3, :3].T + T_a_b[:3, 3]


def rotation_angle(T_a: Transform, T_b: Transform) -> float:
    """Angle between two orientations [rad], in [0, pi]."""
    return float(Rotation.from_matrix(T_a[:3, :3].T @ T_b[:3, :3]).magnitude())


def wrap_half_turn(angle_rad: float) -> float:
    """Fold the angle of a two-fingered grasp into [-pi/2, pi/2)."""
    folded = float((angle_rad + np.pi / 2) % np.pi - np.pi / 2)
    return folded if folded < np.pi / 2 else -np.pi / 2
