"""Everybody's grasps on a data set that is labelled with rectangles: what goes into the answer."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from detectors.evaluation.answers import labelled_answer
from detectors.evaluation.arguments import NO_DEPTH, depth_of
from detectors.evaluation.color_alone import run_color_alone, scale_rule
from detectors.evaluation.labelled import LabelledImage
from detectors.evaluation.physical import FirstGrasps, Watcher, run_labelled
from detectors.evaluation.sources import Tell, height_rule, labelled
from detectors.gqcnn.metric import RobustnessMetric
from detectors.rectangle_detector import RectangleDetector
from detectors.registry import Detector
from robot.errors import SettingsError

TellNumber = Callable[[int], None]


def compare(
    args: argparse.Namespace,
    detectors: Mapping[str, Detector],
    metric: RobustnessMetric,
    watch: Watcher | None,
    tell: Tell,
    tell_number: TellNumber,
) -> dict[str, Any]:
    """Ask detectors for grasps in metres.

    Args:
        args: of the command.
        detectors: who is asked, by name.
        metric: tells robust grasps, where there is depth.
        watch: is shown what the first detector answers.
        tell: takes lines on what the data set lacks.
        tell_number: takes the number of the image that is done.

    Raises:
        SettingsError: no image can be used, or none has depth and nobody finds anything without.
    """
    skipped: Counter[str] = Counter()
    measured: list[bool] = []
    answers = run_labelled(
        _noting_depth(islice(labelled(args, skipped, tell), args.images), measured), detectors,
        None if depth_of(args) == NO_DEPTH else metric,  # GQ-CNN sees depth alone
        height_rule(args.dataset), top=args.top, watch=watch, tell=tell_number,
    )  # fmt: skip
    _check_used(args, answers, skipped)
    # A detector of somebody else's may do without depth; where nobody found anything, there is nothing to judge.
    if not any(measured) and not any(one.proposed for of in answers.values() for one in of):
        raise SettingsError(
            f"{args.path}: no image has depth, and detectors need it",
            "judge colour with python -m detectors.crossvalidate --input color",
        )
    return labelled_answer(args.name, answers, dict(skipped), args.top)


def compare_in_color(
    args: argparse.Namespace,
    detectors: Mapping[str, RectangleDetector],
    watch: Watcher | None,
    tell: Tell,
    tell_number: TellNumber,
) -> dict[str, Any]:
    """Ask detectors for rectangles in colour images without depth (see ``color_alone``).

    Args:
        args: of the command; they ask for no depth.
        detectors, watch, tell, tell_number: as for ``compare``.

    Raises:
        SettingsError: no image can be used.
    """
    skipped: Counter[str] = Counter()
    answers = run_color_alone(
        islice(labelled(args, skipped, tell), args.images), detectors,
        height_rule(args.dataset), scale_rule(args.dataset), top=args.top, watch=watch, tell=tell_number,
    )  # fmt: skip
    _check_used(args, answers, skipped)
    return labelled_answer(args.name, answers, dict(skipped), args.top) | {"input": "color"}


def _check_used(args: argparse.Namespace, answers: FirstGrasps, skipped: Mapping[str, int]) -> None:
    if not answers[args.name]:
        why = "; ".join(f"{reason}: {count}" for reason, count in skipped.items())
        raise SettingsError(f"{args.path}: no image could be used ({why})")


def _noting_depth(images: Iterable[LabelledImage], measured: list[bool]) -> Iterator[LabelledImage]:
    """The same images; adds to ``measured`` whether each has a depth reading."""
    for image in images:
        measured.append(bool(image.frame.valid.any()))
        yield image
