"""Shares of top grasps: of all images, with intervals, and where the metrics disagree."""

from __future__ import annotations

import pytest

from detectors.evaluation.answers import labelled_answer, physical_answer
from detectors.evaluation.figures import figures, reasons
from detectors.evaluation.first_grasps import FirstGrasp
from detectors.evaluation.intervals import wilson
from detectors.evaluation.physical import ORACLE

SILENT = FirstGrasp(
    success=0.0, quality=0.0, by_angle=(0.0,) * 5, overlap_closest=0.0, detect_ms=50.0, proposed=False, reason="shy"
)


def grasp(success, quality, closest, best=None, ms=10.0):
    """With any ground truth it overlaps as much as with the closest, unless ``best`` says more."""
    overlap = closest if best is None else best
    return FirstGrasp(
        success=success, quality=quality, by_angle=(overlap,) * 5, overlap_closest=closest, detect_ms=ms
    )  # fmt: skip


def compared(*by_angle: float, further: tuple[float, ...] = (), **others) -> FirstGrasp:
    """Only its rectangles were judged; one number stands for all angles."""
    return FirstGrasp(by_angle=by_angle * (5 if len(by_angle) == 1 else 1), further=further, **others)


NO_TRUTH = FirstGrasp(success=1.0, quality=0.9, overlap_closest=0.0, detect_ms=10.0)


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
    assert row.rectangle_closest == {"0.20": 0.6, "0.25": 0.4, "0.30": 0.2, "0.35": 0.2, "0.40": 0.2}
    assert row.rectangle == {"0.20": 0.6, "0.25": 0.6, "0.30": 0.4, "0.35": 0.2, "0.40": 0.2}
    assert row.rectangle_images == 5
    assert (row.detect_ms_median, row.detect_ms_p95) == (30.0, pytest.approx(48.0))
    assert row.interval == {
        "robust_rate": wilson(3, 5), "liftable": wilson(2, 5), "fooled": wilson(2, 5), "rectangle": wilson(3, 5),
    }  # fmt: skip


def test_what_was_not_judged_has_no_figure():
    oracle = figures([FirstGrasp(success=1.0), FirstGrasp(success=0.25)], 0.5)
    assert (oracle.liftable, oracle.none) == (0.5, 0.0)
    assert (
        oracle.robust_rate is oracle.fooled is oracle.rectangle is oracle.disagreement is oracle.detect_ms_p95 is None
    )
    assert oracle.interval["robust_rate"] is None
    assert oracle.rectangle_images == 0
    assert (
        oracle.rectangle_closest is oracle.rectangle_by_angle is oracle.predictions is oracle.predictions_made is None
    )
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
    assert row.rectangle_closest["0.25"] == pytest.approx(0.467)
    assert row.robust_rate == pytest.approx(0.924)
    assert row.disagreement.rectangle_of_not_robust == pytest.approx(0.308, abs=0.006)
    assert row.disagreement.not_rectangle_of_robust == pytest.approx(0.519, abs=0.001)


def test_an_image_without_a_ground_truth_is_neither_right_nor_wrong():
    row = figures([grasp(1.0, 0.9, 0.6), NO_TRUTH, SILENT, NO_TRUTH], 0.5)
    assert (row.images, row.rectangle_images) == (4, 2)
    assert row.rectangle["0.25"] == row.rectangle_by_angle["30"] == 0.5
    assert row.predictions_made == {"1": 1}
    assert row.rectangle_closest["0.25"] == 0.25, "the GQ-STN paper's rule counts every image"
    assert row.interval["rectangle"] == wilson(1, 2)
    unlabelled = figures([NO_TRUTH], 0.5)
    assert unlabelled.rectangle_images == 0
    assert unlabelled.rectangle is unlabelled.rectangle_by_angle is unlabelled.predictions is None


def test_angles_have_shares_of_their_own():
    """One is right at any angle, one from 20 degrees on, one never."""
    row = figures([compared(0.5), compared(0.2, 0.25, 0.26, 0.3, 0.9), compared(0.1)], 0.5)
    third = pytest.approx(1 / 3)
    assert row.rectangle_by_angle == {
        "10": third, "15": third, "20": pytest.approx(2 / 3), "25": pytest.approx(2 / 3), "30": pytest.approx(2 / 3),
    }  # fmt: skip
    assert row.rectangle["0.25"] == row.rectangle_by_angle["30"]


def test_every_prediction_counts_among_the_first_k():
    """Three, two and no grasps: right, wrong, right; wrong, right. Silence is no prediction."""
    row = figures([compared(0.6, further=(0.1, 0.3)), compared(0.0, further=(0.9,)), SILENT, NO_TRUTH], 0.5, 4)
    assert row.predictions_made == {"1": 2, "2": 4, "3": 5, "4": 5}
    assert row.predictions == {"1": 1 / 2, "2": 2 / 4, "3": 3 / 5, "4": 3 / 5}
    assert row.rectangle["0.25"] == pytest.approx(1 / 3), "the headline is of the first, over all images"
    silent = figures([SILENT], 0.5, 2)
    assert (silent.predictions, silent.predictions_made) == ({"1": None, "2": None}, {"1": 0, "2": 0})


def test_without_anything_compared_the_answer_still_has_its_keys():
    answer = labelled_answer("one", {"one": [NO_TRUTH]}, {}, 2)
    assert answer["rectangle"] == dict.fromkeys(("0.20", "0.25", "0.30", "0.35", "0.40"))
    assert (answer["rectangle_images"], answer["top"]) == (0, 2)


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
    assert answer["rectangle"] == dict.fromkeys(("0.20", "0.25", "0.30", "0.35", "0.40"), 1.0)
    assert answer["robust_rate"] == 1.0
    assert answer["physical_success"] is None
    assert answer["skipped"] == {"torn": 3}
    assert answer["labelled"]["two"]["disagreement"]["rectangle_of_not_robust"] == 1.0
