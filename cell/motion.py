"""What the arm and the gripper do in a trial, in the words of the cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cell.planning import T_FLANGE_TCP, GraspPlan, Planner, PlanRefused, raised
from cell.settings import CellSettings
from robot.arm import UR5Arm
from robot.channel import pause
from robot.deadline import Deadline
from robot.errors import ArmError, GripperError
from robot.geometry import Transform
from robot.gripper import GripperState, GripResult, Robotiq2F85
from robot.gripper_geometry import STROKE_M
from robot.kinematics import forward

AT_HOME_RAD = 0.01
LEAST_RISE_M = 0.005
CARRYING_SPEED_SHARE = 0.8
OPEN_SHARE = 0.95
STILL_PRESSING_SHARE = 0.3
JAWS_REST_S, JAWS_POLL_S = 1.0, 0.005
RELEASE_OPENING_M = 0.03
GRIPPER_MASS_KG, GRIPPER_CENTRE_M = 0.925, 0.06


@dataclass(frozen=True)
class Motion:
    """Moves the arm and the gripper as a trial needs it; every call blocks until done or raises.

    All methods raise :class:`robot.errors.ArmError` or :class:`robot.errors.GripperError`.
    """

    settings: CellSettings
    arm: UR5Arm
    gripper: Robotiq2F85
    planner: Planner

    def declare_tool(self) -> None:
        """Tell the controller about the gripper: its tool centre point and its weight."""
        self.arm.set_tcp(T_FLANGE_TCP)
        self.arm.set_payload(GRIPPER_MASS_KG, (0.0, 0.0, GRIPPER_CENTRE_M))

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
            way = self.planner.plan_home(q)
        except PlanRefused as refusal:
            raise ArmError(f"no safe way home: {refusal.reason}", "move the arm by hand, clear of everything") from None
        if way.T_base_above[2, 3] - self.tcp()[2, 3] > LEAST_RISE_M:
            self._line(way.T_base_above)
        for stop in way.stops:
            self._joints(stop, speed_share)

    def open_jaws(self, width_m: float = STROKE_M) -> None:
        """Open to ``width_m``."""
        self.gripper.move(width_m, self.settings.grasp.jaw_speed_m_s, self.settings.grasp.force_n)

    def approach(self, plan: GraspPlan) -> bool:
        """To the pre-grasp and down to the grasp, watched for contact.

        Returns:
            True when the grasp was reached, False when something stopped the way down.
        """
        self.open_jaws(plan.width_m)
        self._joints(plan.q_pregrasp)
        self.arm.zero_force_sensor()
        touched = self.arm.descend(
            plan.T_base_grasp, self.settings.grasp.descend_speed_m_s, self.settings.arm.contact_force_n
        )
        return not touched

    def close_jaws(self) -> GripResult:
        """Close until the set force is reached or nothing is left to close on."""
        return self.gripper.move(0.0, self.settings.grasp.jaw_speed_m_s, self.settings.grasp.force_n)

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
        return state

    def lift_and_shake(self, plan: GraspPlan) -> None:
        """Straight up, then a short shake sideways and up and down."""
        self._line(plan.T_base_lift)
        for T in plan.T_base_shake:
            self._line(T)

    def carry_home(self) -> None:
        """Out of the camera's view with the object in hand."""
        self.go_home(CARRYING_SPEED_SHARE)

    def put_down(self, T_base_release: Transform) -> None:
        """Set the held object down where ``T_base_release`` says, open, and rise.

        Raises:
            PlanRefused: there is no safe way to that place.
        """
        q_above = self.planner.plan_put_down(T_base_release, self.arm.state().q)
        self._joints(q_above, CARRYING_SPEED_SHARE)
        self._lower(T_base_release)
        self.open_jaws(min(self.feel().width_m + RELEASE_OPENING_M, STROKE_M))
        self._line(raised(self.tcp(), self.settings.grasp.lift_height_m))

    def may_hold(self) -> bool:
        """True when the jaws stand as they would around an object; a faulted gripper cannot say it surely."""
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
            try:
                self._joints(self.planner.plan_put_down(T_base_tcp, self.arm.state().q), CARRYING_SPEED_SHARE)
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
