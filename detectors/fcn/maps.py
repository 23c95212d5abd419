"""Grasp maps: a quality, an angle and an opening for every pixel (paper, section III).

The paper regresses the raw angle in one map. At +-90 degrees, which are the same direction, it jumps from one end of
its range to the other, and a network that is unsure between the two answers 0, which is across both. The sine and
cosine of twice the angle in two maps do not jump. Both forms are here; which is better is on the model's card.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from robot.errors import SettingsError, did_you_mean

AngleForm = Literal["double", "raw"]
ANGLE_FORMS: tuple[AngleForm, ...] = ("double", "raw")
_HALF_TURN = math.pi / 2


@dataclass(frozen=True, eq=False)
class Maps:
    """Grasp maps of B views.

    Attributes:
        quality: (B, H, W), 0 to 1 as far as the network has learnt that.
        angle: (B, 2, H, W) sine and cosine of twice the angle, or (B, 1, H, W) the angle / (pi / 2).
        width: (B, H, W) opening in units of the sample's own width unit.
    """

    quality: Tensor
    angle: Tensor
    width: Tensor

    @classmethod
    def split(cls, stacked: Tensor) -> Maps:
        """(B, 3 or 4, H, W) in the order quality, width, angle."""
        return cls(stacked[:, 0], stacked[:, 2:], stacked[:, 1])

    def angle_rad(self) -> Tensor:
        """(B, H, W) closing direction from the view's x axis towards its y axis, in [-pi/2, pi/2] [rad]."""
        if self.angle.shape[1] == 1:
            return self.angle[:, 0].clamp(-1, 1) * _HALF_TURN
        return 0.5 * torch.atan2(self.angle[:, 0], self.angle[:, 1])


def check_angle_form(form: str) -> None:
    """Raises SettingsError where there is no such form of the angle maps."""
    if form not in ANGLE_FORMS:
        raise SettingsError(f"unknown angle form '{form}'", did_you_mean(form, ANGLE_FORMS))


def map_count(form: AngleForm) -> int:
    """How many maps a network gives."""
    return 4 if form == "double" else 3


def angle_maps(angle_rad: Tensor, form: AngleForm) -> Tensor:
    """(B, H, W) angles [rad] -> (B, 2 or 1, H, W) what the angle maps should hold."""
    if form == "raw":
        return (torch.remainder(angle_rad + _HALF_TURN, math.pi) - _HALF_TURN)[:, None] / _HALF_TURN
    return torch.stack([torch.sin(2 * angle_rad), torch.cos(2 * angle_rad)], dim=1)
