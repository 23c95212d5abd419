"""Kinematics of the UR5 and UR5e: forward, closed-form inverse with all branches, and the Jacobian.

Frames: the base frame as the controller reports it (z up, at the foot) and the flange
(DH frame 6, z out of the flange).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import acos, atan2, cos, hypot, pi, sin, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Row6 = tuple[float, float, float, float, float, float]

_POSITION_TOLERANCE_M = 1e-6
_ROTATION_TOLERANCE = 1e-6
_DUPLICATE_RAD = 1e-7
_SINGULAR_SINE = 1e-6
_XYZ = (0, 1, 2)
_LAST_ROW = [0.0, 0.0, 0.0, 1.0]


@dataclass(frozen=True)
class ArmModel:
    """Denavit-Hartenberg table and limits of a six-axis UR arm. Lengths [m], angles [rad], torques [Nm].

    ``alpha`` holds quarter turns only (-pi/2, 0, pi/2), as on every UR arm.
    """

    name: str
    a: Row6
    d: Row6
    alpha: Row6
    position_min_rad: Row6 = (-2 * pi,) * 6
    position_max_rad: Row6 = (2 * pi,) * 6
    speed_max_rad_s: Row6 = (pi,) * 6
    acceleration_max_rad_s2: Row6 = (12.0, 12.0, 12.0, 24.0, 24.0, 24.0)
    torque_max_nm: Row6 = (150.0, 150.0, 150.0, 28.0, 28.0, 28.0)

    def within_limits(self, q: ArrayLike, margin_rad: float = 0.0) -> bool:
        """Whether every joint of (6,) ``q`` [rad] lies inside its limits, ``margin_rad`` away from them."""
        return all(
            low + margin_rad <= float(angle) <= high - margin_rad
            for angle, low, high in zip(
                np.asarray(q, dtype=np.float64), self.position_min_rad, self.position_max_rad, strict=True
            )
        )


_ALPHA: Row6 = (pi / 2, 0.0, 0.0, pi / 2, -pi / 2, 0.0)

UR5 = ArmModel(
    name="UR5",
    a=(0.0, -0.425, -0.39225, 0.0, 0.0, 0.0),
    d=(0.089159, 0.0, 0.0, 0.10915, 0.09465, 0.0823),
    alpha=_ALPHA,
)
UR5E = ArmModel(
    name="UR5e",
    a=(0.0, -0.425, -0.3922, 0.0, 0.0, 0.0),
    d=(0.1625, 0.0, 0.0, 0.1333, 0.0997, 0.0996),
    alpha=_ALPHA,
)
ARM_MODELS = {model.name: model for model in (UR5, UR5E)}
"""By the names that a cell file has."""


def link_transforms(model: ArmModel, q: ArrayLike) -> Array:
    """(6, 4, 4): T_base_frame_i of the DH frames i = 1..6 for (6,) joint angles ``q`` [rad]; the last is the flange."""
    frames: list[list[list[float]]] = []
    x, y, z, p = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]
    angles = np.asarray(q, dtype=np.float64).tolist()
    for angle, a, d, alpha in zip(angles, model.a, model.d, model.alpha, strict=True):
        c, s = cos(angle), sin(angle)
        side = [y[k] * c - x[k] * s for k in _XYZ]
        x = [x[k] * c + y[k] * s for k in _XYZ]
        p = [p[k] + a * x[k] + d * z[k] for k in _XYZ]
        if alpha > 0:
            y, z = z, [-v for v in side]
        elif alpha < 0:
            y, z = [-v for v in z], side
        else:
            y = side
        frames.append([[x[k], y[k], z[k], p[k]] for k in _XYZ] + [_LAST_ROW])
    return np.array(frames)


def forward(model: ArmModel, q: ArrayLike) -> Array:
    """(4, 4) T_base_flange for (6,) joint angles ``q`` [rad]."""
    return np.asarray(link_transforms(model, q)[5])


def jacobian(model: ArmModel, q: ArrayLike) -> Array:
    """(6, 6) geometric Jacobian: joint velocities -> velocity of the flange and angular velocity, base axes."""
    frames = link_transforms(model, q)
    axes = np.empty((6, 3))
    origins = np.zeros((6, 3))
    axes[0] = (0.0, 0.0, 1.0)
    axes[1:] = frames[:5, :3, 2]
    origins[1:] = frames[:5, :3, 3]
    lever = frames[5, :3, 3] - origins
    J = np.empty((6, 6))
    J[0] = axes[:, 1] * lever[:, 2] - axes[:, 2] * lever[:, 1]
    J[1] = axes[:, 2] * lever[:, 0] - axes[:, 0] * lever[:, 2]
    J[2] = axes[:, 0] * lever[:, 1] - axes[:, 1] * lever[:, 0]
    J[3:] = axes.T
    return J


def inverse(model: ArmModel, T_base_flange: ArrayLike, q6_free_rad: float = 0.0) -> Array:
    """All joint angles that put the flange at ``T_base_flange``.

    Args:
        T_base_flange: (4, 4).
        q6_free_rad: the last joint where the wrist is singular and it could be anything.

    Returns:
        (n, 6), n <= 8, wrapped to (-pi, pi]; every row was verified by forward kinematics. n = 0: out of reach.
    """
    T = np.asarray(T_base_flange, dtype=np.float64)
    rows = T[:3].tolist()
    found: list[Array] = []
    for shoulder, wrist, elbow in product((1.0, -1.0), repeat=3):
        q = _solve_branch(model, rows, shoulder, wrist, elbow, q6_free_rad)
        if q is None or not _reaches(model, q, T):
            continue
        if all(np.abs(_wrapped(q - other)).max() > _DUPLICATE_RAD for other in found):
            found.append(q)
    return np.array(found).reshape(-1, 6)


def inverse_near(model: ArmModel, T_base_flange: ArrayLike, q_near: ArrayLike) -> Array | None:
    """The solution on ``q_near``'s branch, turns chosen nearest to it; the nearest of all branches where that has none.

    Cheap enough for every control period. ``None``: out of reach.
    """
    T = np.asarray(T_base_flange, dtype=np.float64)
    q_near = np.asarray(q_near, dtype=np.float64)
    q = _solve_branch(model, T[:3].tolist(), *_branch(model, q_near), float(q_near[5]))
    if q is not None and _reaches(model, q, T):
        return nearest(q[None], q_near, model)
    return nearest(inverse(model, T, float(q_near[5])), q_near, model)


def nearest(solutions: Array, q_near: ArrayLike, model: ArmModel) -> Array | None:
    """Of (n, 6) ``solutions``, with full turns added where the limits allow, the one nearest to (6,) ``q_near``.

    ``None`` when there is none within the joint limits.
    """
    q_near = np.asarray(q_near, dtype=np.float64)
    best, best_distance = None, np.inf
    for solution in solutions:
        q = _nearest_turns(model, solution, q_near)
        if q is None:
            continue
        distance = float(np.square(q - q_near).sum())
        if distance < best_distance:
            best, best_distance = q, distance
    return best


def _nearest_turns(model: ArmModel, solution: Array, q_near: Array) -> Array | None:
    q = q_near + _wrapped(solution - q_near)
    for i, (low, high) in enumerate(zip(model.position_min_rad, model.position_max_rad, strict=True)):
        if q[i] < low:
            q[i] += 2 * pi
        elif q[i] > high:
            q[i] -= 2 * pi
        if not low <= q[i] <= high:
            return None
    return q


def _wrapped(angles: Array) -> Array:
    """To (-pi, pi]."""
    return pi - np.mod(pi - angles, 2 * pi)


def _wrap(angle: float) -> float:
    wrapped = pi - (pi - angle) % (2 * pi)
    return pi if wrapped <= -pi else wrapped


def _reaches(model: ArmModel, q: Array, T: Array) -> bool:
    error = np.abs(forward(model, q)[:3] - T[:3])
    return bool(error[:, 3].max() < _POSITION_TOLERANCE_M and error[:, :3].max() < _ROTATION_TOLERANCE)


def _branch(model: ArmModel, q: Array) -> tuple[float, float, float]:
    """Signs (shoulder, wrist, elbow) of the branch that (6,) ``q`` lies on."""
    _, q2, q3, q4, q5, _ = q.tolist()
    reach = model.a[1] * cos(q2) + model.a[2] * cos(q2 + q3) + model.d[4] * sin(q2 + q3 + q4)
    return (1.0 if reach <= 0 else -1.0), (1.0 if sin(q5) >= 0 else -1.0), (1.0 if sin(q3) >= 0 else -1.0)


def _unit_clamped(value: float) -> float | None:
    """``value`` as a cosine; a rounding error outside [-1, 1] is forgiven."""
    if abs(value) > 1.0 + 1e-9:
        return None
    return max(-1.0, min(1.0, value))


def _solve_branch(
    model: ArmModel, T: list[list[float]], shoulder: float, wrist: float, elbow: float, q6_free: float
) -> Array | None:
    (xx, yx, zx, px), (xy, yy, zy, py), _ = T
    d1, _, _, d4, d5, d6 = model.d
    a2, a3 = model.a[1], model.a[2]
    # Seen from above, the wrist centre lies d4 beside the plane of the upper arm and forearm.
    wx, wy = px - d6 * zx, py - d6 * zy
    radius = hypot(wx, wy)
    if radius < abs(d4) - 1e-9 or radius == 0.0:
        return None
    q1 = atan2(wy, wx) + shoulder * acos(min(1.0, d4 / radius)) + pi / 2
    s1, c1 = sin(q1), cos(q1)
    # The flange's axes in frame 1, whose z is the common axis of the joints 2, 3 and 4.
    z_side = zx * s1 - zy * c1
    c5 = _unit_clamped((px * s1 - py * c1 - d4) / d6)
    if c5 is None:
        return None
    x_side, y_side = xx * s1 - xy * c1, yx * s1 - yy * c1
    s5 = hypot(x_side, y_side)  # better conditioned than sqrt(1 - c5 ** 2) near the singularity
    q5 = wrist * atan2(s5, z_side)
    if s5 < _SINGULAR_SINE:
        q6 = q6_free
        q5 = 0.0 if c5 > 0 else pi
    else:
        q6 = atan2(-wrist * y_side, wrist * x_side)
    return _solve_plane(model, T, (q1, q5, q6), (d1, d5, d6, a2, a3), elbow)


def _solve_plane(
    model: ArmModel,
    T: list[list[float]],
    wrist_angles: tuple[float, float, float],
    lengths: tuple[float, float, float, float, float],
    elbow: float,
) -> Array | None:
    """The joints 2, 3 and 4, which move in one plane, once the joints 1, 5 and 6 are known."""
    (xx, yx, zx, px), (xy, yy, zy, py), (xz, yz, zz, pz) = T
    q1, q5, q6 = wrist_angles
    d1, d5, d6, a2, a3 = lengths
    s1, c1, s6, c6 = sin(q1), cos(q1), sin(q6), cos(q6)
    # Opposite of joint 5's axis (z of frame 4) in the plane: y of frame 5 = s6 * X + c6 * Y of the flange.
    ux, uy, uz = xx * s6 + yx * c6, xy * s6 + yy * c6, xz * s6 + yz * c6
    u_forward, u_up = ux * c1 + uy * s1, uz
    q234 = atan2(-u_forward, u_up)
    wrist_forward = (px - d6 * zx) * c1 + (py - d6 * zy) * s1
    wrist_up = pz - d6 * zz - d1
    x = wrist_forward - d5 * sin(q234)
    y = wrist_up + d5 * cos(q234)
    c3 = _unit_clamped((x * x + y * y - a2 * a2 - a3 * a3) / (2 * a2 * a3))
    if c3 is None:
        return None
    q3 = elbow * acos(c3)
    s3 = elbow * sqrt(max(0.0, 1.0 - c3 * c3))
    q2 = atan2(y, x) - atan2(a3 * s3, a2 + a3 * c3)
    return np.array([_wrap(v) for v in (q1, q2, q3, q234 - q2 - q3, q5, q6)])
