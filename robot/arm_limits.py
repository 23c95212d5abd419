"""The second look at every command to the arm, before it leaves for the wire."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robot.errors import ArmError
from robot.geometry import Transform


def refuse(message: str) -> ArmError:
    """The error for a command that must not be sent."""
    return ArmError(f"arm: refused: {message}", "nothing was sent to the controller")


def checked_joints(q: ArrayLike, lower_rad: ArrayLike, upper_rad: ArrayLike) -> NDArray[np.float64]:
    """(6,) joint angles within their limits, or ArmError."""
    angles = np.asarray(q, dtype=np.float64)
    if angles.shape != (6,) or not np.isfinite(angles).all():
        raise refuse(f"joint angles must be six finite numbers, got {q!r}")
    outside = np.flatnonzero((angles < np.asarray(lower_rad)) | (angles > np.asarray(upper_rad)))
    if outside.size:
        joint = int(outside[0])
        raise refuse(f"joint {joint + 1} at {angles[joint]:.3f} rad is outside its limits")
    return angles


def checked_transform(T: ArrayLike, name: str) -> Transform:
    """A rigid (4, 4) transform, or ArmError."""
    matrix = np.asarray(T, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise refuse(f"{name} must be a finite 4 x 4 matrix")
    R = matrix[:3, :3]
    rigid = np.allclose(R @ R.T, np.eye(3), atol=1e-6) and np.linalg.det(R) > 0
    if not rigid or not np.allclose(matrix[3], (0, 0, 0, 1)):
        raise refuse(f"{name} is not a rigid transform")
    return matrix


def checked_rate(value: float, limit: float, name: str) -> float:
    """A speed or an acceleration in (0, limit], or ArmError."""
    if not (math.isfinite(value) and 0 < value <= limit * (1 + 1e-9)):
        raise refuse(f"{name} {value:g} is not above 0 and at most {limit:g}")
    return float(value)
