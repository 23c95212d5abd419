"""From the localisation networks' raw outputs to a translation, a rotation, an opening and a height.

Two ways each for translation and rotation. ``paper`` is section IV-B: x, y = sigmoid(w) - 0.5 and the angle from the
sine and cosine of twice itself, both fitted by L2. A grasp drawn at random from many good ones pulls such a head to
their mean, where nothing may be; so ``peaks`` gives a logit to every place and direction, trained by cross entropy, and
reads the number off the neighbourhood of a peak (soft-argmax), which keeps gradients flowing into it.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, max_pool2d, pad, unfold

from detectors.oneshot.decoding import angle_loss, angle_of
from detectors.oneshot.layers import HeatMap, Numbers, encoder

CELL_PX, BINS = 4, 24
_REACH = 2  # cells or bins to either side of a peak that are averaged
_BIN_RAD = math.pi / BINS
_PICK_WEIGHT, _METRES_WEIGHT, _ANGLE_WEIGHT = 0.3, 20.0, 0.5
_OUT = -1e4


class Head(Protocol):
    """A network and what its raw output means; ``choice`` (B, K) names one of its peaks."""

    def __call__(self, seen: Tensor) -> Tensor:
        """What the view shows -> raw output."""
        ...

    def draw(self, raw: Tensor, count: int, dice: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Choices (B, K) and their log weights (B, K): the best first, or drawn by their weight where there is dice."""
        ...

    def value(self, raw: Tensor, choice: Tensor) -> Tensor:
        """What the choices stand for: offsets (B, K, 2) [m] or angles (B, K) [rad]."""
        ...

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """(B,) misfit to offsets (B, 2) [m] or angles (B,) [rad]."""
        ...


class PeakTranslation(HeatMap):
    """A logit for every cell of the view, 4 pixels wide; any size of view."""

    def __init__(self, backbone: str, step_m: float, side_px: int) -> None:
        super().__init__(encoder(backbone))
        self.cell_m, self.field_m = CELL_PX * step_m, side_px * step_m

    def draw(self, raw: Tensor, count: int, dice: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """See ``Head``."""
        flat = raw.flatten(1)
        score = (_peaks(raw) if count > 1 else flat) if dice is None else flat + _gumbel(flat, dice)
        choice = score.topk(min(count, flat.shape[1]), dim=1).indices
        return choice, flat.gather(1, choice)

    def value(self, raw: Tensor, choice: Tensor) -> Tensor:
        """Soft-argmax over the 5 x 5 cells about each choice: (B, K, 2) offsets from the view's middle [m]."""
        rows, columns = raw.shape[1:]
        side = 2 * _REACH + 1
        around = unfold(pad(raw[:, None], [_REACH] * 4, value=_OUT), side)
        share = around.gather(2, choice[:, None].expand(-1, side * side, -1)).softmax(dim=1)
        near = torch.arange(-_REACH, _REACH + 1, device=raw.device, dtype=raw.dtype)
        dy, dx = torch.meshgrid(near, near, indexing="ij")
        x = (choice % columns) - (columns - 1) / 2 + (share * dx.reshape(1, -1, 1)).sum(dim=1)
        y = (choice // columns) - (rows - 1) / 2 + (share * dy.reshape(1, -1, 1)).sum(dim=1)
        return torch.stack([x, y], dim=-1) * self.cell_m

    def cell_of(self, raw: Tensor, offset_m: Tensor) -> Tensor:
        """(B,) the cell that offsets (B, 2) [m] fall into, or the nearest one."""
        rows, columns = raw.shape[1:]
        x = (offset_m[:, 0] / self.cell_m + (columns - 1) / 2).round().clamp(0, columns - 1)
        y = (offset_m[:, 1] / self.cell_m + (rows - 1) / 2).round().clamp(0, rows - 1)
        return (y * columns + x).long()

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """Cross entropy of the right cell, and L2 of what the soft-argmax reads there."""
        cell = self.cell_of(raw, target)
        misfit = (self.value(raw, cell[:, None])[:, 0] - target) / self.field_m
        picked = cross_entropy(raw.flatten(1), cell, reduction="none")
        return _PICK_WEIGHT * picked + _METRES_WEIGHT * misfit.square().sum(dim=1)


class PaperTranslation(Numbers):
    """x, y = sigmoid(w) - 0.5, in sides of the view (section IV-B)."""

    def __init__(self, backbone: str, step_m: float, side_px: int) -> None:
        super().__init__(encoder(backbone), side_px, 2)
        self.field_m = side_px * step_m

    def draw(self, raw: Tensor, count: int, dice: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """There is one choice only."""
        return _only_choice(raw)

    def value(self, raw: Tensor, choice: Tensor) -> Tensor:
        """(B, 1, 2) offset from the view's middle [m]."""
        return ((torch.sigmoid(raw) - 0.5) * self.field_m)[:, None]

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """L2, in sides of the view."""
        misfit = torch.sigmoid(raw) - 0.5 - target / self.field_m
        return _METRES_WEIGHT * misfit.square().sum(dim=1)


class PeakRotation(Numbers):
    """A logit for each of 24 directions over half a turn."""

    def __init__(self, backbone: str, side_px: int) -> None:
        super().__init__(encoder(backbone), side_px, BINS)

    def draw(self, raw: Tensor, count: int, dice: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """See ``Head``."""
        score = raw if dice is None else raw + _gumbel(raw, dice)
        choice = score.topk(count, dim=1).indices
        return choice, raw.gather(1, choice)

    def value(self, raw: Tensor, choice: Tensor) -> Tensor:
        """Soft-argmax over the five directions about each choice: (B, K) [rad]."""
        near = torch.arange(-_REACH, _REACH + 1, device=raw.device)
        around = raw.gather(1, ((choice[..., None] + near) % BINS).flatten(1)).reshape(*choice.shape, -1)
        between = (around.softmax(dim=-1) * near).sum(dim=-1)
        return (choice + 0.5 + between) * _BIN_RAD - math.pi / 2

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """Cross entropy shared between the two nearest directions, and L2 of sine and cosine of twice the angle."""
        place = ((target + math.pi / 2) / _BIN_RAD - 0.5) % BINS
        low = place.floor()
        share = place - low
        log = raw.log_softmax(dim=1)
        low_bin, high_bin = low.long() % BINS, (low.long() + 1) % BINS
        picked = -(log.gather(1, low_bin[:, None])[:, 0] * (1 - share) + log.gather(1, high_bin[:, None])[:, 0] * share)
        angle = self.value(raw, (place.round().long() % BINS)[:, None])[:, 0]
        return _PICK_WEIGHT * picked + _ANGLE_WEIGHT * (2 - 2 * torch.cos(2 * (angle - target)))


class PaperRotation(Numbers):
    """The sine and cosine of twice the angle (section IV-B)."""

    def __init__(self, backbone: str, side_px: int) -> None:
        super().__init__(encoder(backbone), side_px, 2)

    def draw(self, raw: Tensor, count: int, dice: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """There is one choice only."""
        return _only_choice(raw)

    def value(self, raw: Tensor, choice: Tensor) -> Tensor:
        """(B, 1) [rad]."""
        return angle_of(raw)[:, None]

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """L2 of sine and cosine of twice the angle."""
        return angle_loss(raw, target)


def _only_choice(raw: Tensor) -> tuple[Tensor, Tensor]:
    return raw.new_zeros((len(raw), 1), dtype=torch.long), raw.new_zeros((len(raw), 1))


def _peaks(raw: Tensor) -> Tensor:
    """(B, cells) logits, those that are no maximum of the 5 x 5 about them put last: other places, not neighbours."""
    side = 2 * _REACH + 1
    highest = max_pool2d(raw[:, None], side, stride=1, padding=_REACH)[:, 0]
    return torch.where(raw >= highest, raw, raw + _OUT).flatten(1)


def _gumbel(like: Tensor, dice: torch.Generator) -> Tensor:
    """Noise that makes the largest logits a draw without replacement by their softmax."""
    uniform = torch.rand(like.shape, generator=dice, device=like.device).clamp(1e-9, 1 - 1e-7)
    return -torch.log(-torch.log(uniform))
