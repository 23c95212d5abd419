"""From a grasp in the base frame to a motion that is reachable, inside the limits and free of collisions.

The tool centre point (TCP) is the tip of the *closed* fingers: the lowest point the gripper can reach
at a given flange height, so a TCP above the table's floor keeps the fingers off the table whatever
the jaws do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from cell.perception import GraspInBase
from cell.settings import CellSettings
from robot.geometry import Transform, invert, transform
from robot.gripper_geometry import STROKE_M, TIP_FROM_FLANGE_CLOSED_M, closed_tip_drop_m
from robot.kinematics import ArmModel, forward, inverse, inverse_near, nearest

T_FLANGE_TCP: Transform = transform(np.eye(3), [0.0, 0.0, TIP_FROM_FLANGE_CLOSED_M])
LINEAR_STEP_M = 0.01
JOINT_STEP_RAD = 0.05
LARGEST_JOINT_JUMP_RAD = 0.35

TRAVEL_HEIGHTS_M = (0.25, 0.20, 0.15, 0.12, 0.30)  # of the TCP above the table, in order of preference

JointPath = NDArray[np.float64]
Choice = TypeVar("Choice")
Result = TypeVar("Result")


class CollisionCheck(Protocol):
    """Says which configurations of arm and gripper collide."""

    def contact(self, q: NDArray[np.float64], width_m: float) -> str | None:
        """What meets what with the joints at (6,) ``q`` and the jaws ``width_m`` apart; None when nothing does."""
        ...


class PlanRefused(Exception):
    """There is no safe motion to this grasp; ``outcome`` is ``unreachable`` or ``blocked``."""

    def __init__(self, outcome: str, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


@dataclass(frozen=True)
class GraspPlan:
    """A checked motion.

    Attributes:
        q_pregrasp: (6,) joints above the grasp, reached by a joint move from home [rad].
        T_base_pregrasp, T_base_grasp, T_base_lift: TCP poses of the straight moves.
        T_base_shake: TCP poses of the shake, ending at the lift pose.
        width_m: jaw opening on the way down.
    """

    q_pregrasp: NDArray[np.float64]
    T_base_pregrasp: Transform
    T_base_grasp: Transform
    T_base_lift: Transform
    T_base_shake: tuple[Transform, ...]
    width_m: float


@dataclass(frozen=True)
class WayHome:
    """A checked way to the home joints.

    Attributes:
        T_base_above: TCP pose of the first, straight move up.
        stops: (6,) joints of the joint moves after it; the last are the home joints.
    """

    T_base_above: Transform
    stops: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True)
class Planner:
    """Plans straight-down grasps from the home position.

    Attributes:
        settings: the cell.
        model: the arm's kinematics.
        checker: says which configurations collide.
    """

    settings: CellSettings
    model: ArmModel
    checker: CollisionCheck

    def plan(self, grasp: GraspInBase) -> GraspPlan:
        """Plan approach, grasp, lift and shake.

        Raises:
            PlanRefused: the grasp is outside the workspace, out of reach, or the way is blocked.
        """
        if grasp.width_m > STROKE_M + 1e-6:
            raise PlanRefused(
                "unreachable", f"needs {grasp.width_m * 1e3:.0f} mm, the jaws open {STROKE_M * 1e3:.0f} mm"
            )
        tip = self.closed_tip(grasp)
        towards = (tool_down(tip, closing) for closing in (grasp.closing_base, -grasp.closing_base))
        return _first_accepted(lambda T: self._plan_towards(T, grasp.width_m), towards)

    def closed_tip(self, grasp: GraspInBase) -> NDArray[np.float64]:
        """(3,) where the TCP goes: tips below the grasp's centre at the width of contact, never under the floor."""
        tip = np.array(grasp.center_base_m, dtype=np.float64)
        tip[2] -= closed_tip_drop_m(grasp.width_m, self.settings.grasp.tip_below_grasp_m)
        tip[2] = max(tip[2], self.settings.table_height_m + self.settings.grasp.table_clearance_m)
        return tip

    def plan_put_down(self, T_base_release: Transform, q_from: NDArray[np.float64]) -> NDArray[np.float64]:
        """Joints (6,) above ``T_base_release`` from which the straight way down, and then the way home, is free.

        Raises:
            PlanRefused: as for :meth:`plan`.
        """
        above = raised(T_base_release, self.settings.grasp.lift_height_m)
        self._require_workspace(T_base_release, above)

        def attempt(q_above: NDArray[np.float64]) -> NDArray[np.float64]:
            self._check_joint_path(q_from, q_above, STROKE_M / 2)
            self._follow(q_above, [above, T_base_release], STROKE_M / 2)
            self.plan_home(q_above)
            return q_above

        return _first_accepted(attempt, self._postures(above, q_from))

    def plan_home(self, q_from: NDArray[np.float64]) -> WayHome:
        """A free way from (6,) ``q_from`` to the home joints: straight up, then by joint moves.

        Raises:
            PlanRefused: from no height is there one.
        """
        T_base_tcp: Transform = forward(self.model, q_from) @ T_FLANGE_TCP
        present_m = T_base_tcp[2, 3] - self.settings.table_height_m

        def attempt(choice: tuple[float, bool]) -> WayHome:
            height_m, pan_first = choice
            above = raised(T_base_tcp, max(height_m - present_m, 0.0))
            q_above = self._follow(q_from, [T_base_tcp, above], STROKE_M)
            panned = np.concatenate([self._q_home[:1], q_above[1:]])
            stops = (panned, self._q_home) if pan_first else (self._q_home,)
            for q, q_next in pairwise((q_above, *stops)):
                self._check_joint_path(q, q_next, STROKE_M)
            return WayHome(above, stops)

        return _first_accepted(attempt, product(TRAVEL_HEIGHTS_M, (False, True)))

    @property
    def _q_home(self) -> NDArray[np.float64]:
        return np.array(self.settings.home_joints_rad)

    def _plan_towards(self, T_base_grasp: Transform, width_m: float) -> GraspPlan:
        grasp = self.settings.grasp
        pregrasp, lift = raised(T_base_grasp, grasp.approach_height_m), raised(T_base_grasp, grasp.lift_height_m)
        shake = (*(_moved(lift, axis, grasp.shake_m * sign) for axis in (1, 2) for sign in (1, -1)), lift)
        self._require_workspace(T_base_grasp, pregrasp, lift, *shake)

        def attempt(q_pregrasp: NDArray[np.float64]) -> GraspPlan:
            self._check_joint_path(self._q_home, q_pregrasp, width_m)
            q_grasp = self._follow(q_pregrasp, [pregrasp, T_base_grasp], width_m)
            q_lift = self._follow(q_grasp, [T_base_grasp, lift, *shake], width_m)
            self.plan_home(q_lift)
            return GraspPlan(q_pregrasp, pregrasp, T_base_grasp, lift, shake, width_m)

        return _first_accepted(attempt, self._postures(pregrasp, self._q_home))

    def _require_workspace(self, *poses: Transform) -> None:
        for T in poses:
            if not self.settings.workspace.contains(T[:3, 3]):
                raise PlanRefused("unreachable", f"{_words(T)} lies outside the workspace")

    def _postures(self, T_base_tcp: Transform, q_from: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Every joint solution, the one nearest to ``q_from`` first."""
        solutions = inverse(self.model, T_base_tcp @ invert(T_FLANGE_TCP))
        turned = (nearest(solution[None], q_from, self.model) for solution in solutions)
        ranked = sorted((q for q in turned if q is not None), key=lambda q: float(np.max(np.abs(q - q_from))))
        if not ranked:
            raise PlanRefused("unreachable", f"{_words(T_base_tcp)} is beyond the arm's reach")
        return ranked

    def _follow(self, q_start: NDArray[np.float64], poses: Sequence[Transform], width_m: float) -> NDArray[np.float64]:
        q = q_start
        for T_from, T_to in pairwise(poses):
            for T in straight(T_from, T_to):
                q_next = inverse_near(self.model, T @ invert(T_FLANGE_TCP), q)
                if q_next is None:
                    raise PlanRefused("unreachable", f"the straight way passes {_words(T)}, beyond the arm's reach")
                if np.max(np.abs(q_next - q)) > LARGEST_JOINT_JUMP_RAD:
                    raise PlanRefused("unreachable", f"the straight way near {_words(T)} passes a singularity")
                self._check(q_next, width_m)
                q = q_next
        return q

    def _check_joint_path(self, q_from: NDArray[np.float64], q_to: NDArray[np.float64], width_m: float) -> None:
        for q in joint_path(q_from, q_to):
            self._check(q, width_m)

    def _check(self, q: NDArray[np.float64], width_m: float) -> None:
        contact = self.checker.contact(q, width_m)
        if contact is not None:
            raise PlanRefused("blocked", f"the way is blocked: {contact}")


def _first_accepted(attempt: Callable[[Choice], Result], choices: Iterable[Choice]) -> Result:
    """The result of the first choice that is not refused; the first refusal when all are."""
    refusal: PlanRefused | None = None
    for choice in choices:
        try:
            return attempt(choice)
        except PlanRefused as error:
            refusal = refusal or error
    assert refusal is not None
    raise refusal


def tool_down(tip_base_m: NDArray[np.float64], closing_base: NDArray[np.float64]) -> Transform:
    """TCP pose pointing straight down with the jaws closing along ``closing_base``."""
    z = np.array([0.0, 0.0, -1.0])
    return transform(np.column_stack([closing_base, np.cross(z, closing_base), z]), tip_base_m)


def raised(T_base_tcp: Transform, height_m: float) -> Transform:
    """The same pose, higher along the base's z axis."""
    T = T_base_tcp.copy()
    T[2, 3] += height_m
    return T


def straight(T_from: Transform, T_to: Transform) -> Iterable[Transform]:
    """Poses every centimetre on the straight way between two poses of one orientation, the end included."""
    count = max(1, math.ceil(np.linalg.norm(T_to[:3, 3] - T_from[:3, 3]) / LINEAR_STEP_M))
    for share in np.linspace(0.0, 1.0, count + 1)[1:]:
        T = T_to.copy()
        T[:3, 3] = (1 - share) * T_from[:3, 3] + share * T_to[:3, 3]
        yield T


def joint_path(q_from: NDArray[np.float64], q_to: NDArray[np.float64]) -> JointPath:
    """(N, 6) joints along a synchronised joint move, the fastest joint in steps of 0.05 rad."""
    count = max(1, math.ceil(np.max(np.abs(q_to - q_from)) / JOINT_STEP_RAD))
    return np.linspace(q_from, q_to, count + 1)


def _moved(T: Transform, tool_axis: int, distance_m: float) -> Transform:
    moved = T.copy()
    moved[:3, 3] += distance_m * T[:3, tool_axis]
    return moved


def _words(T: Transform) -> str:
    x, y, z = T[:3, 3]
    return f"({x:.3f}, {y:.3f}, {z:.3f}) m"
