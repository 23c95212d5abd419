"""The recipe: what is no recipe is refused, and the rate warms up and falls."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.anchor.recipe import Recipe
from robot.errors import SettingsError


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"selection": "finl"}, "unknown selection 'finl'.*final"),
        ({"epochs": 0}, "needs an epoch"),
        ({"batch": 1}, "two views a batch"),
        ({"views": 9}, "a batch an epoch"),
        ({"real_share": 1.1}, r"lies in 0\.\.1, got 1\.1"),
        ({"real_share": float("nan")}, r"lies in 0\.\.1, got nan"),
        ({"rate": 0.0}, "must be positive, got 0"),
        ({"rate": float("nan")}, "must be positive, got nan"),
        ({"scorer_rate": -2.0}, r"must be positive, got 0\.001 and -2\.0 times that for the scorer"),
    ],
)
def test_what_is_no_recipe_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Recipe(**wrong)


def test_the_rate_warms_up_then_falls_to_nothing() -> None:
    recipe = Recipe(rate=0.01)
    assert 0 < recipe.rate_at(0.0) < 0.1 * recipe.rate
    rates = [recipe.rate_at(done / 100) for done in range(1, 101)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(0.01, rel=1e-3)
    assert rates[49] == pytest.approx(0.005)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)
    assert recipe.rate_at(1.2) == pytest.approx(0.0, abs=1e-9)


def test_steps_and_description() -> None:
    recipe = Recipe(views=25, batch=4)
    assert recipe.steps == 6
    assert Recipe(**recipe.to_json()) == recipe
