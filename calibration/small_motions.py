"""How points and their pixels move when a frame moves a little."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from robot.frame import Intrinsics

Array = NDArray[np.float64]


def turning(points_m: Array) -> Array:
    """(N, 3, 3) matrices from a small rotation vector [rad] to the way that each of (N, 3) points goes [m]."""
    x, y, z = points_m.T
    zero = np.zeros_like(x)
    return np.stack([zero, z, -y, -z, zero, x, y, -x, zero], axis=-1).reshape(-1, 3, 3)


def pixels_per_m(points_camera: Array, intrinsics: Intrinsics) -> Array:
    """(N, 2, 3) how the pixels of (N, 3) points move with these."""
    x, y, z = points_camera.T
    zero = np.zeros_like(x)
    rows = [intrinsics.fx / z, zero, -intrinsics.fx * x / z**2, zero, intrinsics.fy / z, -intrinsics.fy * y / z**2]
    return np.stack(rows, axis=-1).reshape(-1, 2, 3)


def turning_further(rotation_vector_rad: Array) -> Array:
    """(3, 3) from a small change of a rotation vector to the small rotation that it adds after it (left Jacobian)."""
    angle = float(np.linalg.norm(rotation_vector_rad))
    cross = -turning(rotation_vector_rad[None])[0]
    if angle < 1e-6:
        return np.asarray(np.eye(3) + cross / 2)
    first, second = (1 - math.cos(angle)) / angle**2, (angle - math.sin(angle)) / angle**3
    return np.asarray(np.eye(3) + first * cross + second * cross @ cross)
