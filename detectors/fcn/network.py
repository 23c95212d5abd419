"""The paper's encoder-decoder (section IV-C, figure 4): kernels 9-5-3-3-3-3 down and 3-3-3-5-9-5 up, joined by 3 x 3s.

The figure does not tell widths, strides or what a pair is. Here a pair is two convolutions with one kernel, the first
of which changes the scale. The ``full`` network has pairs and, like theirs, 35 MB; ``fast`` has one convolution where
that has two, shrinks the image by four at once, and is narrow where the maps are large.

The last kernel, 5, makes the maps. A 3 x 3 convolution carries what the encoder saw at each scale over to the decoder,
where it is added before the ReLU: the residual connection.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, relu

from detectors.fcn.maps import AngleForm, Maps, check_angle_form, map_count
from robot.errors import SettingsError, did_you_mean

_DOWN, _UP, _MAPS = (9, 5, 3, 3, 3, 3), (3, 3, 3, 5, 9), 5


@dataclass(frozen=True)
class Layout:
    """Widths and strides.

    Attributes:
        widths, strides: channels of the six stages down, and by how much each shrinks the maps.
        up_strides: by how much each of the five stages up enlarges them.
        meets: which stage down each of the first four stages up is joined with; it is as wide as that one.
        last: channels of the fifth stage up, from which the maps are made.
        paired: two convolutions a stage, not one.
    """

    widths: tuple[int, ...]
    strides: tuple[int, ...]
    up_strides: tuple[int, ...]
    meets: tuple[int, ...]
    last: int
    paired: bool


LAYOUTS = {
    "fast": Layout((16, 32, 64, 96, 96, 96), (4, 2, 2, 1, 1, 1), (1, 1, 2, 2, 4), (4, 3, 1, 0), 8, paired=False),
    "full": Layout((32, 64, 128, 256, 384, 384), (2, 2, 2, 2, 1, 1), (1, 2, 2, 2, 2), (3, 2, 1, 0), 16, paired=True),
}


@dataclass(frozen=True)
class FcnConfig:
    """What is needed to build the network.

    Attributes:
        layout: "fast" or "full".
        angle: form of the angle maps.
        channels: of the image: 1 for depth, 3 for colour.
    """

    layout: str = "fast"
    angle: AngleForm = "double"
    channels: int = 1

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise SettingsError(f"unknown layout '{self.layout}'", did_you_mean(self.layout, LAYOUTS))
        check_angle_form(self.angle)

    def to_json(self) -> dict[str, Any]:
        """Everything, for the weights' metadata."""
        return asdict(self)


class FcnNetwork(nn.Module):
    """Image to grasp maps of the same size, whatever it is.

    Attributes:
        parameter_count: how many numbers are learnt; folding a normalisation into its layer does not change it.
    """

    def __init__(self, config: FcnConfig) -> None:
        super().__init__()
        self.config = config
        layout = LAYOUTS[config.layout]
        down = zip(pairwise((config.channels, *layout.widths)), _DOWN, layout.strides, strict=True)
        self.down = nn.ModuleList(_stage(a, b, kernel, stride, layout.paired) for (a, b), kernel, stride in down)
        joined = [layout.widths[place] for place in layout.meets]
        up = zip(pairwise((layout.widths[-1], *joined, layout.last)), _UP, layout.up_strides, strict=True)
        self.up = nn.ModuleList(_rise(a, b, kernel, stride, layout.paired) for (a, b), kernel, stride in up)
        self.across = nn.ModuleList(nn.Sequential(*_conv(width, width, 3)) for width in joined)
        self.maps = nn.Conv2d(layout.last, map_count(config.angle), _MAPS, padding=_MAPS // 2)
        self.parameter_count = sum(parameter.numel() for parameter in self.parameters())
        self._layout, self._multiple = layout, math.prod(layout.strides)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Tensor) -> Maps:
        """(B, channels, H, W) -> maps (B, H, W); sizes that the strides do not divide are padded and cut again."""
        height, width = image.shape[-2:]
        x = pad(image, (0, -width % self._multiple, 0, -height % self._multiple), mode="replicate")
        seen = []
        for stage in self.down:
            x = stage(x)
            seen.append(x)
        for stage, across, place in zip(self.up, self.across, self._layout.meets, strict=False):
            x = relu(stage(x) + across(seen[place]))
        stacked: Tensor = self.maps(relu(self.up[-1](x)))
        return Maps.split(stacked[..., :height, :width])


def _conv(into: int, out: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(into, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out)]


def _stage(into: int, out: int, kernel: int, stride: int, paired: bool) -> nn.Sequential:
    second = [*_conv(out, out, kernel), nn.ReLU()] if paired else []
    return nn.Sequential(*_conv(into, out, kernel, stride), nn.ReLU(), *second)


def _rise(into: int, out: int, kernel: int, stride: int, paired: bool) -> nn.Sequential:
    """A transposed convolution that gives exactly ``stride`` times the size; the last ReLU is left to whoever adds."""
    edge = -(-(kernel - stride) // 2)
    enlarge = nn.ConvTranspose2d(into, out, kernel, stride, edge, 2 * edge - (kernel - stride), bias=False)
    second = [nn.ReLU(), *_conv(out, out, kernel)] if paired else []
    return nn.Sequential(enlarge, nn.BatchNorm2d(out), *second)
