"""What it cost to find the grasps of a run: the detector's time, and the fallback's where it was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from trials.record import TrialRecord


@dataclass(frozen=True)
class PlanningTime:
    """Times from the image in hand to the grasp that is executed, in-painting, judging and fallback included.

    Attributes:
        mean_ms, total_ms: over the trials in which the detector answered; None without any.
        fallback_total_ms: of that, what the fallback took; None where it was never asked.
        fallback_reasons: how often it was asked why, the most frequent reason first.
        fallback_executed: how often its grasp was the one executed, or to be; None where it was never asked, or the
            ledger is of a time when that was not noted.
    """

    mean_ms: float | None
    total_ms: float | None
    fallback_total_ms: float | None
    fallback_reasons: Mapping[str, int]
    fallback_executed: int | None


def planning_time(records: Iterable[TrialRecord]) -> PlanningTime:
    """The planning time of a run's records, those of voided trials left out already."""
    records = tuple(records)
    times_ms = [r.planning_ms for r in records if r.planning_ms is not None]
    asked = [r for r in records if r.fallback_used]
    reasons = Counter(r.fallback_cause for r in asked if r.fallback_cause)
    return PlanningTime(
        mean_ms=fmean(times_ms) if times_ms else None,
        total_ms=sum(times_ms) if times_ms else None,
        fallback_total_ms=sum(r.fallback_ms for r in asked) if asked else None,
        fallback_reasons=dict(reasons.most_common()),
        fallback_executed=sum(r.executed_fallback for r in asked) if reasons else None,
    )
