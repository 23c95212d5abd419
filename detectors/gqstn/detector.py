"""``gqstn``: one pass of the cascade, one grasp."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.gqcnn.metric import RobustnessMetric, load_metric
from detectors.gqstn.network import Cascade, GqStn, GqStnConfig
from detectors.gqstn.picture import draw_stages
from detectors.gqstn.weights_file import SHIPPED
from detectors.grasp import Grasp
from detectors.inpainting import fill_holes
from detectors.oneshot.detector import MOST_GRASPS, Looked, Mask, OneShotDetector
from detectors.oneshot.weights import load_weights
from detectors.overlay import draw_grasps
from detectors.warming_up import bar_on_a_table
from robot.frame import Frame

NAME = "gqstn"


class GqStnDetector(OneShotDetector):
    """The cascade as a detector.

    Args:
        network: trained, in evaluation mode.
        metric: GQ-CNN.
        weights_path: the file that the network came from.
    """

    network: GqStn

    def __init__(self, network: GqStn, metric: RobustnessMetric, weights_path: Path | None = None) -> None:
        super().__init__(NAME, network, metric, weights_path)
        self.detect(bar_on_a_table(), top=2)

    def stages(
        self, frame: Frame, region: Mask | None = None, seed: int = 0, count: int = 1
    ) -> tuple[Looked, Cascade] | None:
        """What each stage is shown and answers at the ``count`` best places; None where no table is seen."""
        if not frame.valid.any():
            return None
        looked = self.looked(frame, fill_holes(frame.depth_m, frame.valid), region, seed)
        if looked is None:
            return None
        with torch.inference_mode():
            return looked, self.network.stages(looked, count)

    def draw(self, frame: Frame, grasps: Sequence[Grasp], seed: int = 0) -> NDArray[np.uint8]:
        """(H', W', 3) RGB: the grasps on the frame, and what the stages and GQ-CNN were shown of the place nearest the
        first of them."""
        overlay = draw_grasps(frame, grasps)
        found = self.stages(frame, seed=seed, count=MOST_GRASPS)
        if found is None:
            return overlay
        looked, stages = found
        away = [math.dist(pixel, (g.u, g.v)) for g in grasps[:1] for pixel in stages.grasps.pixels[0].tolist()]
        return draw_stages(overlay, looked, stages.place(int(np.argmin(away)) if away else 0))


def make_default() -> GqStnDetector:
    """``gqstn`` with the networks that the program ships."""
    return make_with_weights(SHIPPED, load_metric())


def make_with_weights(path: Path, metric: RobustnessMetric) -> GqStnDetector:
    """``gqstn`` with the weights in a file.

    Raises:
        SettingsError: the file is missing, damaged or another detector's.
    """
    return GqStnDetector(load_weights(path, NAME, lambda config: GqStn(GqStnConfig(**config))), metric, path)
