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
from detectors.evaluation.rectangles import JACCARD, JACCARDS

Interval = tuple[float, float]


@dataclass(frozen=True)
class Disagreement:
    """Rectangle metric (Jaccard 0.25, closest) against robustness.

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
        rectangle: share of images whose top grasp's rectangle is correct, by Jaccard threshold ("0.25", "0.30").
        rectangle_any: the same where any ground truth may match, as in the literature on Cornell and Jacquard.
        disagreement: where the rectangle and the robustness metric disagree.
        none: share of images without a proposal.
        detect_ms_median, detect_ms_p95: image in hand to grasp.
        interval: 95 % Wilson intervals of ``robust_rate``, ``liftable`` and ``fooled``.
    """

    images: int
    physical_success: float | None
    liftable: float | None
    robust_rate: float | None
    fooled: float | None
    rectangle: dict[str, float] | None
    rectangle_any: dict[str, float] | None
    disagreement: Disagreement | None
    none: float | None
    detect_ms_median: float | None
    detect_ms_p95: float | None
    interval: dict[str, Interval | None]


def figures(grasps: Sequence[FirstGrasp], robust_threshold: float) -> Figures:
    """The figures of one detector's top grasps, one an image."""
    success, times = _values(grasps, "success"), [g.detect_ms for g in grasps if g.detect_ms is not None]
    liftable = _flags(grasps, "success", lambda share: share > LIFTABLE)
    robust = _flags(grasps, "quality", lambda quality: quality >= robust_threshold)
    fooled = None
    if liftable is not None and robust is not None:
        fooled = [is_robust and not lifts for is_robust, lifts in zip(robust, liftable, strict=True)]
    flags = {"robust_rate": robust, "liftable": liftable, "fooled": fooled}
    return Figures(
        images=len(grasps),
        physical_success=float(np.mean(success)) if success else None,
        liftable=_share(liftable),
        robust_rate=_share(robust),
        fooled=_share(fooled),
        rectangle=_correct(grasps, "overlap"),
        rectangle_any=_correct(grasps, "overlap_any"),
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
    return {f"{least:.2f}": sum(value > least for value in values) / len(values) for least in JACCARDS}


def _disagreement(grasps: Sequence[FirstGrasp], robust: Sequence[bool] | None) -> Disagreement | None:
    correct = _flags(grasps, "overlap", lambda index: index > JACCARD)
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
