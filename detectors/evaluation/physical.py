"""The table of detectors on held-out scenes: robust rate, physical success, time; oracle and baselines beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from detectors.evaluation.judging import LIFTABLE, TRIES, JudgedScene
from detectors.gqcnn.metric import RobustnessMetric
from detectors.registry import Detector

ORACLE = "oracle"


@dataclass
class Tally:
    """What one detector did, scene by scene; None stands for a scene in which it proposed nothing.

    Attributes:
        success: share of noisy lifts that succeeded with the top grasp; 0 without one.
        quality: the classifier's word on the top grasp, None without one.
        detect_ms: image in hand to grasp.
        reasons: why nothing was proposed, counted.
    """

    success: list[float] = field(default_factory=list)
    quality: list[float | None] = field(default_factory=list)
    detect_ms: list[float] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PhysicalFigures:
    """Shares over all ``images``; those without a proposal count as failures.

    Attributes:
        images: how many scenes.
        physical_success: mean share of noisy lifts that succeed.
        liftable: share of images whose top grasp succeeds in more than half of its lifts.
        robust_rate: share of images whose top grasp the classifier calls robust; None for the oracle.
        fooled: share of images whose top grasp is called robust and is not liftable.
        none: share of images without a proposal.
        detect_ms_median, detect_ms_p95: None for the oracle.
    """

    images: int
    physical_success: float
    liftable: float
    robust_rate: float | None
    fooled: float | None
    none: float
    detect_ms_median: float | None
    detect_ms_p95: float | None


def run_physical(
    scenes: Iterable[JudgedScene],
    detectors: dict[str, Detector],
    metric: RobustnessMetric | None,
    *,
    oracle: bool = True,
    tries: int = TRIES,
    tell: Callable[[int, dict[str, Tally]], None] = lambda n, tallies: None,
) -> dict[str, Tally]:
    """Ask every detector about every scene and lift its top grasp."""
    tallies = {name: Tally() for name in ([ORACLE] if oracle else []) + list(detectors)}
    for number, scene in enumerate(scenes, start=1):
        frame = scene.record.frame()
        if oracle:
            tallies[ORACLE].success.append(scene.oracle(tries))
        for name, detector in detectors.items():
            tally = tallies[name]
            found = detector.detect(frame, seed=scene.record.number)
            tally.detect_ms.append(found.detect_ms)
            if not found.grasps:
                tally.success.append(0.0)
                tally.quality.append(None)
                tally.reasons[found.reason] = tally.reasons.get(found.reason, 0) + 1
                continue
            tally.success.append(scene.success(found.grasps[0], tries))
            tally.quality.append(float(metric.quality(frame, found.grasps[:1])[0]) if metric else None)
        tell(number, tallies)
    return tallies


def figures(tally: Tally, robust_threshold: float) -> PhysicalFigures:
    """The shares of one tally."""
    success = np.array(tally.success)
    asked = len(tally.quality) > 0
    robust = np.array([q is not None and q >= robust_threshold for q in tally.quality], dtype=bool)
    judged = asked and any(q is not None for q in tally.quality)
    return PhysicalFigures(
        images=len(success),
        physical_success=float(success.mean()),
        liftable=float((success > LIFTABLE).mean()),
        robust_rate=float(robust.mean()) if judged else None,
        fooled=float((robust & (success <= LIFTABLE)).mean()) if judged else None,
        none=sum(tally.reasons.values()) / len(success),
        detect_ms_median=float(np.median(tally.detect_ms)) if tally.detect_ms else None,
        detect_ms_p95=float(np.percentile(tally.detect_ms, 95)) if tally.detect_ms else None,
    )
