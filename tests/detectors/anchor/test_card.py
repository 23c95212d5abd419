"""The card says how a network was trained, and nothing that does not hold for it."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.anchor.card import history, how_trained
from detectors.anchor.network import AnchorConfig
from detectors.anchor.recipe import Recipe
from detectors.oneshot.card import render_card, write_card

BOTH = {"synthetic scenes": 900, "photographs": 700}


def training(**changes: Any) -> dict[str, Any]:
    told = {
        "command": "python -m detectors.train anchor --data d --out net.safetensors",
        "before": ["python -m detectors.train zhou --data d --out pre.safetensors"],
        "seed": 3,
        "git_revision": "abc",
        "torch": "2.9",
        "network": AnchorConfig("small", True, 91.0, 26.0).to_json(),
        "parameters": 2_345_678,
        "recipe": Recipe(scorer_rate=6.0).to_json(),
        "data": {"scenes": 900, "seed": 2},
        "sources": BOTH,
        "kept_aside": {"synthetic": 100, "cornell": 130},
        "threads": 2,
        "epochs": 12,
        "best_epoch": 11,
        "minutes": 61.5,
        "history": [{"intermediate": 0.5, "cornell final": 0.25, "seconds": 77.0}],
    }
    return {**told, **changes}


def test_it_tells_commands_data_recipe_and_what_was_kept_aside() -> None:
    text = how_trained(training())
    for words in (
        "detectors.train zhou --data d --out pre.safetensors\npython -m detectors.train anchor", "900 synthetic scenes",
        "700 photographs", "12 epochs of 6,000 views in 61.5 min on 2 thread(s), after the trainings named before",
        "epoch 11, kept", "100 of synthetic, 130 of cornell", "2,345,678 parameters", "AdamW at 0.001", "batch 10",
        "real photographs 40% of the views", "the scorer at 6 times the rate, its selection by the primary score",
        "decay 0.998", "seed 3, revision abc, torch 2.9", "data set of our own scenes", "- scenes: 900",
    ):  # fmt: skip
        assert words in text
    assert "after the trainings" not in how_trained(training(before=[]))


@pytest.mark.parametrize("sources", [{"synthetic scenes": 900}, {"photographs": 700}])
def test_a_share_is_told_only_where_there_are_two_sources(sources: dict[str, int]) -> None:
    assert "real photographs" not in how_trained(training(sources=sources))


def test_of_photographs_alone_it_does_not_speak_of_our_own_scenes() -> None:
    text = how_trained(training(data={"dataset": "cornell"}, sources={"photographs": 9}, kept_aside={"cornell": 2}))
    assert "our own scenes" not in text
    assert "The data set:\n\n- dataset: cornell" in text


def test_of_a_network_without_a_scorer_it_does_not_speak_of_one() -> None:
    network = AnchorConfig("small", False, 91.0, 26.0).to_json()
    assert "the scorer at" not in how_trained(training(network=network))


def test_the_epochs_are_a_table() -> None:
    text = history(training())
    assert "cornell final" in text
    assert "0.25" in text
    assert "77" not in text


def test_it_becomes_a_card_beside_the_weights(tmp_path: Any) -> None:
    results = {"detector": "anchor", "sha256": "0" * 64, "training": training()}
    assert "## Epoch by epoch" in render_card(tmp_path / "net.safetensors", results)
    assert "real photographs 40%" in write_card(tmp_path / "net.safetensors", results).read_text(encoding="utf-8")
