"""What the arm and the gripper do in a trial, in the words of the cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cell.guarded_arm import GRIPPER_MASS_KG, GuardedArm
from cell.planning import GraspPlan, Planner, PlanRefused, raised, tool_down
from cell.seen_scene import SeenScene
from cell.settings import CellSettings
from cell.surroundings import T_FLANGE_TCP, HeldBox, Surroundings
from robot.calibration_board import BoardSettings
from robot.channel import pause
from robot.deadline import Deadline
from robot.errors import ArmError, GripperError
from robot.geometry import Transform
from robot.gripper import GripperState, GripResult, Robotiq2F85
from robot.gripper_geometry import MIN_FORCE_N, MIN_SPEED_M_S, STROKE_M
from robot.kinematics import forward

AT_HOME_RAD = 0.01
LEAST_RISE_M = 0.005
CARRYING_SPEED_SHARE = 0.8
OPEN_SHARE = 0.95
STILL_PRESSING_SHARE = 0.3
JAWS_REST_S, JAWS_POLL_S = 1.0, 0.005
RELEASE_OPENING_M = 0.03
GRAVITY_M_S2, WEIGHING_ERROR_KG = 9.81, 0.5  # a CB3 weighs by its motors' currents
GRIPPER_CENTRE_M = 0.06


@dataclass(frozen=True)
class Motion:
    """Moves the arm and the gripper as a trial needs it; every call blocks until done or raises.

    All methods raise :class:`robot.errors.ArmError` or :class:`robot.errors.GripperError`.
    """

    settings: CellSettings
    arm: GuardedArm
    gripper: Robotiq2F85
    planner: Planner

    def declare_tool(self) -> None:
        """Tell the controller about the gripper: its tool centre point and its weight."""
        self.arm.set_tcp(T_FLANGE_TCP)
        self.arm.set_payload(GRIPPER_MASS_KG, (0.0, 0.0, GRIPPER_CENTRE_M))

    def forget_surroundings(self) -> None:
        """Nothing that was seen or held counts any more; the jaws are where the gripper says."""
        self.arm.expect(Surroundings(width_m=self.gripper.state().width_m))

    def forget_what_was_seen(self) -> None:
        """What stood on the table does not count any more; the jaws, and what they hold, are where the gripper says."""
        self.arm.expect(replace(self.arm.around, seen=None, width_m=self.gripper.state().width_m))

    def sees(self, seen: SeenScene | None) -> Planner:
        """Take what was seen on the table for what stands there; the planner that knows it."""
        self.arm.expect(replace(self.arm.around, seen=seen, held=None))
        return self._planner

    def hold_board(self, board: BoardSettings) -> None:
        """The calibration board is in the gripper, until the jaws are opened."""
        guess = self.settings.calibration.board_guess
        held = HeldBox.of_board(board, None if guess is None else guess.transform)
        self.arm.expect(Surroundings(None, held, self.gripper.state().width_m))

    def grip_gently(self) -> GripResult:
        """Close slowly and with little force on what a hand holds between the fingers."""
        return self.gripper.move(0.0, MIN_SPEED_M_S, MIN_FORCE_N)

    def let_go_gently(self) -> None:
        """Open slowly, for a hand that takes what was held."""
        self._release(STROKE_M, MIN_SPEED_M_S, MIN_FORCE_N)

    @property
    def _planner(self) -> Planner:
        return self.planner.within(self.arm.around)

    def go_home(self, speed_share: float = 1.0) -> None:
        """Straight up as far as needed, then to the home joints.

        Raises:
            ArmError: from where the arm stands, something is in the way.
        """
        q_home = np.array(self.settings.home_joints_rad)
        q = self.arm.state().q
        if np.max(np.abs(q - q_home)) < AT_HOME_RAD:
            return
        try:
            way = self._planner.plan_home(q)
        except PlanRefused as refusal:
            raise ArmError(f"no safe way home: {refusal.reason}", "move the arm by hand, clear of everything") from None
        if way.T_base_above[2, 3] - self.tcp()[2, 3] > LEAST_RISE_M:
            self._line(way.T_base_above)
        for stop in way.stops:
            self._joints(stop, speed_share)

    def open_jaws(self, width_m: float = STROKE_M) -> None:
        """Open or close to ``width_m``; what was held is not any more."""
        self._release(width_m, self.settings.grasp.jaw_speed_m_s, self.settings.grasp.force_n)

    def _release(self, width_m: float, speed_m_s: float, force_n: float) -> None:
        grip = self.gripper.move(width_m, speed_m_s, force_n)
        self.arm.expect(replace(self.arm.around, held=None, width_m=grip.width_m))

    def approach(self, plan: GraspPlan) -> bool:
        """To the pre-grasp and down to the grasp, watched for contact.

        Returns:
            True when the grasp was reached, False when something stopped the way down.
        """
        self.open_jaws(plan.width_m)
        self.arm.expect(plan.approaching)
        self._joints(plan.q_pregrasp)
        self.arm.zero_force_sensor()
        touched = self.arm.descend(
            plan.T_base_grasp, self.settings.grasp.descend_speed_m_s, self.settings.arm.contact_force_n
        )
        return not touched

    def close_jaws(self, plan: GraspPlan) -> GripResult:
        """Close until the set force is reached or nothing is left to close on."""
        grip = self.gripper.move(0.0, self.settings.grasp.jaw_speed_m_s, self.settings.grasp.force_n)
        around = plan.carrying if self.holds(grip) else plan.approaching
        self.arm.expect(replace(around, width_m=grip.width_m))
        return grip

    def holds(self, grip: GripResult | GripperState) -> bool:
        """Whether the jaws were stopped by something as thick as the least that counts as an object."""
        return grip.object_detected and grip.width_m >= self.settings.grasp.least_width_m

    def feel(self) -> GripperState:
        """What the gripper reports once its jaws are at rest: an object that turns in the grip lets them follow.

        Raises:
            GripperError: among it, a fault.
        """
        deadline = Deadline(JAWS_REST_S)
        state = self.gripper.state()
        while state.moving and not state.fault and not deadline.passed:
            pause(JAWS_POLL_S, deadline)
            state = self.gripper.state()
        if state.fault:
            raise GripperError(f"the gripper reports fault 0x{state.fault:02X}", "its recovery activates it again")
        if not state.activated:
            raise GripperError("the gripper has lost its activation", "look at its power; its recovery wakes it")
        return state

    def lift(self, plan: GraspPlan) -> GripperState:
        """Straight up with what is in the jaws.

        Returns:
            what the gripper feels up there.

        Raises:
            ArmError: among it, that what was lifted is heavier than the cell allows.
        """
        self._line(plan.T_base_lift)
        weight_kg = -float(self.arm.state().tcp_force[2]) / GRAVITY_M_S2
        limit_kg = self.settings.safety.payload_max_kg
        if weight_kg > limit_kg + WEIGHING_ERROR_KG:
            raise ArmError(
                f"what was lifted weighs {weight_kg:.1f} kg, more than safety.payload_max_kg of {limit_kg:g} kg",
                "take it off the table; the recovery sets it down",
            )
        return self.feel()

    def shake(self, plan: GraspPlan) -> GripperState:
        """Shortly sideways and up and down; what the gripper feels afterwards."""
        for T in plan.T_base_shake:
            self._line(T)
        return self.feel()

    def carry_away(self, plan: GraspPlan) -> GripperState:
        """A clear way off at the height of the lift, and back; what the gripper feels then."""
        for T in plan.T_base_carry:
            self._line(T, CARRYING_SPEED_SHARE)
        return self.feel()

    def travel(self, stops: Iterable[NDArray[np.float64]], speed_share: float = 1.0) -> None:
        """Joint moves through (6,) ``stops``, one after the other."""
        for q in stops:
            self._joints(q, speed_share)

    def point_at(self, tip_base_m: NDArray[np.float64]) -> None:
        """Bring the tip of the closed fingers to (3,) ``tip_base_m`` from above, watched for contact.

        Raises:
            PlanRefused: there is no safe way to that place.
        """
        T_base_tcp = tool_down(tip_base_m, np.array([0.0, 1.0, 0.0]))
        self._joints(self._planner.plan_put_down(T_base_tcp, self.arm.state().q))
        self._lower(T_base_tcp)

    def rise(self) -> None:
        """Straight up by the height of a lift."""
        self._line(raised(self.tcp(), self.settings.grasp.lift_height_m))

    def carry_home(self) -> None:
        """Out of the camera's view with the object in hand."""
        self.go_home(CARRYING_SPEED_SHARE)

    def put_down(self, T_base_release: Transform) -> GripperState:
        """Set the held object down where ``T_base_release`` says, open, and rise.

        Returns:
            what the gripper felt down there, before it opened.

        Raises:
            PlanRefused: there is no safe way to that place.
        """
        q_above = self._planner.plan_put_down(T_base_release, self.arm.state().q)
        self._joints(q_above, CARRYING_SPEED_SHARE)
        self._lower(T_base_release)
        felt = self.feel()
        self.open_jaws(min(felt.width_m + RELEASE_OPENING_M, STROKE_M))
        self.rise()
        return felt

    def may_hold(self) -> bool:
        """True when the jaws stand as they would around an object, or closed on one that may be in them still."""
        return self.arm.around.held is not None or self._jaws_are_between()

    def _jaws_are_between(self) -> bool:
        return self.settings.grasp.least_width_m < self.gripper.state().width_m < OPEN_SHARE * STROKE_M

    def set_down(self) -> None:
        """Lower what may be in the jaws until it meets the table, without moving the jaws: nothing is dropped.

        Straight down where the tool is over the workspace, else in the workspace's middle.

        Raises:
            ArmError: there is no safe way there.
        """
        T_base_tcp = self.tcp()
        workspace, floor_m = self.settings.workspace, self.settings.table_height_m
        low, high = np.array(workspace.min_m), np.array(workspace.max_m)
        T_base_tcp[2, 3] = floor_m + self.settings.grasp.table_clearance_m
        if not workspace.contains(T_base_tcp[:3, 3]):
            T_base_tcp[:2, 3] = (low[:2] + high[:2]) / 2
            held = self.arm.around.held
            standing = raised(T_base_tcp, 0.0 if held is None else held.below_tcp_m)
            try:
                self._joints(self._planner.plan_put_down(standing, self.arm.state().q), CARRYING_SPEED_SHARE)
            except PlanRefused as refusal:
                raise ArmError(
                    f"no safe way to set the object down: {refusal.reason}", "take it out of the jaws by hand"
                ) from None
        self._lower(T_base_tcp)

    def tcp(self) -> Transform:
        """T_base_tcp now, from the measured joints."""
        T: Transform = forward(self.planner.model, self.arm.state().q) @ T_FLANGE_TCP
        return T

    def _lower(self, T_base_tcp: Transform) -> None:
        """Down to ``T_base_tcp`` or to a contact; a jerk of the load that leaves no force behind is none."""
        speed_m_s, force_n = self.settings.grasp.descend_speed_m_s, self.settings.arm.contact_force_n
        self.arm.zero_force_sensor()
        touched = self.arm.descend(T_base_tcp, speed_m_s, force_n)
        if touched and np.linalg.norm(self.arm.state().tcp_force[:3]) < STILL_PRESSING_SHARE * force_n:
            self.arm.descend(T_base_tcp, speed_m_s, force_n)

    def _joints(self, q: NDArray[np.float64], speed_share: float = 1.0) -> None:
        motion = self.settings.motion
        self.arm.move_joints(q, motion.joint_speed_rad_s * speed_share, motion.joint_acceleration_rad_s2)

    def _line(self, T_base_tcp: Transform, speed_share: float = 1.0) -> None:
        motion = self.settings.motion
        self.arm.move_linear(T_base_tcp, motion.linear_speed_m_s * speed_share, motion.linear_acceleration_m_s2)
