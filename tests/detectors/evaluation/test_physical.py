"""The table of detectors: top grasps are lifted, silence counts as failure, and shares are of all images."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.evaluation.judging import JudgedScene
from detectors.evaluation.physical import ORACLE, Tally, figures, run_physical
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
    tallies = run_physical(scenes, detectors, metric, tries=4, tell=lambda n, t: told.append(n))
    assert told == [1, 2, 3]
    assert list(tallies) == [ORACLE, "good", "bad", "silent"]
    rows = {name: figures(tally, 0.5) for name, tally in tallies.items()}
    assert rows[ORACLE].physical_success >= rows["good"].physical_success > 0.7
    assert rows["bad"].physical_success < 0.3
    assert rows["silent"].physical_success == rows["silent"].liftable == 0.0
    assert (rows["silent"].none, rows["good"].none) == (1.0, 0.0)
    assert tallies["silent"].reasons == {"asleep": 1, "shy": 2}
    assert (rows["good"].detect_ms_median, rows["silent"].detect_ms_p95) == (5.0, 2.0)
    assert rows[ORACLE].robust_rate is rows[ORACLE].detect_ms_median is None
    assert all(len(tally.success) == 3 for tally in tallies.values())
    assert all(q is not None and 0 <= q <= 1 for q in tallies["good"].quality)


def test_without_a_classifier_nothing_is_called_robust(scenes):
    tallies = run_physical(scenes[:1], {"good": Remembers(scenes, False)}, None, oracle=False, tries=1)
    assert list(tallies) == ["good"]
    assert figures(tallies["good"], 0.5).robust_rate is None


def test_shares_are_of_all_images():
    tally = Tally([1.0, 0.75, 0.25, 0.0, 0.0], [0.9, 0.4, 0.8, 0.7, None], [10.0, 20.0, 30.0, 40.0, 50.0], {"": 1})
    row = figures(tally, 0.5)
    assert row.images == 5
    assert row.physical_success == pytest.approx(0.4)
    assert row.liftable == pytest.approx(0.4)
    assert row.robust_rate == pytest.approx(0.6)
    assert row.fooled == pytest.approx(0.4)
    assert row.none == pytest.approx(0.2)
    assert row.detect_ms_median == 30.0
    assert row.detect_ms_p95 == pytest.approx(48.0)
