"""The UR5: motions with deadlines, watched and checked; faults as typed errors, and the way back from them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from robot.arm_limits import checked_joints, checked_rate, checked_transform, refuse
from robot.arm_link import ArmLink
from robot.arm_recovery import SAFETY_FAULTS, power_up, release_protective_stop, require_operational
from robot.arm_safety import Safety
from robot.arm_state import ArmSettings, ArmState, Vector6, state_from_message
from robot.dashboard import CommandRefused, Dashboard
from robot.deadline import Deadline
from robot.errors import ArmError, EmergencyStop, ProtectiveStop
from robot.geometry import transform_to_pose

__all__ = ["ArmSettings", "ArmState", "Safety", "UR5Arm"]

_GENTLE_M_S2 = 0.5
_SURGE = 2.0  # share of the contact force that the arm's own speeding up may seem to be


class UR5Arm:
    """Driver of one arm. ``stop`` may come from a second thread; all else from one."""

    def __init__(self, settings: ArmSettings) -> None:
        self._settings = settings
        self._link: ArmLink | None = None
        self._serial_number = ""

    @property
    def settings(self) -> ArmSettings:
        return self._settings

    @property
    def is_connected(self) -> bool:
        link = self._link  # another thread may take it away
        return link is not None and link.is_open

    @property
    def process_id(self) -> int | None:
        """The process that holds the connection, while there is one."""
        link = self._link
        return link.process_id if link is not None and link.is_open else None

    def connect(self) -> ArmState:
        """Connect, load our program onto the controller and return the first state; nothing moves.

        Raises:
            ProtectiveStop, EmergencyStop: the arm is in one; recover first.
            ArmError: no controller there, the arm is not powered, or it is in local control.
            ArmTimeout: no answer in time.
        """
        self.disconnect()
        settings = self._settings
        with self.dashboard() as dashboard:
            version = dashboard.polyscope_version()
            with contextlib.suppress(CommandRefused):  # the oldest controllers do not know the question
                self._serial_number = dashboard.serial_number()
            require_operational(dashboard)
        link = self._link = ArmLink()
        start = {
            "address": settings.address,
            "version": version,
            "link_timeout_s": settings.link_timeout_s,
            "watchdog_hz": settings.watchdog_hz,
        }
        try:
            return state_from_message(
                link.request(start, silence_s=settings.connect_timeout_s, timeout_s=settings.connect_timeout_s)
            )
        except BaseException:
            self._abandon()
            raise

    def disconnect(self) -> None:
        """End our program on the controller and the connection; harmless when there is none.

        A program that is paused does not hear us; left alone it would go on with the old motion one day.
        """
        link = self._link
        if link is None or not link.is_open:
            self._link = None
            return
        with contextlib.suppress(ArmError):
            link.request({"do": "disconnect"}, silence_s=1.0, timeout_s=1.0)
        self._abandon()

    def __enter__(self) -> UR5Arm:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def dashboard(self) -> Dashboard:
        """A client for the controller's dashboard server, not yet connected."""
        return Dashboard(self._settings.address, timeout_s=min(2.5, self._settings.reply_timeout_s))

    def serial_number(self) -> str:
        """The robot's, as its controller told when it was connected; empty where it does not tell."""
        return self._serial_number

    def state(self) -> ArmState:
        """The newest state, not older than ``link_timeout_s``.

        Raises:
            ArmTimeout: no new packet has come for that long.
            ArmError: not connected, or the connection is lost.
        """
        return state_from_message(self._ask("state"))

    def move_joints(self, q: ArrayLike, speed: float, acceleration: float) -> None:
        """Move to (6,) ``q`` [rad], linear in joint space, and stand there.

        Args:
            speed: of the leading joint [rad/s].
            acceleration: of the leading joint [rad/s^2].

        Raises:
            ArmError: refused, stopped on request, or the arm is not where it should be.
            ProtectiveStop, EmergencyStop: the controller stopped the arm.
            ArmTimeout: the controller fell silent, or the motion took too long.
        """
        s = self._settings
        target = checked_joints(q, s.joint_lower_rad, s.joint_upper_rad)
        self._move(
            "move_joints",
            target=target.tolist(),
            speed=checked_rate(speed, s.joint_speed_max_rad_s, "joint speed"),
            acceleration=checked_rate(acceleration, s.joint_acceleration_max_rad_s2, "joint acceleration"),
            tolerance=s.joint_tolerance_rad,
        )

    def move_linear(self, T_base_tcp: ArrayLike, speed: float, acceleration: float) -> None:
        """Move the TCP on a straight line to (4, 4) ``T_base_tcp`` and stand there; speed [m/s], acceleration [m/s^2].

        Raises:
            as ``move_joints``.
        """
        self._move("move_linear", **self._linear(T_base_tcp, speed, acceleration))

    def descend(
        self,
        T_base_tcp: ArrayLike,
        speed: float,
        force_limit_n: float | None = None,
        acceleration: float | None = None,
    ) -> bool:
        """As ``move_linear``, but stop at a contact; True when there was one.

        A contact is a change of the TCP force by ``force_limit_n`` (the settings' when None) in the steady motion,
        or by twice that since its start (see ``ContactWatch``); on controllers that detect contacts themselves
        (5.4 and newer) theirs count too. ``acceleration`` of None is a gentle one.

        Raises:
            as ``move_joints``.
        """
        s = self._settings
        limit = checked_rate(
            s.contact_force_n if force_limit_n is None else force_limit_n, s.contact_force_max_n, "contact force"
        )
        if acceleration is None:
            acceleration = min(_GENTLE_M_S2, s.linear_acceleration_max_m_s2)
        touched: bool = self._move(
            "descend",
            **self._linear(T_base_tcp, speed, acceleration),
            force_limit=limit,
            surge_limit=min(_SURGE * limit, s.contact_force_max_n),
        )
        return touched

    def stop(self) -> None:
        """Bring the arm to rest now, a motion that another call waits for included.

        When our process does not answer, the program on the controller is stopped through the dashboard.

        Raises:
            ArmTimeout: neither way could be confirmed.
        """
        if self.is_connected:
            try:
                self._ask("stop")
                return
            except ArmError:
                self._abandon(stop_program=False)
        self.stop_program()

    def stop_program(self) -> None:
        """End our program on the controller, lest it go on by itself when a stop is released; ``recover`` starts it.

        Raises:
            ArmError: the dashboard server does not do it.
        """
        with self.dashboard() as dashboard:
            dashboard.stop_program()

    def set_tcp(self, T_flange_tcp: ArrayLike) -> None:
        """Make (4, 4) ``T_flange_tcp`` the tool centre point of all Cartesian commands and readings."""
        self._ask("set_tcp", offset=transform_to_pose(checked_transform(T_flange_tcp, "the TCP")).tolist())

    def set_payload(self, mass_kg: float, centre_of_gravity_m: ArrayLike) -> None:
        """Tell the controller what hangs at the flange: mass and (3,) centre of gravity in flange axes."""
        centre = np.asarray(centre_of_gravity_m, dtype=np.float64)
        if (
            not (math.isfinite(mass_kg) and 0 <= mass_kg <= 5.0)
            or centre.shape != (3,)
            or not np.isfinite(centre).all()
        ):
            raise refuse(f"a payload of {mass_kg} kg at {centre_of_gravity_m!r}")
        self._ask("set_payload", mass=float(mass_kg), cog=centre.tolist())

    def zero_force_sensor(self) -> None:
        """Take the present force as zero."""
        self._ask("zero_force_sensor")

    def inverse_kinematics(self, T_base_tcp: ArrayLike, q_near: ArrayLike) -> Vector6 | None:
        """(6,) joint angles nearest to ``q_near`` by the controller's own model, or None without a solution."""
        s = self._settings
        pose = transform_to_pose(checked_transform(T_base_tcp, "the target")).tolist()
        near = checked_joints(q_near, s.joint_lower_rad, s.joint_upper_rad).tolist()
        solution = self._ask("inverse_kinematics", pose=pose, q_near=near)
        return None if solution is None else np.array(solution)

    def unlock_protective_stop(self) -> None:
        """Stop the old program, which would go on with the old motion, and release the stop.

        Raises:
            ArmError: the controller refuses for ``recovery_timeout_s``.
        """
        with self.dashboard() as dashboard:
            release_protective_stop(dashboard, Deadline(self._settings.recovery_timeout_s))

    def restart(self) -> None:
        """Power the arm on and release its brakes, as needed after an emergency stop.

        Raises:
            EmergencyStop: the button is still pressed.
            ArmError, ArmTimeout: the arm does not get there.
        """
        with self.dashboard() as dashboard:
            power_up(dashboard, Deadline(self._settings.recovery_timeout_s))

    def reupload(self) -> ArmState:
        """Start our program on the controller anew, over a new connection where the old one is gone."""
        if self.is_connected:
            try:
                self._ask("reupload", timeout_s=self._settings.connect_timeout_s)
                return self.state()
            except ArmError:
                self._abandon()
        return self.connect()

    def recover(self, confirm: Callable[[str], bool]) -> ArmState:
        """Bring the arm back after a stop or a lost link; it does not move.

        Args:
            confirm: asked before a stop is released; the operator's word.

        Raises:
            ProtectiveStop, EmergencyStop: not confirmed, or still pressed.
            ArmError, ArmTimeout: it cannot be brought back.
        """
        with self.dashboard() as dashboard:
            status, mode = dashboard.safety_status(), dashboard.robot_mode()
        if "PROTECTIVE" in status:
            if not confirm("The arm made a protective stop. Is it free, and may the stop be released?"):
                raise ProtectiveStop("arm: the protective stop was not released")
            self.unlock_protective_stop()
        elif "EMERGENCY" in status or status in SAFETY_FAULTS or mode != "RUNNING":
            if not confirm("The arm was stopped. Is the emergency stop released, and may the arm be powered?"):
                raise EmergencyStop("arm: the arm was not powered again")
            self.restart()
        return self.reupload()

    def _linear(self, T_base_tcp: ArrayLike, speed: float, acceleration: float) -> dict[str, Any]:
        s = self._settings
        return {
            "target": transform_to_pose(checked_transform(T_base_tcp, "the target")).tolist(),
            "speed": checked_rate(speed, s.linear_speed_max_m_s, "linear speed"),
            "acceleration": checked_rate(acceleration, s.linear_acceleration_max_m_s2, "linear acceleration"),
            "tolerance": s.position_tolerance_m,
            "angle_tolerance": s.angle_tolerance_rad,
        }

    def _move(self, command: str, **values: Any) -> Any:
        return self._ask(command, timeout_s=self._settings.move_timeout_s, **values)

    def _ask(self, command: str, timeout_s: float | None = None, **values: Any) -> Any:
        link, silence_s = self._link, self._settings.reply_timeout_s
        if link is None or not link.is_open:
            raise ArmError("arm: not connected", "call connect() first")
        message = {"do": command, "with": values}
        try:
            return link.request(message, silence_s=silence_s, timeout_s=timeout_s or silence_s)
        except ArmError:
            if not link.is_open:
                self._abandon(stop_program=command != "stop")
            raise

    def _abandon(self, *, stop_program: bool = True) -> None:
        """Give up the process; the controller, if it still listens, is told to stop by the other way."""
        link, self._link = self._link, None
        if link is not None:
            link.kill()
        if stop_program:
            with contextlib.suppress(ArmError), Dashboard(self._settings.address, timeout_s=0.5) as dashboard:
                dashboard.stop_program()
