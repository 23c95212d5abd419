"""The schedules: the paper's numbers, and the ablations."""

from __future__ import annotations

import json

import pytest

from detectors.oneshot.recipe import SCHEDULES, Recipe, Stage, stages_of
from robot.errors import SettingsError


def test_the_papers_schedule_is_that_of_section_v() -> None:
    stages = stages_of("paper")
    assert [(s.epochs, s.xi, s.rate) for s in stages] == [
        (6, 1.0, 1e-3), (3, 0.5, 2e-4), (3, 0.2, 4e-5), (9, 0.0, 4e-5), (19, 0.0, 8e-6),
    ]  # fmt: skip
    assert Recipe(stages).epochs == 40
    assert Recipe(stages).l2 == 1e-7


def test_the_paper_forces_its_first_twelve_epochs_and_no_other() -> None:
    recipe = Recipe(stages_of("paper"))
    assert [recipe.stage_of(epoch).forced for epoch in range(40)] == [True] * 12 + [False] * 28


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_every_schedule_slides_towards_robustness_and_forces_only_while_it_localises(name: str) -> None:
    stages = stages_of(name)
    shares = [stage.xi for stage in stages]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == 0.0
    assert all(stage.forced == (stage.xi > 0) for stage in stages)


def test_stages_follow_each_other_to_the_last_epoch() -> None:
    recipe = Recipe((Stage(2, 1.0, 1e-3, True), Stage(1, 0.5, 1e-4, True), Stage(3, 0.0, 1e-5, False)))
    assert [recipe.stage_of(epoch).xi for epoch in range(recipe.epochs)] == [1.0, 1.0, 0.5, 0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="beyond"):
        recipe.stage_of(recipe.epochs)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_without_robustness_it_localises_throughout_forced_and_at_the_same_rates(name: str) -> None:
    with_it, without = stages_of(name), stages_of(name, robustness=False)
    assert {(stage.xi, stage.forced) for stage in without} == {(1.0, True)}
    assert [(s.epochs, s.rate) for s in without] == [(s.epochs, s.rate) for s in with_it]


def test_without_forcing_nothing_else_changes() -> None:
    with_it, without = stages_of("paper"), stages_of("paper", forcing=False)
    assert not any(stage.forced for stage in without)
    assert [(s.epochs, s.xi, s.rate) for s in without] == [(s.epochs, s.xi, s.rate) for s in with_it]
    assert not any(stage.forced for stage in stages_of("paper", robustness=False, forcing=False))


def test_a_schedule_that_is_not_there_is_named() -> None:
    with pytest.raises(SettingsError, match=r"unknown schedule 'papr'.*paper"):
        stages_of("papr")


def test_a_recipe_that_cannot_be_is_refused_and_one_that_can_is_json() -> None:
    with pytest.raises(SettingsError, match="at least one stage"):
        Recipe(())
    with pytest.raises(SettingsError, match="two images"):
        Recipe(stages_of("short"), batch=1)
    recipe = Recipe(stages_of("short"), seed=7)
    found = json.loads(json.dumps(recipe.to_json()))
    assert found == recipe.to_json()
    assert found["seed"] == 7
    assert found["stages"][0] == {"epochs": 6, "xi": 1.0, "rate": 1e-3, "forced": True}
