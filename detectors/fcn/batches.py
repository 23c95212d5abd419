"""What a step of training is shown: views of pictures, varied at random, and their label maps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.fcn.labels import LabelMaps, paint
from detectors.fcn.recipe import Recipe
from detectors.fcn.samples import Picture, Pictures
from detectors.fcn.views import VARIATIONS, Image, draw_matrix, moved, warp
from detectors.made_ahead import made_ahead

_MAPS = ("mask", "quality", "angle_rad", "width")


@dataclass(frozen=True, eq=False)
class Batch:
    """B views.

    Attributes:
        image: (B, C, H, W).
        mask, quality, angle_rad, width: (B, H, W) label maps.
    """

    image: Tensor
    mask: Tensor
    quality: Tensor
    angle_rad: Tensor
    width: Tensor


def batches(pictures: Pictures, rows: NDArray[np.int64], recipe: Recipe, seed: int) -> Iterator[Batch]:
    """One pass over the pictures ``rows`` in random order, the last incomplete batch left out; made ahead of time.

    Every view has dice of its own, which ``seed`` and its picture decide.
    """
    order = np.random.default_rng(seed).permutation(rows)
    chunks = [order[start : start + recipe.batch] for start in range(0, len(order) - recipe.batch + 1, recipe.batch)]
    return made_ahead(chunks, lambda chunk: _batch(pictures, chunk, recipe, seed))


def _batch(pictures: Pictures, rows: NDArray[np.int64], recipe: Recipe, seed: int) -> Batch:
    views = [
        make_view(pictures.picture(int(row)), pictures.width_unit_px, recipe, np.random.default_rng([seed, int(row)]))
        for row in rows
    ]
    images = np.stack([image if image.ndim == 3 else image[..., None] for image, _ in views])
    labels = [label for _, label in views]
    return Batch(
        torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last),
        *(torch.from_numpy(np.stack([getattr(one, name) for one in labels])) for name in _MAPS),
    )


def make_view(
    picture: Picture, width_unit_px: float, recipe: Recipe, rng: np.random.Generator
) -> tuple[Image, LabelMaps]:
    """A view about one of the picture's grasps, drawn at random, and its labels."""
    focus = picture.rectangles[int(rng.integers(len(picture.rectangles))), :2]
    variation, size = VARIATIONS[recipe.variation], recipe.view_px
    matrix = draw_matrix((float(focus[0]), float(focus[1])), size, picture.scale, variation, rng)
    shape = (size, size)
    image = warp(picture.image, matrix, shape)
    return image, paint(moved(picture.rectangles, matrix), shape, width_unit_px, recipe.mask)
