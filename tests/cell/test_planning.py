"""Plans reach, keep off the table, stay in the workspace, and refuse with a reason."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell.collision import CollisionChecker
from cell.perception import GraspInBase
from cell.planning import T_FLANGE_TCP, Planner, PlanRefused, joint_path, straight, tool_down
from cell.settings import DEFAULT_CELL_FILE, load_cell
from cell.surroundings import Surroundings
from cell.sweeping import LEVERS_M, SWEEP_STEP_M, Sweep
from robot.geometry import invert
from robot.gripper_geometry import STROKE_M, TIP_FROM_FLANGE_CLOSED_M, tip_from_flange_m
from robot.kinematics import UR5, forward, inverse_near
from tests.cell.seen_things import seen, standing

CELL = load_cell(DEFAULT_CELL_FILE)
FLOOR_M = CELL.table_height_m + CELL.grasp.table_clearance_m


@dataclass(frozen=True)
class FreeSpace:
    def contacts(self, q, width_m):
        return {}

    def within(self, around):
        return self


@dataclass(frozen=True)
class WallBeyond:
    """Anything with the tool further out than ``x_m`` collides."""

    x_m: float

    def contacts(self, q, width_m):
        beyond_m = (forward(UR5, q) @ T_FLANGE_TCP)[0, 3] - self.x_m
        return {"the tool meets the wall": beyond_m} if beyond_m > 0 else {}


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


@settings(max_examples=25, deadline=None)
@given(st.floats(0.42, 0.58), st.floats(-0.1, 0.1), st.floats(-0.245, -0.18), st.floats(-3.1, 3.1))
def test_what_is_to_be_moved_away_goes_off_level_inside_the_workspace_and_back(x, y, z, yaw):
    plan = PLANNER.plan(grasp(x, y, z, yaw), carry_away_m=0.2)
    away, back = plan.T_base_carry
    assert plan.T_base_shake == ()
    np.testing.assert_array_equal(back, plan.T_base_lift)
    np.testing.assert_array_equal(away[:3, :3], plan.T_base_lift[:3, :3])
    assert away[2, 3] == plan.T_base_lift[2, 3]
    assert np.linalg.norm(away[:2, 3] - plan.T_base_lift[:2, 3]) == pytest.approx(0.2)
    assert CELL.workspace.contains(away[:3, 3])


def test_without_a_way_off_the_object_is_shaken():
    plan = PLANNER.plan(grasp())
    assert plan.T_base_carry == ()
    assert len(plan.T_base_shake) == 5


def test_where_one_way_off_is_blocked_another_is_taken():
    roomiest = PLANNER.plan(grasp(x=0.45), 0.15).T_base_carry[0][0, 3]
    other = Planner(CELL, UR5, WallBeyond(0.52)).plan(grasp(x=0.45), 0.15).T_base_carry[0][0, 3]
    assert other < 0.52 < roomiest


def test_a_workspace_without_room_refuses_before_anything_is_grasped():
    with pytest.raises(PlanRefused, match=r"no room to carry the object 0.4 m away") as refusal:
        PLANNER.plan(grasp(), carry_away_m=0.4)
    assert refusal.value.outcome == "unreachable"


def test_fingertips_end_below_the_grasp_centre_at_the_width_of_contact():
    plan = PLANNER.plan(grasp(z=-0.18, width_m=0.07))
    flange_z = plan.T_base_grasp[2, 3] + TIP_FROM_FLANGE_CLOSED_M
    tip_at_contact = flange_z - tip_from_flange_m(0.07 - 0.016)
    assert tip_at_contact == pytest.approx(-0.18 - CELL.grasp.tip_below_grasp_m)


def test_a_grasp_just_under_the_table_is_lifted_to_the_floor():
    assert PLANNER.plan(grasp(z=-0.26)).T_base_grasp[2, 3] == pytest.approx(FLOOR_M)


@pytest.mark.parametrize(
    ("wanted", "outcome", "reason"),
    [
        (grasp(x=0.75), "unreachable", "outside the workspace"),
        (grasp(y=0.3), "unreachable", "outside the workspace"),
        (grasp(z=0.4), "unreachable", "outside the workspace"),
        (grasp(z=-0.4), "unreachable", "150 mm under the table"),
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
        def contacts(self, q, width_m):
            above_m = (forward(UR5, q) @ T_FLANGE_TCP)[2, 3] - CELL.table_height_m - 0.22
            return {"the tool meets the beam": above_m} if above_m > 0 else {}

    home_low = dataclasses.replace(CELL, home_joints_rad=tuple(PLANNER.plan(grasp(y=-0.1)).q_pregrasp))
    planner = Planner(home_low, UR5, Beam())
    way = planner.plan_home(PLANNER.plan(grasp(x=0.45, y=0.1)).q_pregrasp)
    assert 0.10 < way.T_base_above[2, 3] - CELL.table_height_m < 0.22


def test_paths_are_finely_sampled_and_hold_both_ends():
    path = joint_path(np.zeros(6), np.array([0, 1.0, 0, 0, 0, -0.5]))
    assert np.max(np.abs(np.diff(path, axis=0))) <= 0.05 + 1e-9
    assert np.max(np.abs(np.diff(path, axis=0)) @ LEVERS_M) <= SWEEP_STEP_M + 1e-9
    np.testing.assert_array_equal(path[-1], [0, 1.0, 0, 0, 0, -0.5])
    a, b = tool_down(np.zeros(3), np.array([1.0, 0, 0])), tool_down(np.array([0, 0, 0.1]), np.array([1.0, 0, 0]))
    points = np.array([T[:3, 3] for T in straight(a, b)])
    assert len(points) == 10
    np.testing.assert_allclose(points[-1], [0, 0, 0.1])


def test_a_straight_way_turns_on_the_way():
    a, b = tool_down(np.zeros(3), np.array([1.0, 0, 0])), tool_down(np.array([0, 0, 0.02]), np.array([0.0, 1.0, 0]))
    way = list(straight(a, b))
    np.testing.assert_allclose(way[-1], b)
    turned = [np.arccos((np.trace(T[:3, :3].T @ U[:3, :3]) - 1) / 2) for T, U in pairwise([a, *way])]
    np.testing.assert_allclose(turned, np.pi / 2 / len(way), atol=1e-6)
    assert max(turned) <= 0.05 + 1e-9


ANY = st.one_of(st.floats(), st.floats(-1.0, 1.0), st.just(float("nan")), st.just(0.0))


@settings(max_examples=150, deadline=None)
@given(st.tuples(ANY, ANY, ANY), st.tuples(ANY, ANY, ANY), ANY)
def test_whatever_a_detector_proposes_is_planned_within_the_limits_or_refused(center, closing, width_m):
    try:
        plan = PLANNER.plan(GraspInBase(np.array(center), np.array(closing), width_m))
    except PlanRefused:
        return
    assert_within_limits(plan)


@pytest.mark.parametrize(
    "wanted",
    [
        grasp(x=float("nan")),
        grasp(yaw=float("nan")),
        grasp(width_m=float("nan")),
        grasp(width_m=float("inf")),
        grasp(width_m=0.0),
        grasp(width_m=-0.03),
        grasp(z=-1e300),
        grasp(z=-0.28),
        dataclasses.replace(grasp(), closing_base=np.zeros(3)),
        dataclasses.replace(grasp(), closing_base=np.array([0.0, 0.0, 1.0])),
    ],
)
def test_nonsense_is_unreachable(wanted):
    with pytest.raises(PlanRefused) as refusal:
        PLANNER.plan(wanted)
    assert refusal.value.outcome == "unreachable"


REAL = Planner(CELL, UR5, CollisionChecker.for_cell(CELL, UR5))


def way_of(plan):
    """Every joint configuration of a plan, finely: home, pre-grasp, grasp, lift, shake and home again."""
    yield from joint_path(np.array(CELL.home_joints_rad), plan.q_pregrasp)
    q = plan.q_pregrasp
    stops = [plan.T_base_pregrasp, plan.T_base_grasp, plan.T_base_lift, *plan.T_base_shake]
    for T_from, T_to in pairwise(stops):
        for T in straight(T_from, T_to):
            q = inverse_near(UR5, T @ invert(T_FLANGE_TCP), q)
            yield q
    way = REAL.within(plan.carrying).plan_home(q)
    for T in straight(T_to, way.T_base_above):
        q = inverse_near(UR5, T @ invert(T_FLANGE_TCP), q)
        yield q
    for stop in way.stops:
        yield from joint_path(q, stop)
        q = stop


def assert_within_limits(plan):
    low, high = np.array(CELL.safety.tcp_box.min_m), np.array(CELL.safety.tcp_box.max_m)
    for q in way_of(plan):
        tip = (forward(UR5, q) @ T_FLANGE_TCP)[:3, 3]
        assert np.all(tip >= low)
        assert np.all(tip <= high)
        assert tip[2] >= FLOOR_M - 1e-6
        assert np.all(np.abs(q) <= CELL.arm.joint_upper_rad)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.30, 0.70), st.floats(-0.22, 0.22), st.floats(-0.28, 0.1), st.floats(-3.1, 3.1), st.floats(0.01, 0.085)
)
def test_every_motion_of_an_accepted_plan_stays_within_the_limits(x, y, z, yaw, width_m):
    try:
        plan = REAL.plan(grasp(x, y, z, yaw, width_m))
    except PlanRefused:
        return
    assert_within_limits(plan)


def limited(**limits):
    """The planner of a cell whose arm or tool may do less."""
    box, arm = limits.pop("tcp_box", CELL.safety.tcp_box), dataclasses.replace(CELL.arm, **limits)
    cell = dataclasses.replace(CELL, safety=dataclasses.replace(CELL.safety, tcp_box=box), arm=arm)
    return dataclasses.replace(PLANNER, settings=cell)


def test_the_box_of_the_tool_is_kept_all_along_a_joint_move():
    """Both ends are inside, but the arc between them is not."""
    q_from, q_to = (np.array([pan, -1.3, 1.9, -2.17, -1.5708, 0.0]) for pan in (2.4, 3.8))
    ends_m = [(forward(UR5, q) @ T_FLANGE_TCP)[0, 3] for q in (q_from, q_to)]
    box = dataclasses.replace(CELL.safety.tcp_box, max_m=(max(ends_m) + 0.02, 0.85, 0.7))
    sweep = Sweep(limited(tcp_box=box).settings, UR5, FreeSpace(), STROKE_M)
    sweep.require(q_from, {})
    sweep.require(q_to, {})
    with pytest.raises(PlanRefused, match=r"safety\.tcp_box") as refusal:
        sweep.joint_move(q_from, q_to, {})
    assert refusal.value.outcome == "unreachable"


def test_the_cells_own_joint_limits_count():
    turned = float(PLANNER.plan(grasp()).q_pregrasp[5])
    assert abs(turned) > 0.2
    end = [2 * np.pi] * 6
    end[5] = 0.1
    with pytest.raises(PlanRefused, match="joint 6 out of its limits") as refusal:
        limited(joint_lower_rad=tuple(-np.array(end)), joint_upper_rad=tuple(end)).plan(grasp())
    assert refusal.value.outcome == "unreachable"


THING = standing(0.5, 0.0, 0.3, (0.05, 0.08), 0.06)


def test_a_clear_thing_is_grasped_and_then_held():
    plan = REAL.within(Surroundings(seen([THING]))).plan(grasp(z=-0.20, width_m=0.066))
    assert plan.approaching.seen is not None
    assert plan.carrying.held is not None
    assert not plan.carrying.seen.heights_m.any()
    assert plan.approaching.width_m == plan.carrying.width_m == 0.066


def test_a_finger_that_would_come_down_on_something_seen_is_blocked():
    planner = REAL.within(Surroundings(seen([THING])))
    for wanted in (grasp(z=-0.20, width_m=0.03), grasp(x=0.515, z=-0.20, width_m=0.066)):
        with pytest.raises(PlanRefused, match="that the camera sees") as refusal:
            planner.plan(wanted)
        assert refusal.value.outcome == "blocked"


def test_a_neighbour_in_the_fingers_way_blocks_and_one_beside_it_does_not():
    out = np.array([np.cos(0.3), np.sin(0.3)])
    for gap_m, free in ((0.035, True), (0.012, False)):
        place = np.array([0.5, 0.0]) + out * (0.025 + gap_m + 0.02)
        planner = REAL.within(Surroundings(seen([THING, standing(*place, 0.3, (0.04, 0.08), 0.06)])))
        if free:
            planner.plan(grasp(z=-0.20, width_m=0.066))
        else:
            with pytest.raises(PlanRefused, match="that the camera sees"):
                planner.plan(grasp(z=-0.20, width_m=0.066))


def test_the_way_with_the_object_avoids_what_it_alone_would_meet():
    """A long stick hangs out of the jaws: nothing but the stick would meet the wall beside it."""
    stick, wall = standing(0.5, 0.0, 0.0, (0.03, 0.16), 0.03), standing(0.5, 0.13, 0.0, (0.20, 0.03), 0.17)
    wanted = dataclasses.replace(grasp(yaw=0.0, z=-0.235, width_m=0.045))
    REAL.within(Surroundings(seen([stick]))).plan(wanted)
    planner = REAL.within(Surroundings(seen([stick, wall])))
    release = tool_down(np.array([0.5, 0.05, -0.245]), np.array([1.0, 0.0, 0.0]))
    plan = planner.plan(wanted)
    q_above = forward_joints(plan)
    REAL.within(dataclasses.replace(plan.carrying, held=None)).plan_put_down(release, q_above)
    with pytest.raises(PlanRefused, match="held object would meet the things"):
        REAL.within(plan.carrying).plan_put_down(release, q_above)


def forward_joints(plan):
    """Joints at the end of the lift."""
    return inverse_near(UR5, plan.T_base_lift @ invert(T_FLANGE_TCP), plan.q_pregrasp)


def test_from_a_contact_there_is_a_way_up_and_home():
    """After a protective stop in the table: 4 mm deep, below the floor."""
    T_base_tcp = tool_down(np.array([0.5, 0.0, CELL.table_height_m - 0.004]), np.array([0.0, 1.0, 0.0]))
    q = inverse_near(UR5, T_base_tcp @ invert(T_FLANGE_TCP), REAL.plan(grasp()).q_pregrasp)
    assert REAL.plan_home(q).T_base_above[2, 3] > CELL.table_height_m + 0.1
    deep = standing(0.5, 0.0, 0.0, (0.1, 0.1), 0.05)
    assert REAL.within(Surroundings(seen([deep]), width_m=STROKE_M)).plan_home(q).stops
