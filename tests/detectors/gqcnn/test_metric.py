"""The robustness metric on grasps whose worth is plain to see."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import ROBUST_THRESHOLD, RobustnessMetric, is_robust, load_metric
from detectors.grasp import Grasp
from robot.errors import SettingsError
from robot.frame import Frame
from tests.detectors.depth_scenes import CAMERA, Box, render
from tests.detectors.gqcnn.critic import ConstantCritic, GeometricCritic

ACROSS = Grasp(u=CAMERA.cx, v=CAMERA.cy, depth_m=0.68, angle_rad=math.pi / 2, width_m=0.05, quality=0.1)
ALONG = replace(ACROSS, angle_rad=0.0)
BESIDE = replace(ACROSS, v=CAMERA.cy + 60)


def bar(**options) -> Frame:
    return render([Box(0.0, 0.0, 0.16, 0.03, 0.03)], **options)


def test_anybodys_grasp_is_judged_by_its_place_not_by_its_own_confidence() -> None:
    metric = RobustnessMetric(GeometricCritic())
    boastful = replace(ALONG, quality=1.0)
    assert metric.robust(bar(), [ACROSS, ALONG, BESIDE, boastful]).tolist() == [True, False, False, False]
    quality = metric.quality(bar(), [ACROSS, ALONG])
    assert quality[0] > 0.9 > quality[1]


def test_holes_and_noise_do_not_turn_the_verdict() -> None:
    metric = RobustnessMetric(GeometricCritic())
    frame = bar(noise_m=0.0015, hole_share=0.10)
    assert metric.robust(frame, [ACROSS, ALONG]).tolist() == [True, False]


def test_arrays_and_grasps_are_judged_alike() -> None:
    metric, grasps = RobustnessMetric(GeometricCritic()), [ACROSS, ALONG, BESIDE]
    arrays = GraspArrays.from_grasps(grasps)
    assert np.array_equal(metric.quality(bar(), grasps), metric.quality(bar(), arrays))


def test_nonsense_from_a_foreign_detector_is_judged_not_raised() -> None:
    metric = RobustnessMetric(GeometricCritic())
    foreign = [replace(ACROSS, u=1e7, v=-1e7), replace(ACROSS, depth_m=50.0), replace(ACROSS, width_m=3.0)]
    assert not metric.robust(bar(), foreign).any()
    assert metric.quality(bar(), []).shape == (0,)
    blind = Frame(np.zeros((480, 640), np.float32), CAMERA)
    assert metric.quality(blind, [ACROSS, ALONG]).tolist() == [0.0, 0.0]


def test_the_threshold_is_a_half_and_counts_as_robust() -> None:
    assert ROBUST_THRESHOLD == 0.5
    assert is_robust(0.5)
    assert not is_robust(0.4999)
    half = RobustnessMetric(ConstantCritic(0.5))
    assert half.robust(bar(), [ACROSS]).tolist() == [True]


def test_missing_weights_are_a_missing_part_of_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = ModuleType("detectors.gqcnn.weights")

    def load_gqcnn() -> None:
        raise SettingsError("weights.safetensors: no such file", "train it")

    weights.load_gqcnn = load_gqcnn
    monkeypatch.setitem(sys.modules, "detectors.gqcnn.weights", weights)
    with pytest.raises(SettingsError, match="no such file") as caught:
        load_metric()
    assert caught.value.exit_code == 3
    assert caught.value.hint == "train it"
