"""Faults reach the part they are meant for."""

import numpy as np
import pytest

from robot.errors import SettingsError
from robot.geometry import apply, invert, rotation_angle
from robot.gripper_geometry import tip_from_flange_m
from robot.kinematics import UR5
from robot.objects import ObjectSpec, Part
from robot.shapes import triangles
from robot.simulator import ur_faults
from robot.simulator.cell_body import FLOOR_M, TABLE_TOP_M
from robot.simulator.faults import CONTROLLER_FAULTS, FAULT_NAMES, FaultBoard
from robot.simulator.gripper_device import GripperDevice
from robot.simulator.jaws import JawMotion
from robot.simulator.obstacle import UnseenObstacle
from robot.simulator.scene import SceneReader
from robot.simulator.staging import Staging
from robot.simulator.world import World
from tests.simulator.lifting import start, straight, tool_down


class Controller:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.injected: list[tuple[str, float, bool]] = []

    def inject(self, name: str, delay_s: float = 0.1, *, at_once: bool = False) -> None:
        self.injected.append((name, delay_s, at_once))

    def clear_faults(self) -> None:
        self.injected.clear()


class Parts:
    """A board of faults and what it strikes."""

    def __init__(self) -> None:
        ball = Part("sphere", (0.05,), np.eye(4), (1, 0, 0), *triangles("sphere", (0.05,)))
        self.world = World(UR5, (ObjectSpec("ball", 0.1, 0.6, primitives=(ball,)),), print)
        self.gripper, self.controller, self.staging = GripperDevice(self.world), Controller(), Staging(self.world)
        self.obstacle = UnseenObstacle(self.world)
        self.board = FaultBoard(self.controller, self.world, self.gripper, self.staging, self.obstacle, seed=4)
        self.world.attach_device(self.gripper)
        self.world.attach_device(self.board)


@pytest.fixture
def parts() -> Parts:
    return Parts()


def test_names_agree_with_the_controllers() -> None:
    assert set(CONTROLLER_FAULTS) == set(ur_faults.FAULT_NAMES)
    assert len(set(FAULT_NAMES)) == len(FAULT_NAMES) == 19


def test_controller_faults_are_handed_on(parts: Parts) -> None:
    parts.board.inject("protective_stop", 0.3)
    parts.board.inject("local_mode", at_once=True)
    assert parts.controller.injected == [("protective_stop", 0.3, False), ("local_mode", 0.1, True)]
    parts.board.clear()
    assert parts.controller.injected == []


def test_gripper_fault_waits_for_its_time(parts: Parts) -> None:
    parts.board.inject("gripper_fault", 0.1)
    parts.world.advance(0.05)
    assert parts.gripper.readable["FLT"] == 0
    assert parts.board.waiting == ("gripper_fault",)
    parts.world.advance(0.06)
    assert parts.gripper.readable["FLT"] != 0
    assert parts.board.waiting == ()


def test_at_once_does_not_wait(parts: Parts) -> None:
    parts.board.inject("gripper_fault", 5.0, at_once=True)
    assert parts.gripper.readable["FLT"] != 0


def test_a_gripper_without_power_has_forgotten_its_activation_and_stands_still(parts: Parts) -> None:
    parts.gripper.write({"ACT": 1, "GTO": 1})
    while parts.gripper.readable["STA"] != 3:
        parts.world.advance(0.008)
    parts.gripper.write({"POS": 255, "SPE": 0})
    parts.world.advance(0.2)
    assert parts.world.jaws.motion is JawMotion.MOVING
    parts.board.inject("gripper_inactive", at_once=True)
    assert (parts.gripper.readable["STA"], parts.gripper.readable["ACT"], parts.gripper.readable["GTO"]) == (0, 0, 0)
    parts.world.advance(0.1)
    width = parts.world.jaws.width_m
    parts.world.advance(0.5)
    assert 0.01 < parts.world.jaws.width_m == pytest.approx(width, abs=1e-4)
    parts.gripper.write({"POS": 255, "GTO": 1})
    assert parts.gripper.readable["FLT"] == 7
    parts.board.clear()
    assert parts.gripper.readable["STA"] == 0


def test_object_lost_takes_the_friction_of_the_object_that_is_there(parts: Parts) -> None:
    world = parts.world
    world.place("ball", 0)
    geom = world.model.body("object").geomadr[0]
    parts.board.inject("object_lost", 0.0)
    assert world.model.geom_friction[geom, 0] < 0.01
    world.place("ball", 1)
    assert world.model.geom_friction[geom, 0] == pytest.approx(0.6)


def test_object_lost_waits_for_jaws_that_close(parts: Parts) -> None:
    world = parts.world
    world.place("ball", 0)
    geom = world.model.body("object").geomadr[0]
    world.command_jaws(0.085, 0.1, 40.0)
    parts.board.inject("object_lost", 0.1)
    world.advance(0.5)
    assert world.model.geom_friction[geom, 0] == pytest.approx(0.6)
    world.command_jaws(0.06, 0.1, 40.0)
    world.advance(0.2)
    assert world.model.geom_friction[geom, 0] < 0.01


def test_lasting_faults_stay_until_cleared(parts: Parts) -> None:
    for name in ("frozen_frame", "all_holes", "camera_missing"):
        parts.board.inject(name)
    parts.board.inject("gripper_silence", at_once=True)
    assert parts.board.active == {"frozen_frame", "all_holes", "camera_missing", "gripper_silence"}
    parts.board.clear()
    assert parts.board.active == frozenset()


def test_clearing_also_takes_back_what_still_waits(parts: Parts) -> None:
    parts.board.inject("gripper_fault", 0.5)
    parts.board.clear()
    parts.world.advance(1.0)
    assert parts.gripper.readable["FLT"] == 0


def test_unknown_faults_and_settings_are_refused(parts: Parts) -> None:
    with pytest.raises(SettingsError, match="did you mean 'camera_silence'"):
        parts.board.inject("camera_silense")
    with pytest.raises(SettingsError, match="did you mean 'turn_rad'"):
        parts.board.inject("camera_bumped", turn_red=0.1)
    with pytest.raises(SettingsError, match="has no setting 'move_m'"):
        parts.board.inject("frozen_frame", move_m=0.1)
    with pytest.raises(SettingsError, match="axis"):
        parts.board.inject("camera_bumped", axis="w")


# ---------------------------------------------------------------- the bumped camera


@pytest.mark.parametrize(("move_m", "turn_rad"), [(0.010, 0.0), (0.0, 0.0175), (0.001, 0.002)])
def test_a_bump_moves_and_turns_the_camera_by_as_much_as_it_says(parts: Parts, move_m: float, turn_rad: float) -> None:
    before = parts.staging.T_base_color
    parts.board.inject("camera_bumped", move_m=move_m, turn_rad=turn_rad)
    off = invert(before) @ parts.staging.T_base_color
    assert np.linalg.norm(off[:3, 3]) == pytest.approx(move_m, abs=1e-9)
    assert rotation_angle(np.eye(4), off) == pytest.approx(turn_rad, abs=1e-7)
    parts.board.clear()
    assert np.array_equal(parts.staging.T_base_color, before)


def test_a_bumps_direction_follows_from_the_placements_seed_or_from_the_axis(parts: Parts) -> None:
    def bumped(**settings: object) -> np.ndarray:
        before = parts.staging.T_base_color
        parts.board.inject("camera_bumped", **settings)
        off = invert(before) @ parts.staging.T_base_color
        parts.board.clear()
        return np.asarray(off[:3, 3])

    first = bumped()
    np.testing.assert_allclose(bumped(), first, atol=1e-12)
    parts.board.placed(5)
    assert np.abs(bumped() - first).max() > 1e-4
    for axis, expected in zip("xyz", np.eye(3) * 0.010, strict=True):
        np.testing.assert_allclose(bumped(axis=axis), expected, atol=1e-12)


# ---------------------------------------------------------------- the obstacle


def test_the_obstacle_stops_the_fingers_and_spares_the_object(parts: Parts) -> None:
    """Descending with open jaws over the ball: one fingertip meets the block 30 mm above the table."""
    world, T_base_object = parts.world, parts.world.place("ball", 0)
    tip = (float(T_base_object[0, 3]), float(T_base_object[1, 3]), TABLE_TOP_M + 0.004)
    T_down = tool_down(tip, 0.3)
    T_above = T_down.copy()
    T_above[2, 3] += 0.15
    start(world, T_above)
    parts.board.inject("unseen_obstacle")
    assert parts.board.waiting == ("unseen_obstacle",)
    straight(world, T_above, T_down)
    assert parts.board.waiting == ()
    lowest_m = apply(world.T_base_flange, [0, 0, tip_from_flange_m(world.jaws.width_m)])[2] - TABLE_TOP_M
    assert lowest_m > 0.015  # a stiff arm sinks in, but it does not get there
    assert world.flange_wrench()[2] > 150.0
    np.testing.assert_allclose(world.T_base_object, T_base_object, atol=1e-9)
    straight(world, T_down, T_above)
    assert np.abs(world.flange_wrench()).max() < 1.0
    parts.board.clear()
    straight(world, T_above, T_down)
    assert np.abs(world.flange_wrench()).max() < 20.0


def test_the_obstacle_is_gone_at_the_next_placement_and_never_seen(parts: Parts) -> None:
    world = parts.world
    world.place("ball", 0)
    reader = SceneReader(world, parts.staging)
    before = reader.read()
    parts.board.inject("unseen_obstacle", at_once=True)
    geom = world.model.geom("obstacle").id
    position = world.geom_poses()[0][geom]
    assert position[2] == pytest.approx(TABLE_TOP_M + 0.015)
    assert reader.read().key == before.key
    parts.board.inject("unseen_obstacle")
    parts.board.placed(1)
    assert world.geom_poses()[0][geom][2] < FLOOR_M
    assert parts.board.waiting == ("unseen_obstacle",)  # it was not there yet
    parts.board.inject("unseen_obstacle", at_once=True)
    world.place("ball", 3)
    assert world.geom_poses()[0][geom][2] < FLOOR_M


def test_the_obstacle_waits_for_fingers_that_come_down(parts: Parts) -> None:
    world = parts.world
    T_high = tool_down((0.5, 0.0, TABLE_TOP_M + 0.10), 0.0)
    T_low = tool_down((0.5, 0.0, TABLE_TOP_M + 0.02), 0.0)
    start(world, T_high)
    straight(world, T_high, T_low)
    parts.board.inject("unseen_obstacle")
    straight(world, T_low, T_high)
    assert parts.obstacle.waiting
    straight(world, T_high, T_low)
    assert not parts.obstacle.waiting
