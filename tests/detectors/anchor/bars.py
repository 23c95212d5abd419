"""A small world for the anchor networks: one red bar in each picture, held across its middle; and tiny networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from detectors.anchor import network
from detectors.anchor.backbone import BACKBONES, CHANNELS, make_backbone
from detectors.anchor.network import AnchorConfig, AnchorNetwork
from detectors.anchor.views import ColorPicture
from detectors.fcn.views import Rows
from tests.detectors.fcn.bars import drawn, measured

TINY = "tiny"
WIDTH_PX, HEIGHT_PX = 50.0, 20.0
"""The tiny networks' mean box."""
SIDE_PX = 160
GROUND, RED = np.array([200.0, 200.0, 195.0]), np.array([190.0, 30.0, 30.0])


class BarColors:
    """Pictures of 160 x 160 pixels with a bar in each, about 14 x 60, that is held across its middle.

    Attributes:
        asked: which pictures were looked at, in order.
    """

    def __init__(self, count: int, seed: int = 0, name: str = "bar", scale: float = 1.0) -> None:
        rng = np.random.default_rng(seed)
        self.names = np.array([f"{name} {index}" for index in range(count)])
        self.bars = np.column_stack([
            rng.uniform(60, 100, (count, 2)), rng.uniform(-1.5, 1.5, count), rng.uniform(55, 65, count),
            rng.uniform(12, 16, count),
        ])  # fmt: skip
        self.asked: list[int] = []
        self._scale = scale

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
        self.asked.append(index)
        u, v, angle, _, width = self.bars[index]
        truth = np.array([[u, v, angle + math.pi / 2, width + 20, 18.0]])
        middle = (SIDE_PX - 1) / 2
        return ColorPicture(
            colored(drawn(self.bars[index : index + 1], (SIDE_PX, SIDE_PX))), truth, self._scale, (middle, middle)
        )


def colored(share: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, red where ``share`` (H, W) is 1 and the ground's grey where it is 0."""
    return np.asarray(np.rint(GROUND + (RED - GROUND) * share[..., None]), dtype=np.uint8)


def redness(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W) the share that ``colored`` was given."""
    red = (image[..., 0].astype(float) - image[..., 1] - (GROUND[0] - GROUND[1])) / (RED[0] - RED[1])
    return np.asarray(np.clip(red, 0, 1), dtype=np.float32)


def across(image: NDArray[np.uint8]) -> Rows:
    """(1, 5) u, v, closing direction, width, length of the one red bar in a picture: held across its middle."""
    u, v, direction, length, width = measured(redness(image))
    return np.array([[u, v, direction + math.pi / 2, width, length]])


def tiny_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``tiny`` a backbone that a test can train."""
    monkeypatch.setattr(network, "BACKBONES", (*BACKBONES, TINY))
    monkeypatch.setitem(CHANNELS, TINY, 16)
    monkeypatch.setitem(network._HIDDEN, TINY, 12)
    monkeypatch.setattr(network, "make_backbone", lambda name: _tiny() if name == TINY else make_backbone(name))


def tiny_network(seed: int = 0, *, scorer: bool = True, orientations: int = 6) -> AnchorNetwork:
    """An untrained one of that backbone, in training mode."""
    torch.manual_seed(seed)
    return AnchorNetwork(AnchorConfig(TINY, scorer, WIDTH_PX, HEIGHT_PX, orientations))


def as_if_trained(made: AnchorNetwork, seed: int = 0) -> AnchorNetwork:
    """The same network; its normalisation seems to have seen something."""
    torch.manual_seed(seed)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_var is not None
            assert module.running_mean is not None
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return made.eval()


def boxes(*rows: tuple[float, float, float, float, float]) -> Tensor:
    """(N, 5) x, y, w, h [px], theta [degrees]; the angle becomes radians."""
    table = torch.tensor(rows, dtype=torch.float32).reshape(-1, 5)
    table[:, 4] = torch.deg2rad(table[:, 4])
    return table


def _tiny() -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, 8, 4, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True)]
    for incoming, outgoing in ((8, 16), (16, 16)):
        layers += [nn.Conv2d(incoming, outgoing, 3, 2, 1, bias=False), nn.BatchNorm2d(outgoing), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)
