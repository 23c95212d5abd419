"""What one detector answers to one image: its top grasp seen by every metric, and the rectangles of those after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from detectors.evaluation.rectangles import (
    ANGLES_DEG,
    HeightRule,
    Rectangle,
    fifth_of_opening,
    grasp_rectangle,
    overlap,
    overlaps_by_angle,
)
from detectors.gqcnn.metric import RobustnessMetric
from detectors.grasp import Detection, Grasp
from detectors.registry import Detector
from robot.frame import Frame


@dataclass(frozen=True, eq=False)
class Truths:
    """What the rectangles of an image's grasps are compared with.

    Attributes:
        any_of: ground truths of the standard metric, where any may match.
        height: rule that gives a prediction the height of ``any_of``.
        closest_of: those of the GQ-STN paper's, of which the closest must match; predictions are w/5 high there.
    """

    any_of: tuple[Rectangle, ...]
    height: HeightRule
    closest_of: tuple[Rectangle, ...]


@dataclass(frozen=True, kw_only=True)
class FirstGrasp:
    """One top grasp. Where a metric was asked and nothing was proposed, it says 0; None where it was not asked.

    Attributes:
        success: share of noisy lifts that succeeded.
        quality: the classifier's probability.
        by_angle: Jaccard index with the best of the ground truths whose angle is within each of ``ANGLES_DEG``; None
            also for an image without a ground truth, in which a grasp can be neither right nor wrong.
        further: ``overlap`` of the grasps after the first; empty where no more were asked for or made.
        overlap_closest: Jaccard index with the closest ground truth, 0 where the angle is off; None for a rectangle in
            a colour image, which is no grasp in metres.
        rectangle: the first grasp as it was compared; None where there is none.
        detect_ms: image in hand to grasps, in-painting left out; None for the oracle, which does not look.
        proposed: whether there was a grasp at all.
        reason: why there was none.
    """

    success: float | None = None
    quality: float | None = None
    by_angle: tuple[float, ...] | None = None
    further: tuple[float, ...] = ()
    overlap_closest: float | None = None
    rectangle: Rectangle | None = None
    detect_ms: float | None = None
    proposed: bool = True
    reason: str = ""

    @property
    def overlap(self) -> float | None:
        """Jaccard index with the best ground truth within the usual 30 degrees; None as for ``by_angle``."""
        return self.by_angle[-1] if self.by_angle is not None else None


Lift = Callable[[Grasp], float]
Judged = Literal["success", "quality", "overlap", "overlap_closest"]


def first_grasp(
    detector: Detector,
    frame: Frame,
    truths: Truths,
    metric: RobustnessMetric | None,
    lift: Lift | None = None,
    top: int = 1,
) -> FirstGrasp:
    """Ask a detector about an image and judge its top grasp, and by their rectangles the next ones.

    Args:
        detector: who is asked, once.
        frame: what it sees; ``frame.number`` is the seed.
        truths: the image's good grasps.
        metric: tells robust grasps; None leaves that out.
        lift: tells the share of lifts that succeed; None leaves that out.
        top: how many grasps it is asked for.
    """
    found = detector.detect(frame, top=top, seed=frame.number)
    if not found.grasps:
        return _silence(found, truths, metric, lift)
    K, grasp = frame.intrinsics, found.grasps[0]
    first, *further = (grasp_rectangle(one, K, truths.height) for one in found.grasps[:top])
    return FirstGrasp(
        success=lift(grasp) if lift else None,
        quality=float(metric.quality(frame, [grasp])[0]) if metric else None,
        by_angle=overlaps_by_angle(first, truths.any_of) if truths.any_of else None,
        further=tuple(overlap(one, truths.any_of) for one in further) if truths.any_of else (),
        overlap_closest=overlap(grasp_rectangle(grasp, K, fifth_of_opening), truths.closest_of, "closest"),
        rectangle=first,
        detect_ms=found.detect_ms,
    )


def _silence(found: Detection, truths: Truths, metric: RobustnessMetric | None, lift: Lift | None) -> FirstGrasp:
    return FirstGrasp(
        success=0.0 if lift else None,
        quality=0.0 if metric else None,
        by_angle=(0.0,) * len(ANGLES_DEG) if truths.any_of else None,
        overlap_closest=0.0,
        detect_ms=found.detect_ms,
        proposed=False,
        reason=found.reason,
    )
