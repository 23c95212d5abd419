"""The layers that all one-shot networks are built from: encoders of several sizes, and heads."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from robot.errors import SettingsError, did_you_mean

STRIDE = 16
"""Pixels of the input to a place of an encoder's last map."""


class Residual(nn.Module):
    """Two 3 x 3 convolutions past which the input is added (ResNet's basic block)."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(*conv(inputs, outputs, stride=stride), *conv(outputs, outputs)[:-1])
        same = inputs == outputs and stride == 1
        self.past = nn.Identity() if same else nn.Sequential(*conv(inputs, outputs, 1, stride=stride)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.past(x))


class Encoder(nn.Module):
    """Maps of (B, 1, H, W) at a quarter, an eighth and a sixteenth of its size.

    Args:
        widths: channels after the first convolution, and of the three maps.
        depths: residual blocks before each of the three maps.
    """

    def __init__(self, widths: tuple[int, int, int, int], depths: tuple[int, int, int]) -> None:
        super().__init__()
        first, *maps = widths
        self.widths = tuple(maps)
        stages, inputs = [], maps[0]
        for width, depth, stride in zip(maps, depths, (1, 2, 2), strict=True):
            stages.append(nn.Sequential(*_blocks(inputs, width, depth, stride)))
            inputs = width
        self.stem = nn.Sequential(*conv(1, first, 5, stride=2), *conv(first, maps[0], stride=2))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.stem(x)
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return found[0], found[1], found[2]


class HeatMap(nn.Module):
    """A logit for every fourth pixel of the input, seen in the light of the coarser maps."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        fine, middle, coarse = encoder.widths
        self.encoder = encoder
        self.up_middle = nn.Sequential(*conv(coarse + middle, middle, 1), *conv(middle, middle))
        self.up_fine = nn.Sequential(*conv(middle + fine, fine, 1), *conv(fine, fine))
        self.out = nn.Conv2d(fine, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, H / 4, W / 4); H and W are multiples of 16."""
        fine, middle, coarse = self.encoder(x)
        middle = self.up_middle(torch.cat([_twice(coarse), middle], dim=1))
        fine = self.up_fine(torch.cat([_twice(middle), fine], dim=1))
        logits: Tensor = self.out(fine)[:, 0]
        return logits


class Numbers(nn.Module):
    """A few numbers from the whole view: the paper's localisation network."""

    def __init__(self, encoder: Encoder, side_px: int, outputs: int, hidden: int = 128) -> None:
        super().__init__()
        self.encoder = encoder
        squeezed = 16
        places = (side_px // STRIDE) ** 2
        self.head = nn.Sequential(
            *conv(encoder.widths[-1], squeezed, 1), nn.Flatten(),
            nn.Linear(squeezed * places, hidden), nn.ReLU(), nn.Linear(hidden, outputs),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, 1, side, side) -> (B, outputs)."""
        found: Tensor = self.head(self.encoder(x)[-1])
        return found


def encoder(name: str) -> Encoder:
    """The encoder called ``name``, with freshly drawn weights.

    Raises:
        SettingsError: there is none of that name; the message lists those there are.
    """
    if name not in _ENCODERS:
        raise SettingsError(f"unknown backbone '{name}'", did_you_mean(name, _ENCODERS))
    return _ENCODERS[name]()


def conv(inputs: int, outputs: int, size: int = 3, *, stride: int = 1) -> list[nn.Module]:
    """Convolution, batch normalisation, ReLU."""
    layer = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False)
    return [layer, nn.BatchNorm2d(outputs), nn.ReLU()]


def _blocks(inputs: int, outputs: int, count: int, stride: int) -> list[nn.Module]:
    return [Residual(inputs, outputs, stride), *(Residual(outputs, outputs) for _ in range(count - 1))]


def _twice(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2.0, mode="nearest")


_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "small": lambda: Encoder((16, 32, 64, 96), (1, 2, 2)),
    "medium": lambda: Encoder((32, 48, 96, 160), (2, 2, 2)),
    # ResNet-34's blocks; its last stage, at a thirty-second, is left out: a view of 64 pixels would have 2 x 2 places.
    "resnet34": lambda: Encoder((64, 64, 128, 256), (3, 4, 6)),
}
BACKBONES = tuple(_ENCODERS)
