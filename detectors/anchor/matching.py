"""Which anchors and which predictions count as good: Angle Matching and Jaccard Matching (paper, section IV-C.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from detectors.anchor.anchors import Anchors, folded
from detectors.anchor.overlaps import jaccard_pairs
from detectors.anchor.settings import PRIMARY_ANGLE_RAD_SHARE, SCORER_ANGLE_DEG, SCORER_JACCARD, STRIDE_PX

_NEAR_STEPS, _NEAR_ANGLE = 1, 1
_SLACK_RAD = 1e-6


@dataclass(frozen=True, eq=False)
class Targets:
    """What the anchors of one image should say.

    Attributes:
        positive: (P,) places, in the order of ``Anchors.grid``, of anchors that match a true grasp.
        deltas: (P, 5) the deformation of each into its grasp.
        ignored: (A,) anchors beside a positive one, in place and angle: neither good nor bad.
    """

    positive: Tensor
    deltas: Tensor
    ignored: Tensor


def match_angles(truths: Tensor, anchors: Anchors, rows: int, columns: int) -> Targets:
    """Angle Matching: an anchor is good if a true grasp lies in its cell and the angles are close.

    Of several grasps that match an anchor the one nearest to the cell's middle is what it should become.

    Args:
        truths: (K, 5) x, y, w, h [px], theta [rad]; those outside the feature map match nothing.
        anchors: of the network.
        rows, columns: of the feature map.
    """
    k, count = anchors.orientations, rows * columns * anchors.orientations
    cell = torch.floor((truths[:, :2] + 0.5) / STRIDE_PX).long()
    there = ((cell >= 0) & (cell < torch.tensor([columns, rows]))).all(dim=1)
    truths, cell = truths[there], cell[there]
    turned = folded(truths[:, 4:5] - anchors.angles_rad()[None]).abs()  # (K, k)
    close = turned <= anchors.step_rad * PRIMARY_ANGLE_RAD_SHARE + _SLACK_RAD
    owner, orientation = close.nonzero(as_tuple=True)
    place = (cell[owner, 1] * columns + cell[owner, 0]) * k + orientation
    grid = anchors.grid(rows, columns)
    away = torch.linalg.vector_norm(truths[owner, :2] - grid[place, :2], dim=1)
    order = away.argsort(descending=True, stable=True).numpy()
    written = np.full(count, -1, dtype=np.int64)
    written[place.numpy()[order]] = owner.numpy()[order]  # NumPy keeps what is written last: the nearest
    nearest = torch.from_numpy(written)
    positive = (nearest >= 0).nonzero()[:, 0]
    return Targets(
        positive, anchors.encode(truths[nearest[positive]], grid[positive]), _beside(positive, rows, columns, k)
    )


def _beside(positive: Tensor, rows: int, columns: int, k: int) -> Tensor:
    """(A,) the positive anchors and their neighbours in the eight cells around, turned one step at most."""
    marked = torch.zeros(rows, columns, k, dtype=torch.bool)
    marked.view(-1)[positive] = True
    turned = marked | marked.roll(_NEAR_ANGLE, 2) | marked.roll(-_NEAR_ANGLE, 2)
    grown = torch.nn.functional.max_pool2d(
        turned.permute(2, 0, 1)[None].float(), 2 * _NEAR_STEPS + 1, stride=1, padding=_NEAR_STEPS
    )
    return (grown[0].permute(1, 2, 0) > 0).reshape(-1)


def match_jaccard(
    grasps: Tensor, truths: Tensor, *, angle_rad: float = math.radians(SCORER_ANGLE_DEG),
    least_jaccard: float = SCORER_JACCARD,
) -> Tensor:  # fmt: skip
    """(N,) whether each of (N, 5) grasps is close in angle to one of (K, 5) true ones and overlaps with it."""
    good = torch.zeros(len(grasps), dtype=torch.bool)
    if len(truths) == 0 or len(grasps) == 0:
        return good
    turned = folded(grasps[:, None, 4] - truths[None, :, 4]).abs() < angle_rad
    reach = (torch.hypot(grasps[:, 2], grasps[:, 3])[:, None] + torch.hypot(truths[:, 2], truths[:, 3])[None]) / 2
    apart = torch.cdist(grasps[:, :2].double(), truths[:, :2].double())
    mine, theirs = (turned & (apart < reach)).nonzero(as_tuple=True)
    met = jaccard_pairs(grasps[mine], truths[theirs]) > least_jaccard
    good[mine[met]] = True
    return good
