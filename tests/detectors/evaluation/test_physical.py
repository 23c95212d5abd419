"""The table of detectors: top grasps are lifted, silence counts as failure, and shares are of all images."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.evaluation.figures import figures, reasons
from detectors.evaluation.judging import LIFTABLE, JudgedScene
from detectors.evaluation.labelled import LabelledImage
from detectors.evaluation.physical import ORACLE, run_labelled, run_physical
from detectors.evaluation.rectangles import (
    Rectangle,
    fifth_of_opening,
    grasp_rectangle,
    half_of_opening,
    jaccard,
    pad_width,
)
from detectors.gqcnn.metric import RobustnessMetric
from detectors.grasp import Detection, Grasp
from robot.frame import Frame, Intrinsics
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
    assert all(grasp.overlap_closest == pytest.approx(1.0, abs=1e-4) for grasp in answers["good"])
    assert set(figures(answers["good"], 0.5).rectangle_closest.values()) == {1.0}
    assert figures(answers["bad"], 0.5).rectangle_closest["0.25"] < 1.0


def test_dense_truths_are_as_high_as_the_pads_and_hold_what_lifts(scenes):
    """A labelled grasp that lifts is near one of the dense ones, too: pads against pads."""
    answers = run_physical(scenes, {"good": Remembers(scenes, False)}, None, oracle=False, tries=1)
    assert figures(answers["good"], 0.5).rectangle["0.25"] == 1.0
    for scene, answer in zip(scenes, answers["good"], strict=True):
        best = max(scene.dense_truths(), key=lambda truth: jaccard(truth, answer.rectangle))
        assert jaccard(best, answer.rectangle) == pytest.approx(answer.overlap)
        depth = 0.022 * scene.record.camera.fx / answer.rectangle.height_px
        assert depth == pytest.approx(float(np.median(scene.record.grasps.depth_m)), rel=0.15)


def test_ground_truths_are_the_labelled_grasps_that_lift(scenes):
    for scene in scenes:
        g, truths = scene.record.grasps, scene.truths()
        good = np.flatnonzero(g.physical_success > LIFTABLE)
        assert len(truths) == len(good) > 0
        expected = grasp_rectangle(grasp_of(scene.record, int(good[-1])), scene.record.camera, fifth_of_opening)
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
    answers = run_labelled([*images, *bare], detectors, RobustnessMetric(GeometricCritic()), fifth_of_opening)
    assert [grasp.overlap and grasp.overlap > 0.99 for grasp in answers["good"]] == [True, True, True, None]
    assert [grasp.overlap_closest > 0.99 for grasp in answers["good"]] == [True, True, True, False]
    assert all(grasp.success is None for grasps in answers.values() for grasp in grasps)
    silent = figures(answers["silent"], 0.5)
    assert (silent.rectangle["0.25"], silent.rectangle_images, silent.images) == (0.0, 3, 4)


class Told:
    """Proposes the grasps it was given, whatever it sees; keeps how many it was asked for."""

    name = "told"

    def __init__(self, *grasps):
        self._grasps, self.asked = grasps, []

    def detect(self, frame, *, top=1, region=None, seed=0):
        self.asked.append(top)
        return Detection(self._grasps[:top], detect_ms=1.0, reason="" if self._grasps else "shy")


def on_the_desk(du_px: float = 0.0, degrees: float = 0.0) -> Grasp:
    """Opens 50 px, about the middle of the image but for a shift along the closing direction."""
    return Grasp(K.cx + du_px, K.cy, 0.6, np.radians(degrees), 0.05, 0.5)


K = Intrinsics(600.0, 600.0, 100.0, 80.0, 200, 160)
DESK = LabelledImage("desk", Frame(np.full((160, 200), 0.6, np.float32), K), (Rectangle(K.cx, K.cy, 0.0, 50.0, 25.0),))
BARE = LabelledImage("bare", DESK.frame, ())


def judged(*grasps: Grasp, top: int = 1, images=(DESK,)):
    return figures(run_labelled(images, {"it": Told(*grasps)}, None, half_of_opening, top=top)["it"], 0.5, top)


def test_who_is_always_right_scores_one_and_who_is_shifted_passes_the_lenient_threshold_only():
    """A shift by 22 of 50 px leaves 28 / 72 = 0.39 in common."""
    assert judged(on_the_desk()).rectangle == dict.fromkeys(("0.20", "0.25", "0.30", "0.35", "0.40"), 1.0)
    assert judged(on_the_desk(22.0)).rectangle == {"0.20": 1.0, "0.25": 1.0, "0.30": 1.0, "0.35": 1.0, "0.40": 0.0}
    assert judged(on_the_desk(32.0)).rectangle == {"0.20": 1.0, "0.25": 0.0, "0.30": 0.0, "0.35": 0.0, "0.40": 0.0}
    assert set(judged(on_the_desk(40.0)).rectangle.values()) == {0.0}


def test_a_turned_grasp_passes_the_angles_it_is_within():
    assert judged(on_the_desk(degrees=17.0)).rectangle_by_angle == {
        "10": 0.0, "15": 0.0, "20": 1.0, "25": 1.0, "30": 1.0,
    }  # fmt: skip
    assert judged(on_the_desk(degrees=31.0)).rectangle["0.25"] == 0.0


def test_the_prediction_is_given_the_height_of_the_labels():
    """Half the opening on rectangles that are so high; a fifth of it would leave two fifths in common."""
    thin = figures(run_labelled([DESK], {"it": Told(on_the_desk())}, None, fifth_of_opening)["it"], 0.5)
    assert (thin.rectangle["0.35"], thin.rectangle["0.40"]) == (1.0, 0.0)


def test_several_grasps_come_from_one_question_and_the_first_is_the_headline():
    told = Told(on_the_desk(), on_the_desk(40.0), on_the_desk(2.0))
    row = figures(run_labelled([DESK, BARE], {"it": told}, None, half_of_opening, top=5)["it"], 0.5, 5)
    assert told.asked == [5, 5]
    assert row.predictions_made == {"1": 1, "2": 2, "3": 3, "4": 3, "5": 3}
    assert row.predictions == {"1": 1.0, "2": 1 / 2, "3": 2 / 3, "4": 2 / 3, "5": 2 / 3}
    assert (row.rectangle["0.25"], row.rectangle_images) == (1.0, 1)


def test_only_the_first_of_several_is_lifted(scenes):
    class Both(Remembers):
        def detect(self, frame, *, top=1, region=None, seed=0):
            assert top == 2
            return Detection((super().detect(frame, seed=seed).grasps[0], on_the_desk()), detect_ms=5.0)

    alone, both = (
        run_physical(scenes[:1], {"it": it(scenes, False)}, None, oracle=False, tries=4, top=top)["it"][0]
        for it, top in ((Remembers, 1), (Both, 2))
    )
    assert (alone.success, alone.overlap) == (both.success, both.overlap)
    assert (len(alone.further), len(both.further)) == (0, 1)


def test_who_watches_sees_the_first_detectors_answers(scenes):
    seen = []
    detectors = {"good": Remembers(scenes, False), "silent": Silent()}
    answers = run_physical(scenes[:2], detectors, None, tries=1, watch=lambda *shown: seen.append(shown))
    assert [name for name, *_ in seen] == [f"scene {scene.record.number}" for scene in scenes[:2]]
    assert [answer for *_, answer in seen] == answers["good"]
    assert all(truths.height is pad_width and truths.any_of for _, _, truths, _ in seen)
    seen.clear()
    run_labelled([DESK], {"it": Told()}, None, half_of_opening, watch=lambda *shown: seen.append(shown))
    assert [(name, answer.proposed) for name, _, _, answer in seen] == [("desk", False)]
