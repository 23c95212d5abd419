"""No motion that breaks a limit or meets something gets past the guard; what is safe does, and so does the way out."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell.collision import CollisionChecker
from cell.guarded_arm import GuardedArm, MotionRefused
from cell.perception import GraspInBase
from cell.planning import Planner, PlanRefused, raised, tool_down
from cell.surroundings import T_FLANGE_TCP, HeldBox, Surroundings
from robot.arm import UR5Arm
from robot.errors import ArmError
from robot.geometry import invert, transform
from robot.kinematics import UR5, forward, inverse_near
from tests.cell.seen_things import CELL, TABLE_M, seen, standing

CHECKER = CollisionChecker.for_cell(CELL, UR5)
PLANNER = Planner(CELL, UR5, CHECKER)
Q_HOME = np.array(CELL.home_joints_rad)
Q_OVER_TABLE = np.array([3.1416, -1.3, 1.9, -2.17, -1.5708, 0.0])
FLOOR_M = TABLE_M + CELL.grasp.table_clearance_m
SPEED, ACCELERATION = 0.3, 0.8


class Recorder:
    """Stands for the arm: goes at once where it is sent, and writes down all that it was told."""

    def __init__(self, q):
        self.q, self.sent, self.T_flange_tcp = np.array(q, dtype=float), [], T_FLANGE_TCP

    def state(self):
        return SimpleNamespace(q=self.q, T_flange_tcp=self.T_flange_tcp)

    def move_joints(self, q, speed, acceleration):
        self.sent.append(("move_joints", q))
        self.q = q

    def move_linear(self, T, speed, acceleration):
        self.sent.append(("move_linear", T))
        self.q = inverse_near(UR5, T @ invert(T_FLANGE_TCP), self.q)

    def descend(self, T, speed, force_limit_n=None, acceleration=None):
        self.sent.append(("descend", T))
        self.q = inverse_near(UR5, T @ invert(T_FLANGE_TCP), self.q)
        return False

    def set_payload(self, mass_kg, centre):
        self.sent.append(("set_payload", mass_kg))


def guarded(q=Q_HOME, confirm=None):
    arm = Recorder(q)
    return arm, GuardedArm(arm, CELL, UR5, CHECKER, confirm=confirm)


def down(x, y, height_m):
    return tool_down(np.array([x, y, TABLE_M + height_m]), np.array([0.0, 1.0, 0.0]))


def joints_at(x, y, height_m):
    q = inverse_near(UR5, down(x, y, height_m) @ invert(T_FLANGE_TCP), Q_OVER_TABLE)
    assert q is not None
    return q


def violations(q_from, q_to):
    """The worst along a joint move, looked at far more finely than the guard does, and by other means."""
    low, high = np.array(CELL.safety.tcp_box.min_m), np.array(CELL.safety.tcp_box.max_m)
    for q in np.linspace(q_from, q_to, max(2, int(np.abs(q_to - q_from).max() / 0.005))):
        tip = (forward(UR5, q) @ T_FLANGE_TCP)[:3, 3]
        yield max((low - tip).max(), (tip - high).max(), FLOOR_M - tip[2], *CHECKER.contacts(q, 0.085).values())


ANGLES = st.lists(st.floats(-3.2, 3.2), min_size=6, max_size=6).map(np.array)


@settings(max_examples=60, deadline=None)
@given(ANGLES)
def test_no_joint_move_that_violates_anything_is_sent(q):
    arm, guard = guarded()
    try:
        guard.move_joints(q, 1.0, 1.0)
    except MotionRefused:
        assert not arm.sent
    else:
        assert max(violations(Q_HOME, arm.sent[0][1])) < 0.003


@settings(max_examples=60, deadline=None)
@given(st.floats(0.1, 1.0), st.floats(-0.8, 0.8), st.floats(-0.1, 0.9), st.booleans())
def test_no_straight_move_that_violates_anything_is_sent(x, y, height_m, watched):
    q = joints_at(0.5, 0.0, 0.2)
    arm, guard = guarded(q)
    try:
        if watched:
            guard.descend(down(x, y, height_m), 0.05)
        else:
            guard.move_linear(down(x, y, height_m), SPEED, ACCELERATION)
    except MotionRefused:
        assert not arm.sent
    else:
        T = arm.sent[0][1]
        for share in np.linspace(0.0, 1.0, 60):
            place = (1 - share) * down(0.5, 0.0, 0.2)[:3, 3] + share * T[:3, 3]
            at = inverse_near(UR5, tool_down(place, T[:3, 0]) @ invert(T_FLANGE_TCP), q)
            assert at is not None
            assert max(violations(q, at), default=0.0) < 0.003 or share == 0.0
            q = at


@pytest.mark.parametrize(
    ("send", "said"),
    [
        (lambda arm: arm.move_joints([np.nan] * 6, 1.0, 1.0), "finite"),
        (lambda arm: arm.move_joints(Q_HOME + 7.0, 1.0, 1.0), "limits"),
        (lambda arm: arm.move_joints(Q_HOME, 9.0, 1.0), "joint speed"),
        (lambda arm: arm.move_joints(Q_HOME, 1.0, 99.0), "joint acceleration"),
        (lambda arm: arm.move_linear(np.full((4, 4), np.nan), SPEED, ACCELERATION), "finite"),
        (lambda arm: arm.move_linear(down(0.5, 0, 0.2), 9.0, ACCELERATION), "linear speed"),
        (lambda arm: arm.move_linear(down(0.5, 0, 0.2), SPEED, 99.0), "linear acceleration"),
        (lambda arm: arm.move_linear(down(0.5, 0, 0.001), SPEED, ACCELERATION), "floor"),
        (lambda arm: arm.move_linear(down(0.5, 0, 0.96), SPEED, ACCELERATION), "tcp_box|keep-out"),
        (lambda arm: arm.move_linear(down(0.75, -0.55, 0.2), SPEED, ACCELERATION), "reach"),
        (lambda arm: arm.descend(down(0.5, 0, 0.1), 0.05, 1000.0), "contact force"),
        (lambda arm: arm.set_payload(3.5, (0, 0, 0)), "payload"),
        (lambda arm: arm.set_payload(float("nan"), (0, 0, 0)), "payload"),
    ],
)
def test_refusals_say_why_and_send_nothing(send, said):
    arm, guard = guarded(joints_at(0.5, 0.0, 0.2))
    with pytest.raises(ArmError, match=said) as refusal:
        send(guard)
    assert refusal.value.hint == "nothing was sent to the controller"
    assert not arm.sent


def test_what_is_planned_is_let_through_from_where_the_arm_really_is():
    rng = np.random.default_rng(0)
    thing = standing(0.5, 0.03, 0.2, (0.05, 0.06), 0.05)
    surroundings = Surroundings(seen([thing]))
    closing = thing[0][:3, 0]
    plan = PLANNER.within(surroundings).plan(GraspInBase(thing[0][:3, 3], closing, 0.066))
    for _ in range(10):
        arm, guard = guarded(Q_HOME + rng.normal(scale=0.0003, size=6))
        guard.expect(plan.approaching)
        guard.move_joints(plan.q_pregrasp, 1.0, 1.0)
        arm.q = arm.q + rng.normal(scale=0.0003, size=6)
        guard.descend(plan.T_base_grasp, 0.05)
        guard.expect(plan.carrying)
        arm.q = arm.q + rng.normal(scale=0.0003, size=6)
        for T in (plan.T_base_lift, *plan.T_base_shake):
            guard.move_linear(T, SPEED, ACCELERATION)
        way = PLANNER.within(guard.around).plan_home(arm.q)
        guard.move_linear(way.T_base_above, SPEED, ACCELERATION)
        for stop in way.stops:
            guard.move_joints(stop, 1.0, 1.0)


def test_what_is_seen_counts_when_the_motion_is_carried_out():
    q = joints_at(0.5, -0.15, 0.04)
    arm, guard = guarded(q)
    target = down(0.5, 0.15, 0.04)
    guard.move_linear(target, SPEED, ACCELERATION)
    arm.q, arm.sent = q, []
    guard.expect(Surroundings(seen([standing(0.5, 0.0, 0.0, (0.06, 0.06), 0.08)])))
    with pytest.raises(MotionRefused, match="that the camera sees") as refusal:
        guard.move_linear(target, SPEED, ACCELERATION)
    assert refusal.value.outcome == "blocked"
    assert not arm.sent


def test_from_a_contact_the_arm_may_rise_but_not_press_on():
    for around in (Surroundings(), Surroundings(seen([standing(0.5, 0.0, 0.0, (0.1, 0.1), 0.05)]))):
        q = joints_at(0.5, 0.0, -0.004)  # in the table, and with the second surroundings deep in what was seen
        for target, passes in (
            (down(0.5, 0, 0.15), True),
            (down(0.5, 0, -0.03), False),
            (down(0.5, 0.18, -0.02), False),
        ):
            arm, guard = guarded(q)
            guard.expect(around)
            if passes:
                guard.move_linear(target, SPEED, ACCELERATION)
                continue
            with pytest.raises(MotionRefused):
                guard.move_linear(target, SPEED, ACCELERATION)
            assert not arm.sent


def test_what_was_left_is_not_gone_back_into():
    q_in, q_out = joints_at(0.5, 0.0, -0.004), joints_at(0.5, 0.0, 0.05)
    sideways = joints_at(0.5, 0.05, -0.004)
    arm, guard = guarded(q_in)
    guard.move_joints(q_out, 1.0, 1.0)
    with pytest.raises(MotionRefused):
        guard.move_joints(sideways, 1.0, 1.0)
    assert len(arm.sent) == 1


def test_a_held_object_may_be_set_down_but_not_rammed_into_the_table():
    held = HeldBox(transform(np.eye(3), [0.0, 0.0, 0.03]), np.array([0.02, 0.02, 0.03]))  # hangs 0.06 m below the tips
    arm, guard = guarded(joints_at(0.5, 0.0, 0.15))
    guard.expect(Surroundings(held=held, width_m=0.04))
    with pytest.raises(MotionRefused, match="held object would meet the table"):
        guard.move_linear(down(0.5, 0.0, 0.04), SPEED, ACCELERATION)
    assert guard.descend(down(0.5, 0.0, 0.04), 0.05) is False
    guard.move_linear(raised(forward(UR5, arm.q) @ T_FLANGE_TCP, 0.1), SPEED, ACCELERATION)


def test_straight_moves_need_the_tool_centre_point_that_they_are_checked_for():
    arm, guard = guarded(joints_at(0.5, 0.0, 0.2))
    arm.T_flange_tcp = np.eye(4)
    with pytest.raises(MotionRefused, match="tool centre point"):
        guard.move_linear(down(0.5, 0.0, 0.1), SPEED, ACCELERATION)
    guard.move_joints(joints_at(0.5, 0.0, 0.1), 1.0, 1.0)


def test_step_by_step_the_operator_is_asked_and_a_no_ends_it():
    asked, answers = [], iter([True, False])

    def confirm(motion):
        asked.append(motion)
        return next(answers)

    arm, guard = guarded(joints_at(0.5, 0.0, 0.2), confirm)
    guard.descend(down(0.5, 0.0, 0.1), 0.05)
    with pytest.raises(KeyboardInterrupt):
        guard.move_joints(Q_HOME, 1.0, 1.0)
    assert len(arm.sent) == 1
    assert "straight move to (0.500, 0.000, -0.150) m at 0.05 m/s" in asked[0]
    assert "joint move" in asked[1]
    with pytest.raises(MotionRefused):
        guard.move_linear(down(0.5, 0.0, -0.1), SPEED, ACCELERATION)
    assert len(asked) == 2


def test_every_way_to_make_the_arm_move_is_guarded():
    """Whatever the driver learns later must be let through, or guarded, on purpose."""
    public = {name for name in vars(UR5Arm) if not name.startswith("_")}
    left_out = {"inverse_kinematics", "unlock_protective_stop", "restart", "reupload"}
    assert public - set(vars(GuardedArm)) == left_out


def test_a_refused_plan_and_a_refused_motion_agree():
    with pytest.raises(PlanRefused):
        PLANNER.plan(GraspInBase(np.array([0.9, 0.0, TABLE_M]), np.array([1.0, 0, 0]), 0.05))
    slow = dataclasses.replace(CELL.safety.tcp_box, max_m=(0.6, 0.85, 0.7))
    cell = dataclasses.replace(CELL, safety=dataclasses.replace(CELL.safety, tcp_box=slow))
    arm = Recorder(joints_at(0.5, 0.0, 0.2))
    with pytest.raises(MotionRefused, match="tcp_box"):
        GuardedArm(arm, cell, UR5, CHECKER).move_linear(down(0.65, 0.0, 0.2), SPEED, ACCELERATION)
