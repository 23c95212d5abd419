"""Training the anchor network: resumable after any epoch, and what was interrupted ends as if it had not been."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.anchor.anchors import mean_box
from detectors.anchor.batches import Source, batches
from detectors.anchor.judging import rectangle_accuracy
from detectors.anchor.losses import anchor_losses
from detectors.anchor.network import AnchorNetwork
from detectors.anchor.recipe import Recipe
from detectors.anchor.samples import ColorPictures
from detectors.anchor.views import as_boxes
from detectors.fcn.views import moved, view_matrix
from detectors.gqcnn import checkpoint
from detectors.training_state import Progress, copied, follow
from robot.errors import SettingsError

Clock = Callable[[], float]
Tell = Callable[[str], None]
_REPORT_EVERY_S = 60.0
_MEAN_OF = 400
_NAMES = ("intermediate", "scorer", "fit", "guide", "good_share")


@dataclass(frozen=True, eq=False)
class Judged:
    """Pictures kept for choosing the best epoch: their name, all of them, and which."""

    name: str
    pictures: ColorPictures
    rows: NDArray[np.int64]


class Trainer:
    """Trains one network.

    Args:
        network: with or without a scorer.
        sources: to learn from.
        judged: to choose the best epoch by; the mean of their rectangle accuracies counts.
        recipe: how.
        labels: a hash of the pictures' grasps: with others a checkpoint is another training's.
        clock: seconds that only grow.
        tell: takes one line for the user.
        checkpoint_file: where to keep the state after every epoch; None keeps none.
    """

    def __init__(
        self, network: AnchorNetwork, sources: Sequence[Source], judged: Sequence[Judged], recipe: Recipe, *,
        labels: str = "", clock: Clock, tell: Tell, checkpoint_file: Path | None = None,
    ) -> None:  # fmt: skip
        self._network, self._sources, self._judged, self._recipe = network, sources, judged, recipe
        self._labels, self._clock, self._tell, self._file = labels, clock, tell, checkpoint_file
        self._optimizer = torch.optim.AdamW(_groups(network, recipe), weight_decay=recipe.weight_decay)
        self._average = copied(network.state_dict())
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
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._average, self._steps = state["average"], state["steps"]
        self.progress = Progress(**state["progress"])
        return True

    def run(self, max_minutes: float | None = None) -> AnchorNetwork:
        """Train to the end, or until time is over; the best epoch's network."""
        progress, recipe = self.progress, self._recipe
        began = self._clock() - progress.elapsed_s
        limit = math.inf if max_minutes is None else self._clock() + 60 * max_minutes
        while progress.epoch < recipe.epochs:
            epoch_began = self._clock()
            losses = self._train_epoch()
            self._judge(losses, epoch_began)
            progress.elapsed_s = self._clock() - began
            if self._file:
                checkpoint.save(self._file, self._identity(), self._state())
            if self._clock() + (self._clock() - epoch_began) > limit and progress.epoch < recipe.epochs:
                self._tell(f"another epoch would take longer than the {max_minutes:g} minutes allowed")
                break
        self._network.load_state_dict(progress.best)
        return self._network.eval()

    def _train_epoch(self) -> dict[str, float]:
        """One pass; the mean losses. Raises SettingsError where they are no numbers."""
        recipe, network = self._recipe, self._network
        network.train()
        if recipe.only_scorer:  # running means of the features' normalisation are no more to move than their weights
            network.extractor.eval()
        total = dict.fromkeys(_NAMES, 0.0)
        said = self._clock()
        anchors = network.config.anchors()
        for step, batch in enumerate(batches(self._sources, anchors, recipe, self.progress.epoch)):
            for group in self._optimizer.param_groups:
                group["lr"] = group["times"] * recipe.rate_at(
                    (self.progress.epoch + step / recipe.steps) / recipe.epochs
                )
            with torch.set_grad_enabled(not recipe.only_scorer):
                shown = network(batch.image)
            found = anchor_losses(network, shown, batch.targets, batch.truths, recipe.selection)
            self._optimizer.zero_grad(set_to_none=True)
            (found.scorer if recipe.only_scorer else found.total).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            self._optimizer.step()
            self._steps += 1
            follow(self._average, network.state_dict(), self._steps, recipe.averaging)
            for name in _NAMES:
                value = getattr(found, name)
                total[name] += value if isinstance(value, float) else float(value.detach())
            if self._clock() - said > _REPORT_EVERY_S:
                said = self._clock()
                self._tell(f"  step {step + 1}/{recipe.steps}  " + _listed(total, step + 1))
        if not all(math.isfinite(value) for value in total.values()):
            raise SettingsError("the training has come apart: its loss is no number any more", "try another --seed")
        return {name: value / recipe.steps for name, value in total.items()}

    def _judge(self, losses: Mapping[str, float], epoch_began: float) -> None:
        """Score the averaged weights, keep them if they are the best, and say so."""
        progress, network = self.progress, self._network
        own = copied(network.state_dict())
        network.load_state_dict(self._average)
        accuracy: dict[str, float] = {}
        for one in self._judged:
            found = rectangle_accuracy(network, one.pictures, one.rows)
            accuracy |= {f"{one.name} {order}": share for order, share in found.items()}
        score = float(np.mean([accuracy[f"{one.name} final"] for one in self._judged]))
        progress.epoch += 1
        if score >= progress.best_score:
            progress.best_score, progress.best_epoch = score, progress.epoch
            progress.best = copied(self._average)
        network.load_state_dict(own)
        seconds = self._clock() - epoch_began
        progress.history.append({**losses, **accuracy, "seconds": seconds})
        self._tell(
            f"epoch {progress.epoch}/{self._recipe.epochs}  {_listed(losses, 1)}  "
            f"rectangle accuracy {_listed(accuracy, 1)}  {seconds:.0f} s"
        )

    def _identity(self) -> dict[str, Any]:
        digest = hashlib.sha256(self._labels.encode())
        for source in self._sources:
            digest.update("\n".join(source.pictures.names[source.rows].tolist()).encode())
        return {
            "recipe": self._recipe.to_json(), "network": self._network.config.to_json(), "data": digest.hexdigest(),
        }  # fmt: skip

    def _state(self) -> dict[str, Any]:
        return {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average,
            "steps": self._steps,
            "progress": vars(self.progress),
        }


def _groups(network: AnchorNetwork, recipe: Recipe) -> list[dict[str, Any]]:
    """The parameters by how fast they learn."""
    scorer = [] if network.scorer is None else list(network.scorer.parameters())
    own = {id(parameter) for parameter in scorer}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in own]
    groups: list[dict[str, Any]] = []
    if not recipe.only_scorer:
        groups.append({"params": rest, "lr": recipe.rate, "times": 1.0})
    if scorer:
        groups.append({"params": scorer, "lr": recipe.rate * recipe.scorer_rate, "times": recipe.scorer_rate})
    return groups


def mean_box_of(sources: Sequence[Source]) -> tuple[float, float]:
    """Width and height [px] of the mean true grasp, in the network's scale, each source by its share of a batch."""
    sides, weights = [], []
    for source in sources:
        boxes = []
        for row in source.rows[:: max(1, len(source.rows) // _MEAN_OF)]:
            picture = source.pictures.picture(int(row))
            truths = moved(picture.truths, view_matrix(picture.focus, 1, picture.scale))
            boxes.append(as_boxes(truths))
        sides.append(mean_box(torch.from_numpy(np.concatenate(boxes))))
        weights.append(source.share)
    width, height = np.average(np.array(sides), axis=0, weights=weights)
    return round(float(width), 2), round(float(height), 2)


def _listed(figures: Mapping[str, float], steps: int) -> str:
    return "  ".join(f"{name} {value / steps:.4f}" for name, value in figures.items())
