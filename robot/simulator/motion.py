"""The motions of the arm, one control period at a time, and the clock that runs, slows and stops them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from robot.geometry import invert
from robot.kinematics import ArmModel, forward, inverse_near, jacobian
from robot.simulator.profiles import CartesianPath, JointPath, rotation_by

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
    twist[:3] += np.cross(twist[3:], lever)
    return twist


def _approach(value: Array, target: Array, step: float) -> Array:
    """``value`` moved towards ``target``; the component that changes most changes by at most ``step``."""
    change = target - value
    largest = float(np.abs(change).max())
    return target.copy() if largest <= step else value + change * (step / largest)


class MotionRunner:
    """Leads the joint target (``q``, ``qd``) through one motion at a time.

    Motions run against a clock of their own. Slowing that clock slows the arm without leaving its path: that is how
    the speed slider works, and how every stop is made.
    """

    def __init__(self, model: ArmModel, q: Array) -> None:
        self._model = model
        self._speed_max = np.array(model.speed_max_rad_s)
        self.q = np.array(q, dtype=np.float64)
        self.qd = np.zeros(6)
        self.qdd = np.zeros(6)
        self.motion: Motion | None = None
        self.correct: Callable[[Array, Array, float], Array] | None = None
        self._q_nominal = self.q.copy()
        self._clock = 1.0
        self._clock_slope = 0.0
        self._hold = False

    @property
    def idle(self) -> bool:
        """No motion is under way (the arm itself may still be settling)."""
        return self.motion is None

    @property
    def active(self) -> bool:
        """The target moves, or will without a further command."""
        return (self.motion is not None and not self.motion.resting) or bool(self.qd.any())

    @property
    def stopping(self) -> bool:
        """A stop has begun."""
        return self._clock_slope < 0.0 and not self._hold

    def start(self, motion: Motion) -> None:
        """Take up ``motion`` in place of what is running."""
        self.motion = motion
        self._clock, self._clock_slope, self._hold = 1.0, 0.0, False

    def stop(self, duration_s: float) -> None:
        """Bring the target to rest on its path within ``duration_s``, then drop the motion."""
        if self.motion is None:
            return
        if duration_s <= 1e-9 or not self.qd.any():
            self.motion = None
            return
        slope = -self._clock / duration_s
        if self._clock_slope < 0 and not self._hold:
            slope = min(slope, self._clock_slope)
        self._clock_slope, self._hold = slope, False

    def pause(self) -> None:
        """Bring the target to rest on its path but keep the motion."""
        self._clock_slope, self._hold = -4.0, True

    def resume(self) -> None:
        """Go on after ``pause``."""
        if self._hold:
            self._clock_slope = 4.0

    def coast(self) -> None:
        """Drop the motion and brake straight on in joint space as hard as the joints can."""
        self._q_nominal = self.q.copy()
        self.correct = None
        self.start(JointVelocity(self._model, self.qd))

    def hold_at(self, q: Array) -> None:
        """Drop everything and stand at (6,) ``q`` now."""
        self.motion = None
        self.q, self._q_nominal = np.array(q), np.array(q)
        self.qd, self.qdd = np.zeros(6), np.zeros(6)

    def rebase(self) -> None:
        """Make the target as it is, corrections included, the place where the next motion starts."""
        self._q_nominal = self.q.copy()

    @property
    def q_nominal(self) -> Array:
        """(6,) where the motion alone leads, without corrections."""
        return self._q_nominal

    def shortest_stop_s(self) -> float:
        """Time in which the joints' acceleration limits can stop the target."""
        return float((np.abs(self.qd) / np.array(self._model.acceleration_max_rad_s2)).max())

    def tick(self, period_s: float, scaling: float) -> None:
        """Advance by one control period at ``scaling`` (0..1) of the speed. Raises MotionError."""
        before = self.q
        if self.motion is not None:
            self._run_clock(period_s)
            q = self.motion.step(self._q_nominal, period_s * self._clock * scaling)
            if not self._model.within_limits(q):
                raise MotionError("a joint would leave its limits")
            self._q_nominal = q
            if self.motion.finished or (self._clock <= 0.0 and not self._hold):
                self.motion = None
        q = self._q_nominal if self.correct is None else self.correct(self._q_nominal, before, period_s)
        qd = (q - before) / period_s
        self.qdd = (qd - self.qd) / period_s
        self.q, self.qd = q, qd

    def _run_clock(self, period_s: float) -> None:
        self._clock += self._clock_slope * period_s
        if self._clock >= 1.0:
            self._clock, self._clock_slope, self._hold = 1.0, 0.0, False
        self._clock = max(self._clock, 0.0)
