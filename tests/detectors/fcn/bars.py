"""A small world for the map networks: one bar in each picture, drawn from its rectangle."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors.fcn import network
from detectors.fcn.network import FcnConfig, FcnNetwork, Layout
from detectors.fcn.samples import Picture
from detectors.fcn.views import Image, Rows
from detectors.fcn.weights import MapNetwork, build

TINY = "tiny"
SIDE_PX = 96


def rectangle(u: float, v: float, angle: float, length: float, height: float) -> Rows:
    """(1, 5) as in ``detectors.fcn.views``."""
    return np.array([[u, v, angle, length, height]], dtype=np.float64)


def drawn(rectangles: Rows, shape: tuple[int, int]) -> Image:
    """1 inside the rectangles and 0 outside, with rims a pixel soft."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float64)
    image = np.zeros(shape)
    for u, v, angle, length, height in rectangles:
        c, s = math.cos(angle), math.sin(angle)
        along, across = (x - u) * c + (y - v) * s, (y - v) * c - (x - u) * s
        inside = np.clip(length / 2 - np.abs(along) + 0.5, 0, 1) * np.clip(height / 2 - np.abs(across) + 0.5, 0, 1)
        image = np.maximum(image, inside)
    return image.astype(np.float32)


class BarPictures:
    """Pictures of 96 x 96 pixels with a bar in each, about 10 x 40, that is held across its middle.

    Attributes:
        asked: which pictures were looked at, in order.
    """

    channels, width_unit_px = 1, 40.0

    def __init__(self, count: int, seed: int = 0, name: str = "bar") -> None:
        rng = np.random.default_rng(seed)
        self.names = np.array([f"{name} {index}" for index in range(count)])
        self._bars = np.column_stack([
            rng.uniform(38, 58, (count, 2)), rng.uniform(-1.5, 1.5, count), rng.uniform(36, 44, count),
            rng.uniform(8, 12, count),
        ])  # fmt: skip
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, index: int) -> Picture:
        self.asked.append(index)
        u, v, angle, _, width = self._bars[index]
        truth = rectangle(u, v, angle + math.pi / 2, width + 12, 16)
        image = drawn(self._bars[index : index + 1], (SIDE_PX, SIDE_PX))
        return Picture(image, truth, truth, 1.0, (SIDE_PX / 2 - 0.5, SIDE_PX / 2 - 0.5), 16.0)


class Colored(BarPictures):
    """The same in three colours."""

    channels = 3

    def picture(self, index: int) -> Picture:
        one = super().picture(index)
        return replace(one, image=np.stack([one.image, 2 * one.image, -one.image], axis=-1))


def tiny_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ``tiny`` a layout that a test can train."""
    layout = Layout((8, 8, 8, 8, 8, 8), (2, 2, 2, 1, 1, 1), (1, 1, 2, 2, 2), (4, 3, 1, 0), 8, paired=False)
    monkeypatch.setitem(network.LAYOUTS, TINY, layout)


def tiny_network(seed: int = 0, **other: str | int) -> FcnNetwork:
    """An untrained one of that layout."""
    torch.manual_seed(seed)
    return FcnNetwork(FcnConfig(**{"layout": TINY, **other}))


def as_if_trained(name: str, config: dict[str, str | int], seed: int = 0) -> MapNetwork:
    """An untrained network whose normalisation seems to have seen something."""
    torch.manual_seed(seed)
    made = build(name, config)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.uniform_(module.bias, -0.2, 0.2)
    with torch.no_grad():
        made.maps.bias[0] = 0.6  # of the quality: so that there are grasps
    return made.eval()


def measured(image: NDArray[np.float32]) -> tuple[float, float, float, float, float]:
    """Centre, direction of the long side, length and height of the one bright bar in an image."""
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
    total = image.sum()
    u, v = float((x * image).sum() / total), float((y * image).sum() / total)
    xx, yy, xy = (float((a * b * image).sum() / total) for a, b in ((x - u, x - u), (y - v, y - v), (x - u, y - v)))
    spread, directions = np.linalg.eigh([[xx, xy], [xy, yy]])
    height, length = (math.sqrt(12 * max(one, 0.0)) for one in spread)
    return u, v, math.atan2(directions[1, 1], directions[0, 1]), length, height
