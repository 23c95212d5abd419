"""Whether the arm may pass along a way: joint limits, the box of the tool centre point, the floor, collisions.

The tool centre point (TCP) is the tip of the *closed* fingers: the lowest point the gripper can reach
at a given flange height, so a TCP above the table's floor keeps the fingers off the table whatever
the jaws do.

What is already violated where a way begins, after a protective stop in contact for example, is *excused*: the way may
lead out of it, but not deeper into it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cell.settings import CellSettings
from cell.surroundings import T_FLANGE_TCP, Surroundings
from robot.geometry import Transform, invert
from robot.kinematics import ArmModel, forward, inverse_near

LINEAR_STEP_M, TURNING_STEP_RAD = 0.01, 0.05
JOINT_STEP_RAD, SWEEP_STEP_M = 0.05, 0.025
LARGEST_JOINT_JUMP_RAD = 0.35
LEVERS_M = np.array([1.1, 1.1, 0.7, 0.35, 0.3, 0.15])
"""How far from each joint's axis a part of the arm or the tool can be: bounds the way of every point of it."""
DEEPER = 0.002  # metres or radians by which what is excused may grow
ROUNDING = 1e-5

Joints = NDArray[np.float64]
JointPath = NDArray[np.float64]
Excused = Mapping[str, float]


class CollisionCheck(Protocol):
    """Says which configurations of arm and gripper collide."""

    def contacts(self, q: Joints, width_m: float) -> Mapping[str, float]:
        """What would meet what with the joints at (6,) ``q`` and the jaws ``width_m`` apart, and how deep [m]."""
        ...

    def within(self, around: Surroundings) -> Self:
        """The same cell with other things around."""
        ...


class PlanRefused(Exception):
    """There is no safe motion; ``outcome`` is ``unreachable`` or ``blocked``."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


@dataclass(frozen=True)
class Sweep:
    """Checks ways.

    Attributes:
        settings: the cell, with its limits.
        model: the arm's kinematics.
        checker: says which configurations collide.
        width_m: how far the jaws are apart.
        spare_m: by how much the box of the TCP counts as smaller.
    """

    settings: CellSettings
    model: ArmModel
    checker: CollisionCheck
    width_m: float
    spare_m: float = 0.0

    def excuses(self, q: Joints) -> Excused:
        """What is violated at (6,) ``q``, and by how much."""
        return {**self._beyond_limits(q, self.tcp(q)), **self.checker.contacts(q, self.width_m)}

    def tcp(self, q: Joints) -> Transform:
        """T_base_tcp for (6,) ``q``."""
        T: Transform = forward(self.model, q) @ T_FLANGE_TCP
        return T

    def require(self, q: Joints, excused: Excused) -> Excused:
        """Refuse the posture (6,) ``q`` when it violates anything, but for what is excused.

        Returns:
            what stays excused further on: the way does not lead back into what it has left.

        Raises:
            PlanRefused: it does.
        """
        T = self.tcp(q)
        beyond = self._beyond_limits(q, T)
        for reason, amount in beyond.items():
            if not _excusable(reason, amount, excused):
                raise PlanRefused("unreachable", f"the way would lead {reason}, at {words(T)}")
        contacts = self.checker.contacts(q, self.width_m)
        for contact, depth_m in contacts.items():
            if not _excusable(contact, depth_m, excused):
                raise PlanRefused("blocked", f"the way is blocked: {contact}, with the tool at {words(T)}")
        return {name: most for name, most in excused.items() if math.isinf(most) or name in beyond or name in contacts}

    def joint_move(self, q_from: Joints, q_to: Joints, excused: Excused) -> Excused:
        """Refuse a synchronised joint move that violates anything, but for what is excused.

        Returns:
            as :meth:`require`.

        Raises:
            PlanRefused: it does.
        """
        for q in joint_path(q_from, q_to):
            excused = self.require(q, excused)
        return excused

    def linear_move(self, q_from: Joints, poses: Sequence[Transform], excused: Excused) -> Joints:
        """The (6,) joints after straight moves through the TCP ``poses``, the first of which ``q_from`` (6,) reaches.

        Raises:
            PlanRefused: the arm cannot follow, or may not.
        """
        q = q_from
        for T_from, T_to in pairwise(poses):
            for T in straight(T_from, T_to):
                q_next = inverse_near(self.model, T @ invert(T_FLANGE_TCP), q)
                if q_next is None:
                    raise PlanRefused("unreachable", f"the straight way passes {words(T)}, beyond the arm's reach")
                if np.max(np.abs(q_next - q)) > LARGEST_JOINT_JUMP_RAD:
                    raise PlanRefused("unreachable", f"the straight way near {words(T)} passes a singularity")
                excused = self.require(q_next, excused)
                q = q_next
        return q

    def _beyond_limits(self, q: Joints, T_base_tcp: Transform) -> dict[str, float]:
        arm, box = self.settings.arm, self.settings.safety.tcp_box
        tip = T_base_tcp[:3, 3]
        floor_m = self.settings.table_height_m + self.settings.grasp.table_clearance_m
        outside = max((np.array(box.min_m) + self.spare_m - tip).max(), (tip - box.max_m + self.spare_m).max())
        beyond = {"out of safety.tcp_box": outside, "the fingertips under the table's floor": floor_m - tip[2]}
        for i, angle in enumerate(q):
            excess = max(arm.joint_lower_rad[i] - angle, angle - arm.joint_upper_rad[i])
            if excess > 0:
                beyond[f"joint {i + 1} out of its limits"] = excess
        return {reason: float(amount) for reason, amount in beyond.items() if amount > ROUNDING}


def _excusable(reason: str, amount: float, excused: Excused) -> bool:
    return reason in excused and amount <= excused[reason] + DEEPER


def straight(T_from: Transform, T_to: Transform) -> Iterator[Transform]:
    """Poses every centimetre (or 0.05 rad) on the straight way between two poses, the end included."""
    turning = Rotation.from_matrix(T_from[:3, :3].T @ T_to[:3, :3]).as_rotvec()
    way_m, angle = np.linalg.norm(T_to[:3, 3] - T_from[:3, 3]), np.linalg.norm(turning)
    count = max(1, math.ceil(way_m / LINEAR_STEP_M), math.ceil(angle / TURNING_STEP_RAD))
    shares = np.linspace(0.0, 1.0, count + 1)[1:]
    turned = T_from[:3, :3] @ Rotation.from_rotvec(shares[:, None] * turning).as_matrix()
    for share, R in zip(shares, turned, strict=True):
        T = T_to.copy()
        if share < 1.0:
            T[:3, :3] = R
            T[:3, 3] = (1 - share) * T_from[:3, 3] + share * T_to[:3, 3]
        yield T


def joint_path(q_from: Joints, q_to: Joints) -> JointPath:
    """(N, 6) joints along a synchronised joint move: no joint moves more than 0.05 rad a step, no part over 25 mm."""
    travel = np.abs(np.asarray(q_to) - q_from)
    count = max(1, math.ceil(travel.max() / JOINT_STEP_RAD), math.ceil(travel @ LEVERS_M / SWEEP_STEP_M))
    return np.linspace(q_from, q_to, count + 1)


def words(T: Transform) -> str:
    """The place of a pose."""
    x, y, z = T[:3, 3]
    return f"({x:.3f}, {y:.3f}, {z:.3f}) m"
