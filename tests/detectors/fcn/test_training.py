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

from detectors.fcn import training
from detectors.fcn.ggcnn import GgcnnConfig, GgcnnNetwork
from detectors.fcn.recipe import Recipe
from detectors.fcn.samples import Picture, Pictures
from detectors.fcn.training import Trainer, rectangle_accuracy
from robot.errors import SettingsError
from tests.detectors.fcn.bars import BarPictures, tiny_layout, tiny_network

FEW, OTHERS = BarPictures(12), BarPictures(4, seed=1, name="other")
QUICK = Recipe(epochs=4, batch=4, view_px=32, variation="paper", mask="flat", averaging=0.5)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_layout(monkeypatch)


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
    recipe: Recipe = QUICK, pictures: Pictures = FEW, judged: Pictures = OTHERS, network: nn.Module | None = None,
    **other: Any,
) -> Trainer:  # fmt: skip
    network = network or tiny_network(recipe.seed)
    return Trainer(network, pictures, judged, recipe, **{"clock": Clock(), "tell": lambda line: None, **other})


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


@pytest.mark.parametrize(("form", "mask"), [("double", "tapered"), ("raw", "flat")])
def test_it_learns_where_and_across_what_bars_are_held(form: str, mask: str) -> None:
    pictures = BarPictures(48)
    recipe = Recipe(epochs=10, batch=8, view_px=64, rate=1e-2, variation="paper", mask=mask, averaging=0.8)  # type: ignore[arg-type]
    trainer = make_trainer(recipe, pictures, pictures, tiny_network(1, angle=form), judged_rows=np.arange(24))
    before = rectangle_accuracy(tiny_network(1, angle=form), pictures, np.arange(24))
    trainer.run()
    history = trainer.progress.history
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    assert trainer.progress.best_score == max(row["rectangle"] for row in history)
    assert trainer.progress.best_score >= before + 0.3


def the_later_the_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge by how far the weights have come, so that the last epoch's are kept."""
    start = tiny_network().maps.weight.detach().clone()

    def judge(network: nn.Module, pictures: Pictures, rows: Any) -> float:
        return float((network.get_parameter("maps.weight").detach() - start).abs().sum())

    monkeypatch.setattr(training, "rectangle_accuracy", judge)


def test_killed_and_resumed_is_the_same_as_run_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    the_later_the_better(monkeypatch)
    file = tmp_path / "net.checkpoint"
    through = make_trainer()
    whole = through.run()
    assert through.progress.best_epoch == 4
    with pytest.raises(Killed):
        make_trainer(checkpoint_file=file, tell=killed_after(2)).run()
    assert [path.name for path in tmp_path.iterdir()] == ["net.checkpoint"]
    second = make_trainer(checkpoint_file=file, network=tiny_network(99))
    assert second.resume()
    assert second.progress.epoch == 2
    assert same(second.run(), whole)
    for one, other in zip(second.progress.history, through.progress.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert not same(make_trainer(replace(QUICK, seed=1), network=tiny_network(0)).run(), whole)


def test_interrupted_in_the_middle_of_an_epoch_nothing_of_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    the_later_the_better(monkeypatch)
    file = tmp_path / "net.checkpoint"

    class Dying(BarPictures):
        def picture(self, index: int) -> Picture:
            if len(self.asked) == 30:  # in the third pass
                raise Killed
            return super().picture(index)

    with pytest.raises(Killed):
        make_trainer(pictures=Dying(12), checkpoint_file=file).run()
    second = make_trainer(checkpoint_file=file)
    assert second.resume()
    assert second.progress.epoch == 2
    assert same(second.run(), make_trainer().run())


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    file, short = tmp_path / "net.checkpoint", replace(QUICK, epochs=1)
    make_trainer(short, checkpoint_file=file).run()
    for other, message in (
        (make_trainer(replace(short, seed=5), checkpoint_file=file), r"recipe \(seed\) differs"),
        (make_trainer(replace(short, mask="tapered"), checkpoint_file=file), r"recipe \(mask\) differs"),
        (make_trainer(short, checkpoint_file=file, network=tiny_network(angle="raw")), r"network \(angle\) differs"),
        (make_trainer(short, checkpoint_file=file, network=GgcnnNetwork(GgcnnConfig())), r"network \(layout\) differs"),
        (make_trainer(short, BarPictures(12, name="else"), checkpoint_file=file), "data differs"),
        (make_trainer(short, checkpoint_file=file, rows=np.arange(8)), "data differs"),
        (make_trainer(short, checkpoint_file=file, judged=BarPictures(4)), "data differs"),
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


def test_out_of_time_ends_after_a_whole_epoch_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    the_later_the_better(monkeypatch)
    file, said = tmp_path / "net.checkpoint", []
    first = make_trainer(checkpoint_file=file, tell=said.append)
    first.run(max_minutes=0.3)  # by a clock on which an epoch takes about eight seconds
    assert 0 < first.progress.epoch < QUICK.epochs
    assert "0.3 minutes" in said[-1]
    second = make_trainer(checkpoint_file=file)
    assert second.resume()
    assert second.progress.elapsed_s == first.progress.elapsed_s > 0
    assert same(second.run(), make_trainer().run())
    assert second.progress.epoch == QUICK.epochs
    assert second.progress.elapsed_s > first.progress.elapsed_s


@pytest.mark.parametrize("where", ["pictures", "judged"])
def test_a_data_source_that_fails_ends_the_training_with_its_error(where: str) -> None:
    class Failing(BarPictures):
        def picture(self, index: int) -> Picture:
            if index == 3:
                raise SettingsError("bar 3 cannot be read")
            return super().picture(index)

    before = threading.active_count()
    with pytest.raises(SettingsError, match="bar 3 cannot be read"):
        make_trainer(**{where: Failing(12)}).run()  # type: ignore[arg-type]
    assert threading.active_count() == before


def test_a_training_that_comes_apart_says_so() -> None:
    class Poisoned(BarPictures):
        def picture(self, index: int) -> Picture:
            one = super().picture(index)
            return replace(one, image=np.full_like(one.image, np.nan)) if index == 3 else one

    with pytest.raises(SettingsError, match=r"its loss is no number.*--seed"):
        make_trainer(pictures=Poisoned(12)).run()


def scored(monkeypatch: pytest.MonkeyPatch, *scores: float) -> list[dict[str, torch.Tensor]]:
    """In place of judging; keeps the weights that were judged."""
    judged: list[dict[str, torch.Tensor]] = []

    def judge(network: nn.Module, pictures: Pictures, rows: Any) -> float:
        judged.append({name: value.clone() for name, value in network.state_dict().items()})
        return scores[len(judged) - 1]

    monkeypatch.setattr(training, "rectangle_accuracy", judge)
    return judged


def test_the_best_epochs_weights_are_kept_the_first_of_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = scored(monkeypatch, 0.1, 0.6, 0.3, 0.6)
    trainer = make_trainer()
    found = trainer.run().state_dict()
    assert (trainer.progress.best_epoch, trainer.progress.best_score) == (2, 0.6)
    assert all(torch.equal(value, judged[1][name]) for name, value in found.items())
    assert not all(torch.equal(value, judged[3][name]) for name, value in found.items())


def test_the_mean_of_the_weights_is_judged_and_the_weights_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean follows quickly at first: of three steps, 2/11, 3/12 and 4/13 of what was is kept."""
    judged = scored(monkeypatch, 0.1)
    network = tiny_network()
    weight, seen = network.maps.weight, [network.maps.weight.detach().clone()]
    honest = training.follow

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
    torch.testing.assert_close(judged[0]["maps.weight"], mean)
    assert torch.equal(network.maps.weight, seen[-1]), "what learns is not the mean"


def test_the_rate_falls_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, 0.0, 0.0)
    recipe, rates = replace(QUICK, epochs=2), []
    trainer = make_trainer(recipe)
    monkeypatch.setattr(training, "follow", lambda *_: rates.append(trainer._optimizer.param_groups[0]["lr"]))
    trainer.run()
    assert rates == pytest.approx([recipe.rate_at(step / 6) for step in range(6)])


def test_too_little_to_learn_from_or_to_judge_by_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"a batch takes 4 pictures, and there are 3 .*smaller --batch"):
        make_trainer(rows=np.arange(3))
    with pytest.raises(SettingsError, match="no picture with a grasp is left to judge by"):
        make_trainer(judged_rows=np.arange(0))
    assert make_trainer(judged=BarPictures(400)).judged_count == 300


def test_progress_is_told_and_kept_epoch_by_epoch() -> None:
    said: list[str] = []
    trainer = make_trainer(replace(QUICK, epochs=2), tell=said.append)
    trainer.run()
    assert [line.split()[1] for line in said if line.startswith("epoch")] == ["1/2", "2/2"]
    assert "on 4 kept for choosing" in said[0]
    columns = {"loss", "quality", "angle", "width", "rectangle", "seconds"}
    assert [{*row} for row in trainer.progress.history] == [columns, columns]
