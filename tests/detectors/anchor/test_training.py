"""The training loop: it learns, it goes on where it was, and it ends when it should."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from detectors.anchor import training
from detectors.anchor.batches import Source
from detectors.anchor.judging import ORDERS
from detectors.anchor.recipe import Recipe
from detectors.anchor.training import Judged, Trainer, mean_box_of
from detectors.anchor.views import ColorPicture
from detectors.training_state import follow
from robot.errors import SettingsError
from tests.detectors.anchor.bars import BarColors, tiny_backbone, tiny_network

FEW = Source(BarColors(8), np.arange(8), 1.0)
OTHERS = Judged("bars", BarColors(2, seed=1, name="other"), np.arange(2))
QUICK = Recipe(epochs=3, views=4, batch=2, averaging=0.5)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_backbone(monkeypatch)


class Clock:
    """Every look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class Killed(Exception):
    """The power went off."""


def make_trainer(
    recipe: Recipe = QUICK, source: Source = FEW, judged: tuple[Judged, ...] = (OTHERS,),
    network: nn.Module | None = None, **other: Any,
) -> Trainer:  # fmt: skip
    network = network or tiny_network(recipe.seed)
    given = {"clock": Clock(), "tell": lambda line: None, **other}
    return Trainer(network, [source], judged, recipe, **given)  # type: ignore[arg-type]


def same(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def killed_after(epochs: int) -> Callable[[str], None]:
    seen: list[str] = []

    def tell(line: str) -> None:
        seen.append(line)
        if sum(line.startswith("epoch") for line in seen) > epochs:
            raise Killed

    return tell


def scored(monkeypatch: pytest.MonkeyPatch, *scores: float) -> list[dict[str, torch.Tensor]]:
    """In place of judging; keeps the weights that were judged."""
    judged: list[dict[str, torch.Tensor]] = []

    def judge(network: nn.Module, pictures: Any, rows: Any) -> dict[str, float]:
        judged.append({name: value.clone() for name, value in network.state_dict().items()})
        return {"final": scores[len(judged) - 1], "primary": 0.0}

    monkeypatch.setattr(training, "rectangle_accuracy", judge)
    return judged


def test_it_learns() -> None:
    recipe = Recipe(epochs=2, views=40, batch=4, rate=1e-2, averaging=0.8)
    trainer = make_trainer(recipe)
    trainer.run()
    first, last = trainer.progress.history
    for name in ("intermediate", "fit", "scorer"):
        assert last[name] < 0.85 * first[name]


def test_without_a_scorer_nothing_is_said_of_one() -> None:
    trainer = make_trainer(replace(QUICK, epochs=1), network=tiny_network(scorer=False))
    trainer.run()
    (row,) = trainer.progress.history
    assert row["scorer"] == row["guide"] == row["good_share"] == 0.0
    assert [name for name in row if name.startswith("bars")] == ["bars final"]


def test_killed_and_resumed_is_the_same_as_run_through(tmp_path: Path) -> None:
    file = tmp_path / "net.checkpoint"
    through = make_trainer()
    whole = through.run()
    with pytest.raises(Killed):
        make_trainer(checkpoint_file=file, tell=killed_after(2)).run()
    assert [path.name for path in tmp_path.iterdir()] == ["net.checkpoint"]
    second = make_trainer(checkpoint_file=file, network=tiny_network(99))
    assert second.resume()
    assert second.progress.epoch == 2
    assert same(second.run(), whole)
    assert all(torch.equal(second._average[name], value) for name, value in through._average.items())
    assert second._steps == through._steps
    for one, other in zip(second.progress.history, through.progress.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert not same(make_trainer(replace(QUICK, seed=1), network=tiny_network(0)).run(), whole)


def test_two_epochs_at_once_are_one_and_one_more_resumed_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the best epoch is always the last: its weights are those of the end."""
    scored(monkeypatch, *range(20))
    recipe, file = replace(QUICK, epochs=2), tmp_path / "net.checkpoint"
    whole = make_trainer(recipe).run()
    first = make_trainer(recipe, checkpoint_file=file)
    first.run(max_minutes=1e-6)
    assert first.progress.epoch == 1
    second = make_trainer(recipe, checkpoint_file=file, network=tiny_network(5))
    assert second.resume()
    assert same(second.run(), whole)
    assert not same(first._network, whole)


def test_interrupted_in_the_middle_of_an_epoch_nothing_of_it_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "net.checkpoint"

    class Dying(BarColors):
        def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
            if len(self.asked) == 7:  # in the second pass
                raise Killed
            return super().picture(index, rng)

    threads = threading.active_count()
    with pytest.raises(Killed):
        make_trainer(source=Source(Dying(8), np.arange(8), 1.0), checkpoint_file=file).run()
    assert threading.active_count() == threads
    second = make_trainer(checkpoint_file=file)
    assert second.resume()
    assert second.progress.epoch == 1
    assert same(second.run(), make_trainer().run())


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    file, short = tmp_path / "net.checkpoint", replace(QUICK, epochs=1)
    make_trainer(short, checkpoint_file=file).run()
    elsewhere = Source(BarColors(8, name="else"), np.arange(8), 1.0)
    for other, message in (
        (make_trainer(replace(short, seed=5), checkpoint_file=file), r"recipe \(seed\) differs"),
        (make_trainer(replace(short, selection="final"), checkpoint_file=file), r"recipe \(selection\) differs"),
        (make_trainer(replace(short, real_share=0.2), checkpoint_file=file), r"recipe \(real_share\) differs"),
        (make_trainer(short, checkpoint_file=file, network=tiny_network(scorer=False)), r"network \(scorer\) differs"),
        (make_trainer(short, checkpoint_file=file, network=tiny_network(orientations=4)), r"\(orientations\) differs"),
        (make_trainer(short, elsewhere, checkpoint_file=file), "data differs"),
        (make_trainer(short, replace(FEW, rows=np.arange(7)), checkpoint_file=file), "data differs"),
        (make_trainer(short, checkpoint_file=file, labels="other rectangles"), "data differs"),
    ):
        with pytest.raises(SettingsError, match=message):
            other.resume()
    assert make_trainer(short, checkpoint_file=file).resume()
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(SettingsError, match="damaged"):
        make_trainer(short, checkpoint_file=file).resume()
    assert not make_trainer(short, checkpoint_file=tmp_path / "none").resume()
    assert not make_trainer(short).resume()


def test_out_of_time_ends_after_a_whole_epoch(tmp_path: Path) -> None:
    said: list[str] = []
    first = make_trainer(checkpoint_file=tmp_path / "net.checkpoint", tell=said.append)
    first.run(max_minutes=0.3)  # by a clock on which an epoch takes some seconds
    assert 0 < first.progress.epoch < QUICK.epochs
    assert "0.3 minutes" in said[-1]
    assert (tmp_path / "net.checkpoint").is_file()


def test_a_training_that_comes_apart_says_so() -> None:
    class Poisoned(BarColors):
        def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
            one = super().picture(index, rng)
            return replace(one, truths=one.truths * [1, 1, 1, np.nan, 1]) if index == 3 else one

    with pytest.raises(SettingsError, match=r"its loss is no number.*--seed"):
        make_trainer(replace(QUICK, views=16), Source(Poisoned(8), np.arange(2, 5), 1.0)).run()


def test_weights_that_are_no_numbers_are_told_too() -> None:
    network = tiny_network()
    with torch.no_grad():
        network.get_parameter("primary.bias")[3] = torch.nan
    with pytest.raises(SettingsError, match=r"its loss is no number"):
        make_trainer(network=network).run()


def test_the_best_epochs_weights_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = scored(monkeypatch, 0.1, 0.6, 0.3)
    trainer = make_trainer()
    found = trainer.run().state_dict()
    assert (trainer.progress.best_epoch, trainer.progress.best_score) == (2, 0.6)
    assert all(torch.equal(value, judged[1][name]) for name, value in found.items())
    assert not all(torch.equal(value, judged[2][name]) for name, value in found.items())


def test_of_several_sets_the_mean_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, 0.1, 0.5, 0.4, 0.4, 0.9, 0.0)
    two = (OTHERS, replace(OTHERS, name="photographs"))
    trainer = make_trainer(judged=two)
    trainer.run()
    assert (trainer.progress.best_epoch, trainer.progress.best_score) == (3, 0.45)
    assert trainer.progress.history[1] | {"bars final": 0.4, "photographs final": 0.4} == trainer.progress.history[1]


def test_the_mean_of_the_weights_is_judged_and_the_weights_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean follows quickly at first: of two steps, 2/11 and 3/12 of what was is kept."""
    judged = scored(monkeypatch, 0.1)
    network = tiny_network()
    weight, seen = network.primary.weight, [network.primary.weight.detach().clone()]
    honest = follow

    def watched(*args: Any) -> None:
        seen.append(weight.detach().clone())
        honest(*args)

    monkeypatch.setattr(training, "follow", watched)
    trainer = make_trainer(replace(QUICK, epochs=1, averaging=0.9), network=network)
    trainer._judge(trainer._train_epoch(), 0.0)
    mean = seen[0]
    for step, after in enumerate(seen[1:], start=1):
        keep = (1 + step) / (10 + step)
        mean = keep * mean + (1 - keep) * after
    torch.testing.assert_close(judged[0]["primary.weight"], mean)
    assert torch.equal(network.primary.weight, seen[-1]), "what learns is not the mean"


def test_the_rate_falls_step_by_step_and_the_scorers_is_a_multiple(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, 0.0, 0.0)
    recipe, network = replace(QUICK, epochs=2, scorer_rate=3.0), tiny_network()
    trainer = make_trainer(recipe, network=network)
    groups, rates = trainer._optimizer.param_groups, []
    monkeypatch.setattr(training, "follow", lambda *_: rates.append([group["lr"] for group in groups]))
    trainer.run()
    expected = [recipe.rate_at(step / 4) for step in range(4)]
    assert [others for others, _ in rates] == pytest.approx(expected)
    assert [scorer for _, scorer in rates] == pytest.approx([3 * rate for rate in expected])
    assert network.scorer is not None
    others, scorer = (group["params"] for group in groups)
    assert {id(one) for one in scorer} == {id(one) for one in network.scorer.parameters()}
    assert len(others) + len(scorer) == len(list(network.parameters())), "every one once"


def test_progress_is_told_and_kept_epoch_by_epoch() -> None:
    said: list[str] = []
    trainer = make_trainer(replace(QUICK, epochs=2), tell=said.append)
    trainer.run()
    assert [line.split()[1] for line in said if line.startswith("epoch")] == ["1/2", "2/2"]
    columns = {"intermediate", "scorer", "fit", "guide", "good_share", "seconds"} | {
        f"bars {order}" for order in ORDERS
    }
    assert [{*row} for row in trainer.progress.history] == [columns, columns]


def test_the_mean_box_is_that_of_the_truths_as_the_network_sees_them() -> None:
    one = Source(BarColors(9, scale=1.5), np.arange(9), 0.75)
    pictures = one.pictures
    assert isinstance(pictures, BarColors)
    width = float((pictures.bars[:, 4] + 20).mean()) * 1.5
    assert mean_box_of([one]) == pytest.approx((width, 27.0), abs=0.01)

    class Large(BarColors):
        def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
            return replace(super().picture(index, rng), truths=np.array([[80.0, 80, 0.3, 100, 40]] * 5))

    both = mean_box_of([one, Source(Large(3), np.arange(3), 0.25)])
    assert both == pytest.approx((0.75 * width + 25, 0.75 * 27 + 10), abs=0.01), "by their share of a batch"


def test_where_only_the_scorer_learns_everything_else_stays_to_the_last_bit() -> None:
    network = tiny_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    make_trainer(replace(QUICK, epochs=1, only_scorer=True), network=network).run()
    changed = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("scorer.") for name in changed)
