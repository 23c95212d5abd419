"""The ledger's ``robust``: the metric's word on the detector's top grasp, before any fallback and outside its time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cell.perception import Look
from cell.settings import DEFAULT_CELL_FILE, load_cell
from cell.trial_cycle import TrialCycle
from detectors.fallback import FallbackPolicy
from detectors.grasp import Detection, Grasp
from robot.frame import Frame, Intrinsics
from trials.protocol import load_protocol
from trials.schedule import make_schedule

GRASP = Grasp(u=320.0, v=240.0, depth_m=0.68, angle_rad=0.0, width_m=0.05, quality=0.9)
FRAME = Frame(np.full((480, 640), 0.7, np.float32), Intrinsics(615.0, 615.0, 320.0, 240.0, 640, 480))


class ScriptedDetector:
    def __init__(self, *grasps, name="scripted"):
        self.name = name
        self.grasps = grasps

    def detect(self, frame, *, top=1, region=None, seed=0):
        return Detection(self.grasps, detect_ms=7.0, reason="" if self.grasps else "nothing")


class ScriptedMetric:
    def __init__(self, verdict):
        self.verdict = verdict
        self.asked = []

    def quality(self, frame, grasps):
        self.asked.append((frame, tuple(grasps)))
        return np.array([0.8 if self.verdict else 0.2] * len(grasps))


def detected(detector, metric, fallback=None):
    """The ledger's line after the state ``detecting``."""
    policy = FallbackPolicy(detector, fallback, metric)
    cell, household = load_cell(DEFAULT_CELL_FILE), load_protocol("household")
    cycle = TrialCycle(cell, None, None, policy, None, lambda words: None, None, None, household)
    trial = cycle.begin(make_schedule(["mug"], 1, seed=1)[0])
    trial.look = Look(FRAME, np.eye(4), np.ones(FRAME.depth_m.shape, bool))
    cycle.detecting(trial)
    return cycle.record(trial), trial


@pytest.mark.parametrize("verdict", [True, False])
def test_the_metric_judges_the_top_grasp_of_a_detector_that_says_nothing(verdict):
    metric = ScriptedMetric(verdict)
    record, trial = detected(ScriptedDetector(GRASP, replace(GRASP, u=100.0)), metric)
    assert record.robust is verdict
    assert record.quality == 0.9
    assert record.detect_ms == 7.0
    assert metric.asked == [(FRAME, (GRASP,))]
    assert trial.decision.proposals[1].grasp.u == 100.0


def test_a_detectors_own_word_stands():
    metric = ScriptedMetric(True)
    record, _ = detected(ScriptedDetector(replace(GRASP, robust=False)), metric)
    assert record.robust is False
    assert metric.asked == []


def test_a_fallbacks_grasp_says_nothing_about_the_detector():
    metric = ScriptedMetric(True)
    record, trial = detected(ScriptedDetector(), metric, fallback=ScriptedDetector(GRASP, name="careful"))
    assert trial.grasp == replace(GRASP, robust=True)
    assert record.fallback_used
    assert record.robust is None
    assert (record.detector, record.executed, record.fallback_reason) == ("scripted", "careful", "nothing proposed")


def test_without_a_metric_nothing_is_said():
    record, _ = detected(ScriptedDetector(GRASP), None)
    assert record.robust is None
