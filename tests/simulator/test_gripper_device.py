"""The gripper's registers mean what the manual says."""

import numpy as np
import pytest

from robot.gripper_geometry import REGISTER_CLOSED, REGISTER_OPEN
from robot.kinematics import UR5
from robot.objects import ObjectSpec, Part
from robot.shapes import triangles
from robot.simulator.cell_body import TABLE_TOP_M
from robot.simulator.gripper_device import FAULT_NOT_ACTIVATED, GripperDevice
from robot.simulator.world import World
from tests.simulator.lifting import start, straight, tool_down

SIZE_M = (0.04, 0.04, 0.04)


@pytest.fixture
def world() -> World:
    part = Part("box", SIZE_M, np.eye(4), (0.5, 0.5, 0.5), *triangles("box", SIZE_M))
    return World(UR5, (ObjectSpec("cube", 0.1, 0.6, primitives=(part,)),), print)


@pytest.fixture
def gripper(world: World) -> GripperDevice:
    device = GripperDevice(world)
    world.attach_device(device)
    return device


def run(world: World) -> float:
    """Let time pass until nothing moves; the time it took."""
    begin = world.time_s
    while world.busy:
        world.advance(0.008)
        assert world.time_s - begin < 10.0
    return world.time_s - begin


def activate(world: World, gripper: GripperDevice) -> None:
    gripper.write({"ACT": 1, "GTO": 1})
    run(world)
    assert gripper.readable["STA"] == 3


def test_activation_takes_time_and_moves_the_jaws(world: World, gripper: GripperDevice) -> None:
    assert (gripper.readable["STA"], gripper.readable["ACT"]) == (0, 0)
    gripper.write({"ACT": 1})
    assert gripper.readable["STA"] == 1
    assert world.busy
    narrowest = 1.0
    begin = world.time_s
    while gripper.readable["STA"] != 3:
        world.advance(0.008)
        narrowest = min(narrowest, world.jaws.width_m)
    assert narrowest < 0.002
    assert world.time_s - begin > 1.0
    assert gripper.readable["POS"] == REGISTER_OPEN


def test_requests_before_activation_are_a_fault(world: World, gripper: GripperDevice) -> None:
    gripper.write({"POS": 200, "GTO": 1})
    assert gripper.readable["FLT"] == FAULT_NOT_ACTIVATED
    assert not world.busy
    activate(world, gripper)
    assert gripper.readable["FLT"] == 0


@pytest.mark.parametrize("position", [3, 60, 120, 200, 230])
def test_jaws_go_where_they_are_told(world: World, gripper: GripperDevice, position: int) -> None:
    activate(world, gripper)
    gripper.write({"POS": 100, "SPE": 255, "FOR": 50, "GTO": 1})
    run(world)
    gripper.write({"POS": position})
    assert gripper.readable["PRE"] == position
    assert gripper.readable["OBJ"] == 0
    run(world)
    assert gripper.readable["OBJ"] == 3
    assert abs(gripper.readable["POS"] - position) <= 2


def test_positions_beyond_the_ends_count_as_the_ends(world: World, gripper: GripperDevice) -> None:
    activate(world, gripper)
    for request, end in ((255, REGISTER_CLOSED), (0, REGISTER_OPEN)):
        gripper.write({"POS": request, "SPE": 255})
        run(world)
        assert (gripper.readable["OBJ"], gripper.readable["POS"]) == (3, end)


def test_speed_register_sets_the_speed(world: World, gripper: GripperDevice) -> None:
    activate(world, gripper)
    durations = []
    for speed in (0, 255):
        gripper.write({"POS": 220, "SPE": speed})
        durations.append(run(world))
        gripper.write({"POS": 3, "SPE": 255})
        run(world)
    assert durations[0] / durations[1] > 5.0


def test_without_gto_nothing_moves_and_clearing_it_stops(world: World, gripper: GripperDevice) -> None:
    activate(world, gripper)
    gripper.write({"GTO": 0})
    gripper.write({"POS": 230, "SPE": 0})
    assert not world.busy
    gripper.write({"GTO": 1})
    for _ in range(100):
        world.advance(0.008)
    gripper.write({"GTO": 0})
    stopped_at = gripper.readable["POS"]
    assert 10 < stopped_at < 200
    for _ in range(50):
        world.advance(0.008)
    assert abs(gripper.readable["POS"] - stopped_at) <= 3


def test_object_flag_comes_from_contact(world: World, gripper: GripperDevice) -> None:
    T = world.place("cube", 4)
    activate(world, gripper)
    horizontal = T[:2, :3][:, np.abs(T[2, :3]) < 0.5]
    angle = float(np.arctan2(horizontal[1, 0], horizontal[0, 0]))
    low = tool_down((float(T[0, 3]), float(T[1, 3]), TABLE_TOP_M + 0.008), angle)
    above = tool_down((float(T[0, 3]), float(T[1, 3]), TABLE_TOP_M + 0.1), angle)
    start(world, above)
    straight(world, above, low)
    gripper.write({"POS": 255, "SPE": 100, "FOR": 100})
    run(world)
    assert gripper.readable["OBJ"] == 2
    assert abs(gripper.readable["POS"] - 123) < 8  # 40 mm
    gripper.write({"POS": 0})
    run(world)
    assert gripper.readable["OBJ"] == 3


def test_a_breakdown_stops_the_jaws_until_reset_and_activation(world: World, gripper: GripperDevice) -> None:
    activate(world, gripper)
    gripper.write({"POS": 230, "SPE": 0})
    for _ in range(60):
        world.advance(0.008)
    gripper.break_down()
    assert gripper.readable["FLT"] != 0
    stopped_at = gripper.readable["POS"]
    gripper.write({"POS": 3})
    for _ in range(60):
        world.advance(0.008)
    assert abs(gripper.readable["POS"] - stopped_at) <= 3
    gripper.write({"ACT": 0})
    assert (gripper.readable["FLT"], gripper.readable["STA"]) == (0, 0)
    activate(world, gripper)
    gripper.write({"POS": 230, "SPE": 255})
    run(world)
    assert gripper.readable["OBJ"] == 3
