from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from robot.dashboard import CommandRefused, Dashboard
from robot.errors import ArmError, ArmTimeout
from tests.robot.dashboard_socket import DashboardSocket


@pytest.fixture
def served() -> Iterator[DashboardSocket]:
    server = DashboardSocket()
    yield server
    server.close()


@pytest.fixture
def dashboard(served: DashboardSocket) -> Iterator[Dashboard]:
    with Dashboard("127.0.0.1", port=served.port, timeout_s=0.3) as connected:
        yield connected


def test_answers_are_understood(served: DashboardSocket, dashboard: Dashboard) -> None:
    served.answers = {
        "PolyscopeVersion": "URSoftware 3.15.8.106339 (Nov 16 2021)",
        "robotmode": "Robotmode: RUNNING",
        "safetystatus": "Safetystatus: PROTECTIVE_STOP",
        "programState": "PAUSED rtde_control",
        "stop": "Stopped",
    }
    assert dashboard.polyscope_version() == (3, 15, 8)
    assert dashboard.robot_mode() == "RUNNING"
    assert dashboard.safety_status() == "PROTECTIVE_STOP"
    assert dashboard.program_state() == "PAUSED"
    assert dashboard.is_in_remote_control()  # a CB3 does not know the question
    dashboard.stop_program()


def test_older_controllers_tell_the_safety_mode(served: DashboardSocket, dashboard: Dashboard) -> None:
    served.answers = {"safetymode": "Safetymode: NORMAL"}
    assert dashboard.safety_status() == "NORMAL"


def test_power_on_waits_for_the_arm(served: DashboardSocket, dashboard: Dashboard) -> None:
    served.answers = {"power on": "Powering on", "robotmode": ["Robotmode: BOOTING"] * 3 + ["Robotmode: IDLE"]}
    dashboard.power_on(timeout_s=5.0)
    assert served.asked.count("robotmode") == 4
    served.answers = {"brake release": "Brake releasing", "robotmode": "Robotmode: IDLE"}
    with pytest.raises(ArmTimeout, match="IDLE"):
        dashboard.release_brakes(timeout_s=0.1)


@pytest.mark.parametrize(
    "answer", ["Cannot unlock protective stop until 5s after occurrence.", "", "Safetystatus: NORMAL"]
)
def test_refusal_is_an_error(served: DashboardSocket, dashboard: Dashboard, answer: str) -> None:
    served.answers = {"unlock protective stop": answer}
    with pytest.raises(ArmError, match="refused"):
        dashboard.unlock_protective_stop()


def test_stopping_a_program_that_is_not_there_is_no_error(served: DashboardSocket, dashboard: Dashboard) -> None:
    served.answers = {"stop": "Failed to execute: stop", "programState": "STOPPED table.urp"}
    dashboard.stop_program()
    served.answers["programState"] = "PAUSED table.urp"
    with pytest.raises(CommandRefused):
        dashboard.stop_program()


def test_silence_ends_by_the_deadline(served: DashboardSocket, dashboard: Dashboard) -> None:
    served.answers = {"robotmode": None}
    begun = time.monotonic()
    with pytest.raises(ArmTimeout):
        dashboard.robot_mode()
    assert time.monotonic() - begun < 3 * 0.3
    with pytest.raises(ArmError, match="not connected"):  # its late answer would be taken for the next one's
        dashboard.robot_mode()


def test_something_else_on_the_port(served: DashboardSocket) -> None:
    served.greeting = b"220 mail ready\n"
    with pytest.raises(ArmError, match="not a UR dashboard"):
        Dashboard("127.0.0.1", port=served.port).connect()


def test_nothing_on_the_port() -> None:
    with pytest.raises(ArmError, match="cannot connect"):
        Dashboard("127.0.0.1", port=1).connect()
