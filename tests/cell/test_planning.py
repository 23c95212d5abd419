"""Plans reach, keep off the table, stay in the workspace, and refuse with a reason."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell.perception import GraspInBase
from cell.planning import T_FLANGE_TCP, Planner, PlanRefused, joint_path, straight, tool_down
from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.gripper_geometry import TIP_FROM_FLANGE_CLOSED_M, tip_from_flange_m
from robot.kinematics import UR5, forward

CELL = load_cell(DEFAULT_CELL_FILE)
FLOOR_M = CELL.table_height_m + CELL.grasp.table_clearance_m


@dataclass(frozen=True)
class FreeSpace:
    def contact(self, q, width_m):
        return None


@dataclass(frozen=True)
class WallBeyond:
    """Anything with the tool further out than ``x_m`` collides."""

    x_m: float

    def contact(self, q, width_m):
        return "the tool meets the wall" if (forward(UR5, q) @ T_FLANGE_TCP)[0, 3] > self.x_m else None


PLANNER = Planner(CELL, UR5, FreeSpace())


def grasp(x=0.5, y=0.0, z=-0.22, yaw=0.3, width_m=0.06):
    return GraspInBase(np.array([x, y, z]), np.array([np.cos(yaw), np.sin(yaw), 0.0]), width_m)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.40, 0.60),
    st.floats(-0.12, 0.12),
    st.floats(-0.249, -0.15),
    st.floats(-3.1, 3.1),
    st.floats(0.02, 0.085),
)
def test_every_grasp_in_the_middle_of_the_workspace_is_planned(x, y, z, yaw, width_m):
    wanted = grasp(x, y, z, yaw, width_m)
    plan = PLANNER.plan(wanted)
    T_reached = forward(UR5, plan.q_pregrasp) @ T_FLANGE_TCP
    np.testing.assert_allclose(T_reached, plan.T_base_pregrasp, atol=1e-6)
    np.testing.assert_allclose(plan.T_base_grasp[:2, 3], [x, y], atol=1e-9)
    np.testing.assert_allclose(plan.T_base_grasp[:3, 2], [0, 0, -1], atol=1e-9)
    assert abs(plan.T_base_grasp[:3, 0] @ wanted.closing_base) == pytest.approx(1.0)
    assert plan.T_base_grasp[2, 3] >= FLOOR_M - 1e-9


def test_fingertips_end_below_the_grasp_centre_at_the_width_of_contact():
    plan = PLANNER.plan(grasp(z=-0.18, width_m=0.07))
    flange_z = plan.T_base_grasp[2, 3] + TIP_FROM_FLANGE_CLOSED_M
    tip_at_contact = flange_z - tip_from_flange_m(0.07 - 0.016)
    assert tip_at_contact == pytest.approx(-0.18 - CELL.grasp.tip_below_grasp_m)


def test_a_grasp_under_the_table_is_lifted_to_the_floor():
    assert PLANNER.plan(grasp(z=-0.40)).T_base_grasp[2, 3] == pytest.approx(FLOOR_M)


@pytest.mark.parametrize(
    ("wanted", "outcome", "reason"),
    [
        (grasp(x=0.75), "unreachable", "outside the workspace"),
        (grasp(y=0.3), "unreachable", "outside the workspace"),
        (grasp(z=0.4), "unreachable", "outside the workspace"),
        (grasp(width_m=1.0), "unreachable", "the jaws open 85 mm"),
    ],
)
def test_refusals_say_why(wanted, outcome, reason):
    with pytest.raises(PlanRefused, match=reason) as refusal:
        PLANNER.plan(wanted)
    assert refusal.value.outcome == outcome


def test_what_collides_is_blocked():
    with pytest.raises(PlanRefused, match="the tool meets the wall") as refusal:
        Planner(CELL, UR5, WallBeyond(0.45)).plan(grasp(x=0.55))
    assert refusal.value.outcome == "blocked"


def test_put_down_keeps_the_tool_straight_and_reachable():
    release = tool_down(np.array([0.47, 0.03, -0.24]), np.array([0.0, 1.0, 0.0]))
    q_above = PLANNER.plan_put_down(release, np.array(CELL.home_joints_rad))
    T_above = forward(UR5, q_above) @ T_FLANGE_TCP
    np.testing.assert_allclose(T_above[:2, 3], [0.47, 0.03], atol=1e-6)
    assert T_above[2, 3] == pytest.approx(-0.24 + CELL.grasp.lift_height_m)


def test_the_way_home_avoids_what_is_in_it_by_another_height():
    """Something hangs where the tool would pass at the preferred height."""

    @dataclass(frozen=True)
    class Beam:
        def contact(self, q, width_m):
            height_m = (forward(UR5, q) @ T_FLANGE_TCP)[2, 3] - CELL.table_height_m
            return "the tool meets the beam" if height_m > 0.22 else None

    home_low = dataclasses.replace(CELL, home_joints_rad=tuple(PLANNER.plan(grasp(y=-0.1)).q_pregrasp))
    planner = Planner(home_low, UR5, Beam())
    way = planner.plan_home(PLANNER.plan(grasp(x=0.45, y=0.1)).q_pregrasp)
    assert 0.10 < way.T_base_above[2, 3] - CELL.table_height_m < 0.22


def test_paths_are_finely_sampled_and_hold_both_ends():
    path = joint_path(np.zeros(6), np.array([0, 1.0, 0, 0, 0, -0.5]))
    assert np.max(np.abs(np.diff(path, axis=0))) <= 0.05 + 1e-9
    np.testing.assert_array_equal(path[-1], [0, 1.0, 0, 0, 0, -0.5])
    a, b = tool_down(np.zeros(3), np.array([1.0, 0, 0])), tool_down(np.array([0, 0, 0.1]), np.array([1.0, 0, 0]))
    points = np.array([T[:3, 3] for T in straight(a, b)])
    assert len(points) == 10
    np.testing.assert_allclose(points[-1], [0, 0, 0.1])
