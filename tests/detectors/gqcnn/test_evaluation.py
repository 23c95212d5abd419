from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from detectors.gqcnn.evaluation import evaluate_network, evaluate_probabilities, kind_names
from detectors.gqcnn.grasp_data import GraspData
from detectors.gqcnn.network import NetworkConfig, build_network
from tests.detectors.gqcnn.bars import bar_tensors


@pytest.fixture
def data() -> GraspData:
    tensors = bar_tensors(500)
    columns = {field.attribute: column for field, column in tensors.columns() if field.attribute != "crops_m"}
    heights = (tensors.depth_m[:, None, None] - tensors.crops_m).astype(np.float16)
    rows = {"test": np.arange(500)}
    return GraspData(heights, columns, columns["physical_success"], "physical", rows, "", "object")


def test_an_oracle_scores_fully_everywhere(data: GraspData) -> None:
    rows = np.arange(100, 400)
    found = evaluate_probabilities(data.truth[rows].astype(np.float64), data, rows)
    assert found["grasps"] == 300
    assert found["objects"] == len(np.unique(data.columns["object_label"][rows]))
    assert found["scores"]["accuracy"] == found["scores"]["auc"] == 1.0
    assert found["scores"]["calibration_error"] == 0.0
    assert set(found["by_kind"]) == {"antipodal", "near miss", "random"}
    assert sum(group["grasps"] for group in found["by_family"].values()) == 300
    hard = found["scores_without_random"]["grasps"]
    assert hard == 300 - found["by_kind"]["random"]["grasps"]
    assert found["calibration_error_of_share"] > 0.01, "one half and one are not the same share"
    json.dumps(found, allow_nan=False)


def test_the_labels_agreement_with_the_truth_is_stated(data: GraspData) -> None:
    rows = np.arange(500)
    label = evaluate_probabilities(np.full(500, 0.5), data, rows)["label"]
    truth, robust = data.truth, data.robust
    assert label["robust_label_accuracy"] == pytest.approx((truth == robust).mean())
    assert label["robust_label_precision"] == pytest.approx((truth & robust).sum() / robust.sum())
    share = data.columns["physical_success"]
    assert label["one_lift_agrees"] == pytest.approx(np.where(share > 0.5, share, 1 - share).mean())
    assert 0.9 < label["robust_quality_auc"] < 1.0


def test_a_network_is_judged_by_what_it_predicts(data: GraspData) -> None:
    torch.manual_seed(0)
    network, rows = build_network(NetworkConfig("small")).eval(), np.arange(200)
    crops = data.depth_m[rows][:, None, None] - data.heights_m[rows].astype(np.float32)
    expected = evaluate_probabilities(network.predict(crops, data.depth_m[rows], data.width_m[rows]), data, rows)
    assert evaluate_network(network, data, rows) == expected


def test_without_lifts_the_robust_label_is_the_truth(data: GraspData) -> None:
    del data.columns["physical_success"]
    found = evaluate_probabilities(data.robust.astype(np.float64), data, np.arange(500))
    assert found["truth"] == "robust Ferrari-Canny"
    assert found["scores"]["accuracy"] == 1.0
    assert found["label"] is None


def test_the_kinds_are_the_generators() -> None:
    from detectors.synthesis.grasp_sampling import KINDS

    assert tuple(kind_names()) == tuple(KINDS)
