"""Changes to the crops while training, so that the network does not depend on one camera's noise.

All are drawn anew for every grasp of every batch, on the device where the batch lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_CORRELATED_PX = 8  # grid points across the crop of the correlated noise: a few pixels, as stereo matching leaves it


@dataclass(frozen=True)
class Augmentation:
    """How much is changed.

    Attributes:
        flips: mirror the crop along and across the closing direction; both leave a two-finger grasp what it is.
        noise_m: largest standard deviation of white and, apart from it, of correlated depth noise [m].
        offset_m: largest error of the depth of the whole crop [m].
        noisy_share: share of the grasps that get noise and offset.
        hole_share: share of the grasps in which a rectangle is filled with its farthest depth, as holes are.
        hole_px: largest side of that rectangle [pixels].
    """

    flips: bool = True
    noise_m: float = 0.0015
    offset_m: float = 0.001
    noisy_share: float = 0.5
    hole_share: float = 0.25
    hole_px: int = 8

    def apply(self, heights_m: Tensor, dice: torch.Generator) -> Tensor:
        """(B, 32, 32) float heights above the grasp point [m] -> a changed copy."""
        if self.flips:
            heights_m = _flipped(heights_m, dice)
        if self.hole_share > 0:
            heights_m = self._with_holes(heights_m, dice)
        if self.noisy_share > 0:
            heights_m = self._with_noise(heights_m, dice)
        return heights_m

    def _with_holes(self, heights: Tensor, dice: torch.Generator) -> Tensor:
        count, side = heights.shape[0], heights.shape[-1]
        extent = (1 + self.hole_px * _uniform((2, count, 1), heights, dice)).floor()
        start = ((side - extent + 1) * _uniform((2, count, 1), heights, dice)).floor()
        line = torch.arange(side, device=heights.device)
        inside = (line >= start) & (line < start + extent)
        hit = _uniform((count, 1, 1), heights, dice) < self.hole_share
        hole = inside[0][:, :, None] & inside[1][:, None, :] & hit
        farthest = heights.masked_fill(~hole, torch.inf).amin(dim=(1, 2), keepdim=True)
        return torch.where(hole, farthest, heights)

    def _with_noise(self, heights: Tensor, dice: torch.Generator) -> Tensor:
        count, side = heights.shape[0], heights.shape[-1]
        sigma = self.noise_m * _uniform((2, count, 1, 1), heights, dice)
        coarse = _normal((count, 1, _CORRELATED_PX, _CORRELATED_PX), heights, dice)
        smooth = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=True)[:, 0]
        offset = self.offset_m * (2 * _uniform((count, 1, 1), heights, dice) - 1)
        change = sigma[0] * _normal(heights.shape, heights, dice) + sigma[1] * smooth + offset
        return heights + change * (_uniform((count, 1, 1), heights, dice) < self.noisy_share)


def _flipped(heights: Tensor, dice: torch.Generator) -> Tensor:
    for axis in (1, 2):
        turn = _uniform((len(heights), 1, 1), heights, dice) < 0.5
        heights = torch.where(turn, heights.flip(axis), heights)
    return heights


def _uniform(shape: tuple[int, ...], like: Tensor, dice: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=dice, device=like.device, dtype=like.dtype)


def _normal(shape: tuple[int, ...], like: Tensor, dice: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=dice, device=like.device, dtype=like.dtype)
