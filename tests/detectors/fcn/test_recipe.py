"""Every number of a training: what can be is kept, what cannot be is refused with what there is."""

from __future__ import annotations

import json

import pytest

from detectors.fcn.recipe import Recipe
from robot.errors import SettingsError


def test_the_rate_falls_along_a_cosine_to_nothing() -> None:
    recipe = Recipe(rate=2e-3)
    assert [recipe.rate_at(share) for share in (0.0, 0.5, 1.0, 1.3)] == pytest.approx([2e-3, 1e-3, 0.0, 0.0])
    assert recipe.rate_at(1 / 3) == pytest.approx(1.5e-3)
    rates = [recipe.rate_at(i / 20) for i in range(21)]
    assert rates == sorted(rates, reverse=True)


def test_the_usual_rate_is_the_papers() -> None:
    assert Recipe().rate == 1e-3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"variation": "papr"}, r"unknown variation 'papr'.*did you mean 'paper'\? known: paper, strong"),
        ({"mask": "round"}, r"unknown form of masks 'round'.*known: flat, tapered"),
        ({"epochs": 0}, "an epoch, two views a batch and 32 pixels"),
        ({"batch": 1}, "two views"),
        ({"view_px": 31}, "32 pixels"),
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Recipe(**wrong)  # type: ignore[arg-type]


def test_the_least_that_can_be_is_not() -> None:
    Recipe(epochs=1, batch=2, view_px=32)


def test_it_is_json_and_comes_back() -> None:
    recipe = Recipe(epochs=3, variation="paper", mask="flat", seed=9)
    found = json.loads(json.dumps(recipe.to_json()))
    assert Recipe(**found) == recipe
    assert (found["epochs"], found["variation"], found["mask"], found["seed"]) == (3, "paper", "flat", 9)
