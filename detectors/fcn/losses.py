"""The paper's weighted mean square error (section V-B)."""

from __future__ import annotations

import torch
from torch import Tensor

from detectors.fcn.maps import AngleForm, Maps, angle_maps

QUALITY, ANGLE, WIDTH = 5.0, 3.0, 4.0


def map_losses(
    maps: Maps, mask: Tensor, quality: Tensor, angle_rad: Tensor, width: Tensor, form: AngleForm
) -> dict[str, Tensor]:
    """Losses of a batch: 5 for the quality, 3 for the angle, 4 for the width, halved, a mean over pixels and views.

    "Only the region covered by the mask is taken account of" in the maps of angle and width, where alone they mean
    something. The paper's sum over pixels is a mean here, which for Adam is the same.

    Args:
        maps: what the network says, (B, H, W).
        mask, quality, angle_rad, width: (B, H, W) the label maps.
        form: of the network's angle maps.

    Returns:
        "loss" and its three weighted parts.
    """
    parts = {
        "quality": QUALITY * (maps.quality - quality).square().mean(),
        "angle": ANGLE * ((maps.angle - angle_maps(angle_rad, form)).square().sum(dim=1) * mask).mean(),
        "width": WIDTH * ((maps.width - width).square() * mask).mean(),
    }
    return {"loss": torch.stack(list(parts.values())).sum() / 2, **parts}
