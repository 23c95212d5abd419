"""Training a one-shot network: one loop for all of them, resumable after any epoch.

Every epoch seeds its own dice: whether a training ran through or was killed and resumed makes no difference.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from detectors.gqcnn import checkpoint
from detectors.gqcnn.metric import ROBUST_THRESHOLD
from detectors.oneshot.batches import Batch, Rows, Targets, batches
from detectors.oneshot.grasp_batch import GraspBatch, Teacher, robustness
from detectors.oneshot.prepared import PreparedScenes
from detectors.oneshot.recipe import Recipe, Stage
from detectors.oneshot.weights import Configured
from detectors.training_state import Progress, copied, follow
from robot.errors import SettingsError

Clock = Callable[[], float]
Tell = Callable[[str], None]

_REPORT_EVERY_S = 60.0
_EPOCH_STRIDE = 1_000_003
_JUDGED_IMAGES = 480


class Learner(Protocol):
    """A network with the losses that it learns by."""

    targets: int

    @property
    def network(self) -> nn.Module:
        """What is trained."""
        ...

    def losses(self, batch: Batch, stage: Stage, dice: torch.Generator) -> dict[str, Tensor]:
        """Mean losses of a batch; "loss" is the one to be climbed down."""
        ...

    def predict(self, batch: Batch) -> GraspBatch:
        """(B, 1) the grasp proposed for each image."""
        ...


class Trainer:
    """Trains one network on one set of prepared images.

    Args:
        learner: the network and its losses.
        scenes: prepared images with grasps.
        teacher: a trained GQ-CNN; judges the validation images, and teaches where the learner has a robustness loss.
        recipe: how.
        limit: learn from so many images only.
        clock: seconds that only grow.
        tell: takes one line for the user.
        checkpoint_file: where to keep the state after every epoch; None keeps none.

    Raises:
        SettingsError: there are too few images with a good grasp to learn from, or none to validate on.
    """

    def __init__(
        self,
        learner: Learner,
        scenes: PreparedScenes,
        teacher: Teacher,
        recipe: Recipe,
        *,
        limit: int | None = None,
        clock: Clock,
        tell: Tell,
        checkpoint_file: Path | None = None,
    ) -> None:
        self._learner, self._scenes, self._teacher, self._recipe = learner, scenes, teacher, recipe
        self._clock, self._tell, self._file = clock, tell, checkpoint_file
        self._targets = Targets(scenes, recipe.picks)
        rng = np.random.default_rng(recipe.seed)
        train = np.flatnonzero((scenes.split == "train") & self._targets.known)
        self.rows = np.sort(rng.permutation(train)[:limit]) if limit else train
        self._judged = np.flatnonzero((scenes.split == "validation") & self._targets.known)[:_JUDGED_IMAGES]
        if len(self.rows) < recipe.batch:
            raise SettingsError(
                f"a batch takes {recipe.batch} images, and {len(self.rows)} of training things have a good grasp",
                "give a larger data set, or a smaller --batch",
            )
        if len(self._judged) == 0:
            raise SettingsError("no image of validation things has a good grasp", "give a larger data set")
        self._optimizer = torch.optim.Adam(learner.network.parameters(), lr=1e-3, weight_decay=recipe.l2)
        self._average = copied(learner.network.state_dict())
        self._steps = 0
        self.progress = Progress()

    def resume(self) -> bool:
        """Go on from the checkpoint; False where there is none.

        Raises:
            SettingsError: the checkpoint is damaged or of another recipe or data set.
        """
        state = checkpoint.load(self._file, self._identity()) if self._file else None
        if state is None:
            return False
        self._learner.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._average, self._steps = state["average"], state["steps"]
        self.progress = Progress(**state["progress"])
        return True

    def run(self, max_minutes: float | None = None) -> nn.Module:
        """Train to the end, or until time or patience is over; the best epoch's network."""
        progress, recipe = self.progress, self._recipe
        began = self._clock() - progress.elapsed_s
        limit = math.inf if max_minutes is None else self._clock() + 60 * max_minutes
        while progress.epoch < recipe.epochs and not self._out_of_patience():
            epoch_began = self._clock()
            losses = self._train_epoch(recipe.stage_of(progress.epoch))
            self._judge(losses, epoch_began)
            progress.elapsed_s = self._clock() - began
            if self._file:
                checkpoint.save(self._file, self._identity(), self._state())
            if self._clock() + (self._clock() - epoch_began) > limit and progress.epoch < recipe.epochs:
                self._tell(f"another epoch would take longer than the {max_minutes:g} minutes allowed")
                break
        network = self._learner.network
        network.load_state_dict(progress.best)
        return network.eval()

    def _train_epoch(self, stage: Stage) -> dict[str, float]:
        """One pass; the mean losses."""
        seed = self._recipe.seed * _EPOCH_STRIDE + self.progress.epoch
        dice, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
        for group in self._optimizer.param_groups:
            group["lr"] = stage.rate
        self._learner.network.train()
        total: dict[str, float] = {}
        said, steps, of = self._clock(), 0, len(self.rows) // self._recipe.batch
        for batch in batches(
            self._scenes, self._targets, self.rows, self._recipe.batch, rng, count=self._learner.targets
        ):
            found = self._learner.losses(batch, stage, dice)
            self._optimizer.zero_grad(set_to_none=True)
            found["loss"].backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._steps += 1
            follow(self._average, self._learner.network.state_dict(), self._steps, self._recipe.averaging)
            steps += 1
            for name, value in found.items():
                total[name] = total.get(name, 0.0) + float(value.detach())
            if self._clock() - said > _REPORT_EVERY_S:
                said = self._clock()
                self._tell(f"  step {steps}/{of}  " + _listed(total, steps))
        return {name: value / max(steps, 1) for name, value in total.items()}

    def _judge(self, losses: dict[str, float], epoch_began: float) -> None:
        """Score the averaged weights on validation images, keep them if they are the best, and say so."""
        progress, network = self.progress, self._learner.network
        own = copied(network.state_dict())
        network.load_state_dict(self._average)
        robust, quality = judge(self._learner, self._scenes, self._targets, self._teacher, self._judged)
        stage = self._recipe.stage_of(progress.epoch)
        progress.epoch += 1
        if quality > progress.best_score:
            progress.best_score, progress.best_epoch = quality, progress.epoch
            progress.best = copied(self._average)
        network.load_state_dict(own)
        seconds = self._clock() - epoch_began
        progress.history.append({**losses, "xi": stage.xi, "robust": robust, "quality": quality, "seconds": seconds})
        self._tell(
            f"epoch {progress.epoch}/{self._recipe.epochs}  xi {stage.xi:g}  {_listed(losses, 1)}  "
            f"validation: robust {robust:.3f}, mean quality {quality:.3f}  {seconds:.0f} s"
        )

    def _out_of_patience(self) -> bool:
        recipe, progress = self._recipe, self.progress
        last_began = recipe.epochs - recipe.stages[-1].epochs
        return 0 < recipe.patience <= progress.epoch - max(progress.best_epoch, last_began)

    def _identity(self) -> dict[str, Any]:
        scenes, digest = self._scenes, hashlib.sha256()
        for column in (self.rows, scenes.number, scenes.grasps, scenes.quality):
            digest.update(np.ascontiguousarray(column).tobytes())
        network = cast(Configured, self._learner.network).config.to_json()
        return {"recipe": self._recipe.to_json(), "network": network, "data": digest.hexdigest()}

    def _state(self) -> dict[str, Any]:
        return {
            "network": self._learner.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average,
            "steps": self._steps,
            "progress": vars(self.progress),
        }


@torch.inference_mode()
def judge(
    learner: Learner, scenes: PreparedScenes, targets: Targets, teacher: Teacher, rows: Rows
) -> tuple[float, float]:
    """Share of the images whose grasp GQ-CNN calls robust, and its mean probability."""
    learner.network.eval()
    found = []
    for batch in batches(scenes, targets, rows, 40, np.random.default_rng(0), count=learner.targets, vary=False):
        found.append(torch.sigmoid(robustness(teacher, batch.images, learner.predict(batch)))[:, 0])
    quality = torch.cat(found).numpy()
    return float((quality >= ROBUST_THRESHOLD).mean()), float(quality.mean())


def _listed(losses: dict[str, float], steps: int) -> str:
    return "  ".join(f"{name} {value / steps:.3f}" for name, value in losses.items())
