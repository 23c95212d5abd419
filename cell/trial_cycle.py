"""One trial after another: what the cell does in each state, and which event that leads to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np

from cell.hand_eye import HandEye
from cell.motion import Motion
from cell.operator import Operator
from cell.perception import Look, Regions, grasp_in_base, object_left, object_stands, on_known_depth
from cell.planning import GraspPlan, PlanRefused, tool_down
from cell.seen_scene import SeenScene
from cell.settings import CellSettings
from cell.states import State
from cell.trial_progress import TrialProgress
from detectors.fallback import FallbackPolicy
from robot.camera import RealSenseCamera
from robot.errors import ArmError, DeviceError
from robot.frame import Frame
from robot.geometry import Transform
from robot.gripper import GripperState
from trials.outcomes import Outcome
from trials.protocol import TrialProtocol
from trials.record import TrialRecord
from trials.schedule import PlannedTrial

PUT_BACK_RADIUS_M = 0.05
PROPOSALS = 10
BEFORE, AFTER, BACK = "", "after", "put_back"  # folders of the looks, below the run's frames
Announce = Callable[[str], None]
SaveFrame = Callable[[int, str, Frame], None]


class TrialCycle:
    """Carries out the states of a trial. Each ``State`` has one method, which returns the event that follows.

    Args:
        settings: the cell.
        motion, camera, policy, operator: what acts, sees, thinks and judges.
        announce: told in words what is going on.
        save_frame: keeps a frame of a trial, in the folder of its look.
        hand_eye: knows where the camera is.
        protocol: says what counts as success, and when that is decided.
    """

    def __init__(
        self,
        settings: CellSettings,
        motion: Motion,
        camera: RealSenseCamera,
        policy: FallbackPolicy,
        operator: Operator,
        announce: Announce,
        save_frame: SaveFrame,
        hand_eye: HandEye,
        protocol: TrialProtocol,
    ) -> None:
        self.settings = settings
        self.protocol = protocol
        self.motion = motion
        self.camera = camera
        self.policy = policy
        self.operator = operator
        self._announce = announce
        self._save_frame = save_frame
        self._hand_eye = hand_eye
        self._regions = Regions(settings.workspace, settings.table_height_m)
        self.handlers: dict[State, Callable[[TrialProgress], str]] = {
            State.HOMING: self.homing,
            State.CAPTURING: self.capturing,
            State.DETECTING: self.detecting,
            State.PLANNING: self.planning,
            State.APPROACHING: self.approaching,
            State.GRASPING: self.grasping,
            State.LIFTING: self.lifting,
            State.VERIFYING: self.verifying,
            State.PLACING: self.placing,
        }

    def begin(self, planned: PlannedTrial) -> TrialProgress:
        """Start afresh with the next planned trial."""
        return TrialProgress(planned, started_at=datetime.now(UTC).isoformat(timespec="milliseconds"))

    def homing(self, trial: TrialProgress) -> str:
        """Arm home, jaws open, object on the table."""
        self.motion.forget_surroundings()
        self.motion.go_home()
        self.motion.open_jaws()
        self.operator.place(trial.planned.object, trial.planned.pose_seed)
        trial.started_robot_s = self._robot_s()
        return "object_placed"

    def capturing(self, trial: TrialProgress) -> str:
        """One depth and colour frame, captured after the object was placed, by a camera that stands where it should."""
        look = self._look()
        trial.look = look
        self._save_frame(trial.planned.trial, BEFORE, look.frame)
        trial.standing_before = look.standing(self.settings.table_height_m)
        return "frame_taken"

    def detecting(self, trial: TrialProgress) -> str:
        """Ask the detector, and its fallback where it is needed."""
        assert trial.look is not None
        look = trial.look
        decision = self.policy.decide(look.frame, top=PROPOSALS, region=look.region, seed=trial.planned.pose_seed)
        trial.decision = decision
        if decision.fault:
            trial.outcome, trial.reason = Outcome.DETECTOR_FAULT, decision.fault
            return "detector_failed"
        if not decision.proposals:
            trial.outcome, trial.reason = Outcome.NO_GRASP, decision.reason
            return "no_grasp"
        trial.chosen = decision.proposals[0]
        whose = f"{trial.chosen.detector} ({decision.fallback_reason}): " if decision.fallback_used else ""
        self._announce(whose + trial.chosen.grasp.in_words())
        return "grasp_chosen"

    def planning(self, trial: TrialProgress) -> str:
        """Find the best grasp that has a safe motion."""
        assert trial.look is not None
        assert trial.decision is not None
        planner = self.motion.sees(self._seen(trial.look))
        first_refusal: PlanRefused | None = None
        for proposal in trial.decision.proposals:
            grasp = proposal.grasp
            try:
                if not on_known_depth(grasp, trial.look.frame):
                    raise PlanRefused(Outcome.NO_GRASP.value, "the depth under the proposed grasp is unknown")
                in_base = grasp_in_base(grasp, trial.look.frame.intrinsics, trial.look.T_base_camera)
                trial.plan = planner.plan(in_base, self.protocol.carry_away_m)
                trial.chosen = proposal
                return "planned"
            except PlanRefused as refusal:
                first_refusal = first_refusal or refusal
        assert first_refusal is not None
        trial.outcome, trial.reason = Outcome(first_refusal.outcome), first_refusal.reason
        return "refused"

    def approaching(self, trial: TrialProgress) -> str:
        """Open, move above the grasp, descend."""
        assert trial.plan is not None
        if self.motion.approach(trial.plan):
            return "at_grasp"
        trial.outcome, trial.reason = Outcome.BLOCKED, "the fingers met something on the way down"
        return "obstructed"

    def grasping(self, trial: TrialProgress) -> str:
        """Close under force control."""
        assert trial.plan is not None
        grip = self.motion.close_jaws(trial.plan)
        trial.gripped = self.motion.holds(grip)
        if trial.gripped:
            self._announce(f"closed on something {grip.width_m * 1e3:.0f} mm wide")
            return "closed_on_object"
        trial.outcome, trial.reason = Outcome.EMPTY, "the jaws closed on nothing"
        return "closed_empty"

    def lifting(self, trial: TrialProgress) -> str:
        """Lift, and shake or carry away what is still held then; the gripper notices what slips."""
        assert trial.plan is not None
        held = self.motion.holds(self.motion.lift(trial.plan))
        when = "lift"
        if held and self.protocol.puts_back:
            held, when = self.motion.holds(self.motion.carry_away(trial.plan)), "way off and back"
        elif held:
            held, when = self.motion.holds(self.motion.shake(trial.plan)), "shake"
        if not held:
            trial.outcome, trial.reason = Outcome.SLIPPED, f"the gripper felt it slip out during the {when}"
            self._announce(trial.reason)
        return "lifted"

    def verifying(self, trial: TrialProgress) -> str:
        """Gripper feedback, a second look at the table; the operator's verdict, unless the object is to be put back."""
        if trial.gripped:
            self.motion.carry_home()
        else:
            self.motion.go_home()
        grip = self.motion.feel()
        in_hand = trial.gripped and self.motion.holds(grip)
        gone = self._table_is_empty(trial)
        trial.believed_success = in_hand and gone is not False
        self._judge(trial, in_hand)
        if in_hand and self.protocol.puts_back:
            return "held"
        self._ask_operator(trial)
        return "held" if in_hand else "not_held"

    def placing(self, trial: TrialProgress) -> str:
        """Put the object back at a random place, as the next detector's operator would shake it."""
        felt = self._put_down(trial)
        self.motion.go_home()
        if self.protocol.puts_back:
            self._judge_put_back(trial, self.motion.holds(felt))
            self._ask_operator(trial)
        return "put_back"

    def close(self, trial: TrialProgress) -> None:
        """Note how long the trial took, where that was not noted at its outcome; a fault's recovery counts."""
        if not trial.cycle_s and trial.started_robot_s:
            with suppress(DeviceError):
                trial.cycle_s = max(self._robot_s() - trial.started_robot_s, 0.0)

    def record(self, trial: TrialProgress) -> TrialRecord:
        """The ledger's line for the trial as it stands."""
        return trial.record(self.policy.detector.name)

    def _put_down(self, trial: TrialProgress) -> GripperState:
        assert trial.plan is not None
        try:
            return self.motion.put_down(self._release_pose(trial))
        except PlanRefused as refusal:
            self._announce(f"puts the object back where it was: {refusal.reason}")
            return self._put_back_where_it_was(trial.plan)

    def _put_back_where_it_was(self, plan: GraspPlan) -> GripperState:
        try:
            return self.motion.put_down(plan.T_base_grasp)
        except PlanRefused as refusal:
            raise ArmError(f"no safe way to put the object down: {refusal.reason}") from None

    def _robot_s(self) -> float:
        """The controller's clock: in a dry run it counts the moves in simulated time."""
        return self.motion.arm.state().timestamp_s

    def _seen(self, look: Look) -> SeenScene | None:
        settings = self.settings
        if not settings.safety.check_seen:
            return None
        return SeenScene.from_frame(look.frame, look.T_base_camera, settings.workspace, settings.table_height_m)

    def _look(self) -> Look:
        """A new look at the table. Raises CameraMoved when the camera is not where it was calibrated."""
        frame = self.camera.read_median(self.settings.camera.median_frames)
        T_base_flange = self.motion.arm.state().T_base_flange
        self._hand_eye.require_holding(frame, T_base_flange)
        T_base_camera = self._hand_eye.T_base_camera(T_base_flange)
        return Look(frame, T_base_camera, self._regions.of(frame.intrinsics, T_base_camera))

    def _table_is_empty(self, trial: TrialProgress) -> bool | None:
        assert trial.frame is not None
        assert trial.standing_before is not None
        after = self._look()
        self._save_frame(trial.planned.trial, AFTER, after.frame)
        return object_left(trial.standing_before, after.standing(self.settings.table_height_m), trial.frame)

    def _judge(self, trial: TrialProgress, in_hand: bool) -> None:
        """The outcome, where it is decided while the object is in the air."""
        if trial.believed_success:
            if not self.protocol.puts_back:
                trial.outcome, trial.reason = Outcome.SUCCESS, self.protocol.words.reason
        elif in_hand:
            trial.outcome, trial.reason = (
                Outcome.SLIPPED,
                "the gripper reports an object, but the camera still sees it on the table",
            )
        elif trial.outcome is None:
            trial.outcome, trial.reason = Outcome.SLIPPED, self.protocol.words.lost

    def _judge_put_back(self, trial: TrialProgress, held: bool) -> None:
        """The outcome, where it hangs on how the object came back; ``held``: down there, before the jaws opened."""
        assert trial.frame is not None
        assert trial.standing_before is not None
        back = self._look()
        self._save_frame(trial.planned.trial, BACK, back.frame)
        stands = object_stands(trial.standing_before, back.standing(self.settings.table_height_m), trial.frame)
        trial.believed_success = trial.believed_success and held and stands is not False
        if trial.believed_success:
            trial.outcome, trial.reason = Outcome.SUCCESS, self.protocol.words.reason
        elif trial.outcome is None:
            reason = "nothing stands on the gripping area" if held else "the gripper felt it slip out on the way back"
            trial.outcome, trial.reason = Outcome.SLIPPED, reason

    def _ask_operator(self, trial: TrialProgress) -> None:
        """The trial is over, but for what is tidied up."""
        verdict = self.operator.judge(trial.believed_success, self.protocol)
        trial.referee_success, trial.voided = verdict.success, verdict.void
        trial.cycle_s = self._robot_s() - trial.started_robot_s

    def _release_pose(self, trial: TrialProgress) -> Transform:
        assert trial.plan is not None
        digest = hashlib.sha256(f"put-back {trial.planned.pose_seed}".encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        workspace = self.settings.workspace
        center = (np.array(workspace.min_m) + np.array(workspace.max_m)) / 2
        tip = trial.plan.T_base_grasp[:3, 3].copy()
        tip[:2] = center[:2] + rng.uniform(-PUT_BACK_RADIUS_M, PUT_BACK_RADIUS_M, 2)
        yaw = rng.uniform(-np.pi / 2, np.pi / 2)
        return tool_down(tip, np.array([np.cos(yaw), np.sin(yaw), 0.0]))
