"""From a grasp in the base frame to a motion that is reachable, inside the limits and free of collisions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cell.carrying_away import ways_away
from cell.collision import HELD, SEEN, TABLE, meeting
from cell.perception import GraspInBase
from cell.settings import CellSettings
from cell.surroundings import T_FLANGE_TCP, Surroundings
from cell.sweeping import CollisionCheck, Excused, JointPath, PlanRefused, Sweep, joint_path, straight, words
from robot.geometry import Transform, invert, transform
from robot.gripper_geometry import STROKE_M, closed_tip_drop_m
from robot.kinematics import ArmModel, inverse, nearest

__all__ = [
    "T_FLANGE_TCP", "CollisionCheck", "GraspPlan", "JointPath", "PlanRefused", "Planner", "WayHome", "joint_path",
    "postures", "raised", "straight", "tool_down",
]  # fmt: skip

TRAVEL_HEIGHTS_M = (0.25, 0.20, 0.15, 0.12, 0.30)  # of the TCP above the table, in order of preference
BELOW_TABLE_M = 0.02
"""Noise puts the middle of a flat thing's grasp this far under the table; deeper down there is nothing to grasp."""
SPARE_M = 0.001
"""Plans keep this much further inside the box of the TCP than they would have to when they are carried out."""
LOWERING: Excused = {meeting(HELD, TABLE): math.inf, meeting(HELD, SEEN): math.inf}
"""What a contact-watched way down may meet: it is how a held object is set down."""
NOTHING: Excused = {}

Choice = TypeVar("Choice")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class GraspPlan:
    """A checked motion.

    Attributes:
        q_pregrasp: (6,) joints above the grasp, reached by a joint move from home [rad].
        T_base_pregrasp, T_base_grasp, T_base_lift: TCP poses of the straight moves.
        T_base_shake: TCP poses of the shake, ending at the lift pose; none where the object is carried away instead.
        T_base_carry: TCP poses of the way off and back again to the lift pose; none where it is not carried away.
        width_m: jaw opening on the way down.
        approaching: what stands around until the jaws close.
        carrying: what stands around, and hangs in the jaws, from then on.
    """

    q_pregrasp: NDArray[np.float64]
    T_base_pregrasp: Transform
    T_base_grasp: Transform
    T_base_lift: Transform
    T_base_shake: tuple[Transform, ...]
    width_m: float
    approaching: Surroundings
    carrying: Surroundings
    T_base_carry: tuple[Transform, ...] = ()


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
        checker: says which configurations collide, ``around`` included.
        around: what stands around and hangs in the jaws.
    """

    settings: CellSettings
    model: ArmModel
    checker: CollisionCheck
    around: Surroundings = field(default_factory=Surroundings)

    def within(self, around: Surroundings) -> Planner:
        """A planner for the same cell with other things around."""
        return replace(self, checker=self.checker.within(around), around=around)

    def plan(self, grasp: GraspInBase, carry_away_m: float = 0.0) -> GraspPlan:
        """Plan approach, grasp, lift, and what follows in the air.

        Args:
            grasp: where to grasp.
            carry_away_m: how far the object is carried sideways and back, in the workspace; 0: it is shaken instead.

        Raises:
            PlanRefused: the grasp is nonsense, outside the workspace or out of reach, or the way is blocked.
        """
        closing = self._sane_closing(grasp)
        tip, width_m = self.closed_tip(grasp), min(grasp.width_m, STROKE_M)
        towards = (tool_down(tip, sign * closing) for sign in (1.0, -1.0))
        return _first_accepted(lambda T: self._plan_towards(T, width_m, carry_away_m), towards)

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
        sweep = self._sweep()
        excused = sweep.excuses(q_from)

        def attempt(q_above: NDArray[np.float64]) -> NDArray[np.float64]:
            sweep.linear_move(q_above, [above, T_base_release], LOWERING)
            sweep.joint_move(q_from, q_above, excused)
            self.plan_home(q_above)
            return q_above

        return _first_accepted(attempt, self._postures(above, q_from))

    def plan_home(self, q_from: NDArray[np.float64]) -> WayHome:
        """A free way from (6,) ``q_from`` to the home joints: straight up, then by joint moves.

        Raises:
            PlanRefused: from no height is there one.
        """
        sweep = self._sweep()
        excused = sweep.excuses(q_from)
        T_base_tcp = sweep.tcp(q_from)
        present_m = T_base_tcp[2, 3] - self.settings.table_height_m

        def attempt(choice: tuple[float, bool]) -> WayHome:
            height_m, pan_first = choice
            above = raised(T_base_tcp, max(height_m - present_m, 0.0))
            q = sweep.linear_move(q_from, [T_base_tcp, above], excused)
            panned = np.concatenate([self._q_home[:1], q[1:]])
            stops = (panned, self._q_home) if pan_first else (self._q_home,)
            for stop in stops:
                sweep.joint_move(q, stop, excused)
                q = stop
            return WayHome(above, stops)

        return _first_accepted(attempt, product(TRAVEL_HEIGHTS_M, (False, True)))

    @property
    def _q_home(self) -> NDArray[np.float64]:
        return np.array(self.settings.home_joints_rad)

    def _sweep(self, width_m: float | None = None) -> Sweep:
        width_m = self.around.width_m if width_m is None else width_m
        return Sweep(self.settings, self.model, self.checker, width_m, SPARE_M)

    def _sane_closing(self, grasp: GraspInBase) -> NDArray[np.float64]:
        """(3,) the horizontal unit vector along which the jaws close; refuses what nobody could grasp."""
        numbers = np.concatenate([grasp.center_base_m, grasp.closing_base, [grasp.width_m]])
        if not np.isfinite(numbers).all():
            raise PlanRefused("unreachable", "the grasp is not made of finite numbers")
        if not 0.0 < grasp.width_m <= STROKE_M + 1e-6:
            raise PlanRefused(
                "unreachable", f"needs {grasp.width_m * 1e3:.0f} mm, the jaws open {STROKE_M * 1e3:.0f} mm"
            )
        under_m = self.settings.table_height_m - float(grasp.center_base_m[2])
        if under_m > BELOW_TABLE_M:
            raise PlanRefused("unreachable", f"the grasp lies {under_m * 1e3:.0f} mm under the table")
        closing = np.array([*grasp.closing_base[:2], 0.0])
        length = np.linalg.norm(closing)
        if not 1e-6 < length < 1e6:
            raise PlanRefused("unreachable", "the jaws' closing direction is not horizontal")
        return np.asarray(closing / length)

    def _plan_towards(self, T_base_grasp: Transform, width_m: float, carry_away_m: float) -> GraspPlan:
        grasp = self.settings.grasp
        pregrasp, lift = raised(T_base_grasp, grasp.approach_height_m), raised(T_base_grasp, grasp.lift_height_m)
        self._require_workspace(T_base_grasp, pregrasp, lift)
        ways = ways_away(self.settings.workspace, lift, carry_away_m) if carry_away_m else (self._shake(lift),)
        self._require_workspace(*ways[0])
        carrier = self.within(self.around.carrying(T_base_grasp, width_m)) if self.around.seen else self
        approaching, carrying = self._sweep(width_m), carrier._sweep(width_m)

        def attempt(q_pregrasp: NDArray[np.float64]) -> GraspPlan:
            q_grasp = approaching.linear_move(q_pregrasp, [pregrasp, T_base_grasp], NOTHING)
            excused = carrying.excuses(q_grasp)
            q_lift, way = _first_accepted(
                lambda way: (carrying.linear_move(q_grasp, [T_base_grasp, lift, *way], excused), way), ways
            )
            approaching.joint_move(self._q_home, q_pregrasp, NOTHING)
            carrier.plan_home(q_lift)
            shake, carry = ((), way) if carry_away_m else (way, ())
            return GraspPlan(
                q_pregrasp, pregrasp, T_base_grasp, lift, shake, width_m,
                replace(self.around, width_m=width_m), replace(carrier.around, width_m=width_m), carry,
            )  # fmt: skip

        return _first_accepted(attempt, self._postures(pregrasp, self._q_home))

    def _shake(self, T_base_lift: Transform) -> tuple[Transform, ...]:
        by_m = self.settings.grasp.shake_m
        return (*(_moved(T_base_lift, axis, by_m * sign) for axis in (1, 2) for sign in (1, -1)), T_base_lift)

    def _require_workspace(self, *poses: Transform) -> None:
        for T in poses:
            if not self.settings.workspace.contains(T[:3, 3]):
                raise PlanRefused("unreachable", f"{words(T)} lies outside the workspace")

    def _postures(self, T_base_tcp: Transform, q_from: NDArray[np.float64]) -> Sequence[NDArray[np.float64]]:
        ranked = postures(self.model, T_base_tcp @ invert(T_FLANGE_TCP), q_from)
        if not ranked:
            raise PlanRefused("unreachable", f"{words(T_base_tcp)} is beyond the arm's reach")
        return ranked


def postures(model: ArmModel, T_base_flange: Transform, q_from: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Every joint solution (6,), the one nearest to (6,) ``q_from`` first; no elbow is turned past half a turn."""
    found = []
    for solution in inverse(model, T_base_flange):
        q = nearest(solution[None], q_from, model)
        if q is not None:
            q[2] = solution[2]  # there the arm would have to pass through itself
            found.append(q)
    return sorted(found, key=lambda q: float(np.max(np.abs(q - q_from))))


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


def _moved(T: Transform, tool_axis: int, distance_m: float) -> Transform:
    moved = T.copy()
    moved[:3, 3] += distance_m * T[:3, tool_axis]
    return moved
