"""Shares of top grasps: of all images, with intervals, and where the metrics disagree."""

from __future__ import annotations

import pytest

from detectors.evaluation.answers import labelled_answer, physical_answer
from detectors.evaluation.figures import figures, reasons
from detectors.evaluation.first_grasps import FirstGrasp
from detectors.evaluation.intervals import wilson
from detectors.evaluation.physical import ORACLE

SILENT = FirstGrasp(
    success=0.0, quality=0.0, overlap=0.0, overlap_any=0.0, detect_ms=50.0, proposed=False, reason="shy"
)


def grasp(success, quality, overlap, overlap_any=None, ms=10.0):
    best = overlap if overlap_any is None else overlap_any
    return FirstGrasp(success=success, quality=quality, overlap=overlap, overlap_any=best, detect_ms=ms)


def grasps_of(both: int, rectangle_only: int, robust_only: int, neither: int) -> list[FirstGrasp]:
    kinds = ((both, 0.9, 0.6), (rectangle_only, 0.1, 0.6), (robust_only, 0.9, 0.1), (neither, 0.1, 0.1))
    return [grasp(None, quality, index) for count, quality, index in kinds for _ in range(count)]


def test_shares_are_of_all_images():
    row = figures(
        [
            grasp(1.0, 0.9, 0.5, ms=10), grasp(0.75, 0.4, 0.27, ms=20), grasp(0.25, 0.8, 0.25, 0.31, ms=30),
            grasp(0.0, 0.7, 0.0, ms=40), SILENT,
        ],
        0.5,
    )  # fmt: skip
    assert row.images == 5
    assert row.physical_success == pytest.approx(0.4)
    assert row.liftable == pytest.approx(0.4)
    assert row.robust_rate == pytest.approx(0.6)
    assert row.fooled == pytest.approx(0.4)
    assert row.none == pytest.approx(0.2)
    assert row.rectangle == {"0.25": pytest.approx(0.4), "0.30": pytest.approx(0.2)}
    assert row.rectangle_any == {"0.25": pytest.approx(0.6), "0.30": pytest.approx(0.4)}
    assert (row.detect_ms_median, row.detect_ms_p95) == (30.0, pytest.approx(48.0))
    assert row.interval == {"robust_rate": wilson(3, 5), "liftable": wilson(2, 5), "fooled": wilson(2, 5)}


def test_what_was_not_judged_has_no_figure():
    oracle = figures([FirstGrasp(success=1.0), FirstGrasp(success=0.25)], 0.5)
    assert (oracle.liftable, oracle.none) == (0.5, 0.0)
    assert (
        oracle.robust_rate is oracle.fooled is oracle.rectangle is oracle.disagreement is oracle.detect_ms_p95 is None
    )
    assert oracle.interval["robust_rate"] is None
    unlifted = figures([grasp(None, 0.9, 0.6)], 0.5)
    assert unlifted.physical_success is unlifted.liftable is unlifted.fooled is None
    assert unlifted.robust_rate == 1.0


def test_of_no_images_there_are_no_shares():
    row = figures([], 0.5)
    assert row.images == 0
    assert row.robust_rate is row.none is row.rectangle is row.disagreement is None


def test_silence_where_the_classifier_was_asked_is_not_robust():
    row = figures([SILENT, SILENT], 0.5)
    assert (row.robust_rate, row.liftable, row.rectangle["0.25"]) == (0.0, 0.0, 0.0)
    assert reasons([SILENT, grasp(1.0, 1.0, 1.0), SILENT]) == {"shy": 2}


def test_disagreement_counts_and_shares():
    found = figures([*grasps_of(4, 1, 3, 2), SILENT, SILENT], 0.5).disagreement
    assert (found.both, found.rectangle_only, found.robust_only, found.neither) == (4, 1, 3, 2)
    assert found.rectangle_not_robust == pytest.approx(1 / 12)
    assert found.robust_not_rectangle == pytest.approx(3 / 12)
    assert found.rectangle_of_not_robust == pytest.approx(1 / 3), "of the grasps that are not robust"
    assert found.not_rectangle_of_robust == pytest.approx(3 / 7), "of the robust ones"


def test_the_papers_shares_fit_its_table_in_this_reading_only():
    """GQ-STN on Dex-Net 2.0: 46.7 % correct, 92.4 % robust, 30.8 % and 51.9 %."""
    row = figures(grasps_of(444, 23, 480, 53), 0.5)
    assert row.rectangle["0.25"] == pytest.approx(0.467)
    assert row.robust_rate == pytest.approx(0.924)
    assert row.disagreement.rectangle_of_not_robust == pytest.approx(0.308, abs=0.006)
    assert row.disagreement.not_rectangle_of_robust == pytest.approx(0.519, abs=0.001)


def test_where_all_are_robust_nothing_is_divided_by():
    found = figures(grasps_of(2, 0, 1, 0), 0.5).disagreement
    assert found.rectangle_of_not_robust is None
    assert found.not_rectangle_of_robust == pytest.approx(1 / 3)


def test_every_figure_stands_again_over_the_graspable_images():
    answers = {
        ORACLE: [FirstGrasp(success=share) for share in (1.0, 0.625, 0.5, 0.0)],
        "one": [grasp(1.0, 0.9, 0.6), SILENT, grasp(0.75, 0.9, 0.0), grasp(0.0, 0.8, 0.0)],
        "two": [grasp(0.0, 0.1, 0.0)] * 4,
    }
    answer = physical_answer("one", answers, 8)
    assert list(answer["physical"]) == ["one", ORACLE, "two"]
    assert (answer["images"], answer["graspable_images"], answer["tries"]) == (4, 2, 8)
    one = answer["physical"]["one"]
    assert (answer["robust_rate"], one["robust_rate"], one["graspable"]["robust_rate"]) == (0.75, 0.75, 0.5)
    assert (one["rectangle"]["0.25"], one["graspable"]["rectangle"]["0.25"]) == (0.25, 0.5)
    assert (one["graspable"]["images"], one["graspable"]["none"], one["graspable"]["fooled"]) == (2, 0.5, 0.0)
    assert one["not_graspable"]["robust_rate"] == 1.0
    assert (one["not_graspable"]["liftable"], one["not_graspable"]["fooled"]) == (0.5, 0.5)
    assert answer["physical"][ORACLE]["graspable"]["liftable"] == 1.0
    assert answer["no_grasp_reasons"] == {"shy": 1}
    assert answer["disagreement"] == one["disagreement"]


def test_labelled_images_have_no_lifts():
    answer = labelled_answer("one", {"one": [grasp(None, 0.9, 0.6)], "two": [grasp(None, 0.1, 0.6)]}, {"torn": 3})
    assert (answer["rectangle"], answer["robust_rate"]) == ({"0.25": 1.0, "0.30": 1.0}, 1.0)
    assert answer["physical_success"] is None
    assert answer["skipped"] == {"torn": 3}
    assert answer["labelled"]["two"]["disagreement"]["rectangle_of_not_robust"] == 1.0
