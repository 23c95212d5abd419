"""The card of a map network's weights says what they are and how they came about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detectors.fcn.card import history, how_trained
from detectors.fcn.recipe import Recipe
from detectors.gqcnn.weights_file import check_whole, file_sha256
from detectors.oneshot.card import write_card

TRAINING: dict[str, Any] = {
    "command": "python -m detectors.train fcn --data bars --init first.safetensors",
    "before": ["python -m detectors.train fcn --data first"],
    "seed": 4, "git_revision": "abc", "torch": "2", "network": {"layout": "fast"}, "parameters": 712345,
    "recipe": Recipe(epochs=7, batch=5, view_px=64, variation="paper", averaging=0.9).to_json(),
    "data": {"scenes": 40}, "images": 4321, "judged": 123, "threads": 2, "epochs": 2, "best_epoch": 1, "minutes": 3.5,
    "history": [
        {"loss": 2.5, "quality": 1.5, "angle": 0.25, "width": 0.75, "rectangle": 0.5, "seconds": 9.0},
        {"loss": 1.5, "quality": 0.5, "angle": 0.2, "width": 0.8, "rectangle": 0.75, "seconds": 9.5},
    ],
}  # fmt: skip


def test_how_it_was_trained_is_told_with_its_numbers() -> None:
    text = how_trained(TRAINING)
    for words in (
        "4,321 pictures", "2 epochs in 3.5 min on 2 thread(s)", "epoch 1, kept,", "123 pictures kept for choosing",
        "712,345 parameters", "'layout': 'fast'", "Adam at 0.001", "batch 5", "64 x 64 pixels", "variation 'paper'",
        "decay 0.9", "weighted 5 (quality), 3 (angle), 4 (width)", "seed 4, revision abc", "- scenes: 40",
    ):  # fmt: skip
        assert words in text
    assert text.index(TRAINING["before"][0]) < text.index(TRAINING["command"]), "in the order they were run"


def test_of_a_data_set_that_says_nothing_nothing_is_told() -> None:
    assert "The data set:" in how_trained({**TRAINING, "data": None})


def test_the_history_is_a_row_an_epoch_without_the_seconds() -> None:
    lines = history(TRAINING).splitlines()
    assert "| | loss | quality | angle | width | rectangle |" in lines
    assert "| 1 | 2.500 | 1.500 | 0.250 | 0.750 | 0.500 |" in lines
    assert "| 2 | 1.500 | 0.500 | 0.200 | 0.800 | 0.750 |" in lines


@pytest.mark.parametrize("detector", ["fcn", "ggcnn"])
def test_the_card_and_the_json_beside_it_agree(detector: str, tmp_path: Path) -> None:
    weights = tmp_path / "net.safetensors"
    weights.write_bytes(b"weights")
    card = write_card(weights, {"detector": detector, "sha256": file_sha256(weights), "training": TRAINING})
    text = card.read_text(encoding="utf-8")
    assert text.startswith(f"# net.safetensors: {detector}\n")
    assert how_trained(TRAINING) in text
    assert history(TRAINING) in text
    check_whole(weights)
    found = json.loads(weights.with_suffix(".card.json").read_text(encoding="utf-8"))
    assert found["training"] == json.loads(json.dumps(TRAINING))
