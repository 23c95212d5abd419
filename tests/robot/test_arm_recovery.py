from __future__ import annotations

from collections.abc import Iterator

import pytest

from robot.arm_recovery import power_up, release_protective_stop, require_operational
from robot.dashboard import CommandRefused, Dashboard
from robot.deadline import Deadline
from robot.errors import ArmError, ArmUnpowered, EmergencyStop, ProtectiveStop
from tests.robot.dashboard_socket import HANG_UP, DashboardSocket

TOO_EARLY = "Cannot unlock protective stop until 5s after occurrence. Always inspect cause of protective stop"
STOPPED = {
    "stop": "Stopped",
    "close safety popup": "closing safety popup",
    "safetystatus": "Safetystatus: NORMAL",
}


@pytest.fixture
def served() -> Iterator[DashboardSocket]:
    server = DashboardSocket()
    yield server
    server.close()


@pytest.fixture
def dashboard(served: DashboardSocket) -> Iterator[Dashboard]:
    with Dashboard("127.0.0.1", port=served.port, timeout_s=0.5) as connected:
        yield connected


def test_old_program_is_stopped_first_and_an_early_refusal_is_waited_out(
    served: DashboardSocket, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robot.arm_recovery._RETRY_S", 0.005)
    served.answers = STOPPED | {"unlock protective stop": [TOO_EARLY] * 3 + ["Protective stop releasing"]}
    release_protective_stop(dashboard, Deadline(10.0))
    assert served.asked[0] == "stop"  # even while it is merely paused: unlocked, it could go on with the old motion
    assert served.asked.count("unlock protective stop") == 4


def test_lasting_refusal_ends_by_the_deadline(
    served: DashboardSocket, dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robot.arm_recovery._RETRY_S", 0.005)
    served.answers = STOPPED | {"unlock protective stop": TOO_EARLY}
    with pytest.raises(CommandRefused, match="5s after"):
        release_protective_stop(dashboard, Deadline(0.05))


def test_program_that_cannot_be_stopped_is_not_unlocked(served: DashboardSocket, dashboard: Dashboard) -> None:
    served.answers = STOPPED | {"stop": "Failed to execute: stop", "programState": "PAUSED rtde_control"}
    with pytest.raises(CommandRefused):
        release_protective_stop(dashboard, Deadline(10.0))
    assert "unlock protective stop" not in served.asked


def test_lost_dashboard_is_no_refusal(served: DashboardSocket, dashboard: Dashboard) -> None:
    served.answers = STOPPED | {"unlock protective stop": [TOO_EARLY, HANG_UP]}
    with pytest.raises(ArmError, match="closed the connection"):  # at once, and not "refused" or "not connected"
        release_protective_stop(dashboard, Deadline(60.0))


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ({"safetystatus": "Safetystatus: ROBOT_EMERGENCY_STOP"}, EmergencyStop, "pressed"),
        ({"safetystatus": "Safetystatus: PROTECTIVE_STOP"}, ProtectiveStop, "PROTECTIVE"),
        ({"safetystatus": "Safetystatus: SAFEGUARD_STOP"}, ProtectiveStop, "SAFEGUARD"),
        ({"safetystatus": "Safetystatus: FAULT"}, ArmUnpowered, "FAULT"),
        ({"robotmode": "Robotmode: IDLE"}, ArmUnpowered, "IDLE"),
        ({"is in remote control": "false"}, ArmError, "local control"),
    ],
)
def test_what_keeps_the_arm_from_obeying_is_named(
    served: DashboardSocket, dashboard: Dashboard, answers: dict[str, str], error: type[ArmError], words: str
) -> None:
    served.answers = {
        "safetystatus": "Safetystatus: NORMAL",
        "robotmode": "Robotmode: RUNNING",
        "is in remote control": "true",
    }
    require_operational(dashboard)
    served.answers.update(answers)
    with pytest.raises(ArmError, match=words) as caught:
        require_operational(dashboard)
    assert type(caught.value) is error
    assert caught.value.hint


def test_safety_fault_is_restarted_before_the_power(served: DashboardSocket, dashboard: Dashboard) -> None:
    served.answers = STOPPED | {
        "safetystatus": ["Safetystatus: VIOLATION", "Safetystatus: NORMAL"],
        "restart safety": "Restarting safety",
        "robotmode": ["Robotmode: POWER_OFF", "Robotmode: IDLE", "Robotmode: RUNNING"],
        "power on": "Powering on",
        "brake release": "Brake releasing",
    }
    power_up(dashboard, Deadline(10.0))
    acts = [command for command in served.asked if command in ("restart safety", "power on", "brake release")]
    assert acts == ["restart safety", "power on", "brake release"]
