from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.gqcnn.scores import (
    average_precision,
    calibration_curve,
    calibration_error,
    cross_entropy,
    precision_recall_curve,
    roc_auc,
    roc_curve,
    score,
    success_probability,
)


def truth(*values: int) -> np.ndarray:
    return np.array(values, dtype=bool)


@pytest.mark.parametrize(
    ("probability", "good", "auc", "precision"),
    [
        ([0.9, 0.8, 0.2, 0.1], (1, 1, 0, 0), 1.0, 1.0),
        ([0.1, 0.2, 0.8, 0.9], (1, 1, 0, 0), 0.0, 0.5 * 1 / 3 + 0.5 * 2 / 4),
        ([0.5, 0.5, 0.5, 0.5], (1, 1, 0, 0), 0.5, 0.5),
        ([0.9, 0.5, 0.5, 0.1], (1, 1, 0, 0), 0.875, 0.5 * 1 + 0.5 * 2 / 3),
        ([0.9, 0.6, 0.4, 0.1], (1, 0, 1, 0), 0.75, 0.5 * 1 + 0.5 * 2 / 3),
    ],
)
def test_auc_and_average_precision_by_hand(
    probability: list[float], good: tuple[int, ...], auc: float, precision: float
) -> None:
    assert roc_auc(probability, truth(*good)) == pytest.approx(auc)
    assert average_precision(probability, truth(*good)) == pytest.approx(precision)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.integers(1, 30), count=st.integers(2, 60))
def test_auc_is_the_chance_to_rank_a_pair_rightly(seed: int, levels: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    p, good = rng.integers(0, levels, count) / levels, rng.random(count) < 0.5
    good[0], good[1] = True, False
    pairs = np.sign(p[good][:, None] - p[~good][None, :])
    assert roc_auc(p, good) == pytest.approx((pairs.mean() + 1) / 2)
    order = rng.permutation(count)
    assert average_precision(p[order], good[order]) == pytest.approx(average_precision(p, good))


def test_roc_runs_from_nothing_to_everything_and_joins_ties() -> None:
    false_rate, true_rate, thresholds = roc_curve([0.9, 0.5, 0.5, 0.1], truth(1, 1, 0, 0))
    np.testing.assert_allclose(false_rate, [0, 0, 0.5, 1])
    np.testing.assert_allclose(true_rate, [0, 0.5, 1, 1])
    np.testing.assert_allclose(thresholds, [np.inf, 0.9, 0.5, 0.1])


def test_precision_and_recall_along_the_thresholds() -> None:
    precision, recall, thresholds = precision_recall_curve([0.9, 0.7, 0.7, 0.2], truth(1, 0, 1, 0))
    np.testing.assert_allclose(precision, [1, 2 / 3, 0.5])
    np.testing.assert_allclose(recall, [0.5, 1, 1])
    np.testing.assert_allclose(thresholds, [0.9, 0.7, 0.2])


def test_figures_at_a_threshold() -> None:
    found = score([0.9, 0.6, 0.5, 0.1], truth(1, 0, 1, 0), threshold=0.5)
    assert (found.grasps, found.positive_share, found.accuracy) == (4, 0.5, 0.5)
    assert (found.precision, found.recall) == (0.5, 0.5)
    strict = score([0.9, 0.6, 0.5, 0.1], truth(1, 0, 1, 0), threshold=0.8)
    assert (strict.precision, strict.recall, strict.accuracy) == (1.0, 0.5, 0.75)


def test_calibration_error_by_hand() -> None:
    # Two bins hold something: three grasps at 0.10 of which one succeeds, one at 0.95 that does not.
    error = calibration_error([0.10, 0.10, 0.10, 0.95], truth(1, 0, 0, 0), bins=10)
    assert error == pytest.approx(0.75 * abs(1 / 3 - 0.10) + 0.25 * 0.95)
    curve = calibration_curve([0.10, 0.10, 0.10, 0.95], truth(1, 0, 0, 0), bins=10)
    np.testing.assert_allclose(curve.predicted, [0.10, 0.95])
    np.testing.assert_array_equal(curve.count, [3, 1])


def test_calibration_takes_shares_and_the_end_of_the_scale() -> None:
    assert calibration_error([1.0, 0.0, 0.75], [1.0, 0.0, 0.75]) == pytest.approx(0.0)


def test_probabilities_that_are_right_are_calibrated_and_exaggerated_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(50_000)
    good = rng.random(50_000) < p
    assert calibration_error(p, good) < 0.01
    assert calibration_error(np.clip(1.6 * (p - 0.5) + 0.5, 0, 1), good) > 0.08


def test_cross_entropy_of_certain_and_of_undecided_answers() -> None:
    assert cross_entropy([0.0, 0.0], [1.0, 0.3]) == pytest.approx(math.log(2))
    assert cross_entropy([1000.0, -1000.0], [1.0, 0.0]) == pytest.approx(0.0)
    assert cross_entropy([1000.0], [0.0]) == pytest.approx(1000.0)
    logit, share = math.log(3), 0.6
    assert cross_entropy([logit], [share]) == pytest.approx(-0.6 * math.log(0.75) - 0.4 * math.log(0.25))
    np.testing.assert_allclose(success_probability([logit, -800.0, 800.0]), [0.75, 0.0, 1.0])


def test_what_is_not_defined_is_nan_and_null_in_json() -> None:
    one_class = score([0.2, 0.8], truth(1, 1))
    assert math.isnan(one_class.auc)
    assert one_class.to_json()["auc"] is None
    none = score([], np.array([], dtype=bool))
    assert none.grasps == 0
    assert math.isnan(none.accuracy)
    assert math.isnan(score([0.1], truth(0)).recall)


@pytest.mark.parametrize(
    ("probability", "good", "words"),
    [
        ([0.1, 0.2], truth(1), "one length"),
        ([1.2], truth(1), r"\[0, 1\]"),
        ([np.nan], truth(1), r"\[0, 1\]"),
        ([0.2], np.array([0.7]), "True or False"),
    ],
)
def test_nonsense_is_refused(probability: list[float], good: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        score(probability, good)
