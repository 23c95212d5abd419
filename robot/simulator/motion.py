"""The motions of the arm, one control period at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from robot.geometry import invert
from robot.kinematics import ArmModel, forward, inverse_near, jacobian
from robot.simulator.profiles import CartesianPath, JointPath
from robot.simulator.rotations import cross, rotation_by

Array = NDArray[np.float64]

_SINGULARITY_SLOWDOWN = 0.002


class MotionError(Exception):
    """The arm cannot go where the motion leads."""


class Motion(Protocol):
    """Something that leads the joint target along."""

    @property
    def finished(self) -> bool:
        """True once the end is reached."""
        ...

    @property
    def resting(self) -> bool:
        """True while nothing moves until a new command comes."""
        ...

    def step(self, q: Array, dt_s: float) -> Array:
        """The joint target ``dt_s`` after it was (6,) ``q``. Raises MotionError."""
        ...


def solve(model: ArmModel, T_base_tcp: Array, T_tcp_flange: Array, q_near: Array) -> Array:
    """(6,) joint angles near ``q_near`` that put the TCP there. Raises MotionError."""
    q = inverse_near(model, T_base_tcp @ T_tcp_flange, q_near)
    if q is None:
        x, y, z = T_base_tcp[:3, 3]
        raise MotionError(f"no joint angles within the limits reach the target near ({x:.3f}, {y:.3f}, {z:.3f}) m")
    return q


class FollowJointPath:
    """A movej."""

    resting = False

    def __init__(self, path: JointPath) -> None:
        self.path = path
        self.time_s = 0.0

    @property
    def finished(self) -> bool:
        return self.time_s >= self.path.timeline.duration_s

    def step(self, q: Array, dt_s: float) -> Array:
        self.time_s += dt_s
        return self.path.at(self.time_s)


class FollowCartesianPath:
    """A movel; slows down where a joint could not follow (near singularities)."""

    resting = False

    def __init__(self, model: ArmModel, path: CartesianPath, T_flange_tcp: Array) -> None:
        self.path = path
        self.time_s = 0.0
        self._model = model
        self._T_tcp_flange = invert(T_flange_tcp)
        self._speed_max = np.array(model.speed_max_rad_s)

    @property
    def finished(self) -> bool:
        return self.time_s >= self.path.timeline.duration_s

    def step(self, q: Array, dt_s: float) -> Array:
        if dt_s <= 0.0:
            return q
        share = 1.0
        while True:
            target = self.path.at(self.time_s + share * dt_s)
            q_next = solve(self._model, target, self._T_tcp_flange, q)
            excess = float((np.abs(q_next - q) / (self._speed_max * dt_s)).max())
            if excess <= 1.0:
                break
            share *= max(0.1, 0.9 / excess)
            if share < _SINGULARITY_SLOWDOWN:
                raise MotionError("the straight line passes a singularity")
        self.time_s += share * dt_s
        return q_next


class JointVelocity:
    """speedj: joint velocities, reached with limited acceleration."""

    finished = False

    def __init__(self, model: ArmModel, qd: Array) -> None:
        self._speed_max = np.array(model.speed_max_rad_s)
        self._acceleration_max = float(min(model.acceleration_max_rad_s2))
        self._qd = np.array(qd)
        self.command(np.zeros(6), self._acceleration_max)

    def command(self, qd: Array, acceleration: float) -> None:
        """Go over to (6,) ``qd`` [rad/s] with ``acceleration`` [rad/s^2] of the leading axis."""
        self._target = np.clip(qd, -self._speed_max, self._speed_max)
        self._acceleration = min(max(abs(acceleration), 1e-3), self._acceleration_max)

    @property
    def resting(self) -> bool:
        return not self._qd.any() and not self._target.any()

    def step(self, q: Array, dt_s: float) -> Array:
        self._qd = _approach(self._qd, self._target, self._acceleration * dt_s)
        return q + self._qd * dt_s


class ToolVelocity:
    """speedl: velocity of the TCP in base axes [m/s, rad/s], reached with limited acceleration."""

    finished = False

    def __init__(self, model: ArmModel, q: Array, qd: Array, T_flange_tcp: Array) -> None:
        self._model = model
        self._T_tcp_flange = invert(T_flange_tcp)
        self._T = forward(model, q) @ T_flange_tcp
        self._speed_max = np.array(model.speed_max_rad_s)
        self._twist = tcp_twist(model, q, qd, T_flange_tcp)
        self.command(np.zeros(6), 1.0)

    def command(self, twist: Array, acceleration: float) -> None:
        """Go over to (6,) ``twist``; ``acceleration`` in m/s^2 (and rad/s^2 for the rotation)."""
        self._target = np.array(twist)
        self._acceleration = max(abs(acceleration), 1e-3)

    @property
    def resting(self) -> bool:
        return not self._twist.any() and not self._target.any()

    def step(self, q: Array, dt_s: float) -> Array:
        if dt_s <= 0.0:
            return q
        change = self._acceleration * dt_s
        self._twist = np.concatenate(
            [_approach(self._twist[:3], self._target[:3], change), _approach(self._twist[3:], self._target[3:], change)]
        )
        share = 1.0
        while True:
            T = self._T.copy()
            T[:3, 3] += self._twist[:3] * (share * dt_s)
            T[:3, :3] = rotation_by(self._twist[3:] * (share * dt_s)) @ T[:3, :3]
            q_next = solve(self._model, T, self._T_tcp_flange, q)
            excess = float((np.abs(q_next - q) / (self._speed_max * dt_s)).max())
            if excess <= 1.0:
                break
            share *= max(0.1, 0.9 / excess)
            if share < _SINGULARITY_SLOWDOWN:
                raise MotionError("the commanded tool velocity leads into a singularity")
        self._T = T
        return q_next


class Servo:
    """servoj: follow a joint target that a client keeps sending, smoothed over the lookahead time."""

    finished = False

    def __init__(self, model: ArmModel, qd: Array) -> None:
        self._speed_max = np.array(model.speed_max_rad_s)
        self._acceleration_max = np.array(model.acceleration_max_rad_s2)
        self._qd = np.array(qd)
        self._target: Array | None = None
        self._lookahead_s = 0.1
        self.resting = False

    def command(self, q: Array, lookahead_s: float) -> None:
        """Lead towards (6,) ``q`` [rad]."""
        self._target = np.array(q)
        self._lookahead_s = min(max(lookahead_s, 0.03), 0.2)
        self.resting = False

    def step(self, q: Array, dt_s: float) -> Array:
        if self._target is None or dt_s <= 0.0:
            return q
        error = self._target - q
        if np.abs(error).max() < 1e-7 and np.abs(self._qd).max() < 1e-5:
            self._qd[:] = 0.0
            self.resting = True
            return self._target.copy()
        # Never faster than what the acceleration limit can brake before the target.
        brake = np.sqrt(2 * 0.8 * self._acceleration_max * np.abs(error))
        wanted = np.clip(error / self._lookahead_s, -brake, brake)
        wanted = np.clip(wanted, -self._speed_max, self._speed_max)
        step = self._acceleration_max * dt_s
        self._qd = np.clip(wanted, self._qd - step, self._qd + step)
        return q + self._qd * dt_s


def tcp_twist(model: ArmModel, q: Array, qd: Array, T_flange_tcp: Array) -> Array:
    """(6,) velocity of the TCP [m/s] and angular velocity [rad/s], base axes."""
    twist: Array = jacobian(model, q) @ qd
    lever = forward(model, q)[:3, :3] @ T_flange_tcp[:3, 3]
    twist[:3] += cross(twist[3:], lever)
    return twist


def _approach(value: Array, target: Array, step: float) -> Array:
    """``value`` moved towards ``target``; the component that changes most changes by at most ``step``."""
    change = target - value
    largest = float(np.abs(change).max())
    return target.copy() if largest <= step else value + change * (step / largest)
