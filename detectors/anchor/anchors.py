"""Oriented reference grasps, and grasps as deformations of them (paper, Eq. 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from detectors.anchor.settings import ORIENTATIONS, STRIDE_PX

_HALF_TURN = math.pi


@dataclass(frozen=True)
class Anchors:
    """One mean box in k orientations at the middle of every cell of a feature map.

    Attributes:
        width_px, height_px: of the mean box, in pixels of the network's input.
        orientations: k.
    """

    width_px: float
    height_px: float
    orientations: int = ORIENTATIONS

    def __post_init__(self) -> None:
        if not (self.width_px > 0 and self.height_px > 0 and self.orientations >= 1):
            raise ValueError(f"an anchor needs positive sides and an orientation, got {self}")

    @property
    def step_rad(self) -> float:
        """Between neighbouring orientations, 180 / k degrees."""
        return _HALF_TURN / self.orientations

    def angles_rad(self) -> Tensor:
        """(k,) from -90 degrees."""
        return torch.arange(self.orientations) * self.step_rad - _HALF_TURN / 2

    def grid(self, rows: int, columns: int) -> Tensor:
        """(rows * columns * k, 5) anchors x, y, w, h [px], theta [rad]: a row of cells after another, k in a cell."""
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        middle = torch.stack([x, y], dim=-1).reshape(-1, 1, 2) * STRIDE_PX + (STRIDE_PX - 1) / 2
        count = rows * columns
        boxes = torch.empty(count, self.orientations, 5)
        boxes[..., :2] = middle
        boxes[..., 2], boxes[..., 3] = self.width_px, self.height_px
        boxes[..., 4] = self.angles_rad()
        return boxes.reshape(-1, 5)

    def decode(self, deltas: Tensor, anchors: Tensor) -> Tensor:
        """(..., 5) grasps x, y, w, h, theta from deformations of as many anchors; theta is not folded."""
        ax, ay, aw, ah, at = anchors.unbind(-1)
        dx, dy, dw, dh, dt = deltas.unbind(-1)
        return torch.stack(
            [dx * aw + ax, dy * ah + ay, torch.exp(dw) * aw, torch.exp(dh) * ah, dt * self.step_rad + at], dim=-1
        )

    def encode(self, grasps: Tensor, anchors: Tensor) -> Tensor:
        """(..., 5) deformations that turn anchors into grasps: Eq. 2 the other way round.

        Of the two angles that mean the same closing direction the nearer to the anchor's is taken.
        """
        ax, ay, aw, ah, at = anchors.unbind(-1)
        x, y, w, h, t = grasps.unbind(-1)
        turn = folded(t - at) / self.step_rad
        return torch.stack([(x - ax) / aw, (y - ay) / ah, torch.log(w / aw), torch.log(h / ah), turn], dim=-1)


def folded(angle_rad: Tensor) -> Tensor:
    """Angles of closing directions folded into [-pi/2, pi/2)."""
    return torch.remainder(angle_rad + _HALF_TURN / 2, _HALF_TURN) - _HALF_TURN / 2


def mean_box(grasps: Tensor) -> tuple[float, float]:
    """Width and height [px] of the mean of (N, 5) training grasps (paper, section IV-C.1)."""
    width, height = grasps[:, 2:4].double().mean(dim=0).tolist()
    return float(width), float(height)
