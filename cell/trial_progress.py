"""What is known of a trial while it is under way, and the line that it leaves in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cell.perception import Look
from cell.planning import GraspPlan
from detectors.fallback import Decision, Proposal
from detectors.grasp import Grasp
from robot.frame import Frame
from trials.outcomes import Outcome
from trials.record import GRASP_FIELDS, TrialRecord
from trials.schedule import PlannedTrial


@dataclass
class TrialProgress:
    """What is known of the trial under way; the only thing here that changes."""

    planned: PlannedTrial
    started_at: str
    started_robot_s: float = 0.0
    look: Look | None = None
    decision: Decision | None = None
    chosen: Proposal | None = None
    plan: GraspPlan | None = None
    standing_before: NDArray[np.bool_] | None = None
    outcome: Outcome | None = None
    reason: str = ""
    believed_success: bool = False
    referee_success: bool | None = None
    voided: bool = False
    cycle_s: float = 0.0
    gripped: bool = False

    @property
    def frame(self) -> Frame | None:
        """What was seen before the grasp."""
        return self.look.frame if self.look else None

    @property
    def grasp(self) -> Grasp | None:
        """What is executed, or is to be."""
        return self.chosen.grasp if self.chosen else None

    def record(self, detector: str) -> TrialRecord:
        """The ledger's line for the trial as it stands; ``detector`` is the one that is asked first."""
        outcome = self.outcome or Outcome.OPERATOR_ABORT
        return TrialRecord(
            trial=self.planned.trial,
            object=self.planned.object,
            pose_seed=self.planned.pose_seed,
            detector=detector,
            outcome=outcome,
            success=outcome is Outcome.SUCCESS,
            referee_success=self.referee_success,
            cycle_s=self.cycle_s,
            started_at=self.started_at,
            reason=self.reason,
            voided=self.voided,
            **_chosen_fields(self.chosen),
            **_decision_fields(self.decision),
        )


# Numbers from numpy or torch, which a detector may well answer with, become Python's own.


def _chosen_fields(chosen: Proposal | None) -> dict[str, Any]:
    """What the ledger holds about the grasp that is executed."""
    if chosen is None:
        return {}
    grasp = {name: float(f"{getattr(chosen.grasp, name):.8g}") for name in GRASP_FIELDS}
    return {"quality": float(chosen.grasp.quality), "grasp": grasp, "executed": chosen.detector}


def _decision_fields(decision: Decision | None) -> dict[str, Any]:
    """What the ledger holds about how that grasp was come by."""
    if decision is None:
        return {}
    found = decision.detection
    robust = found.grasps[0].robust if found and found.grasps else None
    return {
        "robust": None if robust is None else bool(robust),
        "detect_ms": float(found.detect_ms) if found else None,
        "inpaint_ms": float(found.inpaint_ms) if found else 0.0,
        "judge_ms": decision.judge_ms,
        "fallback_used": decision.fallback_used,
        "fallback_ms": decision.fallback_ms,
        "fallback_reason": decision.fallback_reason,
    }
