"""Every detector's top grasp on held-out scenes, lifted; the oracle beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from detectors.evaluation.first_grasps import FirstGrasp, Truths, first_grasp
from detectors.evaluation.judging import TRIES, JudgedScene
from detectors.evaluation.labelled import LabelledImage
from detectors.evaluation.rectangles import HeightRule, pad_width
from detectors.gqcnn.metric import RobustnessMetric
from detectors.registry import Detector
from robot.frame import Frame

ORACLE = "oracle"

FirstGrasps = dict[str, list[FirstGrasp]]
"""By detector; one an image, in the images' order."""
Watcher = Callable[[str, Frame, Truths, FirstGrasp], None]
"""Is shown every image, by name, with the answer of the first detector."""
Asker = Callable[[LabelledImage, Truths], FirstGrasp]
"""Asks one detector about an image and judges its answer."""


def run_physical(
    scenes: Iterable[JudgedScene],
    detectors: Mapping[str, Detector],
    metric: RobustnessMetric | None,
    *,
    oracle: bool = True,
    tries: int = TRIES,
    top: int = 1,
    watch: Watcher | None = None,
    tell: Callable[[int], None] = lambda number: None,
) -> FirstGrasps:
    """Ask every detector about every scene and lift its top grasp.

    Rectangles are compared with dense ground truths, as high as the gripper's pads; those of the labelled grasps that
    lift are few and far between. One scene and one detector at a time: detection times must not be those of processes
    that share a core.

    Args:
        scenes: where to look.
        detectors: who is asked, by name.
        metric: tells robust grasps; None leaves that out.
        oracle: whether the best labelled grasp is lifted, too.
        tries: noisy lifts a grasp.
        top: how many grasps every detector is asked for; the first alone is lifted.
        watch: is shown what the first detector answers.
        tell: takes the number of the scene that is done.
    """
    answers: FirstGrasps = {name: [] for name in ([ORACLE] if oracle else []) + list(detectors)}
    for number, scene in enumerate(scenes, start=1):
        frame, truths = scene.record.frame(), Truths(scene.dense_truths(), pad_width, scene.truths())
        if oracle:
            answers[ORACLE].append(FirstGrasp(success=scene.oracle(tries)))
        lift = partial(scene.success, tries=tries)
        for name, detector in detectors.items():
            answers[name].append(first_grasp(detector, frame, truths, metric, lift, top))
        if watch:
            watch(f"scene {scene.record.number}", frame, truths, answers[next(iter(detectors))][-1])
        tell(number)
    return answers


def run_labelled(
    images: Iterable[LabelledImage],
    detectors: Mapping[str, Detector],
    metric: RobustnessMetric | None,
    height: HeightRule,
    *,
    top: int = 1,
    watch: Watcher | None = None,
    tell: Callable[[int], None] = lambda number: None,
) -> FirstGrasps:
    """Ask every detector about every image that is labelled with rectangles; nothing is lifted.

    Args:
        images: where to look.
        height: rule that gives predictions the height of the images' rectangles.
        detectors, metric, top, watch, tell: as in ``run_physical``.
    """

    def asker(detector: Detector) -> Asker:
        return lambda image, truths: first_grasp(detector, image.frame, truths, metric, top=top)

    askers = {name: asker(detector) for name, detector in detectors.items()}
    return ask_about(images, askers, height, watch=watch, tell=tell)


def ask_about(
    images: Iterable[LabelledImage],
    askers: Mapping[str, Asker],
    height: HeightRule,
    *,
    watch: Watcher | None = None,
    tell: Callable[[int], None] = lambda number: None,
) -> FirstGrasps:
    """Have everybody asked about every image that is labelled with rectangles, one after the other.

    Args:
        askers: by detector.
        images, height, watch, tell: as in ``run_labelled``.
    """
    answers: FirstGrasps = {name: [] for name in askers}
    for number, image in enumerate(images, start=1):
        truths = Truths(image.truths, height, image.truths)
        for name, ask in askers.items():
            answers[name].append(ask(image, truths))
        if watch:
            watch(image.name, image.frame, truths, answers[next(iter(askers))][-1])
        tell(number)
    return answers
