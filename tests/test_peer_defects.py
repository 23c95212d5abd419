"""The defects that were found in peers' code, as tests of ours: named after the peer, and each says what it did.

Those whose place is elsewhere:

=========================================== =====================================================================
skumra: a depth hole becomes z = -4 cm      tests/cell/test_perception.py: skumra_a_grasp_on_a_depth_hole...
ggcnn_kinova: width not rescaled            tests/detectors/test_grasp.py: ggcnn_kinova_the_width_in_pixels...
moveit_calibration: residual units swapped  tests/calibration/test_quality.py: moveit_calibration_residuals...
airo-mono: one residual of metres and turns tests/calibration/test_quality.py: airo_mono_no_figure_mixes_metres...
gqcnn: everybody raising is an IndexError   tests/detectors/test_fallback.py: gqcnn_everybody_failing...
gqcnn: below threshold the last tried wins  tests/detectors/test_fallback.py: gqcnn_the_best_wins...
mvp_grasp: aborted runs are not counted     tests/cell/test_run_loop.py: mvp_grasp_a_fault_in_any_phase...
                                            tests/trials/test_statistics.py: every_planned_trial_counts...
=========================================== =====================================================================
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
import io
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration.detection import BoardDetector
from calibration.result import calibrate
from calibration.routine import take_views
from cell.collision import CollisionChecker
from cell.guarded_arm import GuardedArm
from cell.motion import Motion
from cell.operator import ConsoleOperator
from cell.perception import GraspInBase, grasp_in_base
from cell.planning import Planner, raised, tool_down
from cell.settings import DEFAULT_CELL_FILE, load_cell
from cell.surroundings import T_FLANGE_TCP
from cell.sweeping import Sweep
from detectors.grasp import Grasp
from robot.arm import ArmSettings, UR5Arm
from robot.camera import CameraSettings, RealSenseCamera
from robot.channel import Channel
from robot.errors import ArmError, ArmTimeout, CameraError, CellError, GripperError, ProtectiveStop
from robot.frame import Intrinsics
from robot.geometry import apply, invert, pose_to_transform, rotation_angle, transform, transform_to_pose
from robot.gripper import GripperSettings, Robotiq2F85
from robot.gripper_geometry import (
    STROKE_M,
    TIP_FROM_FLANGE_CLOSED_M,
    TIP_FROM_FLANGE_OPEN_M,
    register_to_width_m,
    tip_from_flange_m,
    width_to_register,
)
from robot.gripper_protocol import RegisterLink
from robot.kinematics import UR5, UR5E, ArmModel, forward, inverse, inverse_near
from robot.simulator.loop import SimulationLoop
from robot.simulator.ur_controller import start_ur_controller
from robot.software_camera import SoftwareCamera
from tests.calibration import synthetic_views
from tests.robot.camera_channel import camera_channel
from tests.robot.gripper_socket import GripperSocket, gripper_socket
from tests.simulator.ideal_world import HOME, IdealWorld
from tests.simulator.served import Server, fresh_address, serving

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("cell", "detectors", "robot", "calibration", "trials")
CELL = load_cell(DEFAULT_CELL_FILE)
CHECKER = CollisionChecker.for_cell(CELL, UR5)
PLANNER = Planner(CELL, UR5, CHECKER)
Q_HOME = np.array(HOME)
Q_OVER_TABLE = np.array([3.1416, -1.3, 1.9, -2.17, -1.5708, 0.0])
PATIENCE = 5
"""So many times its deadline may a wait take on a slow machine; a wait without a deadline takes for ever."""


def arm_settings(address: str, **changes: Any) -> ArmSettings:
    return ArmSettings(address=address, reply_timeout_s=2.0, link_timeout_s=0.4, **changes)


def gripper_settings(served: GripperSocket) -> GripperSettings:
    return GripperSettings(port=served.port, answer_timeout_s=0.2, move_timeout_s=1.0, connect_timeout_s=0.5)


def assert_ends(action: Callable[[], Any], error: type[Exception], words: str, deadline_s: float) -> None:
    """``action`` fails with ``error``, and does so by its deadline."""
    caught: list[BaseException] = []

    def act() -> None:
        try:
            action()
        except BaseException as raised:
            caught.append(raised)

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(PATIENCE * deadline_s)
    assert not thread.is_alive(), "still waiting"
    assert [type(one) for one in caught] == [error]
    assert words in str(caught[0])


@pytest.fixture(scope="module")
def shared_server() -> Iterator[Server]:
    with serving("cb3", "20") as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Iterator[Server]:
    yield shared_server
    shared_server.request(clear=True)


@pytest.fixture(scope="module")
def shared_arm(shared_server: Server) -> Iterator[UR5Arm]:
    with UR5Arm(arm_settings(shared_server.address)) as arm:
        yield arm


@pytest.fixture
def arm(server: Server, shared_arm: UR5Arm) -> UR5Arm:
    shared_arm.recover(lambda question: True)
    shared_arm.move_joints(Q_HOME, 1.5, 3.0)
    return shared_arm


# -- skumra


def look_once(go: Callable[[Any], None], look: Callable[[], Any]) -> None:
    poses = [SimpleNamespace(q=Q_HOME + 1.0)]
    detector = BoardDetector(CELL.calibration.board)
    take_views(poses, go, lambda: pytest.fail("nothing was seen"), look, detector, lambda *_: None)


def test_skumra_calibration_does_not_wait_forever_for_the_camera() -> None:
    """It waited for a picture without a deadline."""
    wanted = CameraSettings(frame_timeout_s=0.25, attempts=2, warm_up_frames=1)
    with camera_channel() as channel, RealSenseCamera(wanted, SoftwareCamera(port=channel.port)) as camera:
        channel.faults = ["silence!"]
        assert_ends(
            lambda: look_once(lambda q: None, lambda: camera.read(max_hole_share=1.0)),
            CameraError,
            "silent",
            wanted.attempts * wanted.frame_timeout_s,
        )


def test_skumra_calibration_does_not_wait_forever_for_the_arm(server: Server, arm: UR5Arm) -> None:
    """It polled for a file, move_completed.npy, which nobody wrote when the arm had stopped."""
    silencer = threading.Timer(0.1, lambda: server.request(inject="rtde_silence"))
    silencer.start()
    assert_ends(
        lambda: look_once(lambda q: arm.move_joints(q, 0.02, 1.0), lambda: pytest.fail("the arm is not there yet")),
        ArmTimeout,
        "no packet from the controller",
        arm.settings.link_timeout_s,
    )
    silencer.join()
    assert not arm.is_connected


def test_skumra_calibration_does_not_wait_forever_for_a_human_who_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It gave no sign of what it was waiting for."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CellError, match="no terminal"):
        ConsoleOperator().put_board("gripper", CELL.calibration.board)


# -- airo-mono, the arm


class SaggingWorld(IdealWorld):
    """The arm stands beside where its servos believe it to be."""

    sag = np.zeros(6)

    @property
    def q(self) -> np.ndarray:
        return super().q + self.sag


@contextlib.contextmanager
def served_here(world: IdealWorld) -> Iterator[str]:
    address = fresh_address()
    servers = start_ur_controller(address, world)
    loop = SimulationLoop(servers.controller, world, 20.0)
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    try:
        yield address
    finally:
        loop.request_stop()
        thread.join(5.0)
        servers.close()


T_GOAL = forward(UR5, Q_HOME) @ transform(np.eye(3), (0.02, 0.0, -0.03))
OFF_5_MM = transform(np.eye(3), (0.0, 0.005, 0.0))
OFF_A_THIRD_DEGREE = transform(Rotation.from_rotvec((0.0, 0.0, math.radians(0.35))), np.zeros(3))


@pytest.mark.parametrize(
    ("T_off", "tolerances", "words"),
    [
        (OFF_5_MM, {"position_tolerance_m": 0.002, "angle_tolerance_rad": 0.5}, "0.0050 m away"),
        (OFF_A_THIRD_DEGREE, {"position_tolerance_m": 0.5, "angle_tolerance_rad": 0.003}, "0.0061 rad in orient"),
        (OFF_5_MM, {"position_tolerance_m": 0.006, "angle_tolerance_rad": 1e-3}, None),
        (OFF_A_THIRD_DEGREE, {"position_tolerance_m": 5e-4, "angle_tolerance_rad": 0.007}, None),
    ],
)
def test_airo_mono_arrival_is_judged_in_metres_and_in_radians(
    T_off: np.ndarray, tolerances: dict[str, float], words: str | None
) -> None:
    """It took the Frobenius norm of a 4x4 difference below 0.01 for "arrived"."""
    assert np.linalg.norm(T_GOAL @ T_off - T_GOAL) < 0.01
    q_goal, q_off = (inverse_near(UR5, T, Q_HOME) for T in (T_GOAL, T_GOAL @ T_off))
    assert q_goal is not None
    assert q_off is not None
    world = SaggingWorld(UR5)
    with served_here(world) as address, UR5Arm(arm_settings(address, **tolerances)) as arm:
        world.sag = q_off - q_goal
        with contextlib.nullcontext() if words is None else pytest.raises(ArmError, match=words):
            arm.move_linear(T_GOAL, 0.3, 1.0)


def test_airo_mono_inverse_kinematics_takes_an_array_as_its_guess_and_follows_it(arm: UR5Arm) -> None:
    """It said "guess or np.array([])", a ValueError for every guess that is an array."""
    T = forward(UR5, Q_HOME)
    for q_near in inverse(UR5, T):
        q_near.setflags(write=False)
        solution = arm.inverse_kinematics(T, q_near)
        assert solution is not None
        np.testing.assert_allclose(solution, q_near, atol=1e-6)
    assert len(inverse(UR5, T)) > 1
    assert arm.inverse_kinematics(T, np.zeros(6)) is not None


@pytest.mark.parametrize(("model", "kinematics"), [("cb3", UR5), ("e-series", UR5E)])
def test_airo_mono_a_ur5_of_either_generation_is_accepted(model: str, kinematics: ArmModel) -> None:
    """It knew UR3, UR3e and UR5e only, and had no forward kinematics."""
    with serving(model, "20") as server, UR5Arm(arm_settings(server.address)) as arm:
        arm.move_joints(Q_HOME + 0.1, 1.5, 3.0)
        state = arm.state()
        np.testing.assert_allclose(state.T_base_tcp, forward(kinematics, state.q), atol=1e-4)


@pytest.mark.parametrize("file", ["cell.yaml", "cell.wrist.yaml", "cell.hardware.yaml"])
def test_airo_mono_joint_speeds_are_radians_per_second_within_the_data_sheet(file: str) -> None:
    """Its joint speeds were wrong by a factor of pi."""
    cell = load_cell(ROOT / file)
    data_sheet_rad_s = math.radians(180.0)
    assert UR5.speed_max_rad_s == UR5E.speed_max_rad_s == pytest.approx((data_sheet_rad_s,) * 6)
    assert 0 < cell.motion.joint_speed_rad_s <= cell.arm.joint_speed_max_rad_s <= data_sheet_rad_s
    too_fast = dataclasses.replace(cell.motion, joint_speed_rad_s=cell.motion.joint_speed_rad_s * math.pi)
    with pytest.raises(ValueError, match="above the arm's limit"):
        dataclasses.replace(cell, motion=too_fast)


@pytest.mark.parametrize("joint", range(6))
def test_airo_mono_a_joint_turns_as_fast_as_it_is_told(joint: int, arm: UR5Arm) -> None:
    """ "Your robot may suddenly move 3x faster", said its change log."""
    speed, acceleration, angle = 0.3, 3.0, 1.0
    begun_s = arm.state().timestamp_s
    arm.move_joints(Q_HOME - angle * np.eye(6)[joint], speed, acceleration)
    expected_s = angle / speed + speed / acceleration
    assert 0.95 < (arm.state().timestamp_s - begun_s) / expected_s < 2.5


# -- airo-mono, the gripper


def test_airo_mono_second_gripper_inherits_nothing_from_the_first() -> None:
    """Its default specs were one object of the class, which setting one gripper's stroke changed for all."""
    with gripper_socket() as one, gripper_socket() as other:
        slow = dataclasses.replace(gripper_settings(one), move_timeout_s=2.0)
        with Robotiq2F85(slow) as first, Robotiq2F85(gripper_settings(other)) as second:
            first.activate()
            second.activate()
            first.move(0.02, 0.02, 20.0)
            assert second.state().width_m == STROKE_M
            second.move(0.0, 0.15, 200.0)
            assert second.move(STROKE_M, 0.15, 200.0).width_m == STROKE_M
            assert first.state().width_m == pytest.approx(0.02, abs=2e-4)
            assert (one.registers["SPE"], one.registers["FOR"]) == (0, 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        slow.move_timeout_s = 9.0  # type: ignore[misc]


@pytest.mark.parametrize("driver", [Robotiq2F85, RegisterLink, UR5Arm, GuardedArm, RealSenseCamera, Channel])
def test_airo_mono_drivers_share_nothing_through_their_class(driver: type) -> None:
    """Its gripper's default specs were an object of the class, which every instance could change."""
    shared = {name: value for name, value in vars(driver).items() if not name.startswith("__")}
    told = {name for name, value in shared.items() if not inspect.isroutine(value) and not isinstance(value, property)}
    assert told == set()


def test_airo_mono_commands_share_a_connection_and_a_lost_link_ends_by_a_deadline() -> None:
    """It opened a socket per command and waited on it without a timeout."""
    with gripper_socket() as served:
        wanted = gripper_settings(served)
        gripper = Robotiq2F85(wanted)
        gripper.connect()
        gripper.activate()
        for width_m in (0.02, 0.05):
            gripper.move(width_m, 0.15, 50.0)
        assert served.connections == 1
        served.faults = ["no_ack"] * 1000
        for command in (gripper.state, gripper.activate, lambda: gripper.move(0.0, 0.15, 50.0)):
            assert_ends(command, GripperError, "no whole answer", wanted.answer_timeout_s)
        gripper.disconnect()


def test_airo_mono_a_server_that_takes_the_call_and_says_nothing_is_no_gripper() -> None:
    """It waited for the answer to its first question without a timeout too."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        wanted = GripperSettings(port=mute.getsockname()[1], answer_timeout_s=0.2, connect_timeout_s=0.5)
        gripper = Robotiq2F85(wanted)
        assert_ends(gripper.connect, GripperError, "no whole answer", wanted.answer_timeout_s)
        assert not gripper.is_connected


def test_airo_mono_the_width_is_measured_and_the_tips_follow_their_arc() -> None:
    """It mapped 0..230 linearly onto the stroke and took the width that it had asked for as the one that it got."""
    assert width_to_register(STROKE_M) == 3
    assert register_to_width_m(0) == register_to_width_m(3) == STROKE_M
    halfway_m = (TIP_FROM_FLANGE_OPEN_M + TIP_FROM_FLANGE_CLOSED_M) / 2
    assert tip_from_flange_m(STROKE_M / 2) - halfway_m > 0.003
    with gripper_socket() as served, Robotiq2F85(gripper_settings(served)) as gripper:
        gripper.activate()
        served.object_at = 120
        grip = gripper.move(0.0, 0.15, 50.0)
        assert grip.requested_width_m == 0.0
        assert grip.width_m == gripper.state().width_m == pytest.approx(register_to_width_m(120))


class BlockedWhileOpening(GripperSocket):
    """The jaws do not open past a register."""

    opens_to = 120

    def _travel(self) -> None:
        registers = self.registers
        end = registers["PRE"] if registers["PRE"] >= registers["POS"] else max(registers["PRE"], self.opens_to)
        step = max(-self.travel, min(self.travel, end - registers["POS"]))
        registers["POS"] += step
        registers["OBJ"] = 0 if registers["POS"] != end else (3 if end == registers["PRE"] else 1)


def test_airo_mono_an_object_that_stops_the_opening_jaws_is_an_object_too() -> None:
    """It looked for OBJ 2 only: stopped while closing."""
    with contextlib.closing(BlockedWhileOpening()) as served, Robotiq2F85(gripper_settings(served)) as gripper:
        gripper.activate()
        assert not gripper.move(0.0, 0.15, 50.0).object_detected
        opened = gripper.move(STROKE_M, 0.15, 50.0)
        assert opened.object_detected
        assert opened.width_m == pytest.approx(register_to_width_m(120))
        assert gripper.state().object_detected
        assert not gripper.move(0.0, 0.15, 50.0).object_detected


# -- airo-mono, the way's check


@dataclasses.dataclass(frozen=True)
class Watched:
    """The real collision check, which writes down what it was asked and takes its time."""

    checker: CollisionChecker
    pause_s: float
    asked: list[tuple[float, ...]]

    def contacts(self, q: np.ndarray, width_m: float) -> dict[str, float]:
        self.asked.append((*q, width_m))
        time.sleep(self.pause_s)
        return self.checker.contacts(q, width_m)


def checked(pause_s: float) -> list[tuple[float, ...]]:
    """The configurations that are checked on a joint move and on a straight one."""
    watched = Watched(CHECKER, pause_s, [])
    sweep = Sweep(CELL, UR5, watched, STROKE_M)
    above, grasp = (tool_down(np.array([0.5, 0.0, z_m]), np.array([0.0, 1.0, 0.0])) for z_m in (-0.05, -0.2))
    q_above = inverse_near(UR5, above @ invert(T_FLANGE_TCP), Q_OVER_TABLE)
    assert q_above is not None
    sweep.joint_move(np.array(CELL.home_joints_rad), q_above, {})
    sweep.linear_move(q_above, [above, grasp], {})
    return watched.asked


def test_airo_mono_a_way_is_checked_as_finely_by_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It sampled the trajectory by the wall clock: the busier the machine, the fewer configurations it looked at."""
    swiftly = checked(0.0)
    with monkeypatch.context() as patch:
        for clock in ("time", "monotonic", "perf_counter"):
            true_clock = getattr(time, clock)
            patch.setattr(time, clock, lambda true_clock=true_clock: 1000.0 * true_clock())
        slowly = checked(0.003)
    assert slowly == swiftly
    assert len(swiftly) > 30


# -- gello


@pytest.mark.parametrize(
    ("device", "error", "ask"),
    [
        (lambda: UR5Arm(arm_settings(fresh_address())), ArmError, "state"),
        (lambda: Robotiq2F85(GripperSettings(port=1, connect_timeout_s=0.5)), GripperError, "state"),
        (lambda: RealSenseCamera(CameraSettings(attempts=1), SoftwareCamera(port=1)), CameraError, "read"),
    ],
)
def test_gello_a_connection_that_fails_is_an_error_and_so_is_what_follows(
    device: Callable[[], Any], error: type[Exception], ask: str
) -> None:
    """It printed the error and went on without a robot."""
    there = device()
    with pytest.raises(error):
        there.connect()
    assert not there.is_connected
    with pytest.raises(error):
        getattr(there, ask)()


def test_gello_velocities_are_velocities_and_the_pose_is_the_pose() -> None:
    """It gave the positions as velocities and zeros as the pose."""
    speed, tool = 0.5, transform(np.eye(3), (0.0, 0.01, 0.15))
    target = Q_HOME + np.array([1.5, 0.0, 0.0, 0.0, 0.0, 0.0])
    with serving("cb3", "2") as server, UR5Arm(arm_settings(server.address)) as arm:
        arm.set_tcp(tool)
        mover = threading.Thread(target=arm.move_joints, args=(target, speed, 3.0))
        mover.start()
        seen = []
        while mover.is_alive():
            with contextlib.suppress(ArmError):
                seen.append(arm.state())
        mover.join()
        state, truth = arm.state(), server.request()
    steady = [s for s in seen if abs(s.qd[0] - speed) < 0.02]
    first, last = steady[0], steady[-1]
    passed_s = last.timestamp_s - first.timestamp_s
    assert passed_s > 1.0
    np.testing.assert_allclose((last.q - first.q) / passed_s, [speed, 0, 0, 0, 0, 0], atol=0.05)
    assert max(np.abs(s.qd[1:]).max() for s in steady) < 0.01
    np.testing.assert_allclose(state.q, truth["q"], atol=1e-9)
    np.testing.assert_allclose(state.q, target, atol=1e-3)
    assert np.abs(state.qd).max() < 0.01
    np.testing.assert_allclose(state.T_base_tcp, forward(UR5, state.q) @ tool, atol=1e-4)
    np.testing.assert_allclose(state.T_flange_tcp, tool, atol=1e-9)


# -- frankapy


@pytest.mark.parametrize("driver", [UR5Arm, GuardedArm, Robotiq2F85, Motion])
def test_frankapy_no_method_can_be_told_to_ignore_errors(driver: type) -> None:
    """Every motion had ignore_errors=True as its default."""
    methods = [method for name, method in inspect.getmembers(driver, inspect.isfunction) if not name.startswith("__")]
    names = {name for method in methods for name in inspect.signature(method).parameters}
    assert len(methods) > 5
    assert not [name for name in names if any(word in name for word in ("ignore", "error", "raise", "silent", "quiet"))]


def test_frankapy_a_motion_that_fails_raises(server: Server, arm: UR5Arm) -> None:
    """It returned as if the arm had moved."""
    beside = arm.state().T_base_tcp @ transform(np.eye(3), (0.0, 0.0, 0.05))
    server.request(inject="protective_stop", delay_s=0.1)
    with pytest.raises(ProtectiveStop):
        arm.move_joints(Q_HOME + 0.5, 1.0, 2.0)
    with gripper_socket() as served, Robotiq2F85(gripper_settings(served)) as gripper:
        gripper.activate()
        served.registers["FLT"] = 0x0E
        motion = Motion(CELL, arm, gripper, PLANNER)
        for stopped in (
            lambda: arm.move_joints(Q_HOME, 1.0, 2.0),
            lambda: arm.move_linear(beside, 0.1, 0.5),
            lambda: arm.descend(beside, 0.1),
            lambda: motion.travel([Q_HOME]),
            motion.rise,
        ):
            with pytest.raises(ProtectiveStop):
                stopped()
        for faulted in (lambda: gripper.move(0.0, 0.1, 50.0), motion.open_jaws, motion.feel):
            with pytest.raises(GripperError, match="0x0E"):
                faulted()


# -- lerobot


def test_lerobot_no_production_module_needs_the_tests() -> None:
    """Its robots' factory imported tests.mocks.mock_robot."""
    paths = [ROOT / "run_cell.py", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]
    assert len(paths) > 100
    guilty = [path for path in paths if any(map(_names_tests, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))]
    assert guilty == []


def _names_tests(node: ast.AST) -> bool:
    names = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        names = [node.value]  # for importlib, and for python -m
    return any(name == "tests" or name.startswith("tests.") for name in names)


# -- vgn


def frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


T_A, T_B = (
    frozen(transform(Rotation.from_rotvec(turn), place))
    for turn, place in (((0.1, -2.0, 0.4), (0.5, 0.1, -0.2)), ((1.0, 0.3, 0.0), (-0.4, 0.0, 0.7)))
)
POSE = transform_to_pose(T_A)
HELPERS: dict[str, Callable[[], Any]] = {
    "transform": lambda: transform(T_A[:3, :3], T_A[:3, 3]),
    "invert": lambda: invert(T_A),
    "pose_to_transform": lambda: pose_to_transform(POSE),
    "transform_to_pose": lambda: transform_to_pose(T_A),
    "apply": lambda: apply(T_A, T_B[:3, :3]),
    "rotation_angle": lambda: rotation_angle(T_A, T_B),
    "raised": lambda: raised(T_A, 0.1),
    "forward": lambda: forward(UR5, POSE),
    "inverse": lambda: inverse(UR5, T_A),
    "inverse_near": lambda: inverse_near(UR5, T_A, POSE),
}


@pytest.mark.parametrize("helper", HELPERS)
def test_vgn_helpers_leave_their_poses_alone_and_give_new_ones(helper: str) -> None:
    """Its conversions to and from voxels changed the pose that they were given."""
    before = [array.copy() for array in (T_A, T_B, POSE)]
    result = np.asarray(HELPERS[helper](), dtype=np.float64)
    for array, copy in zip((T_A, T_B, POSE), before, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert not np.shares_memory(result, array)


def test_vgn_a_grasp_is_not_changed_by_carrying_it_over_or_by_planning() -> None:
    """Its conversions changed the pose inside the grasp that they were given."""
    lens = Intrinsics(615.0, 615.0, 321.5, 239.5, 640, 480)
    T_base_camera = frozen(CELL.calibration.camera_guess.transform.copy())
    grasp = Grasp(u=321.5, v=239.5, depth_m=0.68, angle_rad=0.3, width_m=0.06, quality=0.9)
    carried = [grasp_in_base(grasp, lens, T_base_camera) for _ in range(2)]
    np.testing.assert_array_equal(carried[0].center_base_m, carried[1].center_base_m)
    wanted = GraspInBase(frozen(carried[0].center_base_m), frozen(carried[0].closing_base), carried[0].width_m)
    plans = [PLANNER.plan(wanted) for _ in range(2)]
    np.testing.assert_array_equal(wanted.center_base_m, carried[1].center_base_m)
    np.testing.assert_array_equal(plans[0].T_base_grasp, plans[1].T_base_grasp)


@pytest.mark.parametrize("mount", synthetic_views.MOUNTS)
def test_vgn_a_calibration_leaves_its_views_alone(mount: Any) -> None:
    """Its helpers wrote into the arrays that they were given."""
    views = synthetic_views.make_cell(mount, 0, 12).views
    before = [{name: np.copy(value) for name, value in vars(view).items()} for view in views]
    calibrate(views, synthetic_views.INTRINSICS, synthetic_views.settings(mount), np.random.default_rng(0))
    for view, copies in zip(views, before, strict=True):
        for name, copy in copies.items():
            np.testing.assert_array_equal(getattr(view, name), copy)
