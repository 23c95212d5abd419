"""What a step of training is shown: varied views of several sets of pictures, and what the anchors should say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.anchor.anchors import Anchors
from detectors.anchor.matching import Targets, match_angles
from detectors.anchor.recipe import Recipe
from detectors.anchor.samples import ColorPictures
from detectors.anchor.settings import INPUT_PX, STRIDE_PX
from detectors.anchor.views import Rgb, Variation, as_boxes, as_input, draw_view
from detectors.fcn.views import Rows
from detectors.made_ahead import made_ahead

_CELLS = INPUT_PX // STRIDE_PX


@dataclass(frozen=True, eq=False)
class Source:
    """Pictures to learn from.

    Attributes:
        pictures: all of them.
        rows: which to use.
        share: of every batch.
    """

    pictures: ColorPictures
    rows: NDArray[np.int64]
    share: float


@dataclass(frozen=True, eq=False)
class Batch:
    """B views.

    Attributes:
        image: (B, 3, 320, 320).
        truths: B times (K, 5) x, y, w, h, theta of the true grasps in the view.
        targets: B of them.
    """

    image: Tensor
    truths: tuple[Tensor, ...]
    targets: tuple[Targets, ...]


def batches(sources: Sequence[Source], anchors: Anchors, recipe: Recipe, epoch: int) -> Iterator[Batch]:
    """The batches of one epoch, made ahead of time; seed and number decide each of them."""
    return made_ahead(range(recipe.steps), lambda step: _batch(sources, anchors, recipe, epoch, step))


def _batch(sources: Sequence[Source], anchors: Anchors, recipe: Recipe, epoch: int, step: int) -> Batch:
    rng = np.random.default_rng([recipe.seed, epoch, step])
    views = [
        view_of(source, rng) for source, count in zip(sources, _counts(sources, recipe.batch, rng), strict=True)
        for _ in range(count)
    ]  # fmt: skip
    image = torch.from_numpy(as_input(np.stack([view for view, _ in views])))
    truths = tuple(torch.from_numpy(as_boxes(rows)) for _, rows in views)
    targets = tuple(match_angles(boxes, anchors, _CELLS, _CELLS) for boxes in truths)
    return Batch(image.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last), truths, targets)


def view_of(source: Source, rng: np.random.Generator) -> tuple[Rgb, Rows]:
    """A varied view of one of its pictures, and the true grasps in it."""
    return draw_view(source.pictures.picture(int(rng.choice(source.rows)), rng), Variation(), rng)


def _counts(sources: Sequence[Source], batch: int, rng: np.random.Generator) -> list[int]:
    """How many views each source gives; parts of a view are drawn for."""
    shares = np.array([source.share for source in sources], dtype=float)
    wanted = shares / shares.sum() * batch
    counts = np.floor(wanted).astype(int)
    left = batch - int(counts.sum())
    if left:
        rest = wanted - counts
        for index in rng.choice(len(sources), size=left, p=rest / rest.sum()):
            counts[index] += 1
    return [int(count) for count in counts]
