"""MuJoCo says which postures collide; what it says is told in words."""

from __future__ import annotations

import numpy as np
import pytest

from cell.collision import CAMERA, HELD, SEEN, TABLE, CollisionChecker, meeting
from cell.planning import Planner, PlanRefused, tool_down
from cell.settings import DEFAULT_CELL_FILE, load_cell
from cell.surroundings import HeldBox, Surroundings
from robot.geometry import invert, transform
from robot.gripper_geometry import STROKE_M, TIP_FROM_FLANGE_CLOSED_M
from robot.kinematics import UR5, inverse, inverse_near
from tests.cell.seen_things import seen, standing

CELL = load_cell(DEFAULT_CELL_FILE)
CHECKER = CollisionChecker.for_cell(CELL, UR5)
Q_HOME = np.array(CELL.home_joints_rad)
Q_OVER_TABLE = np.array([3.1416, -1.3, 1.9, -2.17, -1.5708, 0.0])


def joints_with_tip_at(x, y, height_above_table_m):
    """Joints with the closed fingertips at a height above the table."""
    T_flange_tcp = transform(np.eye(3), [0, 0, TIP_FROM_FLANGE_CLOSED_M])
    tip = np.array([x, y, CELL.table_height_m + height_above_table_m])
    q = inverse_near(UR5, tool_down(tip, np.array([0.0, 1.0, 0.0])) @ invert(T_flange_tcp), Q_OVER_TABLE)
    assert q is not None
    return q


def test_home_is_free():
    assert CHECKER.contact(Q_HOME, STROKE_M) is None


@pytest.mark.parametrize("width_m", [0.0, 0.04, STROKE_M])
def test_closed_tips_may_come_to_the_table_but_not_into_it(width_m):
    assert CHECKER.contact(joints_with_tip_at(0.5, 0.0, 0.003), width_m) is None
    said = CHECKER.contact(joints_with_tip_at(0.5, 0.0, -0.020), width_m)
    assert said is not None
    assert "table" in said


def test_open_tips_stand_higher_than_closed_ones():
    q = joints_with_tip_at(0.5, 0.0, -0.008)
    assert CHECKER.contact(q, 0.0) is not None
    assert CHECKER.contact(q, STROKE_M) is None


def test_the_camera_over_the_table_is_kept_out_of():
    said = [CHECKER.contact(joints_with_tip_at(0.5, 0.0, height), 0.0) for height in (0.10, 0.45)]
    assert said[0] is None
    assert said[1] is not None
    assert "keep-out" in said[1]


def test_the_arm_does_not_run_into_itself():
    folded = np.array([0.0, -1.57, 3.05, -1.57, -1.57, 0.0])
    assert CHECKER.contact(folded, 0.0) is not None


def test_a_grasp_far_below_the_camera_is_planned_with_the_real_checker():
    from cell.perception import GraspInBase

    planner = Planner(CELL, UR5, CHECKER)
    rng = np.random.default_rng(0)
    for _ in range(10):
        yaw = rng.uniform(-np.pi, np.pi)
        center = np.array([rng.uniform(0.42, 0.58), rng.uniform(-0.1, 0.1), CELL.table_height_m + 0.03])
        try:
            planner.plan(GraspInBase(center, np.array([np.cos(yaw), np.sin(yaw), 0.0]), 0.06))
        except PlanRefused as refusal:
            pytest.fail(f"{center}, yaw {yaw:.2f}: {refusal}")


def deepest(checker, x, y, height_m, width_m=0.06):
    """What meets with the jaws closing along y, and how deep."""
    return checker.contacts(joints_with_tip_at(x, y, height_m), width_m)


def test_a_finger_does_not_come_down_on_what_is_seen():
    box = standing(0.5, 0.0, 0.0, (0.06, 0.04), 0.06)
    checker = CHECKER.within(Surroundings(seen([box])))
    assert not deepest(checker, 0.5, 0.0, 0.02, width_m=0.056)  # 8 mm of room at each side
    assert not deepest(checker, 0.5, 0.008, 0.02, width_m=0.056)  # a pad's face on the thing's side
    assert any(SEEN in name for name in deepest(checker, 0.5, 0.017, 0.02, width_m=0.056))  # a pad half over it
    assert any(SEEN in name for name in deepest(checker, 0.5, 0.0, 0.02, width_m=0.02))  # both pads on top


def test_depth_into_what_is_seen_counts_from_its_top_and_grows_all_the_way_down():
    checker = CHECKER.within(Surroundings(seen([standing(0.5, 0.0, 0.0, (0.1, 0.1), 0.08)])))
    depths = [max(deepest(checker, 0.5, 0.0, height_m, 0.0).values(), default=0.0) for height_m in (0.085, 0.06, 0.03)]
    np.testing.assert_allclose(depths, [0.0, 0.015, 0.045], atol=0.003)


def test_the_arm_passes_over_what_is_seen_but_not_through_it():
    tower = CHECKER.within(Surroundings(seen([standing(0.5, 0.0, 0.0, (0.08, 0.08), 0.35)])))
    assert "palm" in tower.contact(joints_with_tip_at(0.5, 0.07, 0.05), 0.0)
    low = CHECKER.within(Surroundings(seen([standing(0.5, 0.0, 0.0, (0.08, 0.08), 0.05)])))
    assert low.contact(joints_with_tip_at(0.5, 0.0, 0.07), 0.0) is None


def test_a_held_object_is_part_of_the_arm():
    held = HeldBox(transform(np.eye(3), [0.0, 0.0, 0.05]), np.array([0.01, 0.02, 0.06]))  # hangs 0.11 m below the tips
    checker = CHECKER.within(Surroundings(held=held))
    assert checker.contact(joints_with_tip_at(0.5, 0.0, 0.12), 0.02) is None
    contacts = checker.contacts(joints_with_tip_at(0.5, 0.0, 0.10), 0.02)
    assert contacts == {meeting(HELD, TABLE): pytest.approx(0.01, abs=1e-4)}
    beside = CHECKER.within(Surroundings(seen([standing(0.5, 0.0, 0.0, (0.08, 0.08), 0.05)]), held))
    assert meeting(HELD, SEEN) in beside.contacts(joints_with_tip_at(0.5, 0.0, 0.13), 0.02)


def test_a_camera_on_the_wrist_is_part_of_the_arm():
    cell = load_cell(DEFAULT_CELL_FILE.with_name("cell.wrist.yaml"))
    checker = CollisionChecker.for_cell(cell, UR5)
    assert checker.contact(np.array(cell.home_joints_rad), STROKE_M) is None
    for turn in np.linspace(-np.pi, np.pi, 16):
        q = joints_with_tip_at(0.5, 0.0, 0.2) + turn * np.eye(6)[5]
        assert checker.contact(q, STROKE_M) is None
    for side, expected in ((-1.0, True), (1.0, False)):  # the tool lies level, the camera below or above it
        x = np.array([0.0, 0.0, side])
        z = np.array([1.0, 0.0, 0.0])
        level = transform(np.column_stack([x, np.cross(z, x), z]), [0.45, 0.0, cell.table_height_m + 0.075])
        contacts = checker.contacts(inverse(UR5, level)[0], 0.0)
        assert (meeting(CAMERA, TABLE) in contacts) is expected


def test_other_surroundings_leave_the_first_checker_as_it_was():
    q = joints_with_tip_at(0.5, 0.0, 0.02)
    with_box = CHECKER.within(Surroundings(seen([standing(0.5, 0.0, 0.0, (0.06, 0.06), 0.06)])))
    assert CHECKER.contact(q, 0.0) is None
    assert with_box.contact(q, 0.0) is not None
    assert with_box.within(Surroundings()).contact(q, 0.0) is None


def test_a_tall_scene_met_by_the_whole_arm_is_still_told():
    """Hundreds of contacts at once fit into MuJoCo's memory."""
    checker = CHECKER.within(Surroundings(seen([standing(0.5, 0.0, 0.0, (0.3, 0.3), 0.4)])))
    assert len(checker.contacts(joints_with_tip_at(0.5, 0.0, 0.02), STROKE_M)) > 2
