"""Every detector's top grasp on held-out scenes, lifted; the oracle beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from detectors.evaluation.first_grasps import FirstGrasp, first_grasp
from detectors.evaluation.judging import TRIES, JudgedScene
from detectors.evaluation.labelled import LabelledImage
from detectors.gqcnn.metric import RobustnessMetric
from detectors.registry import Detector

ORACLE = "oracle"

FirstGrasps = dict[str, list[FirstGrasp]]
"""By detector; one an image, in the images' order."""


def run_physical(
    scenes: Iterable[JudgedScene],
    detectors: Mapping[str, Detector],
    metric: RobustnessMetric | None,
    *,
    oracle: bool = True,
    tries: int = TRIES,
    tell: Callable[[int], None] = lambda number: None,
) -> FirstGrasps:
    """Ask every detector about every scene and lift its top grasp.

    One scene and one detector at a time: detection times must not be those of processes that share a core.
    """
    answers: FirstGrasps = {name: [] for name in ([ORACLE] if oracle else []) + list(detectors)}
    for number, scene in enumerate(scenes, start=1):
        frame, truths = scene.record.frame(), scene.truths()
        if oracle:
            answers[ORACLE].append(FirstGrasp(success=scene.oracle(tries)))
        for name, detector in detectors.items():
            answers[name].append(first_grasp(detector, frame, truths, metric, partial(scene.success, tries=tries)))
        tell(number)
    return answers


def run_labelled(
    images: Iterable[LabelledImage],
    detectors: Mapping[str, Detector],
    metric: RobustnessMetric | None,
    *,
    tell: Callable[[int], None] = lambda number: None,
) -> FirstGrasps:
    """Ask every detector about every image that is labelled with rectangles; nothing is lifted."""
    answers: FirstGrasps = {name: [] for name in detectors}
    for number, image in enumerate(images, start=1):
        for name, detector in detectors.items():
            answers[name].append(first_grasp(detector, image.frame, image.truths, metric))
        tell(number)
    return answers
