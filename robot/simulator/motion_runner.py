"""The clock that runs, slows and stops the arm's motions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from robot.kinematics import ArmModel
from robot.simulator.motion import JointVelocity, Motion, MotionError

Array = NDArray[np.float64]

# A correction (force mode) never comes to rest exactly.
_BALANCED_RAD_S = 1e-4


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
        still = 0.0 if self.correct is None else _BALANCED_RAD_S
        return (self.motion is not None and not self.motion.resting) or float(np.abs(self.qd).max()) > still

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
