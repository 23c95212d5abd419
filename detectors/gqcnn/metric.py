"""The robustness metric: is a grasp, whoever proposed it, robust in the eyes of GQ-CNN? (GQ-STN paper, section V-A)

A grasp is cut out of the depth image and given to the network; it is robust when the network's probability reaches the
threshold. The network must be trained before; the metric never changes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.gqcnn.crop import crop_depths
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.grasp import Grasp
from detectors.inpainting import fill_holes
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics

ROBUST_THRESHOLD = 0.5

Float = NDArray[np.float32]
Array = NDArray[np.float64]


class Classifier(Protocol):
    """What tells good grasps from bad ones by their crops: a trained ``GraspQualityNetwork``, as a rule."""

    def predict(self, crops_m: Float, depth_m: Array, width_m: Array) -> NDArray[np.floating]:
        """Probabilities (N,) that grasps hold.

        Args:
            crops_m: (N, 32, 32) absolute depth about each grasp [m]; see ``detectors.gqcnn.crop``.
            depth_m: (N,) depths of the grasp points [m].
            width_m: (N,) openings [m].
        """
        ...


class RobustnessMetric:
    """Judges grasps by their place in a frame.

    Args:
        classifier: the trained network.
        weights_path: the file that it came from, if any.

    Attributes:
        weights_path: as given.
        parameter_count: numbers that the classifier learnt; None where it does not say.
    """

    def __init__(self, classifier: Classifier, weights_path: Path | None = None) -> None:
        self._classifier = classifier
        self.weights_path = weights_path
        self.parameter_count: int | None = getattr(classifier, "parameter_count", None)

    def quality(self, frame: Frame, grasps: Sequence[Grasp] | GraspArrays) -> Array:
        """(n,) probabilities that the grasps hold; the frame's holes are filled first. 0 where nothing was measured."""
        if len(grasps) == 0 or not frame.valid.any():
            return np.zeros(len(grasps))
        return self.quality_in(fill_holes(frame.depth_m, frame.valid), frame.intrinsics, grasps)

    def quality_in(self, filled_m: Float, intrinsics: Intrinsics, grasps: Sequence[Grasp] | GraspArrays) -> Array:
        """The same for an (H, W) depth image whose holes are filled already [m]."""
        arrays = grasps if isinstance(grasps, GraspArrays) else GraspArrays.from_grasps(grasps)
        crops = crop_depths(filled_m, intrinsics, arrays)
        probability = self._classifier.predict(crops, arrays.depth_m, arrays.width_m)
        return np.asarray(np.clip(probability, 0.0, 1.0), dtype=np.float64)

    def robust(self, frame: Frame, grasps: Sequence[Grasp] | GraspArrays) -> NDArray[np.bool_]:
        """(n,) True for robust grasps."""
        return self.quality(frame, grasps) >= ROBUST_THRESHOLD


def is_robust(quality: float) -> bool:
    """Whether a probability reaches the threshold."""
    return quality >= ROBUST_THRESHOLD


def load_metric() -> RobustnessMetric:
    """The metric with the network that the program ships.

    Raises:
        SettingsError: the weights are missing or damaged; ends the program with "a part of the cell is missing".
    """
    from detectors.gqcnn.weights import load_gqcnn
    from detectors.gqcnn.weights_file import SHIPPED

    try:
        return RobustnessMetric(load_gqcnn(), SHIPPED)
    except SettingsError as error:
        raise SettingsError(error.message, error.hint, exit_code=3) from None
