"""One broken part does not keep the others from being examined; and what the parts make of what they find."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from cell.doctoring.camera import firmware_line, rate_line, usb_line
from cell.doctoring.controller import controller_lines
from cell.doctoring.interface import kinematics_line, registers_line
from cell.doctoring.interface import rate_line as packet_rate_line
from cell.doctoring.latencies import PACKET, latency_line
from cell.doctoring.lines import Facts, Line, Status, ok
from cell.doctoring.parts import Examination, Part
from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.dashboard import Dashboard
from robot.errors import ArmError
from robot.frame_source import CameraDetails
from robot.geometry import transform_to_pose
from robot.kinematics import UR5, UR5E, forward
from robot.rtde_probe import Listening
from tests.robot.dashboard_socket import DashboardSocket

CB3 = {
    "PolyscopeVersion": "URSoftware 3.15.8.106339 (Nov 16 2021)",
    "get serial number": "2018352097",
    "get robot model": "UR5",
    "robotmode": "Robotmode: RUNNING",
    "safetystatus": "Safetystatus: NORMAL",
    "programState": "STOPPED <unnamed>",
}
E_SERIES = CB3 | {
    "PolyscopeVersion": "URSoftware 5.11.1.108318 (Sep 01 2021)",
    "is in remote control": "true",
}


def lines_of(*parts: Part) -> list[tuple[str, str]]:
    examination = Examination()
    for part in parts:
        examination.begin(part)
    return [(line.name, line.status.value) for line in examination.lines()]


def test_error_in_one_part_leaves_the_others_alone() -> None:
    def failing() -> Iterator[Line]:
        yield ok("a", "fine")
        raise ArmError("gone", "look for it")

    found = lines_of(Part(("a", "b", "c"), failing), Part(("d",), lambda: iter((ok("d", "fine"),))))
    assert found == [("a", "ok"), ("b", "broken"), ("c", "warning"), ("d", "ok")]


def test_error_that_nobody_foresaw_is_a_line() -> None:
    def failing() -> Iterator[Line]:
        raise ZeroDivisionError("oh")
        yield

    examination = Examination()
    examination.begin(Part(("a",), failing))
    (line,) = examination.lines()
    assert line.status is Status.BROKEN
    assert "ZeroDivisionError: oh" in line.found
    assert line.remedy


def test_part_that_hangs_is_given_up() -> None:
    never = threading.Event()

    def hanging() -> Iterator[Line]:
        yield ok("a", "fine")
        never.wait(30.0)
        yield ok("b", "late")

    examination = Examination()
    examination.begin(Part(("a", "b"), hanging, timeout_s=0.1))
    _, late = examination.lines()
    never.set()
    assert (late.name, late.status) == ("b", Status.BROKEN)
    assert "no answer within 0.1 s" in late.found


@pytest.fixture
def server() -> Iterator[DashboardSocket]:
    served = DashboardSocket()
    yield served
    served.close()


def controller(server: DashboardSocket, arm_model: str = "UR5") -> dict[str, Line]:
    dashboard = Dashboard("127.0.0.1", port=server.port, timeout_s=1.0)
    return {line.name: line for line in controller_lines(dashboard, arm_model, Facts())}


@pytest.mark.parametrize(("answers", "arm_model"), [(CB3, "UR5"), (E_SERIES, "UR5e")])
def test_controller_that_is_well(server: DashboardSocket, answers: dict[str, str], arm_model: str) -> None:
    server.answers.update(answers)
    assert {line.status for line in controller(server, arm_model).values()} == {Status.OK}


def test_controller_is_only_asked(server: DashboardSocket) -> None:
    server.answers.update(CB3)
    controller(server)
    questions = {*CB3, "is in remote control"}
    assert set(server.asked) <= questions


@pytest.mark.parametrize(
    ("version", "words"),
    [("10.7.0", "not supported"), ("5.1.0", "too old"), ("3.3.4", "too old"), ("5.11.1", "cell file says UR5")],
)
def test_controller_that_does_not_fit(server: DashboardSocket, version: str, words: str) -> None:
    server.answers.update(CB3 | {"PolyscopeVersion": f"URSoftware {version}.1 (Sep 01 2021)"})
    line = controller(server)["controller"]
    assert line.status is Status.BROKEN
    assert words in line.found


def test_another_robot_on_the_controller(server: DashboardSocket) -> None:
    server.answers.update(CB3 | {"get robot model": "UR10"})
    assert controller(server)["controller"].status is Status.BROKEN


@pytest.mark.parametrize(
    ("question", "answer", "name", "status", "words"),
    [
        ("is in remote control", "false", "remote control", "broken", "local control"),
        ("robotmode", "Robotmode: POWER_OFF", "power", "broken", "POWER_OFF"),
        ("safetystatus", "Safetystatus: PROTECTIVE_STOP", "safety", "broken", "protective stop"),
        ("safetystatus", "Safetystatus: ROBOT_EMERGENCY_STOP", "safety", "broken", "emergency stop"),
        ("safetystatus", "Safetystatus: SAFEGUARD_STOP", "safety", "broken", "safeguard stop"),
        ("safetystatus", "Safetystatus: REDUCED", "safety", "warning", "reduced"),
        ("programState", "PLAYING pick.urp", "program", "warning", "a program runs"),
        ("programState", "PAUSED pick.urp", "program", "warning", "paused"),
    ],
)
def test_state_of_the_controller(
    server: DashboardSocket, question: str, answer: str, name: str, status: str, words: str
) -> None:
    server.answers.update(E_SERIES | {question: answer})
    lines = controller(server, "UR5e")
    assert (lines[name].status.value, words in lines[name].found) == (status, True)
    assert lines[name].remedy
    assert all(line.status is Status.OK for other, line in lines.items() if other != name)


@pytest.mark.parametrize(("usb", "status"), [("3.2", "ok"), ("2.1", "warning"), ("1.1", "warning"), ("", "ok")])
def test_usb(usb: str, status: str) -> None:
    assert usb_line(CameraDetails(usb_type=usb)).status.value == status


@pytest.mark.parametrize(
    ("firmware", "status"), [("5.16.0.1", "ok"), ("5.9.15.1", "warning"), ("5.17.0", "ok"), ("", "ok")]
)
def test_firmware(firmware: str, status: str) -> None:
    said = CameraDetails(firmware=firmware, recommended_firmware="5.16.0.1")
    assert firmware_line(said).status.value == status


@pytest.mark.parametrize(("rate", "status"), [(30.0, "ok"), (16.0, "ok"), (14.0, "warning")])
def test_frame_rate(rate: float, status: str) -> None:
    assert rate_line(CameraDetails(fps=30), rate).status.value == status


Q = (1.9, -1.7, 2.0, -1.8708, -1.5708, 0.3)


def heard(off_m: float = 0.0, **values: object) -> Listening:
    """What a UR5 at ``Q`` says whose flange, by its own calibration, is ``off_m`` beside ours."""
    T = forward(UR5, Q).copy()
    T[:3, 3] += np.array([0.6, 0.0, 0.8]) * off_m
    last = {"actual_q": Q, "actual_TCP_pose": tuple(transform_to_pose(T)), "tcp_offset": (0.0,) * 6}
    return Listening(tuple(np.arange(60) * 0.008), 0.48, last | values)


@pytest.mark.parametrize(("off_m", "status"), [(0.0, "ok"), (0.0009, "ok"), (0.002, "warning"), (0.012, "broken")])
def test_factory_calibration(off_m: float, status: str) -> None:
    line = kinematics_line(heard(off_m), UR5)
    assert line.status.value == status
    assert f"{off_m * 1e3:.2f} mm" in line.found


def test_wrong_arm_model_shows_in_the_kinematics() -> None:
    assert kinematics_line(heard(), UR5E).status is Status.BROKEN


def test_tcp_is_taken_off_before_flanges_are_compared() -> None:
    T_flange_tcp = np.eye(4)
    T_flange_tcp[2, 3] = 0.17
    pose = transform_to_pose(forward(UR5, Q) @ T_flange_tcp)
    listening = heard(actual_TCP_pose=tuple(pose), tcp_offset=(0.0, 0.0, 0.17, 0.0, 0.0, 0.0))
    assert kinematics_line(listening, UR5).status is Status.OK


def test_packets() -> None:
    facts = Facts()
    assert packet_rate_line(heard(), 125.0, facts).status is Status.OK
    assert packet_rate_line(heard(), 500.0, facts).status is Status.WARNING
    assert packet_rate_line(Listening((), 0.5, {}), 125.0, facts).status is Status.BROKEN


def test_registers_in_use() -> None:
    assert registers_line((), playing=False).status is Status.OK
    line = registers_line(("input_int_register_0",), playing=False)
    assert line.status is Status.BROKEN
    assert "input_int_register_0" in line.found
    assert all(name in line.remedy for name in ("EtherNet/IP", "PROFINET", "MODBUS"))
    assert "program" in registers_line(("input_int_register_0",), playing=True).remedy


def test_latencies_are_held_against_what_a_run_waits_for() -> None:
    settings = load_cell(DEFAULT_CELL_FILE)
    limit_ms = settings.arm.link_timeout_s * 500.0
    assert latency_line(Facts(latencies_ms={PACKET: 0.9 * limit_ms}), settings).status is Status.OK
    slow = latency_line(Facts(latencies_ms={PACKET: 1.1 * limit_ms}), settings)
    assert slow.status is Status.WARNING
    assert PACKET in slow.found
    assert latency_line(Facts(), settings).status is Status.WARNING
