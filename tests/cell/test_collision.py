"""MuJoCo says which postures collide; what it says is told in words."""

from __future__ import annotations

import numpy as np
import pytest

from cell.collision import CollisionChecker
from cell.planning import Planner, PlanRefused, tool_down
from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.geometry import invert, transform
from robot.gripper_geometry import STROKE_M, TIP_FROM_FLANGE_CLOSED_M
from robot.kinematics import UR5, inverse_near

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
