"""The second look at every motion, from where the arm really is, before it leaves for the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cell.collision import CollisionChecker
from cell.planning import LOWERING
from cell.settings import CellSettings
from cell.surroundings import T_FLANGE_TCP, Surroundings
from cell.sweeping import Excused, Joints, PlanRefused, Sweep, words
from robot.arm import ArmSettings, ArmState, UR5Arm
from robot.arm_limits import checked_joints, checked_rate, checked_transform
from robot.dashboard import Dashboard
from robot.errors import ArmError
from robot.geometry import Transform
from robot.kinematics import ArmModel

GRIPPER_MASS_KG = 0.925
GRAZE_M = 0.001  # where the arm stands differs a little from where a plan began
SAME_TCP = 1e-3


class MotionRefused(ArmError):
    """A motion would break a limit or meet something; it was not sent, and the arm has not moved.

    Attributes:
        outcome: ``unreachable`` or ``blocked``.
    """

    def __init__(self, reason: str, outcome: str) -> None:
        super().__init__(f"arm: refused: {reason}", "nothing was sent to the controller")
        self.outcome = outcome


class GuardedArm:
    """A :class:`robot.arm.UR5Arm` whose motions are checked against the whole cell first.

    Args:
        arm: what moves.
        settings: the cell, with its limits.
        model: the arm's kinematics.
        checker: says which configurations collide.
        confirm: asked before every motion, with the motion in words; None asks nobody.
    """

    def __init__(
        self,
        arm: UR5Arm,
        settings: CellSettings,
        model: ArmModel,
        checker: CollisionChecker,
        *,
        confirm: Callable[[str], bool] | None = None,
    ) -> None:
        self._arm = arm
        self._settings = settings
        self._model = model
        self._checker = replace(checker, forgiven_m=GRAZE_M)
        self._confirm = confirm

    @property
    def around(self) -> Surroundings:
        """What is taken to stand around, and to hang in the jaws."""
        return self._checker.around

    def expect(self, around: Surroundings) -> None:
        """From now on check against these surroundings."""
        self._checker = self._checker.within(around)

    def move_joints(self, q: ArrayLike, speed: float, acceleration: float) -> None:
        """See :meth:`robot.arm.UR5Arm.move_joints`.

        Raises:
            MotionRefused: the way breaks a limit or meets something.
            KeyboardInterrupt: the operator does not want it.
        """
        limits = self._settings.arm
        target = checked_joints(q, limits.joint_lower_rad, limits.joint_upper_rad)
        checked_rate(speed, limits.joint_speed_max_rad_s, "joint speed")
        checked_rate(acceleration, limits.joint_acceleration_max_rad_s2, "joint acceleration")
        q_now, sweep = self._present()
        with _refusing():
            sweep.joint_move(q_now, target, sweep.excuses(q_now))
        self._ask(f"joint move to {words(sweep.tcp(target))} at {speed:.2f} rad/s")
        self._arm.move_joints(target, speed, acceleration)

    def move_linear(self, T_base_tcp: ArrayLike, speed: float, acceleration: float) -> None:
        """See :meth:`robot.arm.UR5Arm.move_linear`.

        Raises:
            as ``move_joints``.
        """
        T = self._checked_line(T_base_tcp, speed, acceleration, {})
        self._ask(f"straight move to {words(T)} at {speed:.2f} m/s")
        self._arm.move_linear(T, speed, acceleration)

    def descend(
        self,
        T_base_tcp: ArrayLike,
        speed: float,
        force_limit_n: float | None = None,
        acceleration: float | None = None,
    ) -> bool:
        """See :meth:`robot.arm.UR5Arm.descend`; what is held may be planned to meet something.

        Raises:
            as ``move_joints``.
        """
        if force_limit_n is not None:
            checked_rate(force_limit_n, self._settings.arm.contact_force_max_n, "contact force")
        T = self._checked_line(T_base_tcp, speed, acceleration, LOWERING)
        self._ask(f"watched straight move to {words(T)} at {speed:.2f} m/s")
        return self._arm.descend(T, speed, force_limit_n, acceleration)

    def set_payload(self, mass_kg: float, centre_of_gravity_m: ArrayLike) -> None:
        """See :meth:`robot.arm.UR5Arm.set_payload`; more than the cell may lift is refused."""
        most_kg = GRIPPER_MASS_KG + self._settings.safety.payload_max_kg
        if not 0.0 <= mass_kg <= most_kg:
            raise MotionRefused(f"a payload of {mass_kg:g} kg; the cell allows {most_kg:g} kg", "unreachable")
        self._arm.set_payload(mass_kg, centre_of_gravity_m)

    def _present(self) -> tuple[Joints, Sweep]:
        q = self._arm.state().q
        if not np.isfinite(q).all():
            raise MotionRefused("the arm does not say where it stands", "unreachable")
        return q, Sweep(self._settings, self._model, self._checker, self.around.width_m)

    def _checked_line(
        self, T_base_tcp: ArrayLike, speed: float, acceleration: float | None, excused: Excused
    ) -> Transform:
        limits = self._settings.arm
        T = checked_transform(T_base_tcp, "the target")
        checked_rate(speed, limits.linear_speed_max_m_s, "linear speed")
        if acceleration is not None:
            checked_rate(acceleration, limits.linear_acceleration_max_m_s2, "linear acceleration")
        if not np.allclose(self._arm.state().T_flange_tcp, T_FLANGE_TCP, atol=SAME_TCP):
            raise MotionRefused("the controller's tool centre point is not the closed fingers' tip", "unreachable")
        q, sweep = self._present()
        with _refusing():
            sweep.linear_move(q, [sweep.tcp(q), T], {**sweep.excuses(q), **excused})
        return T

    def _ask(self, motion: str) -> None:
        if self._confirm is not None and not self._confirm(motion):
            raise KeyboardInterrupt

    # What does not move the arm goes through as it is.

    @property
    def settings(self) -> ArmSettings:
        """See :class:`robot.arm.UR5Arm`, as for all that follows."""
        return self._arm.settings

    @property
    def is_connected(self) -> bool:
        return self._arm.is_connected

    @property
    def process_id(self) -> int | None:
        return self._arm.process_id

    def connect(self) -> ArmState:
        return self._arm.connect()

    def disconnect(self) -> None:
        self._arm.disconnect()

    def dashboard(self) -> Dashboard:
        return self._arm.dashboard()

    def serial_number(self) -> str:
        return self._arm.serial_number()

    def state(self) -> ArmState:
        return self._arm.state()

    def stop(self) -> None:
        self._arm.stop()

    def stop_program(self) -> None:
        self._arm.stop_program()

    def set_tcp(self, T_flange_tcp: ArrayLike) -> None:
        self._arm.set_tcp(T_flange_tcp)

    def zero_force_sensor(self) -> None:
        self._arm.zero_force_sensor()

    def recover(self, confirm: Callable[[str], bool]) -> ArmState:
        return self._arm.recover(confirm)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except PlanRefused as refusal:
        raise MotionRefused(refusal.reason, refusal.outcome) from None
