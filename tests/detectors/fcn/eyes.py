"""Networks whose maps are known: they read off the view what stands there, and what to answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.fcn.detector import MapDetector
from detectors.fcn.maps import Maps, angle_maps
from detectors.fcn.settings import STEP_M
from detectors.gqcnn.metric import RobustnessMetric
from robot.frame import Intrinsics
from robot.gripper_geometry import STROKE_M
from tests.detectors.depth_scenes import Box
from tests.detectors.fcn.bars import measured
from tests.detectors.gqcnn.critic import ConstantCritic

SMALL = Intrinsics(fx=150.0, fy=150.0, cx=79.5, cy=59.5, width=160, height=120)
CAMERA = Intrinsics(fx=300.0, fy=300.0, cx=161.0, cy=118.0, width=320, height=240)
CLOSE = Intrinsics(fx=600.0, fy=600.0, cx=210.0, cy=160.0, width=420, height=320)
BAR = Box(0.0, 0.0, 0.12, 0.03, 0.04, 0.5)
THREE = (
    Box(-0.10, 0.02, 0.10, 0.03, 0.05, 0.9),
    Box(0.03, -0.05, 0.07, 0.025, 0.03, 0.0),
    Box(0.11, 0.05, 0.05, 0.02, 0.04, 2.0),
)
"""The largest first."""
_HIGH = 0.25  # a centimetre


def detector(network: Any, robust: float = 0.9) -> MapDetector:
    """Around a network that may be one of those below; GQ-CNN thinks the same of every grasp."""
    return MapDetector("fcn", network, RobustnessMetric(ConstantCritic(robust)))


def bell(shape: tuple[int, int], row: float, column: float, sigma: float = 6.0) -> NDArray[np.float32]:
    """1 at a place, falling off."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2)).astype(np.float32)


@dataclass(eq=False)
class BarReader:
    """Holds every bar across its middle: the largest thing best, the next a little less, and so on.

    Attributes:
        opening_m: what the width map says everywhere.
        best: quality of the best; each further is 0.15 lower.
        off_px: so far along the bar from its middle is the best place, in pixels of the view.
        seen: views it was shown.
    """

    opening_m: float = 0.050
    best: float = 0.9
    off_px: float = 0.0
    parameter_count: int = 7
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(channels=1))
    seen: list[NDArray[np.float32]] = field(default_factory=list)

    def __call__(self, image: Tensor) -> Maps:
        view = image[0, 0].numpy()
        self.seen.append(view)
        count, parts = cv2.connectedComponents((view > _HIGH).astype(np.uint8))
        sizes = [int((parts == part).sum()) for part in range(1, count)]
        quality, angle = np.zeros(view.shape, np.float32), np.zeros(view.shape, np.float32)
        for place, part in enumerate(np.argsort(sizes)[::-1] + 1):
            u, v, direction, _, _ = measured((parts == part).astype(np.float32))
            row, column = v + self.off_px * math.sin(direction), u + self.off_px * math.cos(direction)
            hill = bell(view.shape, row, column) * (self.best - 0.15 * place)
            angle = np.where(hill > quality, direction + math.pi / 2, angle)
            quality = np.maximum(quality, hill)
        share = self.opening_m / STROKE_M
        return _maps(quality, angle, np.full(view.shape, share))


@dataclass(eq=False)
class Pointing:
    """Answers with the quality that ``rule`` makes of a view, all else alike."""

    rule: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    angle_rad: float = 0.3
    parameter_count: int = 7
    config: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(channels=1))

    def __call__(self, image: Tensor) -> Maps:
        quality = self.rule(image[0, 0].numpy())
        return _maps(quality, np.full(quality.shape, self.angle_rad), np.full(quality.shape, 40 * STEP_M / STROKE_M))


def _maps(quality: NDArray[np.float32], angle: NDArray[np.floating], width: NDArray[np.floating]) -> Maps:
    layers = [torch.from_numpy(np.ascontiguousarray(one, np.float32))[None] for one in (quality, angle, width)]
    return Maps(layers[0], angle_maps(layers[1], "double"), layers[2])
