"""Drives a World's arm through a straight-down grasp, as a controller would."""

from __future__ import annotations

import numpy as np

from robot.geometry import Transform, invert, transform
from robot.gripper_geometry import STROKE_M, TIP_FROM_FLANGE_CLOSED_M, tip_from_flange_m
from robot.kinematics import inverse, inverse_near, nearest
from robot.simulator.cell_body import HOME_RAD
from robot.simulator.world import Referee, World

PERIOD_S = 0.008
T_FLANGE_TIP = transform(np.eye(3), [0.0, 0.0, TIP_FROM_FLANGE_CLOSED_M])


def tool_down(tip_m: tuple[float, float, float], angle_rad: float) -> Transform:
    """Pose of the closed fingers' tip, jaws closing along ``angle_rad`` about the base's z axis."""
    closing = np.array([np.cos(angle_rad), np.sin(angle_rad), 0.0])
    down = np.array([0.0, 0.0, -1.0])
    return transform(np.column_stack([closing, np.cross(down, closing), down]), tip_m)


def lift(
    world: World, tip_m: tuple[float, float, float], angle_rad: float, contact_m: float, force_n: float
) -> Referee:
    """Grasp with the tips at ``tip_m`` when the jaws are ``contact_m`` apart, lift by 12 cm, hold for half a second."""
    T_grasp = tool_down(tip_m, angle_rad)
    T_grasp[2, 3] -= TIP_FROM_FLANGE_CLOSED_M - tip_from_flange_m(contact_m)
    T_above = T_grasp.copy()
    T_above[2, 3] += 0.12
    start(world, T_above)
    straight(world, T_above, T_grasp)
    close(world, force_n)
    straight(world, T_grasp, T_above)
    rest(world, 0.5)
    return world.referee()


def start(world: World, T_base_tip: Transform) -> None:
    """Move there through joint space, jaws open."""
    solutions = inverse(world.arm, T_base_tip @ invert(T_FLANGE_TIP))
    branches = [nearest(q[None], np.array(HOME_RAD), world.arm) for q in solutions]
    elbow_up = [q for q in branches if q is not None and q[2] > 0 and q[1] > -np.pi]
    target = min(elbow_up, key=lambda q: float(np.abs(q - HOME_RAD)[:5].sum()))
    world.command_jaws(STROKE_M, 0.15, 60.0)
    begin = world.q
    for share in smooth(np.abs(target - begin).max() / 1.5):
        world.set_arm_target(begin + share * (target - begin), np.zeros(6))
        world.advance(PERIOD_S)
    rest(world, 0.2)


def straight(world: World, T_from: Transform, T_to: Transform) -> None:
    """Move the tip along a line at 0.25 m/s."""
    q = world.q
    for share in smooth(float(np.linalg.norm(T_to[:3, 3] - T_from[:3, 3])) / 0.25):
        T = T_to.copy()
        T[:3, 3] = (1 - share) * T_from[:3, 3] + share * T_to[:3, 3]
        q_next = inverse_near(world.arm, T @ invert(T_FLANGE_TIP), q)
        assert q_next is not None
        world.set_arm_target(q_next, (q_next - q) / PERIOD_S)
        world.advance(PERIOD_S)
        q = q_next
    world.set_arm_target(q, np.zeros(6))
    rest(world, 0.1)


def close(world: World, force_n: float) -> None:
    """Close the jaws and wait until they stop."""
    world.command_jaws(0.0, 0.1, force_n)
    for _ in range(400):
        world.advance(PERIOD_S)
        if not world.busy:
            return
    raise AssertionError("the jaws never stop")


def rest(world: World, duration_s: float) -> None:
    """Let time pass."""
    for _ in range(round(duration_s / PERIOD_S)):
        world.advance(PERIOD_S)


def smooth(duration_s: float) -> list[float]:
    """Shares of a way, slow at both ends, one per control period."""
    steps = max(1, round(duration_s / PERIOD_S))
    return [s * s * (3 - 2 * s) for s in (i / steps for i in range(1, steps + 1))]
