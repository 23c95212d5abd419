from __future__ import annotations

import ast
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robot.arm import ArmSettings, Safety, UR5Arm
from robot.arm_connection import failure_of
from robot.child_process import PROJECT_ROOT
from robot.errors import ArmError, ArmTimeout, EmergencyStop, ProtectiveStop, SettingsError
from robot.geometry import rotation_angle, transform
from robot.kinematics import UR5, UR5E, forward

HOME = np.array((0.0, -1.6, 1.8, -1.8, -1.5708, 0.0))
_addresses = itertools.count(1)


class Controller:
    """A simulated UR controller in a process of its own, on an address of its own."""

    def __init__(self, model: str = "cb3", speed: str = "20") -> None:
        pid = os.getpid()
        self.address = f"127.{100 + pid // 250 % 100}.{pid % 250 + 1}.{next(_addresses)}"
        self.settings = ArmSettings(address=self.address, reply_timeout_s=2.0, link_timeout_s=0.4)
        command = ["-m", "tests.simulator.ideal_world", "--address", self.address, "--model", model, "--speed", speed]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=PROJECT_ROOT,
        )
        assert self._line() == "ready"

    def do(self, **request: Any) -> dict[str, Any]:
        """Inject a fault, clear the faults, or just tell where the arm is."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{request}\n")
        self.process.stdin.flush()
        return dict(ast.literal_eval(self._line()))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=5.0)

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module")
def shared_controller() -> Iterator[Controller]:
    controller = Controller()
    yield controller
    controller.kill()


@pytest.fixture(scope="module")
def shared_arm(shared_controller: Controller) -> Iterator[UR5Arm]:
    with UR5Arm(shared_controller.settings) as arm:
        yield arm


@pytest.fixture
def controller(shared_controller: Controller) -> Iterator[Controller]:
    yield shared_controller
    shared_controller.do(clear=True)


@pytest.fixture
def arm(controller: Controller, shared_arm: UR5Arm) -> UR5Arm:
    shared_arm.recover(lambda question: True)
    shared_arm.set_tcp(np.eye(4))
    shared_arm.move_joints(HOME, 1.5, 3.0)
    return shared_arm


def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.002)


def alive(process_id: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return False


def test_joint_motion_ends_at_its_target(arm: UR5Arm) -> None:
    for q in (HOME + 0.3, HOME - 0.2, HOME - 0.2):
        arm.move_joints(q, 1.0, 2.0)
        state = arm.state()
        assert np.abs(state.q - q).max() < 1e-4
        assert np.allclose(state.T_base_tcp, forward(UR5, q), atol=1e-4)
        assert state.safety is Safety.NORMAL
        assert state.program_running
        assert state.robot_mode == "RUNNING"
        assert state.age_s() < arm.settings.link_timeout_s


def test_linear_motion_ends_at_its_target(arm: UR5Arm) -> None:
    start = arm.state().T_base_tcp
    target = start @ transform([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], (0.05, 0.0, -0.05))
    arm.move_linear(target, 0.3, 1.0)
    reached = arm.state().T_base_tcp
    assert np.allclose(reached[:3, 3], target[:3, 3], atol=1e-4)
    assert rotation_angle(reached, target) < 1e-3


def test_tool_centre_point_is_used_and_told(arm: UR5Arm) -> None:
    flange = arm.state().T_base_flange
    T_flange_tcp = transform(np.eye(3), (0.0, 0.01, 0.15))
    arm.set_tcp(T_flange_tcp)
    arm.set_payload(0.925, (0.0, 0.0, 0.05))
    arm.zero_force_sensor()
    assert np.allclose(arm.state().T_base_tcp, flange @ T_flange_tcp, atol=1e-3)
    target = flange @ T_flange_tcp @ transform(np.eye(3), (0.0, 0.0, 0.03))
    arm.move_linear(target, 0.3, 1.0)
    state = arm.state()
    assert np.allclose(state.T_base_tcp, target, atol=1e-4)
    assert np.allclose(state.T_base_flange, target @ np.linalg.inv(T_flange_tcp), atol=1e-4)


def test_inverse_kinematics_of_the_controller(arm: UR5Arm) -> None:
    q = HOME + np.array((0.3, 0.1, -0.2, 0.2, 0.1, 0.5))
    solution = arm.inverse_kinematics(forward(UR5, q), q + 0.05)
    assert solution is not None
    assert np.allclose(solution, q, atol=1e-6)
    too_far = transform(np.eye(3), (3.0, 0.0, 0.2))
    assert arm.inverse_kinematics(too_far, HOME) is None
    arm.move_joints(HOME + 0.05, 1.0, 2.0)  # the question has not cost the program


@pytest.mark.parametrize(("model", "kinematics"), [("cb3", UR5), ("e-series", UR5E)])
def test_descent_ends_at_a_contact_and_only_there(model: str, kinematics: Any) -> None:
    controller = Controller(model, speed="2")
    try:
        with UR5Arm(controller.settings) as arm:
            arm.set_tcp(transform(np.eye(3), (0.0, 0.0, 0.15)))
            arm.zero_force_sensor()
            until(lambda: not np.allclose(arm.state().T_flange_tcp, np.eye(4)))
            above = forward(kinematics, HOME) @ arm.state().T_flange_tcp
            above[2, 3] = -0.10
            arm.move_linear(above, 0.3, 1.0)
            before_table, in_table = above.copy(), above.copy()
            before_table[2, 3], in_table[2, 3] = -0.13, -0.20
            assert arm.descend(before_table, 0.05, 15.0) is False
            assert np.allclose(arm.state().T_base_tcp, before_table, atol=1e-4)
            assert arm.descend(in_table, 0.05, 15.0) is True
            height_m = float(arm.state().T_base_tcp[2, 3])
            assert -0.165 < height_m < -0.148
            assert arm.state().safety is Safety.NORMAL
            arm.move_linear(above, 0.3, 1.0)
    finally:
        controller.kill()


def test_stopped_descent_leaves_no_contact_detection_behind() -> None:
    """On a controller that detects contacts itself: still watching, it would end motions to come."""
    controller = Controller("e-series", speed="2")
    try:
        with UR5Arm(controller.settings) as arm:
            start = arm.state().T_base_tcp
            below = start @ transform(np.eye(3), (0.0, 0.0, 0.10))
            stopper = threading.Timer(0.3, arm.stop)
            stopper.start()
            with pytest.raises(ArmError, match="stopped on request"):
                arm.descend(below, 0.02)
            stopper.join()
            assert not moving(arm)
            controller.do(wrench=[0.0, 0.0, 25.0, 0.0, 0.0, 0.0])  # more than a contact, less than a protective stop
            arm.move_linear(start, 0.2, 1.0)
    finally:
        controller.kill()


def moving(arm: UR5Arm) -> bool:
    return bool(np.abs(arm.state().qd).max() > 0.01)


def test_stop_from_another_thread_ends_the_motion(controller: Controller, arm: UR5Arm) -> None:
    errors: list[Exception] = []

    def move() -> None:
        try:
            arm.move_joints(HOME + 1.0, 0.1, 1.0)
        except ArmError as error:
            errors.append(error)

    mover = threading.Thread(target=move)
    mover.start()
    until(lambda: moving(arm))
    arm.stop()
    mover.join(timeout=5.0)
    assert len(errors) == 1
    assert "stopped on request" in str(errors[0])
    stopped_at = arm.state().q
    assert (stopped_at > HOME).all()
    assert (stopped_at < HOME + 1.0).all()
    assert controller.do()["q"] == pytest.approx(stopped_at.tolist())
    arm.move_joints(HOME, 1.0, 2.0)


def test_interrupted_caller_can_stop_the_motion(arm: UR5Arm) -> None:
    """As Ctrl-C does: an exception in the middle of the wait, then a stop."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        with pytest.raises(KeyboardInterrupt):
            arm.move_joints(HOME + 1.0, 0.1, 1.0)
        arm.stop()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert not moving(arm)
    assert (arm.state().q < HOME + 1.0).all()
    arm.move_joints(HOME, 1.0, 2.0)


def test_protective_stop_is_typed_and_needs_the_operators_word(controller: Controller, arm: UR5Arm) -> None:
    controller.do(inject="protective_stop", delay_s=0.1)
    with pytest.raises(ProtectiveStop) as caught:
        arm.move_joints(HOME + 0.5, 1.0, 2.0)
    assert caught.value.hint
    assert arm.state().safety is Safety.PROTECTIVE_STOP
    with pytest.raises(ProtectiveStop):
        arm.move_joints(HOME, 1.0, 2.0)
    with pytest.raises(ProtectiveStop, match="not released"):
        arm.recover(lambda question: False)
    stopped_at = controller.do()["q"]
    asked: list[str] = []
    state = arm.recover(lambda question: bool(asked.append(question)) or True)
    assert len(asked) == 1
    assert state.program_running
    assert state.safety is Safety.NORMAL
    assert controller.do()["q"] == stopped_at  # the old motion did not go on
    arm.move_joints(HOME, 1.0, 2.0)


def test_a_motion_that_met_the_light_curtain_does_not_go_on_when_somebody_steps_out_of_it(
    controller: Controller, arm: UR5Arm
) -> None:
    controller.do(inject="safeguard_stop", delay_s=0.1)
    with pytest.raises(ProtectiveStop, match="safeguard"):
        arm.move_joints(HOME + 0.5, 1.0, 2.0)
    arm.stop_program()
    stopped_at = controller.do()["q"]
    controller.do(clear=True)
    time.sleep(0.3)  # six seconds of the controller's time
    assert controller.do()["q"] == pytest.approx(stopped_at, abs=0.01)
    assert arm.recover(lambda question: True).program_running
    arm.move_joints(HOME, 1.0, 2.0)


def test_a_motion_that_met_the_light_curtain_ends_with_the_connection(controller: Controller, arm: UR5Arm) -> None:
    controller.do(inject="safeguard_stop", delay_s=0.1)
    with pytest.raises(ProtectiveStop, match="safeguard"):
        arm.move_joints(HOME + 0.5, 1.0, 2.0)
    arm.disconnect()
    stopped_at = controller.do()["q"]
    controller.do(clear=True)
    time.sleep(0.3)
    assert controller.do()["q"] == pytest.approx(stopped_at, abs=0.01)
    arm.connect()
    arm.move_joints(HOME, 1.0, 2.0)


def test_protective_stop_by_an_unreachable_target(arm: UR5Arm) -> None:
    with pytest.raises(ProtectiveStop):
        arm.move_linear(transform(np.eye(3), (3.0, 0.0, 0.2)), 0.3, 1.0)


def test_emergency_stop(controller: Controller, arm: UR5Arm) -> None:
    controller.do(inject="emergency_stop", delay_s=0.1)
    with pytest.raises(EmergencyStop):
        arm.move_joints(HOME + 0.5, 1.0, 2.0)
    with pytest.raises(EmergencyStop, match="still pressed"):
        arm.recover(lambda question: True)
    with pytest.raises(EmergencyStop):
        UR5Arm(controller.settings).connect()
    controller.do(clear=True)
    with pytest.raises(ArmError, match="POWER_OFF"):
        UR5Arm(controller.settings).connect()
    assert arm.recover(lambda question: True).robot_mode == "RUNNING"
    arm.move_joints(HOME, 1.0, 2.0)


def test_silence_in_a_motion_ends_by_the_deadline_and_the_arm_is_stopped(controller: Controller, arm: UR5Arm) -> None:
    silencer = threading.Timer(0.1, lambda: controller.do(inject="rtde_silence"))
    silencer.start()
    begun = time.monotonic()
    with pytest.raises(ArmTimeout):
        arm.move_joints(HOME + 1.0, 0.05, 1.0)  # a second or more, even at this simulation's pace
    assert time.monotonic() - begun < 2 * (arm.settings.reply_timeout_s + arm.settings.link_timeout_s)
    silencer.join()
    assert not arm.is_connected
    until(lambda: controller.do()["q"] == controller.do()["q"])
    assert (np.array(controller.do()["q"]) < HOME + 1.0).all()
    controller.do(clear=True)
    arm.recover(lambda question: pytest.fail("nothing to confirm"))
    arm.move_joints(HOME, 1.0, 2.0)


def test_silence_at_rest_is_noticed_by_state(controller: Controller, arm: UR5Arm) -> None:
    controller.do(inject="rtde_silence")
    silent = threading.Event()

    def ask() -> bool:
        try:
            arm.state()
        except ArmTimeout:
            silent.set()
        return silent.is_set()

    until(ask, 10 * arm.settings.link_timeout_s)
    assert not arm.is_connected
    controller.do(clear=True)
    arm.connect()


def test_dropped_sockets_cost_a_reconnect(controller: Controller, arm: UR5Arm) -> None:
    dropper = threading.Timer(0.1, lambda: controller.do(inject="dropped_sockets"))
    dropper.start()
    begun = time.monotonic()
    with pytest.raises(ArmError):
        arm.move_joints(HOME + 1.0, 0.05, 1.0)
    assert time.monotonic() - begun < 2 * (arm.settings.reply_timeout_s + arm.settings.link_timeout_s)
    dropper.join()
    arm.recover(lambda question: pytest.fail("nothing to confirm"))
    arm.move_joints(HOME, 1.0, 2.0)


@pytest.mark.parametrize("moment", ["in a motion", "before a motion"])
def test_controller_that_dies_is_an_error_by_the_deadline_and_may_come_back(moment: str) -> None:
    controller = Controller()
    arm = UR5Arm(controller.settings)
    arm.connect()
    process_id = arm.process_id
    assert process_id is not None
    killer = threading.Timer(0.15 if moment == "in a motion" else 0.0, controller.kill)
    killer.start()
    if moment == "before a motion":
        killer.join()
    begun = time.monotonic()
    with pytest.raises(ArmError) as caught:
        arm.move_joints(HOME + 1.0, 0.05, 1.0)
    assert time.monotonic() - begun < 2 * (arm.settings.reply_timeout_s + arm.settings.link_timeout_s)
    killer.join()
    assert not arm.is_connected, caught.value
    assert not alive(process_id)
    with pytest.raises(ArmError, match="cannot connect"):
        arm.connect()
    with pytest.raises(ArmError, match="not connected"):
        arm.state()
    with pytest.raises(ArmError):
        arm.stop()


def test_frozen_arm_process_is_ended(controller: Controller, arm: UR5Arm) -> None:
    process_id = arm.process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGSTOP)
    begun = time.monotonic()
    with pytest.raises(ArmTimeout):
        arm.state()
    assert time.monotonic() - begun < 2 * arm.settings.reply_timeout_s
    assert not alive(process_id)
    arm.connect()
    arm.move_joints(HOME, 1.0, 2.0)


def test_killed_arm_process_is_an_error_and_connect_starts_another(arm: UR5Arm) -> None:
    first = arm.process_id
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ArmError, match="ended"):
        arm.state()
    arm.connect()
    assert arm.process_id not in (None, first)
    arm.move_joints(HOME, 1.0, 2.0)


_OWNER = """
import sys, numpy as np
from robot.arm import ArmSettings, UR5Arm
arm = UR5Arm(ArmSettings(address=sys.argv[1]))
arm.connect()
print(arm.process_id, flush=True)
arm.move_joints(np.array(%s) + 1.0, 0.1, 1.0)
"""


def test_kill_of_the_owner_leaves_no_process_and_stops_the_arm() -> None:
    controller = Controller(speed="1")
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER % HOME.tolist(), controller.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PROJECT_ROOT,
    )
    try:
        assert owner.stdout is not None
        process_id = int(owner.stdout.readline())
        until(lambda: controller.do()["q"] > HOME.tolist())
        owner.kill()
        owner.wait(timeout=5.0)
        until(lambda: not alive(process_id))

        def at_rest() -> bool:
            before = controller.do()["q"]
            time.sleep(0.1)
            return bool(controller.do()["q"] == before)

        until(at_rest)  # the controller's watchdog
        assert (np.array(controller.do()["q"]) < HOME + 0.5).all()
    finally:
        owner.kill()
        controller.kill()


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("move_joints", ([0, 0, 0, 0, 0], 1.0, 1.0)),
        ("move_joints", ([0, 0, 0, 0, 0, float("nan")], 1.0, 1.0)),
        ("move_joints", ([0, 0, 0, 0, 0, 7.0], 1.0, 1.0)),
        ("move_joints", (HOME, 99.0, 1.0)),
        ("move_joints", (HOME, 0.0, 1.0)),
        ("move_joints", (HOME, 1.0, float("nan"))),
        ("move_linear", (np.full((4, 4), np.nan), 0.1, 1.0)),
        ("move_linear", (2 * np.eye(4), 0.1, 1.0)),
        ("move_linear", (np.diag([1.0, 1.0, -1.0, 1.0]), 0.1, 1.0)),
        ("move_linear", (np.eye(4), 5.0, 1.0)),
        ("move_linear", (np.eye(4), 0.1, 50.0)),
        ("descend", (np.eye(4), 0.05, 1000.0)),
        ("descend", (np.eye(4), 0.05, float("nan"))),
        ("set_tcp", (np.zeros((4, 4)),)),
        ("set_payload", (50.0, (0, 0, 0))),
        ("set_payload", (1.0, (0, 0, float("inf")))),
    ],
)
def test_bad_command_is_refused_before_it_is_sent(command: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ArmError, match="refused"):  # not "not connected": it did not get that far
        getattr(UR5Arm(ArmSettings()), command)(*arguments)


def test_limits_come_from_the_settings() -> None:
    arm = UR5Arm(ArmSettings(joint_upper_rad=(1.0,) * 6, joint_speed_max_rad_s=0.2))
    with pytest.raises(ArmError, match="joint 3"):
        arm.move_joints(HOME, 0.1, 1.0)
    with pytest.raises(ArmError, match="speed"):
        arm.move_joints(np.zeros(6), 0.3, 1.0)


@pytest.mark.parametrize(
    "wrong", [{"reply_timeout_s": 0.0}, {"joint_lower_rad": (9.0,) * 6}, {"contact_force_n": 100.0}]
)
def test_settings_are_validated(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        ArmSettings(**wrong)


@pytest.mark.parametrize(
    ("safety", "kind"),
    [
        (Safety.NORMAL, None),
        (Safety.REDUCED, None),
        (Safety.PROTECTIVE_STOP, "protective_stop"),
        (Safety.SAFEGUARD_STOP, "protective_stop"),
        (Safety.EMERGENCY_STOP, "emergency_stop"),
        (Safety.FAULT, "arm"),  # which unlocking does not cure
    ],
)
def test_what_a_command_meets_in_each_safety_state(safety: Safety, kind: str | None) -> None:
    failure = failure_of(safety)
    assert (failure.kind if failure else None) == kind
    assert (failure is None) is safety.permits_motion


@pytest.mark.parametrize(
    ("bits", "safety"),
    [
        (1, Safety.NORMAL),
        (2, Safety.REDUCED),
        (1 << 2 | 1 << 10, Safety.PROTECTIVE_STOP),
        (1 << 4, Safety.SAFEGUARD_STOP),
        (1 << 6 | 1 << 7 | 1 << 10, Safety.EMERGENCY_STOP),
        (1 << 2 | 1 << 6, Safety.EMERGENCY_STOP),
        (1 << 9, Safety.FAULT),
    ],
)
def test_gravest_safety_bit_decides(bits: int, safety: Safety) -> None:
    assert Safety.from_bits(bits) is safety
    assert safety.permits_motion is (safety in (Safety.NORMAL, Safety.REDUCED))
