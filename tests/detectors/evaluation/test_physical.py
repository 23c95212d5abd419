"""The table of detectors: top grasps are lifted, silence counts as failure, and shares are of all images."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.evaluation.figures import figures, reasons
from detectors.evaluation.judging import LIFTABLE, JudgedScene
from detectors.evaluation.labelled import LabelledImage
from detectors.evaluation.physical import ORACLE, run_labelled, run_physical
from detectors.evaluation.rectangles import grasp_rectangle
from detectors.gqcnn.metric import RobustnessMetric
from detectors.grasp import Detection
from tests.detectors.evaluation.recorded import BLOCK, POST, PlainThings, grasp_of, record_scenes
from tests.detectors.gqcnn.critic import GeometricCritic

THINGS = PlainThings(BLOCK, POST)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    records = record_scenes(tmp_path_factory.mktemp("scenes"), THINGS, 3)
    return [JudgedScene.rebuild(record, THINGS) for record in records]


class Remembers:
    """Proposes a scene's labelled grasps, the best or the worst first."""

    name = "remembers"

    def __init__(self, scenes, worst):
        self._by_number = {scene.record.number: scene.record for scene in scenes}
        self._worst = worst

    def detect(self, frame, *, top=1, region=None, seed=0):
        record = self._by_number[frame.number]
        assert seed == record.number
        best = np.lexsort((-record.grasps.collision_free, -record.grasps.physical_success))
        return Detection((grasp_of(record, int(best[-1 if self._worst else 0])),), detect_ms=5.0)


class Silent:
    name = "silent"

    def detect(self, frame, *, top=1, region=None, seed=0):
        return Detection((), detect_ms=2.0, reason="shy" if frame.number else "asleep")


def test_good_and_bad_detectors_are_told_apart(scenes):
    told = []
    detectors = {"good": Remembers(scenes, False), "bad": Remembers(scenes, True), "silent": Silent()}
    metric = RobustnessMetric(GeometricCritic())
    answers = run_physical(scenes, detectors, metric, tries=4, tell=told.append)
    assert told == [1, 2, 3]
    assert list(answers) == [ORACLE, "good", "bad", "silent"]
    rows = {name: figures(grasps, 0.5) for name, grasps in answers.items()}
    assert rows[ORACLE].physical_success >= rows["good"].physical_success > 0.7
    assert rows["bad"].physical_success < 0.3
    assert rows["silent"].physical_success == rows["silent"].liftable == rows["silent"].robust_rate == 0.0
    assert (rows["silent"].none, rows["good"].none) == (1.0, 0.0)
    assert reasons(answers["silent"]) == {"asleep": 1, "shy": 2}
    assert (rows["good"].detect_ms_median, rows["silent"].detect_ms_p95) == (5.0, 2.0)
    assert rows[ORACLE].robust_rate is rows[ORACLE].detect_ms_median is rows[ORACLE].rectangle is None
    assert all(len(grasps) == 3 for grasps in answers.values())
    assert all(0 < grasp.quality <= 1 for grasp in answers["good"])


def test_a_labelled_grasp_that_lifts_has_a_correct_rectangle_and_a_bad_one_has_not(scenes):
    detectors = {"good": Remembers(scenes, False), "bad": Remembers(scenes, True)}
    answers = run_physical(scenes, detectors, None, oracle=False, tries=1)
    assert all(grasp.overlap == pytest.approx(1.0, abs=1e-4) for grasp in answers["good"])
    assert figures(answers["good"], 0.5).rectangle == {"0.25": 1.0, "0.30": 1.0}
    assert figures(answers["bad"], 0.5).rectangle["0.25"] < 1.0


def test_ground_truths_are_the_labelled_grasps_that_lift(scenes):
    for scene in scenes:
        g, truths = scene.record.grasps, scene.truths()
        good = np.flatnonzero(g.physical_success > LIFTABLE)
        assert len(truths) == len(good) > 0
        expected = grasp_rectangle(grasp_of(scene.record, int(good[-1])), scene.record.camera)
        assert truths[-1].width_px == pytest.approx(expected.width_px, rel=1e-5)
        assert truths[-1].height_px == pytest.approx(truths[-1].width_px / 5)
        assert (truths[-1].u, truths[-1].angle_rad) == pytest.approx((expected.u, expected.angle_rad))


def test_without_a_classifier_nothing_is_called_robust(scenes):
    answers = run_physical(scenes[:1], {"good": Remembers(scenes, False)}, None, oracle=False, tries=1)
    assert list(answers) == ["good"]
    assert figures(answers["good"], 0.5).robust_rate is None


def test_labelled_images_are_judged_without_lifts(scenes):
    images = [LabelledImage(str(i), scene.record.frame(), scene.truths()) for i, scene in enumerate(scenes)]
    bare = [LabelledImage("bare", scenes[0].record.frame(), ())]
    detectors = {"good": Remembers(scenes, False), "silent": Silent()}
    answers = run_labelled([*images, *bare], detectors, RobustnessMetric(GeometricCritic()))
    assert [grasp.overlap > 0.99 for grasp in answers["good"]] == [True, True, True, False]
    assert all(grasp.success is None for grasps in answers.values() for grasp in grasps)
    assert figures(answers["silent"], 0.5).rectangle["0.25"] == 0.0
