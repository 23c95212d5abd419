from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from robot.errors import GripperError, SettingsError
from robot.gripper import GripperSettings, Robotiq2F85
from robot.gripper_geometry import STROKE_M, register_to_width_m, width_to_register
from tests.robot.gripper_socket import GripperSocket, gripper_socket


@pytest.fixture
def served() -> Iterator[GripperSocket]:
    with gripper_socket() as server:
        yield server


def settings(served: GripperSocket) -> GripperSettings:
    return GripperSettings(
        port=served.port, answer_timeout_s=0.2, activation_timeout_s=0.5, move_timeout_s=1.0, connect_timeout_s=0.5
    )


@pytest.fixture
def gripper(served: GripperSocket) -> Iterator[Robotiq2F85]:
    with Robotiq2F85(settings(served)) as connected:
        connected.activate()
        served.requests.clear()
        yield connected


def test_activation_once_is_enough(served: GripperSocket, gripper: Robotiq2F85) -> None:
    assert gripper.state().activated
    gripper.activate()
    assert not any(request.startswith("SET") for request in served.requests)


def test_move_reaches_the_width_and_sets_speed_and_force(served: GripperSocket, gripper: Robotiq2F85) -> None:
    result = gripper.move(0.030, speed_m_s=0.150, force_n=20.0)
    assert result.width_m == pytest.approx(0.030, abs=0.0002)
    assert not result.object_detected
    assert (served.registers["SPE"], served.registers["FOR"]) == (255, 0)
    assert sum(request.startswith("SET") for request in served.requests) == 1


@pytest.mark.parametrize("lag", [0, 1, 5])
def test_object_stops_the_jaws_and_the_flag_of_the_motion_before_is_not_believed(
    served: GripperSocket, gripper: Robotiq2F85, lag: int
) -> None:
    served.lag, served.object_at = lag, 120
    held = gripper.move(0.0, 0.15, 50.0)
    assert held.object_detected
    assert held.width_m == pytest.approx(register_to_width_m(120))
    opened = gripper.move(STROKE_M, 0.15, 50.0)  # begins with OBJ still telling of the object
    assert not opened.object_detected
    assert opened.width_m == pytest.approx(STROKE_M)
    served.object_at = None
    closed = gripper.move(0.0, 0.15, 50.0)  # begins with OBJ still telling "at destination"
    assert not closed.object_detected
    assert closed.width_m == 0.0


def test_all_requests_share_one_connection(served: GripperSocket, gripper: Robotiq2F85) -> None:
    for width_m in (0.02, 0.05, 0.0):
        gripper.move(width_m, 0.15, 50.0)
        gripper.state()
    assert served.connections == 1


def test_closing_again_on_a_held_object_still_reports_it(served: GripperSocket, gripper: Robotiq2F85) -> None:
    served.object_at = 120
    gripper.move(0.0, 0.15, 50.0)
    assert gripper.move(0.0, 0.15, 200.0).object_detected
    state = gripper.state()
    assert state.object_detected
    assert not state.moving
    assert state.fault == 0


@pytest.mark.parametrize("code", [0x08, 0x0A, 0x0E])
def test_fault_in_a_motion_says_what_it_is_and_activation_clears_it(
    served: GripperSocket, gripper: Robotiq2F85, code: int
) -> None:
    served.registers["FLT"] = code
    with pytest.raises(GripperError, match=f"0x{code:02X}"):
        gripper.move(0.01, 0.1, 50.0)
    assert gripper.state().fault == code
    served.requests.clear()
    gripper.activate()
    sets = [request for request in served.requests if request.startswith("SET")]
    assert sets == ["SET ACT 0", "SET ACT 1 GTO 1"]
    assert gripper.move(0.01, 0.1, 50.0).width_m == pytest.approx(0.01, abs=0.0002)


def test_activation_that_fails_ends_by_its_deadline(served: GripperSocket) -> None:
    served.stays_inactive = True
    with Robotiq2F85(settings(served)) as gripper:
        with pytest.raises(GripperError, match="does not become active"):
            gripper.activate()
        served.fault_on_activation = 0x0D
        with pytest.raises(GripperError, match="activation fault"):
            gripper.activate()


def test_motion_without_activation_is_refused(served: GripperSocket) -> None:
    with (
        Robotiq2F85(settings(served)) as gripper,
        pytest.raises(GripperError, match="not activated"),
    ):
        gripper.move(0.01, 0.1, 50.0)


def test_motion_that_never_ends_ends_by_our_deadline(served: GripperSocket, gripper: Robotiq2F85) -> None:
    served.travel = 0
    served.registers["OBJ"] = 0
    with pytest.raises(GripperError, match="did not end"):
        gripper.move(0.0, 0.15, 50.0)


@pytest.mark.parametrize(
    ("fault", "words"), [("no_ack", "no whole answer"), ("half", "no whole answer"), ("nonsense", "answer"),
                         ("other", "answered")],
)  # fmt: skip
def test_bad_answer_is_an_error_and_the_next_request_works(
    served: GripperSocket, gripper: Robotiq2F85, fault: str, words: str
) -> None:
    for position in range(4):  # the fault meets each of the first requests of a motion, the SET among them
        served.faults = [""] * position + [fault]
        with pytest.raises(GripperError, match=words):
            gripper.move(0.02 + 0.01 * position, 0.15, 50.0)
        assert gripper.state().activated


def test_lost_connection_is_made_anew(served: GripperSocket, gripper: Robotiq2F85) -> None:
    before = served.connections
    for position in range(6):
        served.faults = [""] * position + ["hang_up"]
        width_m = 0.02 + 0.01 * position
        assert gripper.move(width_m, 0.15, 50.0).width_m == pytest.approx(width_m, abs=0.0002)
    assert served.connections == before + 6


def test_gripper_that_is_gone_is_an_error(served: GripperSocket, gripper: Robotiq2F85) -> None:
    served.close()
    with pytest.raises(GripperError, match="cannot connect"):
        gripper.state()


def test_connect_to_nothing() -> None:
    gripper = Robotiq2F85(GripperSettings(port=1, connect_timeout_s=0.5))
    with pytest.raises(GripperError, match="cannot connect"):
        gripper.connect()
    assert not gripper.is_connected
    with pytest.raises(GripperError, match="not connected"):
        gripper.state()


def test_state_may_be_asked_while_another_thread_moves(served: GripperSocket, gripper: Robotiq2F85) -> None:
    served.travel = 1
    widths: list[float] = []
    mover = threading.Thread(target=lambda: widths.append(gripper.move(0.0, 0.15, 50.0).width_m))
    mover.start()
    seen = set()
    until = time.monotonic() + 5.0
    while mover.is_alive() and time.monotonic() < until:
        seen.add(gripper.state().width_m)
    mover.join(timeout=1.0)
    assert widths == [0.0]
    assert len(seen) > 2


@pytest.mark.parametrize("width_m", [-0.01, 0.09, float("nan"), float("inf")])
def test_impossible_width_never_reaches_the_wire(served: GripperSocket, gripper: Robotiq2F85, width_m: float) -> None:
    with pytest.raises(SettingsError):
        gripper.move(width_m, 0.1, 50.0)
    assert not any(request.startswith("SET") for request in served.requests)


def test_fault_while_the_jaws_travel(served: GripperSocket, gripper: Robotiq2F85) -> None:
    served.travel = 1
    trip = threading.Timer(0.05, lambda: served.registers.update(FLT=0x0E))
    trip.start()
    with pytest.raises(GripperError, match="overcurrent"):
        gripper.move(0.0, 0.15, 50.0)
    trip.join()
    assert served.registers["POS"] < width_to_register(0.0)
