from __future__ import annotations

import numpy as np
import pytest

from detectors.gqcnn.calibration import fit_platt
from detectors.gqcnn.scores import calibration_error


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (0.4, -1.0), (2.5, 0.7)])
def test_the_true_scale_is_found_again(slope: float, offset: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 40_000)
    lifted = rng.random(len(logits)) < sigmoid(slope * logits + offset)
    found = fit_platt(logits, lifted.astype(np.float64))
    assert found == pytest.approx((slope, offset), abs=0.06)
    assert calibration_error(sigmoid(found[0] * logits + found[1]), lifted) < 0.012


def test_shares_of_lifts_are_as_good_as_single_ones() -> None:
    logits = np.linspace(-4, 4, 200)
    assert fit_platt(logits, sigmoid(0.7 * logits + 0.2)) == pytest.approx((0.7, 0.2), abs=1e-3)


def test_labels_told_apart_without_error_keep_the_slope_finite() -> None:
    slope, offset = fit_platt(np.array([-3.0, -1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert 1 < slope < 1000
    assert np.isfinite(offset)


def test_logits_far_out_do_not_overflow() -> None:
    slope, _ = fit_platt(np.array([-500.0, 400.0, -300.0, 600.0]), np.array([0.0, 1.0, 1.0, 0.0]))
    assert np.isfinite(slope)


def test_nothing_to_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        fit_platt(np.array([]), np.array([]))
