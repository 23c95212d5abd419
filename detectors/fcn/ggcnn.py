"""GG-CNN, the baseline (Morrison, Corke and Leitner, "Closing the Loop for Robotic Grasping", RSS 2018, section V-B).

Kernels 9-5-3 down with strides 3, 2, 2 and 32, 16, 8 filters, mirrored up, and a 2 x 2 convolution a map: 62 thousand
parameters, no normalisation, no connections across. Its own form of the angle is sine and cosine.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from detectors.fcn.maps import AngleForm, Maps, check_angle_form, map_count

_MULTIPLE = 12
_FILTERS = (32, 16, 8)


@dataclass(frozen=True)
class GgcnnConfig:
    """What is needed to build the network: see ``detectors.fcn.network.FcnConfig``."""

    angle: AngleForm = "double"
    channels: int = 1

    def __post_init__(self) -> None:
        check_angle_form(self.angle)

    def to_json(self) -> dict[str, Any]:
        """Everything, for the weights' metadata."""
        return asdict(self)


class GgcnnNetwork(nn.Module):
    """Image to grasp maps of the same size, whatever it is.

    Attributes:
        parameter_count: how many numbers are learnt.
    """

    def __init__(self, config: GgcnnConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = _FILTERS
        self.body = nn.Sequential(
            nn.Conv2d(config.channels, a, 9, 3, 3), nn.ReLU(),
            nn.Conv2d(a, b, 5, 2, 2), nn.ReLU(),
            nn.Conv2d(b, c, 3, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(c, c, 3, 2, 1, 1), nn.ReLU(),
            nn.ConvTranspose2d(c, b, 5, 2, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(b, a, 9, 3, 3, 1), nn.ReLU(),
        )  # fmt: skip
        # Four 2 x 2 convolutions with one filter each are one with four.
        self.maps = nn.Conv2d(a, map_count(config.angle), 2)
        for layer in (*self.body, self.maps):
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.xavier_uniform_(layer.weight)
        self.parameter_count = sum(parameter.numel() for parameter in self.parameters())
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Tensor) -> Maps:
        """(B, channels, H, W) -> maps (B, H, W); sizes that 12 does not divide are padded and cut again."""
        height, width = image.shape[-2:]
        x = pad(image, (0, -width % _MULTIPLE, 0, -height % _MULTIPLE), mode="replicate")
        stacked: Tensor = self.maps(self.body(x))
        return Maps.split(stacked[..., :height, :width])
