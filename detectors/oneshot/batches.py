"""What a step of training is shown: images, where the first stage looks, and one good grasp an image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.oneshot.looking import Images, Views, rotation
from detectors.oneshot.prepared import PreparedScenes
from detectors.oneshot.settings import FAR_PX, FAR_STEP_M

POSITIVE = 0.5
_SHIFT_M = 0.06
_INSIDE_M = FAR_PX * FAR_STEP_M / 2 - 0.02  # a target further out than this pulls the view after it

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Batch:
    """B images with T target grasps each.

    Attributes:
        images: full depth images.
        views: (B, 1) where the first stage looks.
        pixels: (B, T, 2) the targets' centres (u, v).
        depth_m, angle_rad, width_m: (B, T) of the targets.
    """

    images: Images
    views: Views
    pixels: Tensor
    depth_m: Tensor
    angle_rad: Tensor
    width_m: Tensor

    def __len__(self) -> int:
        return len(self.images)

    def offset_in(self, views: Views) -> Tensor:
        """(B, T, 2) where the targets lie in views (B, 1) [m]."""
        scale = views.distance_m[..., None] / self.images.camera[:, None, :2]
        apart = (self.pixels - views.centre_px) * scale
        return (views.turn.transpose(-1, -2) @ apart[..., None])[..., 0]

    def angle_in(self, views: Views) -> Tensor:
        """(B, T) the targets' angles in views (B, 1) [rad]."""
        direction = torch.stack([torch.cos(self.angle_rad), torch.sin(self.angle_rad)], dim=-1)
        seen = (views.turn.transpose(-1, -2) @ direction[..., None])[..., 0]
        return torch.atan2(seen[..., 1], seen[..., 0])

    def height_m(self) -> Tensor:
        """(B, T) heights of the targets' grasp points above the table [m]."""
        return self.images.height_m(self.pixels, self.depth_m)

    def at_target(self, shift_m: Tensor) -> Views:
        """(B, 1) views on the first target, ``shift_m`` (B, 1, 2) off."""
        first = self.pixels[:, :1]
        scale = self.images.camera[:, None, :2] / self.images.table_depth(first)[..., None]
        centre = first + shift_m * scale
        return Views(centre, self.views.turn, self.images.table_depth(centre))


class Targets:
    """The good grasps of every image, best first.

    Args:
        scenes: prepared images.
        picks: how many of the best, by GQ-CNN, may become a step's target, if it calls them robust; 0 takes any grasp
            that lifted, as the paper takes any positive annotation.
    """

    def __init__(self, scenes: PreparedScenes, picks: int) -> None:
        good = np.flatnonzero((scenes.success > POSITIVE) & ((scenes.quality >= POSITIVE) | (picks == 0)))
        order = good[np.lexsort((-scenes.quality[good], scenes.owner[good]))]
        owner = scenes.owner[order]
        first = np.searchsorted(owner, np.arange(len(scenes)), side="left")
        count = np.searchsorted(owner, np.arange(len(scenes)), side="right") - first
        self._order, self._first = order, first
        self._count = np.minimum(count, picks) if picks else count

    @property
    def known(self) -> NDArray[np.bool_]:
        """(N,) whether an image has a good grasp at all; one without teaches nothing but to fool GQ-CNN."""
        return np.asarray(self._count > 0)

    def draw(self, rows: Rows, count: int, rng: np.random.Generator) -> Rows:
        """(n, count) grasps for each of the images ``rows``, each at random among its best."""
        pick = (rng.random((len(rows), count)) * self._count[rows, None]).astype(np.int64)
        return np.asarray(self._order[self._first[rows, None] + pick])


def batches(
    scenes: PreparedScenes, targets: Targets, rows: Rows, size: int, rng: np.random.Generator,
    *, count: int = 1, vary: bool = True,
) -> Iterator[Batch]:  # fmt: skip
    """One pass over the images ``rows`` in random order, the last incomplete batch left out; in order without ``vary``.

    Each image comes with ``count`` targets.
    With ``vary`` each image is turned, mirrored and shifted at random about the optical axis, which leaves a vertical
    grasp what it is.
    """
    order = rng.permutation(rows) if vary else rows
    end = len(order) - size + 1 if vary else len(order)
    for start in range(0, end, size):
        chosen = order[start : start + size]
        yield make_batch(scenes, chosen, targets.draw(chosen, count, rng), rng, vary)


def make_batch(scenes: PreparedScenes, rows: Rows, picks: Rows, rng: np.random.Generator, vary: bool) -> Batch:
    """The images ``rows`` (B,) with the grasps ``picks`` (B, T)."""
    depth = torch.from_numpy(scenes.depth_m(rows))[:, None]
    camera, table = torch.from_numpy(scenes.camera[rows]), torch.from_numpy(scenes.table[rows])
    images = Images(depth, camera, table)
    grasp = torch.from_numpy(scenes.grasps[picks])
    pixels = grasp[..., :2]
    views = _first_views(images, pixels[:, :1], rng, vary)
    return Batch(images, views, pixels, grasp[..., 2], grasp[..., 3], grasp[..., 4])


def _first_views(images: Images, target_px: Tensor, rng: np.random.Generator, vary: bool) -> Views:
    n, (height, width) = len(images), images.depth_m.shape[-2:]
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2]).expand(n, 1, 2)
    distance = images.table_depth(middle)
    scale = images.camera[:, None, :2] / distance[..., None]
    shift = rng.uniform(-_SHIFT_M, _SHIFT_M, (n, 1, 2)) if vary else np.zeros((n, 1, 2))
    centre = middle + torch.from_numpy(shift.astype(np.float32)) * scale
    if vary:
        away = (target_px - centre) / scale  # within a circle, for the view will be turned
        far = away.norm(dim=-1, keepdim=True).clamp(min=1e-6)
        centre = centre + away * (1 - _INSIDE_M / far).clamp(min=0) * scale
    return Views(centre, _turns(n, rng, vary), images.table_depth(centre))


def _turns(n: int, rng: np.random.Generator, vary: bool) -> Tensor:
    angle = rng.uniform(-math.pi, math.pi, (n, 1)) if vary else np.zeros((n, 1))
    mirror = rng.choice([-1.0, 1.0], (n, 1)) if vary else np.ones((n, 1))
    turn = rotation(torch.from_numpy(angle.astype(np.float32)))
    flip = torch.diag_embed(torch.from_numpy(np.stack([np.ones((n, 1)), mirror], axis=-1).astype(np.float32)))
    return turn @ flip
