"""``fcn`` and ``ggcnn``: from a camera's frame through grasp maps to grasps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from detectors.fcn import ggcnn_weights_file, weights_file
from detectors.fcn.maps import Maps
from detectors.fcn.peaks import Peaks, find_peaks
from detectors.fcn.picture import draw_maps
from detectors.fcn.seeing import Seen
from detectors.fcn.settings import QUALITY_THRESHOLD
from detectors.fcn.weights import MapNetwork, load_weights
from detectors.gqcnn.metric import RobustnessMetric, load_metric
from detectors.gqcnn.network import one_thread
from detectors.grasp import Grasp
from detectors.overlay import draw_grasps
from detectors.view_detector import ViewDetector
from detectors.warming_up import bar_on_a_table
from robot.errors import SettingsError
from robot.frame import Frame

Float = NDArray[np.float32]

_LEAST_QUALITY = 0.1
NO_PLACE = "no place on the quality map is good enough, or none that may be grasped at was measured"


class MapDetector(ViewDetector):
    """A detector around a network that gives grasp maps.

    Its places are local maxima of the quality map: those after the first only above the paper's object-wise threshold,
    0.2; the first down to 0.1.

    Args:
        name: the detector's name.
        network: trained, in evaluation mode.
        metric: says what is robust.
        weights_path: the file that the network came from.

    Attributes:
        parameter_count, weights_path: of the network.

    Raises:
        SettingsError: the network sees colour.
    """

    no_place = NO_PLACE

    def __init__(self, name: str, network: MapNetwork, metric: RobustnessMetric, weights_path: Path | None = None):
        if network.config.channels != 1:
            raise SettingsError(
                f"{weights_path}: these weights see colour, and a grasp in metres needs depth",
                "train with --input depth; how well colour does, python -m detectors.crossvalidate --input color tells",
            )
        super().__init__(name, metric)
        self.network = network
        self.parameter_count, self.weights_path = network.parameter_count, weights_path

    def maps(self, heights: Float) -> Maps:
        """Grasp maps (1, h, w) of a view's heights (h, w), in units of 4 cm."""
        image = torch.from_numpy(heights)[None, None].contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), one_thread():
            found: Maps = self.network(image)
        return found

    def draw(self, frame: Frame, grasps: Sequence[Grasp], seed: int = 0) -> NDArray[np.uint8]:
        """(H, W, 3) RGB: the grasps on what the camera saw, and the maps that they came from, where there are any."""
        overlay, seen = draw_grasps(frame, grasps), self.view(frame, seed)
        return overlay if seen is None else draw_maps(overlay, seen.heights, self.maps(seen.heights))

    def _places(self, frame: Frame, seen: Seen, count: int) -> Peaks:
        peaks = find_peaks(self.maps(seen.heights), count, QUALITY_THRESHOLD, seen.allowed)
        return peaks.take(peaks.quality >= _LEAST_QUALITY)


def make_default() -> MapDetector:
    """``fcn`` with the network that the program ships."""
    return make_with_weights(weights_file.SHIPPED, load_metric())


def make_default_ggcnn() -> MapDetector:
    """``ggcnn`` with the network that the program ships."""
    return make_ggcnn_with_weights(ggcnn_weights_file.SHIPPED, load_metric())


def make_with_weights(path: Path, metric: RobustnessMetric) -> MapDetector:
    """``fcn`` with the weights in a file.

    Raises:
        SettingsError: the file is missing, damaged or another detector's.
    """
    return _made("fcn", path, metric)


def make_ggcnn_with_weights(path: Path, metric: RobustnessMetric) -> MapDetector:
    """``ggcnn`` with the weights in a file. Raises as ``make_with_weights``."""
    return _made("ggcnn", path, metric)


def _made(name: str, path: Path, metric: RobustnessMetric) -> MapDetector:
    detector = MapDetector(name, load_weights(path, name), metric, path)
    detector.detect(bar_on_a_table(), top=2)
    return detector
