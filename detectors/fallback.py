"""A fast detector first, a slower and more careful one where it is needed (GQ-STN paper, end of section V).

The detector is asked. If it proposes nothing, or the GQ-CNN metric does not call its top grasp robust, the fallback is
asked as well, and the answer whose top grasp the metric finds better is executed, never simply the last one asked. The
other's grasps follow it, for the planner may refuse all of the better one's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.gqcnn.metric import is_robust
from detectors.grasp import Detection, Grasp
from detectors.registry import Detector
from detectors.settings import DetectionSettings
from detectors.watched import DetectorTimeout
from robot.frame import Frame

NOTHING_PROPOSED, NOT_ROBUST = "nothing proposed", "not robust"
Ask = Callable[[Detector], Detection]


class Metric(Protocol):
    """Says how probably grasps hold: ``detectors.gqcnn.metric.RobustnessMetric``, as a rule."""

    def quality(self, frame: Frame, grasps: Sequence[Grasp]) -> NDArray[np.float64]:
        """(n,) probabilities."""
        ...


@dataclass(frozen=True)
class Proposal:
    """A grasp that may be executed, and the name of the detector that it comes from."""

    grasp: Grasp
    detector: str


@dataclass(frozen=True)
class Decision:
    """What is to be executed, and how that came about.

    Attributes:
        detection: the detector's own answer, before any fallback, with the metric's word on its top grasp; None where
            it failed.
        proposals: what may be executed, best first.
        fallback_reason: why the fallback was asked (and what became of it, if it failed); empty where it was not.
        fallback_ms: asking and judging the fallback, by the clock on the wall [ms].
        judge_ms: judging the detector's grasps, where there is a fallback; else 0 [ms].
        reason: why there is no proposal; empty where there is one.
        fault: which detector failed and how, where nothing is left to execute; else empty.
    """

    detection: Detection | None
    proposals: tuple[Proposal, ...] = ()
    fallback_reason: str = ""
    fallback_ms: float = 0.0
    judge_ms: float = 0.0
    reason: str = ""
    fault: str = ""

    @property
    def fallback_used(self) -> bool:
        """Whether the fallback was asked."""
        return bool(self.fallback_reason)

    @property
    def executed(self) -> str:
        """Whose grasp comes first; empty where there is none."""
        return self.proposals[0].detector if self.proposals else ""


class FallbackPolicy:
    """Asks a detector and, where it is needed and there is one, its fallback.

    Args:
        detector: asked first.
        fallback: asked when the detector proposes nothing, or nothing robust; None for nobody.
        metric: judges the grasps. Without it nobody says what is robust, and the fallback is asked only where the
            detector proposes nothing.
        floor: with a fallback, a grasp of lower probability is not executed, and an answer whose top grasp is one is
            dropped whole; but not where the detector itself calls its top grasp robust.
        clock: seconds, for what asking takes.
    """

    def __init__(
        self,
        detector: Detector,
        fallback: Detector | None = None,
        metric: Metric | None = None,
        floor: float = DetectionSettings.floor,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.detector = detector
        self.fallback = fallback
        self._metric = metric
        self._floor = floor
        self._clock = clock

    def decide(self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0) -> Decision:
        """Ask whoever has to be asked; the arguments are those of ``Detector.detect``.

        Raises nothing that a detector raises: that is the decision's ``fault``, or part of its ``fallback_reason``.
        """

        def ask(detector: Detector) -> Detection:
            return checked(detector.detect(frame, top=top, region=region, seed=seed))

        try:
            first = self._judged(self.detector, ask, frame)
        except Exception as error:  # a detector may come from anybody; whatever it raises is its fault, not ours
            return Decision(None, fault=_failure(self.detector, error))
        judge_ms = 0.0 if self.fallback is None else first.judge_ms
        why = self._why_not_enough(first)
        if self.fallback is None or not why:
            reason = "" if first.detection.grasps else first.detection.reason or "the detector proposed nothing"
            return Decision(first.detection, first.proposals, judge_ms=judge_ms, reason=reason)
        started_s = self._clock()
        try:
            second = self._judged(self.fallback, ask, frame)
        except Exception as error:
            decision = self._alone(first, why, _failure(self.fallback, error))
        else:
            decision = self._better(first, second, why)
        return replace(decision, judge_ms=judge_ms, fallback_ms=(self._clock() - started_s) * 1e3)

    def warm_up(self, frame: Frame) -> tuple[str, ...]:
        """Ask everybody once, so that caches and lazy imports are no trial's time. What failed, in words."""
        troubles = []
        for detector in (self.detector, self.fallback):
            try:
                if detector is not None:
                    checked(detector.detect(frame))
            except Exception as error:  # in a trial this would end the trial, here nothing hangs on it
                assert detector is not None
                troubles.append(_failure(detector, error))
        return tuple(troubles)

    def _judged(self, detector: Detector, ask: Ask, frame: Frame) -> _Answer:
        """The detector's answer with the metric's word on its grasps; the detector's own word is not overruled."""
        found = ask(detector)
        if self._metric is None or not found.grasps:
            return _Answer(detector.name, found)
        best, *others = found.grasps
        judged = found.grasps if self.fallback is not None else (best,)
        # Without a fallback nothing hangs on it but the word that the detector itself may have given.
        if best.robust is not None and self.fallback is None:
            return _Answer(detector.name, found)
        floor = self._floor if self.fallback is not None else 0.0
        started_s = self._clock()
        quality = tuple(float(q) for q in self._metric.quality(frame, judged))
        judge_ms = (self._clock() - started_s) * 1e3
        robust = is_robust(quality[0]) if best.robust is None else best.robust
        return _Answer(
            detector.name, replace(found, grasps=(replace(best, robust=robust), *others)), quality, judge_ms, floor
        )

    @staticmethod
    def _why_not_enough(first: _Answer) -> str:
        """Why a fallback should be asked; empty where the detector's answer will do."""
        if not first.detection.grasps:
            return NOTHING_PROPOSED
        if first.top is None or first.detection.grasps[0].robust:
            return ""
        return f"{NOT_ROBUST} ({first.top:.2f})"

    def _alone(self, first: _Answer, why: str, failure: str) -> Decision:
        """The fallback failed: what the detector proposed is still good, unless it is below the floor."""
        why = f"{why}; {failure}"
        if first.detection.grasps and first.reaches(self._floor):
            return Decision(first.detection, first.proposals, why)
        return Decision(first.detection, fallback_reason=why, fault=failure)

    def _better(self, first: _Answer, second: _Answer, why: str) -> Decision:
        """The better of two answers and then the other, without what is below the floor; of equals the first."""
        usable = [answer for answer in (first, second) if answer.detection.grasps and answer.reaches(self._floor)]
        usable.sort(key=lambda answer: -(answer.top or 0.0))
        proposals = tuple(proposal for answer in usable for proposal in answer.proposals)
        reason = "" if proposals else "; ".join(answer.shortfall(self._floor) for answer in (first, second))
        return Decision(first.detection, proposals, why, reason=reason)


@dataclass(frozen=True)
class _Answer:
    """What a detector called ``name`` answered, and its first grasps' probabilities where the metric was asked.

    A grasp other than the first is no proposal where its probability is below the ``floor``.
    """

    name: str
    detection: Detection
    quality: tuple[float, ...] = ()
    judge_ms: float = 0.0
    floor: float = 0.0

    @property
    def top(self) -> float | None:
        """The first grasp's probability."""
        return self.quality[0] if self.quality else None

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        grasps = self.detection.grasps
        kept = [g for n, g in enumerate(grasps) if n == 0 or n >= len(self.quality) or self.quality[n] >= self.floor]
        return tuple(Proposal(grasp, self.name) for grasp in kept)

    def reaches(self, floor: float) -> bool:
        return self.top is None or self.top >= floor

    def shortfall(self, floor: float) -> str:
        if self.top is None:
            return f"{self.name}: {self.detection.reason or 'proposed nothing'}"
        return f"{self.name}: best grasp {self.top:.2f}, below the floor of {floor:.2f}"


def checked(found: Detection) -> Detection:
    """The answer made anew, for it and its grasps check their numbers when they are made: whoever made these may have
    gone round that.

    Raises:
        TypeError: it is no answer.
        ValueError: a number in it is not finite, or makes no sense.
    """
    if not isinstance(found, Detection):
        raise TypeError(f"answered with {type(found).__name__}, not with a Detection")
    if not isinstance(found.reason, str):
        raise TypeError(f"gave a reason that is no text but {type(found.reason).__name__}")
    return replace(found, grasps=tuple(replace(grasp) for grasp in found.grasps))


def _failure(detector: Detector, error: Exception) -> str:
    """Which detector failed, and how."""
    return (
        str(error) if isinstance(error, DetectorTimeout) else f"{detector.name} failed: {type(error).__name__}: {error}"
    )
