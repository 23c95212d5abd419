"""A network judged on held-out grasps: figures, curves, per shape family and per kind of grasp."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.fields import KINDS
from detectors.gqcnn.grasp_data import GraspData
from detectors.gqcnn.network import GraspQualityNetwork
from detectors.gqcnn.scores import (
    calibration_curve,
    calibration_error,
    precision_recall_curve,
    roc_auc,
    roc_curve,
    score,
)

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

THRESHOLDS = (0.2, 0.5, 0.8)
_CURVE_POINTS = 120
_RANDOM_KIND = "random"


def evaluate_network(
    network: GraspQualityNetwork, data: GraspData, rows: NDArray[np.int64], threshold: float = 0.5
) -> dict[str, Any]:
    """Judge ``network`` on the grasps ``rows`` of ``data``; everything in the answer fits into JSON."""
    return evaluate_probabilities(predict_rows(network, data, rows), data, rows, threshold)


def predict_rows(network: GraspQualityNetwork, data: GraspData, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """(N,) probabilities of success of the grasps ``rows``."""
    depth, width = data.depth_m[rows], data.width_m[rows]
    crops = depth[:, None, None] - data.heights_m[rows].astype(np.float32)
    return network.predict(crops, depth, width)


def evaluate_probabilities(
    probability: Floats, data: GraspData, rows: NDArray[np.int64], threshold: float = 0.5
) -> dict[str, Any]:
    """The same for probabilities (N,) of whatever predictor."""
    truth = data.truth[rows]
    objects = data.columns.get("object_label")
    answer: dict[str, Any] = {
        "grasps": len(rows),
        "objects": None if objects is None else len(np.unique(objects[rows])),
        "truth": "more than half of the lifts succeed"
        if "physical_success" in data.columns
        else "robust Ferrari-Canny",
        "threshold": threshold,
        "scores": score(probability, truth, threshold).to_json(),
        "by_threshold": {f"{t:g}": score(probability, truth, t).to_json() for t in THRESHOLDS},
        "curves": _curves(probability, truth),
        "label": _label_agreement(data, rows),
    }
    share = data.columns.get("physical_success")
    if share is not None:
        answer["calibration_error_of_share"] = calibration_error(probability, share[rows])
    for column, names in (("kind", kind_names()), ("family", family_names())):
        if column in data.columns:
            answer[f"by_{column}"] = _by_group(probability, truth, data.columns[column][rows], names, threshold)
    if "kind" in data.columns:
        hard = data.columns["kind"][rows] != kind_names().index(_RANDOM_KIND)
        answer["scores_without_random"] = score(probability[hard], truth[hard], threshold).to_json()
    return answer


def kind_names() -> Sequence[str]:
    """What the numbers in ``grasp_kinds`` stand for."""
    return KINDS


def family_names() -> Sequence[str]:
    """What the numbers in ``families`` stand for; empty where the generator's own needs are not installed."""
    try:
        from detectors.synthesis.things import FAMILY_NAMES
    except ImportError:  # a machine that only trains
        return ()
    return FAMILY_NAMES


def _by_group(
    probability: Floats, truth: Mask, group: NDArray[np.integer], names: Sequence[str], threshold: float
) -> dict[str, Any]:
    return {
        names[number] if 0 <= number < len(names) else f"no. {number}": score(
            probability[group == number], truth[group == number], threshold
        ).to_json()
        for number in np.unique(group)
    }


def _curves(probability: Floats, truth: Mask) -> dict[str, dict[str, list[float]]]:
    false_rate, true_rate, _ = roc_curve(probability, truth)
    precision, recall, _ = precision_recall_curve(probability, truth)
    bins = calibration_curve(probability, truth)
    return {
        "roc": {"x": _thinned(false_rate), "y": _thinned(true_rate)},
        "precision_recall": {"x": _thinned(recall), "y": _thinned(precision)},
        "calibration": {
            "x": bins.predicted.round(4).tolist(), "y": bins.observed.round(4).tolist(), "count": bins.count.tolist(),
        },
    }  # fmt: skip


def _thinned(values: Floats) -> list[float]:
    """Enough of a curve's points to draw it, the first and the last among them; none where it is not defined."""
    if not np.isfinite(values).all():
        return []
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), _CURVE_POINTS)).round().astype(np.int64))
    return [round(float(value), 4) for value in values[chosen]]


def _label_agreement(data: GraspData, rows: NDArray[np.int64]) -> dict[str, float] | None:
    """How well the labels predict the truth themselves: a bound for what can be learnt from them."""
    share = data.columns.get("physical_success")
    if share is None:
        return None
    lifted, quality = share[rows], data.columns["robust_ferrari_canny"][rows]
    truth = lifted > 0.5
    analytic = score(data.robust[rows].astype(np.float64), truth)
    order = np.unique(quality, return_inverse=True)[1].reshape(-1) / max(len(quality), 1)  # rank, ties together
    return {
        "one_lift_agrees": float(np.mean(np.where(truth, lifted, 1 - lifted))),
        "robust_label_accuracy": analytic.accuracy,
        "robust_label_precision": analytic.precision,
        "robust_label_recall": analytic.recall,
        "robust_quality_auc": roc_auc(order, truth),
    }
