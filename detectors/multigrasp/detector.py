"""``multigrasp``: the baseline as a detector."""

from __future__ import annotations

from pathlib import Path

from detectors.gqcnn.metric import RobustnessMetric, load_metric
from detectors.multigrasp.network import MultiGrasp, MultiGraspConfig
from detectors.multigrasp.weights_file import SHIPPED
from detectors.oneshot.detector import OneShotDetector
from detectors.oneshot.weights import load_weights
from detectors.warming_up import bar_on_a_table

NAME = "multigrasp"


def make_default() -> OneShotDetector:
    """``multigrasp`` with the network that the program ships."""
    return make_with_weights(SHIPPED, load_metric())


def make_with_weights(path: Path, metric: RobustnessMetric) -> OneShotDetector:
    """``multigrasp`` with the weights in a file.

    Raises:
        SettingsError: the file is missing, damaged or another detector's.
    """
    network = load_weights(path, NAME, lambda config: MultiGrasp(MultiGraspConfig(**config)))
    detector = OneShotDetector(NAME, network, metric, path)
    detector.detect(bar_on_a_table(), top=2)
    return detector
