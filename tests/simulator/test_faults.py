"""Faults reach the part they are meant for."""

import numpy as np
import pytest

from robot.errors import SettingsError
from robot.kinematics import UR5
from robot.objects import ObjectSpec, Part
from robot.shapes import triangles
from robot.simulator import ur_faults
from robot.simulator.faults import CONTROLLER_FAULTS, FAULT_NAMES, FaultBoard
from robot.simulator.gripper_device import GripperDevice
from robot.simulator.world import World


class Controller:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.injected: list[tuple[str, float]] = []

    def inject(self, name: str, delay_s: float = 0.1) -> None:
        self.injected.append((name, delay_s))

    def clear_faults(self) -> None:
        self.injected.clear()


@pytest.fixture
def parts() -> tuple[FaultBoard, Controller, World, GripperDevice]:
    ball = Part("sphere", (0.05,), np.eye(4), (1, 0, 0), *triangles("sphere", (0.05,)))
    world = World(UR5, (ObjectSpec("ball", 0.1, 0.6, primitives=(ball,)),), print)
    gripper, controller = GripperDevice(world), Controller()
    board = FaultBoard(controller, world, gripper)
    world.attach_device(gripper)
    world.attach_device(board)
    return board, controller, world, gripper


Parts = tuple[FaultBoard, Controller, World, GripperDevice]


def test_names_agree_with_the_controllers() -> None:
    assert set(CONTROLLER_FAULTS) == set(ur_faults.FAULT_NAMES)
    assert len(set(FAULT_NAMES)) == len(FAULT_NAMES) == 9


def test_controller_faults_are_handed_on(parts: Parts) -> None:
    board, controller, _, _ = parts
    board.inject("protective_stop", 0.3)
    assert controller.injected == [("protective_stop", 0.3)]
    board.clear()
    assert controller.injected == []


def test_gripper_fault_waits_for_its_time(parts: Parts) -> None:
    board, _, world, gripper = parts
    board.inject("gripper_fault", 0.1)
    world.advance(0.05)
    assert gripper.readable["FLT"] == 0
    assert board.waiting == ("gripper_fault",)
    world.advance(0.06)
    assert gripper.readable["FLT"] != 0
    assert board.waiting == ()


def test_object_lost_takes_the_friction_of_the_object_that_is_there(parts: Parts) -> None:
    board, _, world, _ = parts
    world.place("ball", 0)
    geom = world.model.body("object").geomadr[0]
    board.inject("object_lost", 0.0)
    assert world.model.geom_friction[geom, 0] < 0.01
    world.place("ball", 1)
    assert world.model.geom_friction[geom, 0] == pytest.approx(0.6)


def test_camera_faults_stay_until_cleared(parts: Parts) -> None:
    board, _, _, _ = parts
    board.inject("frozen_frame")
    board.inject("all_holes")
    assert board.camera == {"frozen_frame", "all_holes"}
    board.clear()
    assert board.camera == frozenset()


def test_clearing_also_takes_back_what_still_waits(parts: Parts) -> None:
    board, _, world, gripper = parts
    board.inject("gripper_fault", 0.5)
    board.clear()
    world.advance(1.0)
    assert gripper.readable["FLT"] == 0


def test_unknown_fault_is_refused(parts: Parts) -> None:
    with pytest.raises(SettingsError, match="did you mean 'camera_silence'"):
        parts[0].inject("camera_silense")
