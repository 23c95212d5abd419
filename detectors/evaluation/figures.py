"""Shares of many top grasps: each metric by itself, and where two of them disagree (GQ-STN paper, sections V-A, V-B).

The paper's 46.3 % and 30.8 % (correct rectangles that are not robust; MultiGrasp, GQ-STN) and 50.7 % and 51.9 % (wrong
rectangles that are robust) cannot be shares of all grasps: by its Table I no more than 7.6 % of GQ-STN's grasps are not
robust. Nor is 30.8 % a share of its correct rectangles (14.4 % of all, again more than 7.6 %). Read as shares of the
grasps that are not robust, and of those that are, they fit: for GQ-STN 46.7 % correct and 92.4 % robust give 51.9 %
from 30.8 %. So "of" below means: among the grasps that the classifier put on that side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.evaluation.first_grasps import FirstGrasp, Judged
from detectors.evaluation.intervals import wilson
from detectors.evaluation.judging import LIFTABLE
from detectors.evaluation.rectangles import ANGLES_DEG, JACCARD, REPORTED_JACCARDS

Interval = tuple[float, float]


@dataclass(frozen=True)
class Disagreement:
    """Rectangle metric (Jaccard 0.25, closest, as in the GQ-STN paper) against robustness.

    Attributes:
        both, rectangle_only, robust_only, neither: how many proposed grasps are correct, robust, both or neither.
        rectangle_not_robust, robust_not_rectangle: ``rectangle_only`` and ``robust_only`` as shares of all images.
        rectangle_of_not_robust: share of the grasps that are not robust whose rectangle is correct all the same; the
            paper's 46.3 % and 30.8 %. None where all are robust.
        not_rectangle_of_robust: share of the robust grasps whose rectangle is wrong; the paper's 50.7 % and 51.9 %.
            None where none is robust.
    """

    both: int
    rectangle_only: int
    robust_only: int
    neither: int
    rectangle_not_robust: float
    robust_not_rectangle: float
    rectangle_of_not_robust: float | None
    not_rectangle_of_robust: float | None


@dataclass(frozen=True)
class Figures:
    """Shares over all ``images``; those without a proposal count as failures. None: not judged.

    Attributes:
        images: how many.
        physical_success: mean share of noisy lifts that succeed.
        liftable: share of images whose top grasp succeeds in more than half of its lifts.
        robust_rate: share of images whose top grasp the classifier calls robust.
        fooled: share of images whose top grasp is called robust and is not liftable.
        rectangle: share of the ``rectangle_images`` whose top grasp's rectangle is correct by the standard metric, any
            ground truth within 30 degrees, by Jaccard threshold ("0.20" to "0.40").
        rectangle_images: how many images have a ground truth. In one without, a grasp can be neither right nor wrong:
            it is left out of ``rectangle``, ``rectangle_by_angle`` and ``predictions``. 0 where none was compared.
        rectangle_by_angle: ``rectangle`` at Jaccard 0.25 by angle threshold ("10" to "30" degrees).
        predictions: share of correct rectangles among all of the first k grasps that were made, by k ("1" to as many
            as were asked for), over all ``rectangle_images`` together; silence is no prediction and does not count.
            None for a k where none was made. The FCN paper's Table III.
        predictions_made: how many that were.
        rectangle_closest: share of all images whose top grasp's rectangle, a fifth as high as wide, is correct by the
            closest of the labelled grasps; the GQ-STN paper's rule. Without a labelled grasp it is wrong. None where
            rectangles in colour images were judged, which are no grasps in metres.
        disagreement: where the rectangle and the robustness metric disagree.
        none: share of images without a proposal.
        detect_ms_median, detect_ms_p95: image in hand to grasp.
        interval: 95 % Wilson intervals of ``robust_rate``, ``liftable``, ``fooled`` and ``rectangle`` at 0.25.
    """

    images: int
    physical_success: float | None
    liftable: float | None
    robust_rate: float | None
    fooled: float | None
    rectangle: dict[str, float] | None
    rectangle_images: int
    rectangle_by_angle: dict[str, float] | None
    predictions: dict[str, float | None] | None
    predictions_made: dict[str, int] | None
    rectangle_closest: dict[str, float] | None
    disagreement: Disagreement | None
    none: float | None
    detect_ms_median: float | None
    detect_ms_p95: float | None
    interval: dict[str, Interval | None]


def figures(grasps: Sequence[FirstGrasp], robust_threshold: float, top: int = 1) -> Figures:
    """The figures of one detector's top grasps, one an image; it was asked for ``top``."""
    success, times = _values(grasps, "success"), [g.detect_ms for g in grasps if g.detect_ms is not None]
    liftable = _flags(grasps, "success", lambda share: share > LIFTABLE)
    robust = _flags(grasps, "quality", lambda quality: quality >= robust_threshold)
    fooled = None
    if liftable is not None and robust is not None:
        fooled = [is_robust and not lifts for is_robust, lifts in zip(robust, liftable, strict=True)]
    compared = [grasp for grasp in grasps if grasp.by_angle is not None]
    matched = _flags(compared, "overlap", lambda index: index > JACCARD)
    made = _predictions(compared, top)
    flags = {"robust_rate": robust, "liftable": liftable, "fooled": fooled, "rectangle": matched}
    return Figures(
        images=len(grasps),
        physical_success=float(np.mean(success)) if success else None,
        liftable=_share(liftable),
        robust_rate=_share(robust),
        fooled=_share(fooled),
        rectangle=_correct(compared, "overlap"),
        rectangle_images=len(compared),
        rectangle_by_angle=_by_angle(compared),
        predictions={k: _share(flags) for k, flags in made.items()} if compared else None,
        predictions_made={k: len(flags) for k, flags in made.items()} if compared else None,
        rectangle_closest=_correct(grasps, "overlap_closest"),
        disagreement=_disagreement(grasps, robust),
        none=_share([not grasp.proposed for grasp in grasps]),
        detect_ms_median=float(np.median(times)) if times else None,
        detect_ms_p95=float(np.percentile(times, 95)) if times else None,
        interval={name: None if not of else wilson(sum(of), len(of)) for name, of in flags.items()},
    )


def reasons(grasps: Sequence[FirstGrasp]) -> dict[str, int]:
    """Why nothing was proposed, counted."""
    counted: dict[str, int] = {}
    for grasp in grasps:
        if not grasp.proposed:
            counted[grasp.reason] = counted.get(grasp.reason, 0) + 1
    return counted


def _values(grasps: Sequence[FirstGrasp], name: Judged) -> list[float] | None:
    """One number an image, or None where a metric was not asked."""
    values = [getattr(grasp, name) for grasp in grasps]
    return values if values and None not in values else None


def _flags(grasps: Sequence[FirstGrasp], name: Judged, holds: Callable[[float], bool]) -> list[bool] | None:
    values = _values(grasps, name)
    return None if values is None else [bool(holds(value)) for value in values]


def _share(flags: Sequence[bool] | None) -> float | None:
    return sum(flags) / len(flags) if flags else None


def _correct(grasps: Sequence[FirstGrasp], name: Judged) -> dict[str, float] | None:
    values = _values(grasps, name)
    if values is None:
        return None
    return {f"{least:.2f}": sum(value > least for value in values) / len(values) for least in REPORTED_JACCARDS}


def _by_angle(compared: Sequence[FirstGrasp]) -> dict[str, float] | None:
    columns = zip(*(grasp.by_angle or () for grasp in compared), strict=True)
    shares = [sum(value > JACCARD for value in column) / len(compared) for column in columns]
    return {str(angle): share for angle, share in zip(ANGLES_DEG, shares, strict=True)} if shares else None


def _predictions(compared: Sequence[FirstGrasp], top: int) -> dict[str, list[bool]]:
    """Of each of the first k grasps made, whether its rectangle is correct, by k."""
    made = [(grasp.overlap or 0.0, *grasp.further) for grasp in compared if grasp.proposed]
    return {str(k): [index > JACCARD for image in made for index in image[:k]] for k in range(1, top + 1)}


def _disagreement(grasps: Sequence[FirstGrasp], robust: Sequence[bool] | None) -> Disagreement | None:
    correct = _flags(grasps, "overlap_closest", lambda index: index > JACCARD)
    if correct is None or robust is None:
        return None
    counts = {(c, r): 0 for c in (True, False) for r in (True, False)}
    for grasp, is_correct, is_robust in zip(grasps, correct, robust, strict=True):
        counts[is_correct, is_robust] += grasp.proposed
    rectangle_only, robust_only = counts[True, False], counts[False, True]
    not_robust, all_robust = rectangle_only + counts[False, False], robust_only + counts[True, True]
    return Disagreement(
        both=counts[True, True],
        rectangle_only=rectangle_only,
        robust_only=robust_only,
        neither=counts[False, False],
        rectangle_not_robust=rectangle_only / len(grasps),
        robust_not_rectangle=robust_only / len(grasps),
        rectangle_of_not_robust=rectangle_only / not_robust if not_robust else None,
        not_rectangle_of_robust=robust_only / all_robust if all_robust else None,
    )
