"""The probe against an RTDE interface that misbehaves on request; against the simulated one see test_doctor."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from robot.errors import ArmError, ArmTimeout
from robot.rtde_probe import ARM_INPUTS, RtdeProbe
from tests.robot.rtde_socket import RtdeSocket, rtde_socket


@pytest.fixture
def controller() -> Iterator[RtdeSocket]:
    with rtde_socket() as served:
        yield served


@pytest.fixture
def probe(controller: RtdeSocket) -> Iterator[RtdeProbe]:
    with RtdeProbe("127.0.0.1", port=controller.port, timeout_s=1.0) as connected:
        yield connected


def test_version_is_read(probe: RtdeProbe) -> None:
    assert probe.version() == (5, 11, 1)


def test_packets_are_counted_and_the_newest_is_read(probe: RtdeProbe) -> None:
    heard = probe.listen(("timestamp", "actual_q", "runtime_state"), 125.0, 0.3)
    assert len(heard.arrived_at) > 5
    assert heard.rate_hz == pytest.approx(len(heard.arrived_at) / heard.duration_s)
    assert heard.longest_gap_s < heard.duration_s
    assert heard.last == {"timestamp": 12.5, "actual_q": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), "runtime_state": 2}


def test_outputs_that_the_controller_does_not_know_are_left_out(probe: RtdeProbe) -> None:
    heard = probe.listen(("timestamp", "tcp_offset", "runtime_state"), 125.0, 0.1)
    assert heard.last == {"timestamp": 12.5, "runtime_state": 2}


def test_silence_is_an_answer(controller: RtdeSocket, probe: RtdeProbe) -> None:
    controller.period_s = None
    heard = probe.listen(("timestamp",), 125.0, 0.1)
    assert heard.last == {}
    assert heard.rate_hz == 0
    assert heard.longest_gap_s == heard.duration_s


def test_inputs_in_use_are_named(controller: RtdeSocket, probe: RtdeProbe) -> None:
    assert probe.held_inputs() == ()
    controller.in_use = {"input_int_register_0", "input_double_register_5", "input_int_register_40"}
    assert probe.held_inputs() == ("input_int_register_0", "input_double_register_5")


def test_what_ur_rtde_claims_is_what_is_asked_for() -> None:
    assert "input_int_register_0" in ARM_INPUTS
    assert "input_double_register_17" in ARM_INPUTS
    assert len(ARM_INPUTS) == len(set(ARM_INPUTS))


def test_what_is_said_unasked_is_passed_over(controller: RtdeSocket, probe: RtdeProbe) -> None:
    controller.chatty = True
    assert probe.version() == (5, 11, 1)
    assert probe.held_inputs() == ()
    assert probe.listen(("timestamp",), 125.0, 0.1).last == {"timestamp": 12.5}


def test_nothing_is_ever_sent_but_questions(controller: RtdeSocket, probe: RtdeProbe) -> None:
    probe.version()
    probe.held_inputs()
    probe.listen(("timestamp",), 125.0, 0.05)
    assert 85 not in controller.asked  # a data packet would set the registers


def test_no_answer_ends_by_the_deadline(controller: RtdeSocket) -> None:
    controller.mute = True
    with pytest.raises(ArmTimeout, match="no whole answer"):
        RtdeProbe("127.0.0.1", port=controller.port, timeout_s=0.2).connect()


def test_nobody_there(controller: RtdeSocket) -> None:
    controller.close()
    with pytest.raises(ArmError, match="cannot connect"):
        RtdeProbe("127.0.0.1", port=controller.port, timeout_s=0.5).connect()


def test_something_else_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            connection.sendall(b"\x00\x00GET")
            connection.recv(100)
            connection.close()

        threading.Thread(target=greet, daemon=True).start()
        with pytest.raises(ArmError):
            RtdeProbe("127.0.0.1", port=server.getsockname()[1], timeout_s=0.5).connect()


def test_a_probe_that_is_not_connected_says_so() -> None:
    with pytest.raises(ArmError, match="not connected"):
        RtdeProbe("127.0.0.1").version()
