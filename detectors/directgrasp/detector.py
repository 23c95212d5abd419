"""``directgrasp``: the baseline as a detector."""

from __future__ import annotations

from pathlib import Path

from detectors.directgrasp.network import DirectGrasp, DirectGraspConfig
from detectors.directgrasp.weights_file import SHIPPED
from detectors.gqcnn.metric import RobustnessMetric, load_metric
from detectors.oneshot.detector import OneShotDetector
from detectors.oneshot.weights import load_weights
from detectors.warming_up import bar_on_a_table

NAME = "directgrasp"


def make_default() -> OneShotDetector:
    """``directgrasp`` with the network that the program ships."""
    return make_with_weights(SHIPPED, load_metric())


def make_with_weights(path: Path, metric: RobustnessMetric) -> OneShotDetector:
    """``directgrasp`` with the weights in a file.

    Raises:
        SettingsError: the file is missing, damaged or another detector's.
    """
    network = load_weights(path, NAME, lambda config: DirectGrasp(DirectGraspConfig(**config)))
    detector = OneShotDetector(NAME, network, metric, path)
    detector.detect(bar_on_a_table(), top=2)
    return detector
