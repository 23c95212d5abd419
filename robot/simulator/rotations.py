"""Rotations cheap enough for every control period; robot.geometry is the convenient way elsewhere."""

from __future__ import annotations

from math import atan2, cos, sin, sqrt

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def rotation_about(axis: Array, angle_rad: float) -> Array:
    """(3, 3) rotation about the unit vector ``axis``."""
    x, y, z = axis.tolist()
    c, s = cos(angle_rad), sin(angle_rad)
    k = 1.0 - c
    return np.array(
        [
            [c + x * x * k, x * y * k - z * s, x * z * k + y * s],
            [y * x * k + z * s, c + y * y * k, y * z * k - x * s],
            [z * x * k - y * s, z * y * k + x * s, c + z * z * k],
        ]
    )


def rotation_by(rotation_vector: Array) -> Array:
    """(3, 3) from a rotation vector [rad]."""
    angle = sqrt(float(rotation_vector @ rotation_vector))
    return np.eye(3) if angle < 1e-15 else rotation_about(rotation_vector / angle, angle)


def pose_of(T: Array) -> list[float]:
    """UR pose [x, y, z, rx, ry, rz] of a (4, 4) transform; the rotation's angle lies in [0, pi]."""
    (xx, yx, zx, px), (xy, yy, zy, py), (xz, yz, zz, pz) = T[:3].tolist()
    # The unit quaternion by its largest component, which is safe at every angle.
    trace = xx + yy + zz
    if trace >= max(xx, yy, zz):
        q = [1.0 + trace, yz - zy, zx - xz, xy - yx]
    elif xx >= max(yy, zz):
        q = [yz - zy, 1.0 + xx - yy - zz, xy + yx, xz + zx]
    elif yy >= zz:
        q = [zx - xz, xy + yx, 1.0 - xx + yy - zz, yz + zy]
    else:
        q = [xy - yx, xz + zx, yz + zy, 1.0 - xx - yy + zz]
    if q[0] < 0.0:
        q = [-component for component in q]
    w, x, y, z = q
    sine = sqrt(x * x + y * y + z * z)
    scale = 2.0 * atan2(sine, w) / sine if sine > 1e-12 * abs(w) else 2.0 / w
    return [px, py, pz, x * scale, y * scale, z * scale]


def cross(a: Array, b: Array) -> Array:
    """(3,) cross product; numpy's own is slow for single vectors."""
    (a0, a1, a2), (b0, b1, b2) = a.tolist(), b.tolist()
    return np.array([a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0])
