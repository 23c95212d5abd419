from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.gqcnn.augmentation import Augmentation
from detectors.gqcnn.grasp_data import GraspData
from detectors.gqcnn.network import GraspQualityNetwork, NetworkConfig, build_network
from detectors.gqcnn.scores import calibration_error, score, success_probability
from detectors.gqcnn.training import Trainer
from detectors.gqcnn.training_settings import TrainingSettings
from robot.errors import SettingsError
from tests.detectors.gqcnn.bars import bar_tensors

CPU = torch.device("cpu")
PLAIN = Augmentation(flips=False, noisy_share=0.0, hole_share=0.0)
SMALL = TrainingSettings(network=NetworkConfig("small"), epochs=4, batch=64)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


class Clock:
    """Every look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class Killed(Exception):
    """The power went off."""


def make_data(count: int, seed: int = 0) -> GraspData:
    tensors = bar_tensors(count, seed=seed)
    columns = {field.attribute: column for field, column in tensors.columns() if field.attribute != "crops_m"}
    heights = (tensors.depth_m[:, None, None] - tensors.crops_m).astype(np.float16)
    digit = columns["object_label"] % 10
    rows = {
        "train": np.flatnonzero(digit < 8),
        "validation": np.flatnonzero(digit == 8),
        "test": np.flatnonzero(digit == 9),
    }
    digest = hashlib.sha256(heights.tobytes()).hexdigest()
    return GraspData(heights, columns, columns["physical_success"], "physical", rows, digest, "object")


def make_trainer(data: GraspData, settings: TrainingSettings, **other: object) -> Trainer:
    torch.manual_seed(settings.seed)
    options = {"device": CPU, "clock": Clock(), "tell": lambda line: None, **other}
    return Trainer(build_network(settings.network), data, settings, **options)  # type: ignore[arg-type]


def probabilities(trainer: Trainer, split: str) -> np.ndarray:
    return success_probability(trainer.logits(split))


def same(a: GraspQualityNetwork, b: GraspQualityNetwork) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def killed_after(epochs: int) -> object:
    seen: list[str] = []

    def tell(line: str) -> None:
        seen.append(line)
        if sum(line.startswith("epoch") for line in seen) > epochs:
            raise Killed

    return tell


def test_bars_are_learnt_and_the_probabilities_are_calibrated() -> None:
    data = make_data(3000)
    trainer = make_trainer(data, replace(SMALL, rate=3e-3))
    trainer.run()
    rows, p = data.rows["test"], probabilities(trainer, "test")
    found = score(p, data.truth[rows])
    assert found.auc > 0.93
    assert found.accuracy > 0.88
    assert calibration_error(p, data.truth[rows]) < 0.08


def test_probabilities_mean_what_they_are_calibrated_to() -> None:
    data = make_data(1500)
    data.columns["physical_success"][:] = np.where(data.truth, 0.75, 0.25)  # no lift is ever sure
    data = replace(data, label=data.columns["physical_success"])
    mean_of = {}
    for calibrate in ("truth", "share"):
        trainer = make_trainer(data, replace(SMALL, rate=3e-3, calibrate=calibrate))
        trainer.run()
        mean_of[calibrate] = probabilities(trainer, "test")[data.truth[data.rows["test"]]].mean()
    assert mean_of["truth"] > 0.75
    assert 0.6 < mean_of["share"] < 0.76


@pytest.mark.parametrize("architecture", ["small", "medium"])
def test_a_handful_is_learnt_by_heart(architecture: str) -> None:
    data = make_data(60)
    rows = np.flatnonzero(np.isin(data.label, [0.0, 1.0]))[:24]
    data = replace(data, rows=dict.fromkeys(data.rows, rows))
    settings = replace(
        SMALL, network=NetworkConfig(architecture, dropout=0.0), epochs=40, batch=12, augmentation=PLAIN, averaging=0.0
    )
    trainer = make_trainer(data, settings)
    trainer.run()
    assert np.abs(probabilities(trainer, "train") - data.label[rows]).max() < 0.05
    assert trainer.progress.history[-1]["loss"] < 0.1


def test_killed_and_resumed_gives_the_same_weights(tmp_path: Path) -> None:
    data, file = make_data(600), tmp_path / "net.checkpoint"
    whole = make_trainer(data, SMALL).run()
    with pytest.raises(Killed):
        make_trainer(data, SMALL, checkpoint_file=file, tell=killed_after(2)).run()
    assert [path.name for path in tmp_path.iterdir()] == ["net.checkpoint"]
    second = make_trainer(data, SMALL, checkpoint_file=file)
    assert second.resume()
    assert second.progress.epoch == 2
    assert same(second.run(), whole)
    other = make_trainer(data, replace(SMALL, seed=1)).run()
    assert not same(other, whole)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    data, file = make_data(300), tmp_path / "net.checkpoint"
    make_trainer(data, replace(SMALL, epochs=1), checkpoint_file=file).run()
    with pytest.raises(SettingsError, match=r"recipe \(seed\) differs"):
        make_trainer(data, replace(SMALL, epochs=1, seed=5), checkpoint_file=file).resume()
    with pytest.raises(SettingsError, match="data differs"):
        make_trainer(make_data(300, seed=9), replace(SMALL, epochs=1), checkpoint_file=file).resume()
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(SettingsError, match="damaged"):
        make_trainer(data, replace(SMALL, epochs=1), checkpoint_file=file).resume()
    assert not make_trainer(data, SMALL, checkpoint_file=tmp_path / "none").resume()


def test_more_time_may_be_given_when_resuming(tmp_path: Path) -> None:
    data, file = make_data(300), tmp_path / "net.checkpoint"
    first = make_trainer(data, replace(SMALL, max_minutes=0.4), checkpoint_file=file)
    first.run()
    assert 0 < first.progress.epoch < SMALL.epochs
    second = make_trainer(data, SMALL, checkpoint_file=file)
    second.resume()
    second.run()
    assert second.progress.epoch == SMALL.epochs


def test_out_of_time_in_the_first_epoch_still_gives_a_calibrated_network() -> None:
    said: list[str] = []
    trainer = make_trainer(make_data(300), replace(SMALL, max_minutes=0.05), tell=said.append)
    trainer.run()
    assert trainer.progress.epoch == 1
    assert any("time is over" in line for line in said)
    assert np.isfinite(trainer.logits("test")).all()


def test_the_best_epoch_is_kept_and_patience_ends_it() -> None:
    data = make_data(400)
    stubborn = replace(SMALL, epochs=60, patience=3, rate=1e-5)
    trainer = make_trainer(data, stubborn)
    trainer.run()
    progress = trainer.progress
    assert progress.epoch < 60
    assert progress.epoch - progress.best_epoch == 3
    assert progress.best_auc == max(entry["auc"] for entry in progress.history)


def test_of_equal_aucs_the_surer_epoch_is_kept() -> None:
    data = make_data(60)
    rows = np.flatnonzero(np.isin(data.label, [0.0, 1.0]))[:24]
    trainer = make_trainer(replace(data, rows=dict.fromkeys(data.rows, rows)), replace(SMALL, epochs=30, batch=12))
    trainer.run()
    history = trainer.progress.history
    perfect = [entry["validation_loss"] for entry in history if entry["auc"] == 1.0]
    assert len(perfect) > 1
    assert history[trainer.progress.best_epoch - 1]["validation_loss"] == min(perfect)


def test_progress_is_told_with_the_time_left() -> None:
    said: list[str] = []
    make_trainer(make_data(300), replace(SMALL, epochs=2), tell=said.append).run()
    epochs = [line for line in said if line.startswith("epoch")]
    assert len(epochs) == 2
    assert "1/2" in epochs[0]
    assert "validation loss" in epochs[0]
    assert "0 s left" in epochs[1]


def test_the_learning_rate_goes_up_and_down_once() -> None:
    settings = TrainingSettings(rate=1.0)
    rates = [settings.rate_at(step / 1000) for step in range(1001)]
    top = int(np.argmax(rates))
    assert rates[top] == pytest.approx(1.0, abs=0.01)
    assert (np.diff(rates[: top + 1]) > 0).all()
    assert (np.diff(rates[top:]) <= 0).all()
    assert rates[-1] <= 1e-3
    assert TrainingSettings(batch=1024).top_rate == pytest.approx(2e-3)


def test_a_recipe_that_cannot_be_is_refused() -> None:
    with pytest.raises(SettingsError):
        TrainingSettings(epochs=0)
    with pytest.raises(SettingsError, match="max-minutes"):
        TrainingSettings(max_minutes=0)
