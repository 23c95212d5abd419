"""Each fault as a client sees it: on plain sockets, or through the project's own drivers."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from robot.channel import Channel, ChannelLost, ChannelTimeout
from robot.dashboard import CommandRefused, Dashboard
from robot.deadline import Deadline
from robot.errors import ArmError, CameraError
from robot.simulator import camera_server, dashboard_server, gripper_server, rtde_server
from robot.simulator.lab_client import LabClient
from robot.simulator.process import SimulatedCell
from robot.simulator.rtde_protocol import (
    DATA_PACKAGE,
    HEADER,
    REQUEST_PROTOCOL_VERSION,
    SETUP_INPUTS,
    SETUP_OUTPUTS,
    START,
    frame,
)
from robot.software_camera import SoftwareCamera

ONE_THING = (
    "objects: [{name: brick, mass_kg: 0.1, friction: 0.6, primitives: [{shape: box, size_m: [0.08, 0.05, 0.03]}]}]"
)


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedCell]:
    path = tmp_path_factory.mktemp("objects") / "one.yaml"
    path.write_text(ONE_THING, encoding="utf-8")
    with SimulatedCell.start(objects=Path(path)) as running:
        yield running


@pytest.fixture
def lab(cell: SimulatedCell) -> Iterator[LabClient]:
    with LabClient(cell.address) as client:
        yield client
        client.clear_faults()


@contextlib.contextmanager
def channel(cell: SimulatedCell, port: int) -> Iterator[Channel]:
    opened = Channel(cell.address, port, 2.0)
    try:
        yield opened
    finally:
        opened.close()


# ---------------------------------------------------------------- RTDE


class Rtde:
    """As little of an RTDE client as it takes."""

    def __init__(self, cell: SimulatedCell) -> None:
        self._channel = Channel(cell.address, rtde_server.PORT, 2.0)
        self.ask(REQUEST_PROTOCOL_VERSION, struct.pack(">H", 2))

    def __enter__(self) -> Rtde:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def ask(self, kind: int, payload: bytes) -> bytes:
        self._channel.send(frame(kind, payload), Deadline(2.0))
        return self.packet(kind)

    def packet(self, kind: int) -> bytes:
        deadline = Deadline(2.0)
        while True:
            size, got = HEADER.unpack(self._channel.read_exactly(HEADER.size, deadline))
            payload = self._channel.read_exactly(size - HEADER.size, deadline)
            if got == kind:
                return payload

    def listen(self, *names: str) -> None:
        self.ask(SETUP_OUTPUTS, struct.pack(">d", 125.0) + ",".join(names).encode())
        self.ask(START, b"")

    def values(self, layout: str) -> tuple[int, ...]:
        return struct.unpack(">" + layout, self.packet(DATA_PACKAGE)[1:])


INPUTS = b"input_int_register_0,input_double_register_0"


def test_registers_in_use_are_named_to_new_clients_only(cell: SimulatedCell, lab: LabClient) -> None:
    with Rtde(cell) as old:
        assert old.ask(SETUP_INPUTS, INPUTS) == b"\x01INT32,DOUBLE"
        lab.fault("registers_in_use")
        with Rtde(cell) as new:
            assert new.ask(SETUP_INPUTS, INPUTS) == b"\x00IN_USE,IN_USE"
        old.listen("timestamp")
        assert old.packet(DATA_PACKAGE)
    lab.clear_faults()
    with Rtde(cell) as new:
        assert new.ask(SETUP_INPUTS, INPUTS) == b"\x01INT32,DOUBLE"


def test_a_safeguard_stop_and_its_end_are_published(cell: SimulatedCell, lab: LabClient) -> None:
    with Rtde(cell) as rtde, Dashboard(cell.address) as dashboard:
        rtde.listen("safety_mode", "safety_status_bits")
        assert rtde.values("iI") == (1, 1)
        lab.fault("safeguard_stop", at_once=True)
        deadline = Deadline(5.0)
        while (seen := rtde.values("iI"))[0] != 5:
            assert not deadline.passed
        assert seen[1] & 1 << 4
        assert dashboard.safety_status() == "SAFEGUARD_STOP"
        lab.clear_faults()
        while rtde.values("iI") != (1, 1):
            assert not deadline.passed
        assert dashboard.safety_status() == "NORMAL"


def test_a_protective_stop_strikes_an_arm_at_rest(cell: SimulatedCell, lab: LabClient) -> None:
    with Dashboard(cell.address) as dashboard:
        lab.fault("protective_stop", at_once=True)
        assert dashboard.safety_status() == "PROTECTIVE_STOP"
        dashboard.unlock_protective_stop()
        assert dashboard.safety_status() == "NORMAL"


# ---------------------------------------------------------------- dashboard


def test_local_control_is_told_and_refuses(cell: SimulatedCell, lab: LabClient) -> None:
    with Dashboard(cell.address) as dashboard:
        assert dashboard.is_in_remote_control()
        lab.fault("local_mode", at_once=True)
        assert not dashboard.is_in_remote_control()
        with pytest.raises(CommandRefused):
            dashboard.unlock_protective_stop()
        dashboard.stop_program()  # there is none to stop
        assert dashboard.robot_mode() == "RUNNING"
        lab.clear_faults()
        assert dashboard.is_in_remote_control()


def test_a_dashboard_that_is_down_hangs_up(cell: SimulatedCell, lab: LabClient) -> None:
    with Dashboard(cell.address) as before:
        lab.fault("dashboard_down")
        with pytest.raises(ArmError):
            before.robot_mode()
        with pytest.raises(ChannelLost), channel(cell, dashboard_server.PORT) as opened:
            opened.read_line(Deadline(2.0))
        with pytest.raises(ArmError):
            Dashboard(cell.address).connect()
    lab.clear_faults()
    with Dashboard(cell.address) as after:
        assert after.robot_mode() == "RUNNING"


# ---------------------------------------------------------------- gripper


def test_a_silent_gripper_takes_connections_and_says_nothing(cell: SimulatedCell, lab: LabClient) -> None:
    lab.fault("gripper_silence", at_once=True)
    with socket.create_connection((cell.address, gripper_server.PORT), timeout=0.3) as connection:
        connection.sendall(b"GET STA\n")
        with pytest.raises(TimeoutError):
            connection.recv(16)
        lab.clear_faults()
        connection.sendall(b"GET STA\n")
        assert connection.recv(16).startswith(b"STA ")


def test_an_inactive_gripper_says_so(cell: SimulatedCell, lab: LabClient) -> None:
    with socket.create_connection((cell.address, gripper_server.PORT), timeout=5.0) as connection:

        def ask(request: bytes) -> bytes:
            connection.sendall(request)
            return connection.recv(64)

        assert ask(b"SET ACT 1 GTO 1\n") == b"ack"
        deadline = Deadline(10.0)
        while ask(b"GET STA\n") != b"STA 3\n":
            assert not deadline.passed
        lab.fault("gripper_inactive", at_once=True)
        assert ask(b"GET STA\n") == b"STA 0\n"
        assert ask(b"GET ACT\n") == b"ACT 0\n"


def test_gripper_fault_shows_in_the_registers(cell: SimulatedCell, lab: LabClient) -> None:
    lab.fault("gripper_fault", 0.0)
    with socket.create_connection((cell.address, gripper_server.PORT), timeout=5.0) as connection:
        for request, answered in ((b"GET FLT\n", b"FLT 14\n"), (b"SET ACT 0\n", b"ack"), (b"GET FLT\n", b"FLT 0\n")):
            connection.sendall(request)
            assert connection.recv(64) == answered


# ---------------------------------------------------------------- camera


def ask_camera(opened: Channel, wanted: str = "info", timeout_s: float = 5.0) -> str:
    opened.send(b'{"get": "%s"}\n' % wanted.encode(), Deadline(timeout_s))
    return opened.read_line(Deadline(timeout_s))


def test_a_missing_camera_hangs_up(cell: SimulatedCell, lab: LabClient) -> None:
    with channel(cell, camera_server.PORT) as before:
        assert "Simulated" in ask_camera(before)
        lab.fault("camera_missing")
        with pytest.raises(ChannelLost):
            ask_camera(before)
    with channel(cell, camera_server.PORT) as opened, pytest.raises(ChannelLost):
        ask_camera(opened)
    with pytest.raises(CameraError):
        SoftwareCamera(cell.address).start()
    lab.clear_faults()
    with channel(cell, camera_server.PORT) as after:
        assert "Simulated" in ask_camera(after)


def test_a_silent_camera_says_nothing(cell: SimulatedCell, lab: LabClient) -> None:
    lab.fault("camera_silence")
    with channel(cell, camera_server.PORT) as opened, pytest.raises(ChannelTimeout):
        ask_camera(opened, "frame", 0.5)


# ---------------------------------------------------------------- all of them


def test_what_is_active_is_told_and_cleared(cell: SimulatedCell, lab: LabClient) -> None:
    for name in ("all_holes", "gripper_silence", "unseen_obstacle", "camera_missing"):
        lab.fault(name)
    assert set(lab.status()["faults"]) == {"all_holes", "gripper_silence", "unseen_obstacle", "camera_missing"}
    lab.clear_faults()
    assert lab.status()["faults"] == []
