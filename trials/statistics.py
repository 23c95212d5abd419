"""What the trials show: proportions with intervals, times, and paired comparison."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from robot.errors import SettingsError
from trials.outcomes import Outcome
from trials.planning_time import PlanningTime, planning_time
from trials.record import TrialRecord
from trials.schedule import PlannedTrial

CONFIDENCE = 0.95
BOOTSTRAP_RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A confidence interval; both ends belong to it."""

    low: float
    high: float


@dataclass(frozen=True)
class Proportion:
    """So many of so many."""

    successes: int
    total: int

    @property
    def rate(self) -> float:
        """The share; NaN of nothing."""
        return self.successes / self.total if self.total else math.nan

    @property
    def interval(self) -> Interval:
        """The 95 % Wilson interval."""
        return wilson_interval(self.successes, self.total)


@dataclass(frozen=True)
class ObjectSummary:
    """The trials of one object; ``records`` in the order of the repeats, None where a trial is missing."""

    object: str
    planned: tuple[PlannedTrial, ...]
    records: tuple[TrialRecord | None, ...]
    success_cell: Proportion
    success_referee: Proportion | None
    detect_ms_median: float | None


@dataclass(frozen=True)
class Summary:
    """The numbers of one run. Every planned trial counts in every denominator; voided ones are counted apart.

    Attributes:
        planned, completed: numbers of trials.
        missing: planned trials that have no outcome; they count as not successful.
        voided: how many lines the operator voided.
        success_cell: by the cell's own judgement.
        success_referee: by the operator or the physics; None if nobody judged any trial.
        success_cell_so_far, success_referee_so_far: the same of the completed trials only.
        success_bootstrap: 95 % interval of the success rate (the referee's, if there is one) when the objects, not
            the trials, are resampled; None with fewer than two objects.
        agreement: where both judged, how often they agree; None without a referee.
        robust: trials whose detector's top grasp is robust, before any fallback; None if no classifier was asked.
        detect_ms_median, detect_ms_p95: detection times; None without any.
        fallback: trials in which the fallback was asked.
        fallback_ms_median: the time it took where it was asked, or None.
        planning: what finding the grasps took, the fallback included, and why it was asked.
        picks_per_hour: successful picks by the hour of cycle time; None without any time.
        outcomes: how many trials ended how; only those that occurred, in the order of ``Outcome``.
        per_object: one each, by name.
    """

    planned: int
    completed: int
    missing: tuple[PlannedTrial, ...]
    voided: int
    success_cell: Proportion
    success_referee: Proportion | None
    success_cell_so_far: Proportion
    success_referee_so_far: Proportion | None
    success_bootstrap: Interval | None
    agreement: Proportion | None
    robust: Proportion | None
    detect_ms_median: float | None
    detect_ms_p95: float | None
    fallback: Proportion
    fallback_ms_median: float | None
    planning: PlanningTime
    picks_per_hour: float | None
    outcomes: Mapping[Outcome, int]
    per_object: tuple[ObjectSummary, ...]


def wilson_interval(successes: int, total: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval of a proportion; (0, 1) of nothing."""
    if not 0 <= successes <= total:
        raise ValueError(f"{successes} of {total} is no proportion")
    if total == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / total
    scale = 1 + z * z / total
    centre = (p + z * z / (2 * total)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    # At the ends the formula gives 0 and 1 up to rounding.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == total else centre + half
    return Interval(low, high)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value of McNemar's test from the two discordant counts."""
    discordant = only_first + only_second
    tail = sum(math.comb(discordant, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, float(2 * tail / 2**discordant))


def holm_adjusted(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjustment for several comparisons, in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def cluster_bootstrap(values_by_cluster: Mapping[str, Sequence[float]], seed: int) -> Interval | None:
    """95 % percentile interval of the mean of all values, whole clusters resampled; None with fewer than two."""
    pairs = {name: [(value, 1.0) for value in values] for name, values in values_by_cluster.items()}
    return ratio_bootstrap(pairs, seed)


def ratio_bootstrap(pairs_by_cluster: Mapping[str, Sequence[tuple[float, float]]], seed: int) -> Interval | None:
    """95 % percentile interval of (sum of all firsts) / (sum of all seconds), whole clusters resampled; None with fewer
    than two clusters. The seconds must be positive."""
    clusters = [pairs for _, pairs in sorted(pairs_by_cluster.items()) if len(pairs)]
    if len(clusters) < 2:
        return None
    sums = np.array([np.sum(np.array(pairs, dtype=np.float64), axis=0) for pairs in clusters])
    drawn = np.random.default_rng(seed).integers(len(clusters), size=(BOOTSTRAP_RESAMPLES, len(clusters)))
    upper, lower = sums[drawn].sum(axis=1).T
    low, high = np.quantile(upper / lower, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def summarise(records: Iterable[TrialRecord], planned: Sequence[PlannedTrial]) -> Summary:
    """The numbers of one run.

    Raises:
        SettingsError: a record does not belong to the plan.
    """
    records = tuple(records)
    by_trial = _by_trial(records, planned)
    done = tuple(by_trial.values())
    refereed = any(r.referee_success is not None for r in done)
    both = [r for r in done if r.referee_success is not None]
    detect_ms = [r.detect_ms for r in done if r.detect_ms is not None]
    fallback_ms = [r.fallback_ms for r in done if r.fallback_used]
    hours = sum(r.cycle_s for r in done) / 3600
    by_cell, by_referee = sum(r.success for r in done), sum(bool(r.referee_success) for r in done)
    robust_known = any(r.robust is not None for r in done)
    counts = Counter(r.outcome for r in done)
    return Summary(
        planned=len(planned),
        completed=len(done),
        missing=tuple(p for p in planned if p.trial not in by_trial),
        voided=sum(r.voided for r in records),
        success_cell=Proportion(by_cell, len(planned)),
        success_referee=Proportion(by_referee, len(planned)) if refereed else None,
        success_cell_so_far=Proportion(by_cell, len(done)),
        success_referee_so_far=Proportion(by_referee, len(done)) if refereed else None,
        success_bootstrap=_success_bootstrap(by_trial, planned),
        agreement=Proportion(sum(r.success == r.referee_success for r in both), len(both)) if refereed else None,
        robust=Proportion(sum(bool(r.robust) for r in done), len(planned)) if robust_known else None,
        detect_ms_median=_quantile(detect_ms, 0.5),
        detect_ms_p95=_quantile(detect_ms, 0.95),
        fallback=Proportion(sum(r.fallback_used for r in done), len(planned)),
        fallback_ms_median=_quantile(fallback_ms, 0.5),
        planning=planning_time(done),
        picks_per_hour=sum(r.judged_success for r in done) / hours if hours > 0 else None,
        outcomes={outcome: counts[outcome] for outcome in Outcome if counts[outcome]},
        per_object=_per_object(by_trial, planned),
    )


def _by_trial(records: Iterable[TrialRecord], planned: Sequence[PlannedTrial]) -> dict[int, TrialRecord]:
    """The records that count, in the order of the plan."""
    plan = {p.trial: p for p in planned}
    for record in records:
        p = plan.get(record.trial)
        if p is None:
            raise SettingsError(f"trial {record.trial} stands in the ledger, but only {len(plan)} trials were planned")
        if (record.object, record.pose_seed) != (p.object, p.pose_seed):
            was, should = f"{record.object} (pose {record.pose_seed})", f"{p.object} (pose {p.pose_seed})"
            raise SettingsError(f"trial {record.trial} in the ledger is {was}, but {should} was planned")
    counting = {r.trial: r for r in records if not r.voided}
    return {trial: counting[trial] for trial in sorted(counting)}


def _per_object(by_trial: Mapping[int, TrialRecord], planned: Sequence[PlannedTrial]) -> tuple[ObjectSummary, ...]:
    summaries = []
    for name in sorted({p.object for p in planned}):
        plan = tuple(p for p in planned if p.object == name)
        records = tuple(by_trial.get(p.trial) for p in plan)
        done = [r for r in records if r is not None]
        refereed = any(r.referee_success is not None for r in done)
        summaries.append(
            ObjectSummary(
                object=name,
                planned=plan,
                records=records,
                success_cell=Proportion(sum(r.success for r in done), len(plan)),
                success_referee=Proportion(sum(bool(r.referee_success) for r in done), len(plan)) if refereed else None,
                detect_ms_median=_quantile([r.detect_ms for r in done if r.detect_ms is not None], 0.5),
            )
        )
    return tuple(summaries)


def _success_bootstrap(by_trial: Mapping[int, TrialRecord], planned: Sequence[PlannedTrial]) -> Interval | None:
    refereed = any(r.referee_success is not None for r in by_trial.values())
    values: dict[str, list[float]] = {}
    for p in planned:
        record = by_trial.get(p.trial)
        success = record is not None and bool(record.referee_success if refereed else record.success)
        values.setdefault(p.object, []).append(float(success))
    interval = cluster_bootstrap(values, seed=0)
    # Where all objects fare alike, resampling them says nothing: an interval without width would read as certainty.
    return None if interval is None or interval.low == interval.high else interval


def _quantile(values: Sequence[float], share: float) -> float | None:
    return float(np.quantile(values, share)) if values else None
