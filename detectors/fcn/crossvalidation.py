"""Cross-validation: every image is judged once, by a network that learnt from the other folds (paper, section V-B).

The best epoch is chosen by a tenth of the other folds, held aside and not learnt from: whole things where the folds
are of things, images where they are of images. The judged fold has no say in it; it is looked at once, when its network
is done.

Each fold starts from weights of its own, drawn by seed and fold, and keeps its state after every epoch. What is done is
not done again, and what was interrupted ends with the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from detectors.evaluation.folds import By, folds
from detectors.evaluation.rectangles import JACCARD, overlap, overlaps_by_angle
from detectors.fcn.data import Names, held_aside
from detectors.fcn.fold_results import (
    PREDICTIONS,
    THRESHOLDS,
    Answer,
    FoldResult,
    read_result,
    result_file,
    write_result,
)
from detectors.fcn.peaks import find_peaks
from detectors.fcn.recipe import Recipe
from detectors.fcn.rectangle_pictures import RectanglePictures
from detectors.fcn.training import Trainer, as_rectangle, look
from detectors.fcn.weights import build
from detectors.training_output import checkpoint_of
from robot.errors import SettingsError

Clock = Callable[[], float]
Tell = Callable[[str], None]
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """What is cross-validated.

    Attributes:
        detector: "fcn" or "ggcnn".
        config: of its network, but for the image's channels.
        recipe: how each fold is trained; its seed also draws the folds.
        folds: how many.
    """

    detector: str
    config: dict[str, Any]
    recipe: Recipe
    folds: int


@dataclass(frozen=True, eq=False)
class Part:
    """One fold: rows of the images that are learnt from, that choose the epoch, and that are judged."""

    learnt: Numbers
    chosen: Numbers
    judged: Numbers


def parts(names: Names, things: Names, *, by: By, count: int, seed: int) -> list[Part]:
    """The folds.

    Args:
        names, things: (N,) of the images, as ``detectors.evaluation.folds`` takes them.
        by: what is kept together.
        count: of folds.
        seed: of the draw.

    Raises:
        SettingsError: there are too few images or things.
    """
    fold = folds(names.tolist(), things.tolist(), by=by, count=count, seed=seed)
    found = []
    for number in range(count):
        others = np.flatnonzero(fold != number)
        aside = held_aside(names[others], things[others], by=by, seed=seed)
        found.append(Part(others[~aside], others[aside], np.flatnonzero(fold == number)))
    return found


class CrossValidation:
    """Trains and judges fold by fold.

    Args:
        plan: what.
        pictures: all images.
        out: where results and unfinished trainings lie.
        clock: seconds that only grow.
        tell: takes one line for the user.
        max_minutes: stop before so many; None never stops.
    """

    def __init__(
        self, plan: Plan, pictures: RectanglePictures, out: Path, *,
        clock: Clock, tell: Tell, max_minutes: float | None = None,
    ) -> None:  # fmt: skip
        self._plan, self._pictures, self._out = plan, pictures, out
        self._clock, self._tell = clock, tell
        self._labels = pictures.sha256()
        self._deadline = None if max_minutes is None else clock() + 60 * max_minutes
        self._epoch_s: float | None = None

    def check(self, splits: Sequence[By]) -> None:
        """Make sure that there is enough for every fold, before the first is trained.

        Raises:
            SettingsError: there are too few images or things.
        """
        for split in splits:
            self._parts(split)

    def run(self, splits: Sequence[By]) -> bool:
        """All folds of these splits; False where the time was over before.

        Raises:
            SettingsError: there are too few images or things, or a file in the folder is damaged.
        """
        jobs = [(split, number, part) for split in splits for number, part in enumerate(self._parts(split), start=1)]
        for split, number, part in jobs:
            file = result_file(self._out, split, number)
            if not file.is_file():
                result = self._fold(split, number, part)
                if result is None:
                    return False
                write_result(file, result)
            # Only now: killed between the two, the training is read once more, and not done once more.
            checkpoint_of(file).unlink(missing_ok=True)
            right, of = read_result(file).tallies()["jaccard"][f"{JACCARD:.2f}"]
            self._tell(f"{split}-wise, fold {number} of {self._plan.folds}: {right} of {of} right ({right / of:.1%})")
        return True

    def _parts(self, split: By) -> list[Part]:
        names, things, recipe = self._pictures.names, self._pictures.things, self._plan.recipe
        found = parts(names, things, by=split, count=self._plan.folds, seed=recipe.seed)
        least = min(len(part.learnt) for part in found)
        if least < recipe.batch:
            raise SettingsError(
                f"a batch takes {recipe.batch} images, and {split}-wise a fold leaves {least} to learn from",
                "give a larger data set, or a smaller --batch",
            )
        return found

    def _fold(self, split: By, number: int, part: Part) -> FoldResult | None:
        trainer = self._trainer(split, number, part)
        self._tell(
            f"{split}-wise, fold {number} of {self._plan.folds}: {len(part.learnt)} images to learn from, "
            f"{trainer.judged_count} to choose the epoch by, {len(part.judged)} to judge"
        )
        if trainer.resume():
            self._tell(f"resumed after epoch {trainer.progress.epoch}")
        network = self._trained(trainer)
        if network is None:
            return None
        threshold = THRESHOLDS[split]
        return FoldResult(
            split, number, self._plan.folds, len(part.learnt), trainer.judged_count,
            trainer.progress.epoch, trainer.progress.best_epoch, threshold,
            tuple(judge(network, self._pictures, part.judged, threshold)),
        )  # fmt: skip

    def _trainer(self, split: By, number: int, part: Part) -> Trainer:
        plan, pictures = self._plan, self._pictures
        seed = int(np.random.SeedSequence([plan.recipe.seed, number]).generate_state(1)[0])
        torch.manual_seed(seed)
        network = build(plan.detector, {**plan.config, "channels": pictures.channels})
        return Trainer(
            network, pictures, pictures, replace(plan.recipe, seed=seed), rows=part.learnt, judged_rows=part.chosen,
            labels=self._labels, clock=self._clock, tell=self._tell,
            checkpoint_file=checkpoint_of(result_file(self._out, split, number)),
        )  # fmt: skip

    def _trained(self, trainer: Trainer) -> nn.Module | None:
        """The best epoch's network; None where the time was over before the last epoch.

        However short the time, a first epoch is done: a command that is started again and again comes to an end.
        """
        whole = self._plan.recipe.epochs
        left_s = math.inf if self._deadline is None else self._deadline - self._clock()
        if self._epoch_s is not None and left_s < self._epoch_s and trainer.progress.epoch < whole:
            return None
        network = trainer.run(left_s / 60)
        self._epoch_s = trainer.progress.history[-1]["seconds"]
        return network if trainer.progress.epoch == whole else None


@torch.inference_mode()
def judge(network: nn.Module, pictures: RectanglePictures, rows: Numbers, threshold: float) -> list[Answer]:
    """The network's first grasps in each image against the image's rectangles, as they lie in the network's view.

    The top grasp always counts: something lies in every image. The next ones do where their quality is high enough. A
    grasp has no jaw size; its plates are taken for half as long as it opens, as in GG-CNN's evaluation.

    Args:
        network: whose answers they are.
        pictures: of which some are looked at.
        rows: those.
        threshold: quality from which on grasps after the first count.
    """
    network.eval()
    answers = []
    for row in rows:
        picture = pictures.picture(int(row))
        maps, seen = look(network, picture)
        truths = [as_rectangle(truth) for truth in seen]
        peaks = find_peaks(maps, PREDICTIONS, threshold)
        first, *further = (as_rectangle(one) for one in peaks.rectangles(pictures.width_unit_px, picture.plate_px))
        name = str(pictures.names[row])
        answers.append(Answer(name, overlaps_by_angle(first, truths), tuple(overlap(one, truths) for one in further)))
    return answers


def data_identity(pictures: RectanglePictures) -> dict[str, Any]:
    """How many images there are, the kinds of their depth, and a hash of what they are called, show and are labelled:
    other ones make other folds or other figures."""
    return {
        "images": len(pictures),
        "depths": pictures.depths() or None,
        "data": pictures.sha256()[:16],
    }
