"""A network that has learnt nothing and knows the answer: it reads red bars off the view and grasps across them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.anchor.detector import AnchorDetector
from detectors.anchor.network import AnchorConfig, Predictions, Scores
from detectors.anchor.settings import COLOR_MEAN, COLOR_SPREAD, STRIDE_PX
from detectors.gqcnn.metric import RobustnessMetric
from robot.frame import Frame
from tests.detectors.anchor.bars import HEIGHT_PX, WIDTH_PX, colored, redness
from tests.detectors.fcn.bars import measured
from tests.detectors.gqcnn.critic import ConstantCritic

_FEWEST_PX = 12
_STANDS_M = 0.004


@dataclass(eq=False)
class BarEyes:
    """Holds every red bar across its middle: the largest best, the next a little less, and so on.

    Attributes:
        width_px, height_px: of every grasp, in pixels of the view.
        best: score of the best; each further is 0.15 lower, all other anchors have 0.01.
        off_px, turn_rad: grasps lie so far along the bar from its middle, and are turned so far.
        seen: views it was shown.
    """

    width_px: float = 40.0
    height_px: float = 16.0
    best: float = 0.9
    off_px: float = 0.0
    turn_rad: float = 0.0
    parameter_count: int = 7
    scorer: object = "of the same mind"
    config: AnchorConfig = field(default_factory=lambda: AnchorConfig("small", True, WIDTH_PX, HEIGHT_PX))
    seen: list[NDArray[np.uint8]] = field(default_factory=list)

    def eval(self) -> BarEyes:
        return self

    def __call__(self, images: Tensor) -> Predictions:
        shown = images[0].permute(1, 2, 0).numpy() * COLOR_SPREAD + COLOR_MEAN
        view = np.rint(np.clip(shown, 0, 255)).astype(np.uint8)
        self.seen.append(view)
        rows, columns = view.shape[0] // STRIDE_PX, view.shape[1] // STRIDE_PX
        anchors = self.config.anchors()
        grid = anchors.grid(rows, columns)
        score, deltas = torch.full((len(grid),), 0.01), torch.zeros(len(grid), 5)
        for place, grasp in enumerate(self._grasps(redness(view))):
            away = torch.hypot(grid[:, 0] - grasp[0], grid[:, 1] - grasp[1])
            turned = torch.remainder(grid[:, 4] - grasp[4] + math.pi / 2, math.pi) - math.pi / 2
            nearest = int((away + turned.abs()).argmin())
            score[nearest] = self.best - 0.15 * place
            deltas[nearest] = anchors.encode(grasp, grid[nearest])
        logits = torch.stack([torch.log1p(-score), torch.log(score)], dim=1)
        return Predictions(torch.zeros(1, 1, rows, columns), logits[None], deltas[None])

    def scores(self, found: Predictions) -> Scores:
        score = torch.softmax(found.primary, dim=-1)[..., 1]
        return Scores(score, score, score)

    def _grasps(self, red: NDArray[np.float32]) -> list[Tensor]:
        count, parts = cv2.connectedComponents((red > 0.5).astype(np.uint8))
        sizes = {part: int((parts == part).sum()) for part in range(1, count)}
        grasps = []
        for part in sorted((part for part, size in sizes.items() if size >= _FEWEST_PX), key=lambda p: -sizes[p]):
            u, v, direction, _, _ = measured(red * (parts == part))
            x, y = u + self.off_px * math.cos(direction), v + self.off_px * math.sin(direction)
            angle = direction + math.pi / 2 + self.turn_rad
            grasps.append(torch.tensor([x, y, self.width_px, self.height_px, angle]))
        return grasps


def detector(network: object, robust: float = 0.9, *, order: str = "final") -> AnchorDetector:
    """Around a network that may be one of these; GQ-CNN thinks the same of every grasp."""
    metric = RobustnessMetric(ConstantCritic(robust))
    return AnchorDetector("anchor", network, metric, order=order)  # type: ignore[arg-type]


def painted(frame: Frame, distance_m: float = 0.70) -> Frame:
    """The same frame with colour: what stands above a table so far away is red, holes in the depth or not."""
    share = (frame.depth_m < distance_m - _STANDS_M) & (frame.depth_m > 0)
    return Frame(frame.depth_m, frame.intrinsics, colored(share.astype(float)))
