"""The training loop: it learns, it goes on where it was, and it ends when it should."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from detectors.directgrasp.learner import DirectGraspLearner
from detectors.directgrasp.network import DirectGrasp, DirectGraspConfig
from detectors.gqcnn.weights import load_gqcnn
from detectors.gqstn.learner import GqStnLearner
from detectors.gqstn.network import GqStn, GqStnConfig
from detectors.multigrasp.learner import MultiGraspLearner
from detectors.multigrasp.network import MultiGrasp, MultiGraspConfig
from detectors.oneshot.batches import Batch, Targets
from detectors.oneshot.grasp_batch import GraspBatch, Teacher
from detectors.oneshot.prepared import PreparedScenes
from detectors.oneshot.recipe import Recipe, Stage
from detectors.oneshot.training import Learner, Trainer, judge
from robot.errors import SettingsError
from tests.detectors.oneshot.bars import TINY, BarTeacher, prepared_bars, small_networks

SCENES = prepared_bars(40)  # 30 of training things, 5 each of the others
FEW = prepared_bars(16)  # 12 and 2 each
LOCALISE, CLIMB = Stage(4, 1.0, 1e-2, True), Stage(7, 0.0, 3e-3, False)
QUICK = Recipe((Stage(2, 1.0, 1e-3, True), Stage(1, 0.5, 1e-3, True), Stage(1, 0.0, 1e-3, False)), batch=6)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


class Clock:
    """Every look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


class Killed(Exception):
    """The power went off."""


def gqstn(teacher: Teacher, head: str = "peaks") -> GqStnLearner:
    return GqStnLearner(GqStn(GqStnConfig(TINY, head, 0.095)), teacher, places=2)


def directgrasp() -> DirectGraspLearner:
    return DirectGraspLearner(DirectGrasp(DirectGraspConfig(TINY, 0.095)))


def multigrasp() -> MultiGraspLearner:
    return MultiGraspLearner(MultiGrasp(MultiGraspConfig(TINY, 0.095)))


def make_trainer(
    recipe: Recipe, make: Callable[[], Learner] | None = None, scenes: PreparedScenes = FEW,
    teacher: Teacher | None = None, **other: Any,
) -> Trainer:  # fmt: skip
    teacher = teacher or BarTeacher()
    torch.manual_seed(recipe.seed)
    learner = make() if make else gqstn(teacher)
    return Trainer(learner, scenes, teacher, recipe, **{"clock": Clock(), "tell": lambda line: None, **other})


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


def test_climbing_gqcnn_makes_robust_what_localisation_has_begun() -> None:
    """Four epochs of localisation alone give next to nothing that GQ-CNN calls robust, seven along its own gradient
    nearly all; and GQ-CNN itself stays as it was."""
    teacher = load_gqcnn()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    trainer = make_trainer(Recipe((LOCALISE, CLIMB), batch=10, averaging=0.9), lambda: gqstn(teacher), SCENES, teacher)
    trainer.run()
    history = trainer.progress.history
    assert history[3]["robust"] <= 0.4
    assert history[-1]["robust"] >= history[3]["robust"] + 0.4
    assert history[3]["localisation"] < 0.6 * history[0]["localisation"]
    assert trainer.progress.best_epoch > 4
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert all(parameter.grad is None for parameter in teacher.parameters())


@pytest.mark.parametrize("make", [directgrasp, multigrasp])
def test_the_baselines_learn_where_the_bars_are(make: Callable[[], Learner]) -> None:
    recipe = Recipe((replace(LOCALISE, epochs=14),), batch=10, averaging=0.9, picks=0, patience=0)
    trainer = make_trainer(recipe, make, SCENES)
    trainer.run()
    history = trainer.progress.history
    assert history[-1]["loss"] < 0.35 * history[0]["loss"]
    assert trainer.progress.best_score > history[0]["quality"] + 0.3


def test_killed_and_resumed_is_the_same_as_run_through(tmp_path: Path) -> None:
    file = tmp_path / "net.checkpoint"
    through = make_trainer(QUICK)
    whole = through.run()
    with pytest.raises(Killed):
        make_trainer(QUICK, checkpoint_file=file, tell=killed_after(2)).run()
    assert [path.name for path in tmp_path.iterdir()] == ["net.checkpoint"]
    second = make_trainer(QUICK, checkpoint_file=file)
    assert second.resume()
    assert second.progress.epoch == 2
    assert same(second.run(), whole)
    for one, other in zip(second.progress.history, through.progress.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert not same(make_trainer(replace(QUICK, seed=1)).run(), whole)


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    file, short = tmp_path / "net.checkpoint", replace(QUICK, stages=QUICK.stages[:1])
    make_trainer(short, checkpoint_file=file).run()
    with pytest.raises(SettingsError, match=r"recipe \(seed\) differs"):
        make_trainer(replace(short, seed=5), checkpoint_file=file).resume()
    with pytest.raises(SettingsError, match=r"recipe \(stages\) differs"):
        make_trainer(QUICK, checkpoint_file=file).resume()
    with pytest.raises(SettingsError, match=r"network \(head\) differs"):
        make_trainer(short, lambda: gqstn(BarTeacher(), "paper"), checkpoint_file=file).resume()
    with pytest.raises(SettingsError, match="data differs"):
        make_trainer(short, scenes=prepared_bars(16, seed=3), checkpoint_file=file).resume()
    with pytest.raises(SettingsError, match="data differs"):
        make_trainer(short, limit=8, checkpoint_file=file).resume()
    assert make_trainer(short, checkpoint_file=file).resume()
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(SettingsError, match="damaged"):
        make_trainer(short, checkpoint_file=file).resume()
    assert not make_trainer(short, checkpoint_file=tmp_path / "none").resume()
    assert not make_trainer(short).resume()


def test_out_of_time_ends_after_a_whole_epoch_and_can_be_resumed(tmp_path: Path) -> None:
    file, said = tmp_path / "net.checkpoint", []
    first = make_trainer(QUICK, checkpoint_file=file, tell=said.append)
    first.run(max_minutes=0.1)  # by a clock on which an epoch takes seven seconds
    assert 0 < first.progress.epoch < QUICK.epochs
    assert "0.1 minutes" in said[-1]
    second = make_trainer(QUICK, checkpoint_file=file)
    assert second.resume()
    assert second.progress.elapsed_s == first.progress.elapsed_s > 0
    second.run()
    assert second.progress.epoch == QUICK.epochs
    assert second.progress.elapsed_s > first.progress.elapsed_s


@dataclass(frozen=True)
class Nothing:
    """A network's configuration."""

    def to_json(self) -> dict[str, Any]:
        return {}


class Scripted:
    """A learner that does nothing, and its teacher, who thinks of it what the script says, epoch by epoch."""

    targets = 1

    def __init__(self, script: Sequence[float]) -> None:
        self.network = nn.Linear(1, 1, bias=False)
        self.network.config = Nothing()
        self._script = iter(script)

    def losses(self, batch: Batch, stage: Stage, dice: torch.Generator) -> dict[str, Tensor]:
        return {"loss": (self.network.weight - 1000.0).abs().sum()}  # always further

    def predict(self, batch: Batch) -> GraspBatch:
        return GraspBatch(batch.pixels, batch.depth_m, batch.angle_rad, batch.width_m)

    def success_logit(self, images: Tensor, poses: Tensor) -> Tensor:
        return torch.full((len(images),), next(self._script))


def run_scripted(script: Sequence[float], *epochs: int, patience: int = 2) -> Trainer:
    stages = tuple(Stage(count, 1.0, 0.1, True) for count in epochs)
    scripted = Scripted(script)
    trainer = make_trainer(
        Recipe(stages, batch=10, patience=patience, averaging=0.0), lambda: scripted, SCENES, scripted
    )
    trainer.run()
    return trainer


def test_patience_ends_the_last_stage_only() -> None:
    falling = [9.0, *range(0, -20, -1)]
    assert run_scripted(falling, 8).progress.epoch == 3
    assert run_scripted(falling, 6, 8).progress.epoch == 8, "two epochs of the last stage without a better one"
    assert run_scripted([*falling[:7], 10.0, *falling[7:]], 6, 8).progress.epoch == 10
    assert run_scripted(falling, 8, patience=0).progress.epoch == 8


def test_the_best_epochs_weights_are_kept() -> None:
    kept, best = run_scripted([0.0, 2.0, 1.0, 1.0], 4, patience=0), run_scripted([0.0, 2.0], 2)
    assert kept.progress.best_epoch == 2
    assert kept.progress.best_score == max(row["quality"] for row in kept.progress.history)
    assert same(kept.run(), best.run())
    assert not same(run_scripted([0.0, 2.0, 1.0, 3.0], 4).run(), best.run())


def test_every_stage_has_its_rate() -> None:
    """Adam's steps in one direction are as long as its rate."""
    scripted = Scripted([1.0, 2.0])
    before = scripted.network.weight.item()
    stages = Stage(1, 1.0, 0.5, True), Stage(1, 1.0, 0.01, True)
    make_trainer(Recipe(stages, batch=10, averaging=0.0), lambda: scripted, SCENES, scripted).run()
    assert scripted.network.weight.item() - before == pytest.approx(3 * 0.5 + 3 * 0.01, rel=0.02)


def test_the_mean_of_the_weights_is_judged_and_kept() -> None:
    scripted = Scripted([1.0])
    before = scripted.network.weight.item()
    make_trainer(Recipe((Stage(1, 1.0, 1.0, True),), batch=10), lambda: scripted, SCENES, scripted).run()
    mean = 0.0
    for step in (1, 2, 3):  # at first the mean follows faster than by its decay
        keep = (1 + step) / (10 + step)
        mean = keep * mean + (1 - keep) * step
    assert scripted.network.weight.item() - before == pytest.approx(mean, rel=1e-3)


def test_images_without_a_good_grasp_take_no_part() -> None:
    success = SCENES.success.reshape(40, -1).copy()
    success[[0, 1, 6]] = 0.0  # two of training things, one of validation
    trainer = make_trainer(QUICK, scenes=replace(SCENES, success=success.ravel()))
    assert set(trainer.rows) == {n for n in range(40) if SCENES.split[n] == "train"} - {0, 1}
    assert set(trainer._judged) == {n for n in range(40) if SCENES.split[n] == "validation"} - {6}


def test_the_limit_takes_some_training_images() -> None:
    every, few = make_trainer(QUICK, scenes=SCENES).rows, make_trainer(QUICK, scenes=SCENES, limit=12).rows
    assert len(few) == 12
    assert set(few) < set(every)
    assert set(few) != set(every[:12])
    assert set(make_trainer(replace(QUICK, seed=1), scenes=SCENES, limit=12).rows) != set(few)


def test_too_little_to_learn_from_or_to_validate_on_is_refused() -> None:
    with pytest.raises(SettingsError, match="a batch takes 6 images, and 5 of training things"):
        make_trainer(QUICK, limit=5)
    with pytest.raises(SettingsError, match="no image of validation things"):
        make_trainer(QUICK, scenes=replace(FEW, split=np.full(16, "train")))


def test_judging_is_the_teachers_mean_word_on_what_is_proposed() -> None:
    scripted, rows = Scripted([0.0, -100.0]), np.flatnonzero(Targets(SCENES, 4).known)
    assert judge(scripted, SCENES, Targets(SCENES, 4), scripted, rows[:40]) == (1.0, 0.5)
    assert judge(scripted, SCENES, Targets(SCENES, 4), scripted, rows[:40]) == (0.0, 0.0)


def test_progress_is_told_and_kept_epoch_by_epoch() -> None:
    said: list[str] = []
    trainer = make_trainer(QUICK, tell=said.append)
    trainer.run()
    epochs = [line for line in said if line.startswith("epoch")]
    assert len(epochs) == len(trainer.progress.history) == 4
    assert "1/4" in epochs[0]
    assert "xi 1 " in epochs[0]
    assert "xi 0 " in epochs[3]
    columns = [{*row} - {"loss", "xi", "robust", "quality", "seconds"} for row in trainer.progress.history]
    assert columns == [{"localisation"}, {"localisation"}, {"localisation", "robustness"}, {"robustness"}]
