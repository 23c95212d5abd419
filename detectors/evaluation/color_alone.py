"""Detectors of rectangles, judged on colour alone: who is, at which scale they are shown an image, and what is right.

A prediction is the network's own rectangle with the network's own height. It is right by the standard metric: any
ground truth, less than 30 degrees off, Jaccard above 0.25. Nothing is said of robustness, nor by the GQ-STN paper's
closest grasp: both are about grasps in metres.

The scale. A network that sees colour alone does not know how far away a thing is, only how many pixels it has. On
Cornell it learns from crops that were cut 321 px wide out of the 640 x 480 originals, on Jacquard from whole images,
scaled. So an image of Cornell whose shorter side has ``INPUT_PX`` pixels or more, an original, is shown as it is; a
smaller one, a processed crop, is scaled until its shorter side has as many. So is every image of Jacquard and Georgia.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.arguments import CORNELL, DEPTHS, DEXNET, NO_DEPTH
from detectors.evaluation.baselines import BASELINES
from detectors.evaluation.first_grasps import FirstGrasp, Truths
from detectors.evaluation.judging import JudgedScene
from detectors.evaluation.labelled import LabelledImage
from detectors.evaluation.lineup import SAMPLING
from detectors.evaluation.physical import FirstGrasps, Watcher, ask_about
from detectors.evaluation.rectangles import ANGLES_DEG, HeightRule, overlap, overlaps_by_angle
from detectors.rectangle_detector import INPUT_PX, RectangleDetector, sees_color_alone
from detectors.registry import Detector
from robot.errors import SettingsError

ScaleRule = Callable[[int, int], float | None]
"""Height and width of an image [px] -> the scale it is shown at, as ``RectangleDetector.rectangles`` takes it."""
_NOTHING = "no rectangle found"


def color_line_up(
    detectors: Mapping[str, Detector], dataset: str, depth: str | None = None
) -> dict[str, RectangleDetector]:
    """Those of a line-up that are judged on colour alone; empty where nobody is.

    Where somebody is, everybody has to be. What stands in every table, the ranked samples and the two baselines, needs
    depth: nobody asked for it, and it is left out.

    Args:
        detectors: everybody, by name.
        dataset: its name; on our own scenes, which have depth as well, nobody is judged on colour alone.
        depth: which depth images were asked for; None where nobody said.

    Raises:
        SettingsError: some need depth, depth was asked for, or the data set has no colour.
    """
    colored = {name: detector for name, detector in detectors.items() if isinstance(detector, RectangleDetector)}
    if not colored or dataset not in (DEXNET, *DEPTHS):
        return {}
    who = ", ".join(colored)
    if dataset == DEXNET:
        raise SettingsError(
            f"{dataset} has depth images alone, and {who} cannot do without colour",
            f"judge it on {', '.join(DEPTHS)}, or on scenes of our own that were made with --images all",
        )
    others = [name for name in detectors if name not in (*colored, SAMPLING, *BASELINES)]
    if others:
        raise SettingsError(
            f"{', '.join(others)} cannot do without depth, and on {dataset} {who} can only be shown colour alone",
            "judge them apart, or together on scenes of our own: --dataset synthetic",
        )
    if depth not in (None, NO_DEPTH):
        raise SettingsError(f"--depth {depth}: on {dataset} {who} can only be shown colour alone", "leave --depth out")
    return colored


def in_color(scenes: Iterable[JudgedScene], detectors: Mapping[str, Detector]) -> Iterator[JudgedScene]:
    """The same scenes, which must have colour where somebody sees nothing else.

    Raises:
        SettingsError: one has none.
    """
    who = ", ".join(name for name, detector in detectors.items() if sees_color_alone(detector))
    for scene in scenes:
        if who and scene.record.color is None:
            raise SettingsError(
                f"scene {scene.record.number} has no colour image, and {who} cannot do without",
                "make the scenes with python -m detectors.synthesize --images all",
            )
        yield scene


def scale_rule(dataset: str) -> ScaleRule:
    """How large the images of a data set are shown; see the module's text."""
    return _cornells_scale if dataset == CORNELL else _shorter_side


def first_rectangle(
    detector: RectangleDetector, color: NDArray[np.uint8], truths: Truths, scale: float | None, top: int = 1
) -> FirstGrasp:
    """Ask a detector about a colour image and judge its top rectangle, and the next ones.

    Args:
        detector: who is asked, once.
        color: (H, W, 3) RGB.
        truths: the image's good grasps; no rule gives a height here.
        scale: as for ``RectangleDetector.rectangles``.
        top: how many rectangles it is asked for.
    """
    started = time.perf_counter()
    found = detector.rectangles(color, top=top, scale=scale)[:top]
    detect_ms = (time.perf_counter() - started) * 1e3
    if not found:
        silence = (0.0,) * len(ANGLES_DEG) if truths.any_of else None
        return FirstGrasp(by_angle=silence, detect_ms=detect_ms, proposed=False, reason=_NOTHING)
    first, *further = (one.rectangle for one in found)
    return FirstGrasp(
        by_angle=overlaps_by_angle(first, truths.any_of) if truths.any_of else None,
        further=tuple(overlap(one, truths.any_of) for one in further) if truths.any_of else (),
        rectangle=first,
        detect_ms=detect_ms,
    )


def run_color_alone(
    images: Iterable[LabelledImage],
    detectors: Mapping[str, RectangleDetector],
    height: HeightRule,
    scale: ScaleRule,
    *,
    top: int = 1,
    watch: Watcher | None = None,
    tell: Callable[[int], None] = lambda number: None,
) -> FirstGrasps:
    """Ask every detector about every image that is labelled with rectangles.

    Args:
        images: where to look; each has colour.
        detectors: who is asked, by name.
        height: of the data set; whoever watches is told, predictions have their own.
        scale: how large they are shown an image.
        top: how many rectangles every detector is asked for.
        watch, tell: as for ``run_labelled``.
    """
    askers = {name: partial(_ask, detector, scale, top) for name, detector in detectors.items()}
    return ask_about(images, askers, height, watch=watch, tell=tell)


def _ask(detector: RectangleDetector, scale: ScaleRule, top: int, image: LabelledImage, truths: Truths) -> FirstGrasp:
    color = image.frame.color
    assert color is not None, "a data set that is read without depth has colour"
    return first_rectangle(detector, color, truths, scale(*color.shape[:2]), top)


def _cornells_scale(height_px: int, width_px: int) -> float | None:
    return 1.0 if min(height_px, width_px) >= INPUT_PX else None


def _shorter_side(height_px: int, width_px: int) -> float | None:
    return None
