"""Training a map network: resumable after any epoch, and what was interrupted ends as if it had not been."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from detectors.evaluation.rectangles import JACCARD, Rectangle, overlap
from detectors.fcn.batches import batches
from detectors.fcn.losses import map_losses
from detectors.fcn.maps import AngleForm, Maps
from detectors.fcn.peaks import find_peaks
from detectors.fcn.recipe import Recipe
from detectors.fcn.samples import Picture, Pictures
from detectors.fcn.views import Rows, moved, view_matrix, warp
from detectors.gqcnn import checkpoint
from detectors.training_state import Progress, copied, follow
from robot.errors import SettingsError

Clock = Callable[[], float]
Tell = Callable[[str], None]
Numbers = NDArray[np.int64]

JUDGED = 300
MOST_VIEW_PX = 1600
"""Side of the largest view of a whole picture: two metres at the table."""
_REPORT_EVERY_S = 60.0
_EPOCH_STRIDE = 1_000_003
_LEAST_SIDE_PX = 1e-3
_ROUNDING_PX = 1e-6


class Trainer:
    """Trains one map network on one set of pictures.

    Args:
        network: maps images to ``Maps``; has ``config.angle``.
        pictures: to learn from.
        judged: to choose the best epoch by; at most 300 of them are looked at.
        recipe: how.
        rows: which of ``pictures``; None takes all.
        judged_rows: which of ``judged``; None takes all.
        labels: a hash of what the pictures show and of their grasps: with others, or of another kind of depth, a
            checkpoint is another training's.
        clock: seconds that only grow.
        tell: takes one line for the user.
        checkpoint_file: where to keep the state after every epoch; None keeps none.

    Raises:
        SettingsError: there are fewer pictures than a batch takes, or none to judge by.
    """

    def __init__(
        self, network: nn.Module, pictures: Pictures, judged: Pictures, recipe: Recipe, *,
        rows: Numbers | None = None, judged_rows: Numbers | None = None, labels: str = "",
        clock: Clock, tell: Tell, checkpoint_file: Path | None = None,
    ) -> None:  # fmt: skip
        self._network, self._pictures, self._judged, self._recipe = network, pictures, judged, recipe
        self.rows = np.arange(len(pictures)) if rows is None else rows
        self._judged_rows = (np.arange(len(judged)) if judged_rows is None else judged_rows)[:JUDGED]
        self._clock, self._tell, self._file, self._labels = clock, tell, checkpoint_file, labels
        if len(self.rows) < recipe.batch:
            raise SettingsError(
                f"a batch takes {recipe.batch} pictures, and there are {len(self.rows)} with a grasp to learn from",
                "give a larger data set, or a smaller --batch",
            )
        if len(self._judged_rows) == 0:
            raise SettingsError("no picture with a grasp is left to judge by", "give a larger data set")
        self._optimizer = torch.optim.Adam(network.parameters(), lr=recipe.rate)
        self._average = copied(network.state_dict())
        self._steps = 0
        self.progress = Progress()

    @property
    def judged_count(self) -> int:
        """By how many pictures the best epoch is chosen."""
        return len(self._judged_rows)

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

    def run(self, max_minutes: float | None = None) -> nn.Module:
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
        form = cast(AngleForm, network.config.angle)
        network.train()
        total: dict[str, float] = {}
        said, steps, of = self._clock(), 0, len(self.rows) // recipe.batch
        seed = recipe.seed * _EPOCH_STRIDE + self.progress.epoch
        for batch in batches(self._pictures, self.rows, recipe, seed):
            for group in self._optimizer.param_groups:
                group["lr"] = recipe.rate_at((self.progress.epoch + steps / of) / recipe.epochs)
            found = map_losses(network(batch.image), batch.mask, batch.quality, batch.angle_rad, batch.width, form)
            self._optimizer.zero_grad(set_to_none=True)
            found["loss"].backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._steps += 1
            follow(self._average, network.state_dict(), self._steps, recipe.averaging)
            steps += 1
            for name, value in found.items():
                total[name] = total.get(name, 0.0) + float(value.detach())
            if self._clock() - said > _REPORT_EVERY_S:
                said = self._clock()
                self._tell(f"  step {steps}/{of}  " + _listed(total, steps))
        if not all(math.isfinite(value) for value in total.values()):
            raise SettingsError("the training has come apart: its loss is no number any more", "try another --seed")
        return {name: value / max(steps, 1) for name, value in total.items()}

    def _judge(self, losses: dict[str, float], epoch_began: float) -> None:
        """Score the averaged weights, keep them if they are the best, and say so."""
        progress, network = self.progress, self._network
        own = copied(network.state_dict())
        network.load_state_dict(self._average)
        score = rectangle_accuracy(network, self._judged, self._judged_rows)
        progress.epoch += 1
        if score > progress.best_score:
            progress.best_score, progress.best_epoch = score, progress.epoch
            progress.best = copied(self._average)
        network.load_state_dict(own)
        seconds = self._clock() - epoch_began
        progress.history.append({**losses, "rectangle": score, "seconds": seconds})
        self._tell(
            f"epoch {progress.epoch}/{self._recipe.epochs}  {_listed(losses, 1)}  "
            f"rectangle accuracy {score:.3f} on {len(self._judged_rows)} kept for choosing  {seconds:.0f} s"
        )

    def _identity(self) -> dict[str, Any]:
        digest = hashlib.sha256("\n".join(self._pictures.names[self.rows].tolist()).encode())
        digest.update("\n".join(self._judged.names[self._judged_rows].tolist()).encode())
        digest.update(self._labels.encode())
        network = self._network.config.to_json()  # type: ignore[operator,union-attr]
        return {"recipe": self._recipe.to_json(), "network": network, "data": digest.hexdigest()}

    def _state(self) -> dict[str, Any]:
        return {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average,
            "steps": self._steps,
            "progress": vars(self.progress),
        }


@torch.inference_mode()
def rectangle_accuracy(network: nn.Module, pictures: Pictures, rows: Numbers) -> float:
    """Share of the pictures whose top grasp matches any good one (Jaccard above 0.25, angle within 30 degrees)."""
    network.eval()
    right = 0
    for row in rows:
        picture = pictures.picture(int(row))
        maps, truths = look(network, picture)
        rectangle = find_peaks(maps, 1, 0.0).rectangles(pictures.width_unit_px, picture.plate_px)[0]
        right += overlap(as_rectangle(rectangle), [as_rectangle(truth) for truth in truths], "any") > JACCARD
    return right / len(rows)


def look(network: nn.Module, picture: Picture) -> tuple[Maps, Rows]:
    """The maps (1, h, w) of a whole picture in the network's scale, and its true rectangles as they lie in that view.

    What would be longer than 1600 px is cut off at both ends alike.
    """
    rows, columns = (_view_px(side, picture.scale) for side in picture.image.shape[:2])
    # The matrix is that of a square as broad as the view: the shift takes its middle row to the view's.
    matrix = view_matrix(picture.middle, columns, picture.scale, shift_px=(0.0, (rows - columns) / 2))
    image = warp(picture.image, matrix, (rows, columns)).reshape(rows, columns, -1)
    maps: Maps = network(torch.from_numpy(image).permute(2, 0, 1)[None])
    return maps, moved(picture.truths, matrix)


def _view_px(side_px: int, scale: float) -> int:
    # 72 * (400 / 72) is a hair more than 400.
    return min(math.ceil(side_px * scale - _ROUNDING_PX), MOST_VIEW_PX)


def as_rectangle(row: Rows) -> Rectangle:
    """(5,) one of ``detectors.fcn.views``' rectangles; a side of none becomes a thousandth of a pixel."""
    u, v, angle, length, height = (float(value) for value in row)
    return Rectangle(u, v, angle, max(length, _LEAST_SIDE_PX), max(height, _LEAST_SIDE_PX))


def _listed(losses: dict[str, float], steps: int) -> str:
    return "  ".join(f"{name} {value / steps:.4f}" for name, value in losses.items())
