"""Feature extractors of stride 16: ResNet-50 up to its fourth block, and a small residual one for CPUs."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

BACKBONES = ("resnet50", "small")
CHANNELS = {"resnet50": 1024, "small": 256}
"""Of the feature map."""


def make_backbone(name: str) -> nn.Sequential:
    """(B, 3, H, W) -> (B, ``CHANNELS[name]``, H / 16, W / 16); sides are multiples of 16."""
    return _resnet50() if name == "resnet50" else _small()


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3, 1 x 1 with a way round (He et al., 2015); the 3 x 3 strides, as is usual today."""

    def __init__(self, incoming: int, middle: int, outgoing: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(incoming, middle, 1), nn.ReLU(inplace=True),
            *_conv(middle, middle, 3, stride), nn.ReLU(inplace=True),
            *_conv(middle, outgoing, 1),
        )  # fmt: skip
        self.way_round = _way_round(incoming, outgoing, stride)
        self.last = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, incoming, H, W) -> (B, outgoing, H / stride, W / stride)."""
        return cast(Tensor, self.last(self.body(x) + self.way_round(x)))


class Basic(nn.Module):
    """Two 3 x 3 with a way round."""

    def __init__(self, incoming: int, outgoing: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_conv(incoming, outgoing, 3, stride), nn.ReLU(inplace=True), *_conv(outgoing, outgoing, 3, 1, dilation)
        )
        self.way_round = _way_round(incoming, outgoing, stride)
        self.last = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B, incoming, H, W) -> (B, outgoing, H / stride, W / stride)."""
        return cast(Tensor, self.last(self.body(x) + self.way_round(x)))


def _resnet50() -> nn.Sequential:
    layers: list[nn.Module] = [*_conv(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    incoming = 64
    for middle, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2)):
        for index in range(count):
            layers.append(Bottleneck(incoming, middle, 4 * middle, stride if index == 0 else 1))
            incoming = 4 * middle
    return nn.Sequential(*layers)


def _small() -> nn.Sequential:
    """A ninth of ResNet-50's work; dilated at the end, for a grasp is decided by more than its cell."""
    return nn.Sequential(
        *_conv(3, 16, 5, 2), nn.ReLU(inplace=True),
        *_conv(16, 32, 3, 2), nn.ReLU(inplace=True),
        Basic(32, 32),
        Basic(32, 64, 2), Basic(64, 64),
        Basic(64, 128, 2), Basic(128, 128, dilation=2), Basic(128, 128, dilation=2),
        *_conv(128, CHANNELS["small"], 1), nn.ReLU(inplace=True),
    )  # fmt: skip


def _conv(incoming: int, outgoing: int, size: int, stride: int = 1, dilation: int = 1) -> tuple[nn.Module, nn.Module]:
    padding = dilation * (size // 2)
    return nn.Conv2d(incoming, outgoing, size, stride, padding, dilation, bias=False), nn.BatchNorm2d(outgoing)


def _way_round(incoming: int, outgoing: int, stride: int) -> nn.Module:
    if incoming == outgoing and stride == 1:
        return nn.Identity()
    return nn.Sequential(*_conv(incoming, outgoing, 1, stride))
