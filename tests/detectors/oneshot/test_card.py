"""The card says what the weights are; a table put in again takes the place of the first."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from detectors.gqcnn.weights_file import check_whole, file_sha256
from detectors.oneshot.card import add_table, render_card, write_card
from detectors.oneshot.recipe import Recipe, stages_of
from robot.errors import SettingsError


def results_of(weights: Path) -> dict[str, Any]:
    history = [
        {"loss": 2.5, "localisation": 2.5, "xi": 1.0, "robust": 0.25, "quality": 0.3, "seconds": 9.0},
        {"loss": 0.5, "robustness": 0.5, "xi": 0.0, "robust": 0.75, "quality": math.nan, "seconds": 9.0},
    ]
    training = {
        "command": "python -m detectors.train gqstn --data bars", "before": ["python -m detectors.train gqstn --first"],
        "seed": 4, "git_revision": "abc", "torch": "2", "network": {"backbone": "tiny"}, "parameters": 12345,
        "recipe": Recipe(stages_of("paper")).to_json(), "teacher_sha256": "f" * 64, "data": {"scenes": 40},
        "images": 4321, "epochs": 2, "best_epoch": 1, "minutes": 3.5, "history": history,
    }  # fmt: skip
    return {"detector": "gqstn", "sha256": file_sha256(weights), "training": training}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"weights")
    return path


def test_the_card_names_the_weights_and_how_they_came_about(weights: Path) -> None:
    card = write_card(weights, results_of(weights))
    assert card == weights.with_suffix(".card.md")
    text = card.read_text(encoding="utf-8")
    for words in (
        file_sha256(weights), "4,321 images", "12,345 parameters", "scenes: 40", "gqstn --data bars", "--first",
        "| 19 | 0 | 8e-06 | no |", "| 6 | 1 | 0.001 | yes |",
    ):  # fmt: skip
        assert words in text
    check_whole(weights)
    weights.write_bytes(b"others")
    with pytest.raises(SettingsError, match="not the one"):
        check_whole(weights)


def test_the_history_is_a_row_an_epoch_without_the_seconds(weights: Path) -> None:
    text = render_card(weights, results_of(weights))
    assert "| 1 | 2.500 | 2.500 | 1.000 | 0.250 | 0.300 | - |" in text
    assert "| 2 | 0.500 | - | 0.000 | 0.750 | - | 0.500 |" in text
    assert "seconds" not in text


def test_the_json_beside_it_says_the_same_and_is_json(weights: Path) -> None:
    results = results_of(weights)
    write_card(weights, results)
    found = json.loads(weights.with_suffix(".card.json").read_text(encoding="utf-8"))
    assert found["training"]["history"][1]["quality"] is None
    assert found["training"]["recipe"] == results["training"]["recipe"]


def test_a_table_of_the_same_title_takes_the_first_ones_place(weights: Path) -> None:
    write_card(weights, results_of(weights))
    add_table(weights, "Synthetic", {"gqstn": {"robust": 0.11}}, command="first command", note="First words.")
    add_table(weights, "Speed", {"gqstn": {"ms": 12}})
    card = add_table(weights, "Synthetic", {"gqstn": {"robust": 0.92}}, command="second command")
    text = card.read_text(encoding="utf-8")
    assert text.count("## Synthetic") == 1
    assert text.count("## Speed") == 1
    assert "0.920" in text
    assert "0.110" not in text
    assert "second command" in text
    assert "first command" not in text
    assert "First words" not in text
    assert "4,321 images" in text, "the rest stays"
    check_whole(weights)


def test_without_a_card_nothing_can_be_added(weights: Path) -> None:
    with pytest.raises(SettingsError, match=r"net\.card\.json: cannot be read"):
        add_table(weights, "Synthetic", {})
    weights.with_suffix(".card.json").write_text("{", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"net\.card\.json: cannot be read"):
        add_table(weights, "Synthetic", {})


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(SettingsError, match=r"net\.card\.md: cannot be written"):
        write_card(tmp_path / "nowhere" / "net.safetensors", results_of(weights))
