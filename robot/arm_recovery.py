"""The way back from a stop, over the dashboard server."""

from __future__ import annotations

from robot.channel import pause
from robot.dashboard import CommandRefused, Dashboard
from robot.deadline import Deadline
from robot.errors import ArmError, ArmTimeout, ArmUnpowered, EmergencyStop, ProtectiveStop

SAFETY_FAULTS = ("FAULT", "VIOLATION")
_RETRY_S = 0.25


def require_operational(dashboard: Dashboard) -> None:
    """Raise what keeps the arm from obeying: a stop, missing power, local control."""
    status, mode = dashboard.safety_status(), dashboard.robot_mode()
    if "EMERGENCY" in status:
        raise EmergencyStop("arm: the emergency stop is pressed", "release the button when it is safe, then recover")
    if "PROTECTIVE" in status or "SAFEGUARD" in status:
        raise ProtectiveStop(f"arm: the controller is in {status}", "free the arm, then confirm the recovery")
    if status not in ("NORMAL", "REDUCED"):
        raise ArmUnpowered(f"arm: the safety system reports {status}", "look at the teach pendant")
    if mode != "RUNNING":
        raise ArmUnpowered(f"arm: it is in mode {mode}, not RUNNING", "power it on and release the brakes")
    if not dashboard.is_in_remote_control():
        raise ArmError("arm: the controller is in local control", "switch the teach pendant to remote control")


def _await_safety(dashboard: Dashboard, deadline: Deadline) -> None:
    while (status := dashboard.safety_status()) not in ("NORMAL", "REDUCED"):
        if deadline.passed:
            raise ArmTimeout(f"arm: the safety system still reports {status}", "look at the teach pendant")
        pause(0.01, deadline)


def release_protective_stop(dashboard: Dashboard, deadline: Deadline) -> None:
    """Stop the old program, which is paused and would go on with the old motion, and release the stop.

    The controller refuses to release for the first seconds; it is asked again until the deadline.

    Raises:
        CommandRefused: it refuses all that time.
        ArmError, ArmTimeout: it cannot be asked any more.
    """
    dashboard.stop_program()
    dashboard.close_safety_popup()
    while True:
        try:
            dashboard.unlock_protective_stop()
            break
        except CommandRefused:
            if deadline.passed:
                raise
            pause(_RETRY_S, deadline)
    _await_safety(dashboard, deadline)


def power_up(dashboard: Dashboard, deadline: Deadline) -> None:
    """Power the arm on and release its brakes, where that is needed.

    Raises:
        EmergencyStop: the button is still pressed.
        ArmError, ArmTimeout: the arm does not get there.
    """
    status = dashboard.safety_status()
    if "EMERGENCY" in status:
        raise EmergencyStop("arm: the emergency stop is still pressed", "release the button first")
    if status in SAFETY_FAULTS:
        dashboard.restart_safety()
    dashboard.close_safety_popup()
    if dashboard.robot_mode() != "RUNNING":
        dashboard.power_on(deadline.remaining_s)
        dashboard.release_brakes(deadline.remaining_s)
    _await_safety(dashboard, deadline)
