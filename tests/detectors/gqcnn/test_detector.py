"""Prop+GQ-CNN from frame to grasp, with a critic whose judgement is known."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from detectors.gqcnn import detector as under_test
from detectors.gqcnn.detector import GqcnnDetector
from detectors.gqcnn.metric import ROBUST_THRESHOLD, RobustnessMetric
from detectors.gqcnn.settings import GqcnnSettings, RefinementSettings, plain_settings
from detectors.grasp import Grasp
from detectors.registry import detector_names
from robot.frame import Frame
from tests.detectors.depth_scenes import CAMERA, Box, Tube, folded_difference, render
from tests.detectors.gqcnn.critic import ConstantCritic, GeometricCritic

METRIC = RobustnessMetric(GeometricCritic())


def detect(frame: Frame, **options) -> tuple[Grasp, ...]:
    return GqcnnDetector(METRIC).detect(frame, **options).grasps


@pytest.mark.parametrize("degrees", [-80, -30, 0, 45])
def test_a_bar_is_gripped_across(degrees: int) -> None:
    along = math.radians(degrees)
    (best,) = detect(render([Box(0.02, -0.03, 0.16, 0.03, 0.025, along)], noise_m=0.001, hole_share=0.02))
    assert folded_difference(best.angle_rad, along + math.pi / 2) < math.radians(20)
    x, y, _ = CAMERA.deproject(best.u, best.v, best.depth_m)
    assert abs(-(x - 0.02) * math.sin(along) + (y + 0.03) * math.cos(along)) < 0.004  # between the long sides
    assert best.robust


def test_the_network_has_the_last_word_not_the_geometry() -> None:
    """A critic that only likes tall things gets one, however good the flat one is."""

    class Tall:
        def predict(self, crops_m, depth_m, width_m):
            return np.where(crops_m.min(axis=(1, 2)) < 0.67, 0.9, 0.2)

    low, high = Box(-0.1, 0.0, 0.10, 0.03, 0.012), Tube(0.1, 0.0, 0.03, 0.05)
    grasps = GqcnnDetector(RobustnessMetric(Tall())).detect(render([low, high]), top=3).grasps
    assert all(grasp.u > CAMERA.cx and grasp.robust for grasp in grasps)


def test_different_grasps_best_first_with_the_metrics_word() -> None:
    frame = render([Box(-0.06, 0.0, 0.12, 0.04, 0.03, 1.0), Tube(0.07, 0.02, 0.02, 0.06)], noise_m=0.001)
    grasps = detect(frame, top=8)
    assert len(grasps) == 8
    rises = np.diff([g.quality for g in grasps])
    assert rises.max() <= GqcnnSettings().equal_within  # equals come in the order that geometry gives them
    by_network_alone = GqcnnDetector(RobustnessMetric(GeometricCritic()), GqcnnSettings(equal_within=0.0))
    assert np.diff([g.quality for g in by_network_alone.detect(frame, top=8).grasps]).max() <= 0.0
    assert np.allclose(METRIC.quality(frame, grasps), [g.quality for g in grasps], atol=1e-6)
    assert [g.robust for g in grasps] == [g.quality >= ROBUST_THRESHOLD for g in grasps]
    for index, one in enumerate(grasps):
        for other in grasps[:index]:
            apart_m = math.hypot(one.u - other.u, one.v - other.v) * 0.70 / CAMERA.fx
            assert apart_m > 0.006 or folded_difference(one.angle_rad, other.angle_rad) > math.radians(15)


def test_a_grasp_is_proposed_even_when_none_is_robust() -> None:
    never = RobustnessMetric(ConstantCritic(0.01))
    (best,) = GqcnnDetector(never).detect(render([Box(0.0, 0.0, 0.16, 0.03, 0.025)])).grasps
    assert best.robust is False
    assert best.quality == pytest.approx(0.01)


def test_refinement_finds_better_grasps_than_the_sample_alone() -> None:
    class Choosy(GeometricCritic):
        """Likes one depth and one opening best."""

        def predict(self, crops_m, depth_m, width_m):
            liked = np.exp(-(((depth_m - 0.652) / 0.006) ** 2) - ((width_m - 0.060) / 0.006) ** 2)
            return super().predict(crops_m, depth_m, width_m) * liked

    frame = render([Tube(0.03, 0.02, 0.025, 0.07)], noise_m=0.0015, hole_share=0.02)
    metric = RobustnessMetric(Choosy())
    alone = GqcnnSettings(candidates=30, refinement=RefinementSettings(rounds=0))
    refined = GqcnnSettings(candidates=30)

    def mean_quality(settings: GqcnnSettings) -> float:
        detector = GqcnnDetector(metric, settings)
        return float(np.mean([detector.detect(frame, seed=seed).grasps[0].quality for seed in range(8)]))

    assert mean_quality(refined) > mean_quality(alone) + 0.02


def test_geometry_chooses_among_grasps_that_the_network_finds_equal() -> None:
    class Farther:
        """Likes a deeper grasp a trifle better, and nothing else."""

        def predict(self, crops_m, depth_m, width_m):
            return 0.95 + 0.02 * np.clip((depth_m - 0.6) / 0.1, 0.0, 1.0)

    frame, metric = render([Box(0.0, 0.0, 0.16, 0.03, 0.05)]), RobustnessMetric(Farther())

    def off_the_middle_px(equal_within: float) -> float:
        detector = GqcnnDetector(metric, GqcnnSettings(equal_within=equal_within))
        return float(np.mean([abs(detector.detect(frame, seed=s).grasps[0].u - CAMERA.cx) for s in range(8)]))

    assert off_the_middle_px(0.05) < 0.5 * off_the_middle_px(0.0)  # where the bar's weight hangs


def test_the_plain_version_ranks_a_thousand_once() -> None:
    critic = GeometricCritic()
    detector = GqcnnDetector(RobustnessMetric(critic), plain_settings())
    critic.asked.clear()
    detector.detect(render([Box(0.0, 0.0, 0.16, 0.03, 0.05)]))
    (asked,) = critic.asked
    assert 950 <= asked <= 1000
    assert detector.name == "gqcnn-1000"


def test_the_default_asks_far_less_and_is_warm_before_its_first_frame() -> None:
    critic = GeometricCritic()
    detector = GqcnnDetector(RobustnessMetric(critic))
    assert critic.asked[0] == GqcnnSettings().candidates  # asked as much as in use
    critic.asked.clear()
    detector.detect(render([Box(0.0, 0.0, 0.16, 0.03, 0.05)]))
    assert sum(critic.asked) <= 200
    assert len(critic.asked) == 1 + GqcnnSettings().refinement.rounds


def test_in_painting_is_timed_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = under_test.fill_holes

    def slow(depth_m, valid):
        time.sleep(0.5)
        return honest(depth_m, valid)

    monkeypatch.setattr(under_test, "fill_holes", slow)
    detection = GqcnnDetector(METRIC).detect(render([Box(0.0, 0.0, 0.16, 0.03, 0.05)]))
    assert detection.inpaint_ms >= 500
    assert 0 < detection.detect_ms < 450


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (Frame(np.zeros((480, 640), np.float32), CAMERA), "no valid pixel"),
        (render([]), "no object"),
        (render([Box(0.36, 0.0, 0.20, 0.03, 0.05)]), "out of view"),
        (render([Box(0.0, 0.0, 0.12, 0.10, 0.05, 0.3)]), "wide"),
    ],
)
def test_no_grasp_comes_with_its_reason(frame: Frame, word: str) -> None:
    for settings in (GqcnnSettings(), plain_settings()):
        detection = GqcnnDetector(METRIC, settings).detect(frame)
        assert detection.grasps == ()
        assert word in detection.reason


def test_region_and_unknown_depth_hold_for_refined_grasps_too() -> None:
    depth = np.array(render([Box(0.0, 0.0, 0.16, 0.03, 0.025)]).depth_m)
    depth[200:280, 290:353] = 0.0
    frame = Frame(depth, CAMERA)
    left = np.zeros(depth.shape, dtype=bool)
    left[:, :320] = True
    for seed in range(5):
        grasps = detect(frame, top=10, region=left, seed=seed)
        assert grasps
        for grasp in grasps:
            assert frame.valid[round(grasp.v), round(grasp.u)]
            assert left[round(grasp.v), round(grasp.u)]


def test_same_frame_and_seed_give_the_same_grasps() -> None:
    frame = render([Box(0.0, 0.0, 0.10, 0.04, 0.03, 0.4)], noise_m=0.001)
    assert detect(frame, top=5, seed=3) == detect(frame, top=5, seed=3)
    assert detect(frame, top=5, seed=3) != detect(frame, top=5, seed=4)


def test_the_registry_knows_both() -> None:
    assert {"gqcnn", "gqcnn-1000"} <= set(detector_names())
