"""What the parts of the simulator expect of each other."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector6 = NDArray[np.float64]


class ArmWorld(Protocol):
    """The physical world as the simulated UR controller sees it. Frame: the robot's base, z up; SI units."""

    @property
    def time_s(self) -> float:
        """Simulated time [s]."""
        ...

    @property
    def q(self) -> Vector6:
        """(6,) measured joint angles [rad], a copy."""
        ...

    @property
    def qd(self) -> Vector6:
        """(6,) measured joint velocities [rad/s], a copy."""
        ...

    @property
    def joint_torque(self) -> Vector6:
        """(6,) motor torques [Nm], a copy."""
        ...

    def flange_wrench(self) -> Vector6:
        """(6,) force [N] and torque [Nm] that contacts exert on everything beyond the flange.

        In base axes, torque about the flange origin; weight and inertia of the gripper itself taken out,
        a held object's weight included.
        """
        ...

    def set_arm_target(self, q: Vector6, qd: Vector6) -> None:
        """Where the joint servos should be at the end of the next ``advance``, and how fast."""
        ...

    def advance(self, duration_s: float) -> None:
        """Step the physics; the servo target moves linearly from the previous one over ``duration_s``."""
        ...

    @property
    def busy(self) -> bool:
        """True while something other than the arm is commanded to move (the jaws)."""
        ...
