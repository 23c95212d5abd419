from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from detectors.gqcnn.card import read_results, write_card
from detectors.gqcnn.curve_plots import draw_curve
from detectors.gqcnn.evaluation import evaluate_probabilities
from detectors.gqcnn.grasp_data import GraspData
from detectors.gqcnn.network import NetworkConfig
from detectors.gqcnn.training_settings import TrainingSettings
from robot.errors import SettingsError
from tests.detectors.gqcnn.bars import bar_tensors


@pytest.fixture(scope="module")
def results() -> dict:
    tensors = bar_tensors(400)
    columns = {field.attribute: column for field, column in tensors.columns() if field.attribute != "crops_m"}
    data = GraspData(
        np.empty((0, 32, 32), np.float16), columns, columns["physical_success"], "physical", {}, "", "object"
    )
    rng = np.random.default_rng(0)
    probability = np.clip(0.2 + 0.6 * data.truth + rng.normal(0, 0.2, 400), 0, 1)
    settings = TrainingSettings(network=NetworkConfig("small"), seed=11)
    training = {
        "command": "python -m detectors.train gqcnn --seed 11", "seed": 11, "git_revision": "abc123", "torch": "2.x",
        "device": "CPU", "architecture": "small", "parameters": 209_873, "recipe": settings.recipe(), "rate": 1e-3,
        "label": "physical", "data_sha256": "d" * 64, "data": {"scenes": 200, "versions": {"numpy": "2"}},
        "split_by": "object", "grasps": {"train": 900_000, "validation": 100_000, "test": 100_000},
        "objects": {"train": 2400, "validation": 300, "test": 300}, "epochs": 12, "best_epoch": 11, "minutes": 6.4,
        "history": [{"loss": float("nan")}],
    }  # fmt: skip
    evaluation = evaluate_probabilities(probability, data, np.arange(400))
    return {"training": training, "judged_on": "test", "evaluation": evaluation, "sha256": "a" * 64}


def test_the_card_says_what_matters(results: dict, tmp_path: Path) -> None:
    card = write_card(tmp_path / "net.safetensors", results).read_text(encoding="utf-8")
    scores = results["evaluation"]["scores"]
    for words in (
        "architecture `small`", "SHA-256: `" + "a" * 64, "400 test grasps of 40 objects", f"{scores['auc']:.3f}",
        f"{scores['calibration_error']:.3f}", "| near miss |", "900,000 | 2,400", "--seed 11", "abc123", "scenes: 200",
        "threshold 0.8", "ROC.svg".lower(), "One noisy lift agrees", "calibration",
    ):  # fmt: skip
        assert words in card, words
    assert "nan" not in card
    assert "versions" not in card


def test_every_picture_the_card_shows_is_there_and_is_one(results: dict, tmp_path: Path) -> None:
    card = write_card(tmp_path / "net.safetensors", results).read_text(encoding="utf-8")
    names = [line.split("](")[1].rstrip(")") for line in card.splitlines() if line.startswith("![")]
    assert len(names) == 3
    for name in names:
        root = ET.parse(tmp_path / name).getroot()
        assert root.tag.endswith("svg")
        assert (tmp_path / name).stat().st_size < 12_000


def test_the_results_come_back_and_tables_can_be_added(results: dict, tmp_path: Path) -> None:
    weights = tmp_path / "net.safetensors"
    write_card(weights, results)
    again = read_results(weights)
    assert again["evaluation"] == results["evaluation"]
    assert again["training"]["history"] == [{"loss": None}]
    again["tables"] = {
        "First grasps on held-out objects": {"oracle": {"images": 240, "lifts": 0.963}, "pca": {"lifts": 0.7}}
    }
    card = write_card(weights, again).read_text(encoding="utf-8")
    assert "## First grasps on held-out objects" in card
    assert "| oracle | 240 | 0.963 |" in card
    assert "| pca | - | 0.700 |" in card


def test_results_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"net\.card\.json"):
        read_results(tmp_path / "net.safetensors")


def test_a_curve_is_drawn_where_its_points_are() -> None:
    document = draw_curve([0.0, 0.5, 1.0], [0.0, 1.0, 1.0], title="a < b", x_label="x", y_label="y", counts=[1, 2, 1])
    root = ET.fromstring(document)
    dots = [e for e in root.iter() if e.tag.endswith("circle")]
    left, middle, right = ((float(d.get("cx", 0)), float(d.get("cy", 0))) for d in dots)
    assert right[0] - left[0] == pytest.approx(260)
    assert middle[0] == pytest.approx((left[0] + right[0]) / 2)
    assert left[1] - middle[1] == pytest.approx(260)


def test_an_undefined_curve_leaves_the_frame() -> None:
    ET.fromstring(draw_curve([], [], title="none", x_label="x", y_label="y", diagonal=True))
