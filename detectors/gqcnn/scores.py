"""How well predicted probabilities of success agree with what happened. Plain numpy; ties are treated exactly."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Scores:
    """Figures of a classifier over some grasps; NaN where they are not defined, e.g. the AUC of one class alone.

    Attributes:
        grasps: how many.
        positive_share: share of them that truly succeed.
        accuracy, precision, recall: with a grasp called good where its probability is above the threshold.
        auc: area under the ROC curve: chance that a good grasp scores higher than a bad one, ties counting half.
        average_precision: mean precision over the recall steps.
        calibration_error: expected calibration error over 15 equal bins of probability.
    """

    grasps: int
    positive_share: float
    accuracy: float
    precision: float
    recall: float
    auc: float
    average_precision: float
    calibration_error: float

    def to_json(self) -> dict[str, float | int | None]:
        """A mapping for JSON, which has no NaN."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }


def score(probability: ArrayLike, truth: ArrayLike, threshold: float = 0.5) -> Scores:
    """All figures at once.

    Args:
        probability: (N,) predicted probabilities of success.
        truth: (N,) True where the grasp truly succeeds.
        threshold: a grasp is called good above it.
    """
    p, good = _checked(probability, truth)
    called = p > threshold
    hits = int((called & good).sum())
    return Scores(
        grasps=len(p),
        positive_share=_ratio(good.sum(), len(p)),
        accuracy=_ratio((called == good).sum(), len(p)),
        precision=_ratio(hits, called.sum()),
        recall=_ratio(hits, good.sum()),
        auc=roc_auc(p, good),
        average_precision=average_precision(p, good),
        calibration_error=calibration_error(p, good),
    )


def success_probability(logits: ArrayLike) -> Array:
    """Probabilities for log odds (N,); no logit is too large."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * np.asarray(logits, dtype=np.float64))))


def cross_entropy(logits: ArrayLike, success: ArrayLike) -> float:
    """Mean cross entropy of log odds (N,) with labels or shares of success (N,)."""
    z, y = np.asarray(logits, dtype=np.float64), np.asarray(success, dtype=np.float64)
    return float(np.mean(np.logaddexp(0.0, z) - y * z))


def roc_auc(probability: ArrayLike, truth: ArrayLike) -> float:
    """Area under the ROC curve; NaN where only one class is there."""
    false_rate, true_rate, _ = roc_curve(probability, truth)
    return float(np.trapezoid(true_rate, false_rate)) if np.isfinite(true_rate + false_rate).all() else math.nan


def roc_curve(probability: ArrayLike, truth: ArrayLike) -> tuple[Array, Array, Array]:
    """False-positive rate, true-positive rate and threshold (at least this counts as good), from (0, 0) to (1, 1)."""
    hits, alarms, thresholds = _counts(*_checked(probability, truth))
    with np.errstate(invalid="ignore"):
        rates = alarms / np.float64(alarms[-1]), hits / np.float64(hits[-1])
    return rates[0], rates[1], thresholds


def precision_recall_curve(probability: ArrayLike, truth: ArrayLike) -> tuple[Array, Array, Array]:
    """Precision, recall and threshold (at least this counts as good), from the strictest down to calling all good."""
    hits, alarms, thresholds = _counts(*_checked(probability, truth))
    with np.errstate(invalid="ignore"):
        recall = hits[1:] / np.float64(hits[-1])
    return hits[1:] / np.maximum(hits[1:] + alarms[1:], 1.0), recall, thresholds[1:]


def average_precision(probability: ArrayLike, truth: ArrayLike) -> float:
    """Precision averaged over the steps of recall; NaN without a good grasp."""
    precision, recall, _ = precision_recall_curve(probability, truth)
    if not len(recall) or not np.isfinite(recall).all():
        return math.nan
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


@dataclass(frozen=True)
class CalibrationCurve:
    """Per bin of predicted probability that holds any grasp: mean prediction, mean truth, number of grasps."""

    predicted: Array
    observed: Array
    count: NDArray[np.int64]


def calibration_curve(probability: ArrayLike, truth: ArrayLike, bins: int = CALIBRATION_BINS) -> CalibrationCurve:
    """Bin the predictions into ``bins`` equal parts of [0, 1]; ``truth`` may hold shares of successes."""
    p, happened = np.asarray(probability, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    _check_shapes(p, happened)
    index = np.minimum((p * bins).astype(np.int64), bins - 1)
    count = np.bincount(index, minlength=bins)
    held = count > 0
    predicted = np.bincount(index, weights=p, minlength=bins)[held] / count[held]
    observed = np.bincount(index, weights=happened, minlength=bins)[held] / count[held]
    return CalibrationCurve(predicted, observed, count[held])


def calibration_error(probability: ArrayLike, truth: ArrayLike, bins: int = CALIBRATION_BINS) -> float:
    """Expected calibration error: mean over all grasps of their bin's |predicted - observed|; NaN without grasps."""
    curve = calibration_curve(probability, truth, bins)
    if not curve.count.sum():
        return math.nan
    return float(np.sum(curve.count * np.abs(curve.predicted - curve.observed)) / curve.count.sum())


def _counts(p: Array, good: Mask) -> tuple[Array, Array, Array]:
    """Good and bad grasps at or above each distinct score, strictest first, after a first entry with none at all."""
    order = np.argsort(-p, kind="stable")
    ranked, hits = p[order], np.cumsum(good[order], dtype=np.float64)
    last = np.flatnonzero(np.diff(ranked, append=-np.inf))  # ties come together
    hits, seen = hits[last], last + 1.0
    first = np.zeros(1)
    return np.r_[first, hits], np.r_[first, seen - hits], np.r_[np.inf, ranked[last]]


def _checked(probability: ArrayLike, truth: ArrayLike) -> tuple[Array, Mask]:
    p, good = np.asarray(probability, dtype=np.float64), np.asarray(truth)
    _check_shapes(p, good)
    if good.dtype != np.bool_:
        raise ValueError(f"truth must be True or False for each grasp, got {good.dtype}")
    return p, good


def _check_shapes(p: Array, truth: NDArray[np.generic]) -> None:
    if p.ndim != 1 or p.shape != truth.shape:
        raise ValueError(f"probabilities {p.shape} and truth {truth.shape} must be of one length")
    if not np.isfinite(p).all() or (len(p) and (p.min() < 0 or p.max() > 1)):
        raise ValueError("probabilities must lie in [0, 1]")


def _ratio(part: float | np.number, whole: float | np.number) -> float:
    return float(part) / float(whole) if whole else math.nan
