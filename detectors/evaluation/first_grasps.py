"""What one detector answers to one image: its top grasp, seen by every metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from detectors.evaluation.rectangles import Rectangle, grasp_rectangle, overlap
from detectors.gqcnn.metric import RobustnessMetric
from detectors.grasp import Grasp
from detectors.registry import Detector
from robot.frame import Frame


@dataclass(frozen=True, kw_only=True)
class FirstGrasp:
    """One top grasp. Where a metric was asked and nothing was proposed, it says 0; None where it was not asked.

    Attributes:
        success: share of noisy lifts that succeeded.
        quality: the classifier's probability.
        overlap: Jaccard index with the closest ground truth, 0 where the angle is off; see ``rectangles.overlap``.
        overlap_any: the same with the best of all ground truths.
        detect_ms: image in hand to grasp, in-painting left out; None for the oracle, which does not look.
        proposed: whether there was a grasp at all.
        reason: why there was none.
    """

    success: float | None = None
    quality: float | None = None
    overlap: float | None = None
    overlap_any: float | None = None
    detect_ms: float | None = None
    proposed: bool = True
    reason: str = ""


Lift = Callable[[Grasp], float]
Judged = Literal["success", "quality", "overlap", "overlap_any"]


def first_grasp(
    detector: Detector,
    frame: Frame,
    truths: Sequence[Rectangle],
    metric: RobustnessMetric | None,
    lift: Lift | None = None,
) -> FirstGrasp:
    """Ask a detector about an image and judge its top grasp.

    Args:
        detector: who is asked.
        frame: what it sees; ``frame.number`` is the seed.
        truths: the image's good grasps; without any, every prediction is wrong.
        metric: tells robust grasps; None leaves that out.
        lift: tells the share of lifts that succeed; None leaves that out.
    """
    found = detector.detect(frame, seed=frame.number)
    if not found.grasps:
        return FirstGrasp(
            success=0.0 if lift else None,
            quality=0.0 if metric else None,
            overlap=0.0,
            overlap_any=0.0,
            detect_ms=found.detect_ms,
            proposed=False,
            reason=found.reason,
        )
    grasp = found.grasps[0]
    rectangle = grasp_rectangle(grasp, frame.intrinsics)
    return FirstGrasp(
        success=lift(grasp) if lift else None,
        quality=float(metric.quality(frame, [grasp])[0]) if metric else None,
        overlap=overlap(rectangle, truths, "closest"),
        overlap_any=overlap(rectangle, truths, "any"),
        detect_ms=found.detect_ms,
    )
