"""The state ``detecting``: whom the trial asks, how it ends where nothing comes of it, and what the ledger holds."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from cell.perception import Look
from cell.planning import PlanRefused
from cell.settings import DEFAULT_CELL_FILE, load_cell
from cell.trial_cycle import PROPOSALS, TrialCycle
from detectors.fallback import FallbackPolicy
from detectors.grasp import Detection
from detectors.watched import WatchedDetector
from tests.detectors.answering import FRAME, Answering, QualityMetric, broken_grasp, grasp
from trials.outcomes import Outcome
from trials.protocol import load_protocol
from trials.record import TrialRecord
from trials.schedule import make_schedule

HOUSEHOLD = load_protocol("household")
PLANNED = make_schedule(["mug"], 1, seed=1)[0]
LOOK = Look(FRAME, np.eye(4), np.ones(FRAME.depth_m.shape, bool))


class Refusing:
    """Plans no grasp further left than ``from_u`` says; stands for the motion and for its planner."""

    def __init__(self, from_u: float) -> None:
        self.from_u = from_u

    def sees(self, seen):
        return self

    def plan(self, wanted, carry_away_m):
        assert carry_away_m == HOUSEHOLD.carry_away_m
        if wanted.center_base_m[0] < (self.from_u - 320.0) * 0.68 / 615.0 - 1e-9:
            raise PlanRefused(Outcome.UNREACHABLE.value, "too far left")
        return SimpleNamespace()


class Trial:
    """One trial of a cell whose detectors are told what to answer."""

    def __init__(self, detector, fallback=None, from_u=0.0):
        settings = load_cell(DEFAULT_CELL_FILE)
        settings = replace(settings, safety=replace(settings.safety, check_seen=False))
        self.said = []
        policy = FallbackPolicy(detector, fallback, QualityMetric(), settings.detection.floor)
        said = self.said.append
        self.cycle = TrialCycle(settings, Refusing(from_u), None, policy, None, said, None, None, HOUSEHOLD)
        self.progress = self.cycle.begin(PLANNED)
        self.progress.look = LOOK

    def detect(self):
        return self.cycle.detecting(self.progress)

    @property
    def line(self) -> TrialRecord:
        record = self.cycle.record(self.progress)
        assert TrialRecord.from_json(record.to_json()) == record
        return record


def test_the_detector_is_asked_about_the_region_with_the_placements_seed():
    detector = Answering("fast", grasp(0.9))
    assert Trial(detector).detect() == "grasp_chosen"
    assert detector.asked == [{"frame": FRAME, "top": PROPOSALS, "region": LOOK.region, "seed": PLANNED.pose_seed}]


def test_a_fallback_is_in_the_ledger_with_reason_cost_and_whose_grasp_it_was():
    trial = Trial(Answering("fast", grasp(0.31)), Answering("careful", grasp(0.8)))
    assert trial.detect() == "grasp_chosen"
    line = trial.line
    assert (line.detector, line.executed, line.fallback_used) == ("fast", "careful", True)
    assert (line.fallback_reason, line.robust) == ("not robust (0.31)", False)
    assert (line.quality, line.grasp["quality"]) == (0.8, 0.8)
    assert line.fallback_ms > 0
    assert line.judge_ms > 0
    assert line.planning_ms == line.detect_ms + line.judge_ms + line.fallback_ms
    assert trial.said[0].startswith("careful (not robust (0.31)): grasp at")


def test_a_worse_fallback_leaves_the_detectors_grasp():
    trial = Trial(Answering("fast", grasp(0.31)), Answering("careful", grasp(0.2)))
    assert trial.detect() == "grasp_chosen"
    assert (trial.line.executed, trial.line.quality, trial.line.fallback_used) == ("fast", 0.31, True)


def test_without_a_fallback_nothing_of_it_is_in_the_ledger():
    trial = Trial(Answering("fast", grasp(0.01)))
    assert trial.detect() == "grasp_chosen"
    line = trial.line
    assert (line.executed, line.fallback_used, line.fallback_ms, line.fallback_reason) == ("fast", False, 0.0, "")
    assert (line.judge_ms, line.robust) == (0.0, False)


def test_where_both_fail_the_floor_the_trial_ends_as_no_grasp():
    trial = Trial(Answering("fast", grasp(0.05)), Answering("careful", grasp(0.02)))
    assert trial.detect() == "no_grasp"
    line = trial.line
    assert line.outcome is Outcome.NO_GRASP
    assert line.reason == (
        "fast: best grasp 0.05, below the floor of 0.10; careful: best grasp 0.02, below the floor of 0.10"
    )
    assert (line.grasp, line.quality, line.executed, line.robust) == (None, None, "", False)
    assert line.fallback_reason == "not robust (0.05)"


def test_the_planner_may_go_on_to_the_other_detectors_grasp():
    fast, careful = Answering("fast", grasp(0.31, u=400.0)), Answering("careful", grasp(0.8, u=300.0))
    trial = Trial(fast, careful, from_u=350.0)
    trial.detect()
    assert trial.line.executed == "careful"
    assert trial.cycle.planning(trial.progress) == "planned"
    assert (trial.line.executed, trial.line.quality, trial.line.grasp["u"]) == ("fast", 0.31, 400.0)


def test_grasps_that_cannot_be_planned_are_no_reason_to_ask_the_fallback():
    careful = Answering("careful", grasp(0.8))
    trial = Trial(Answering("fast", grasp(0.7)), careful, from_u=350.0)
    trial.detect()
    assert trial.cycle.planning(trial.progress) == "refused"
    assert (trial.line.outcome, trial.line.executed) == (Outcome.UNREACHABLE, "fast")
    assert careful.asked == []


def test_the_planner_does_not_go_on_to_a_grasp_below_the_floor():
    grasps = grasp(0.9, u=300.0), grasp(0.05, u=400.0)
    trial = Trial(Answering("fast", *grasps), Answering("careful", grasp(0.8)), from_u=350.0)
    trial.detect()
    assert trial.cycle.planning(trial.progress) == "refused"
    assert trial.line.outcome is Outcome.UNREACHABLE
    alone = Trial(Answering("fast", *grasps), from_u=350.0)
    alone.detect()
    assert alone.cycle.planning(alone.progress) == "planned"
    assert alone.line.grasp["u"] == 400.0


class Mute(Answering):
    """Says nothing of why it proposes nothing."""

    def detect(self, frame, **asked):
        return Detection((), detect_ms=1.0, reason=None)


@pytest.mark.parametrize(
    ("detector", "reason"),
    [
        (Answering("fast", error=RuntimeError("CUDA error")), "fast failed: RuntimeError: CUDA error"),
        (Answering("fast", error=SystemExit(1)), "fast failed: RuntimeError: SystemExit: 1"),
        (Mute("fast"), "fast failed: TypeError: gave a reason that is no text but NoneType"),
        (Answering("fast", broken_grasp(u=math.nan)), "fast failed: ValueError: a grasp needs finite numbers"),
    ],
)
def test_a_detector_that_raises_or_answers_nonsense_ends_the_trial_as_its_fault(detector, reason):
    careful = Answering("careful", grasp(0.8))
    trial = Trial(WatchedDetector(detector, 30.0), careful)
    assert trial.detect() == "detector_failed"
    assert trial.line.outcome is Outcome.DETECTOR_FAULT
    assert trial.line.reason.startswith(reason)
    assert careful.asked == []


def test_a_detector_that_hangs_ends_the_trial_by_its_deadline():
    let_go = threading.Event()

    class Hanging:
        name = "hanging"

        def detect(self, frame, **asked):
            let_go.wait(30.0)
            return Detection((grasp(0.9),), detect_ms=1.0)

    detector = WatchedDetector(Hanging(), 0.05)
    trial = Trial(detector)
    assert trial.detect() == "detector_failed"
    line = trial.line
    assert line.outcome is Outcome.DETECTOR_FAULT
    assert line.reason.startswith("hanging did not answer within its deadline of 0.05 s")
    assert (line.detect_ms, line.planning_ms) == (None, None)
    let_go.set()


def test_a_fallback_that_hangs_costs_its_deadline_and_leaves_the_detectors_grasp():
    let_go = threading.Event()

    class Hanging:
        name = "hanging"

        def detect(self, frame, **asked):
            let_go.wait(30.0)
            return Detection((), detect_ms=1.0)

    trial = Trial(Answering("fast", grasp(0.31)), WatchedDetector(Hanging(), 0.05))
    assert trial.detect() == "grasp_chosen"
    line = trial.line
    assert line.executed == "fast"
    assert line.fallback_ms >= 50.0
    assert line.fallback_reason.startswith("not robust (0.31); hanging did not answer within its deadline")
    let_go.set()


def test_numbers_of_numpy_reach_the_ledger_as_plain_ones():
    class Numpy(Answering):
        def detect(self, frame, **asked):
            found = replace(grasp(np.float32(0.25)), robust=np.bool_(True), u=np.float32(320.0))
            return Detection((found,), detect_ms=np.float32(3.0), inpaint_ms=np.float32(1.0))

    trial = Trial(Numpy("numpy"))
    assert trial.detect() == "grasp_chosen"
    assert (trial.line.quality, trial.line.robust, trial.line.detect_ms) == (0.25, True, 3.0)
