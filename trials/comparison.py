"""Two detectors on the same placements: who picked what the other dropped, and who was sooner ready to pick."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from trials.record import TrialRecord
from trials.statistics import Interval, cluster_bootstrap, mcnemar_exact, ratio_bootstrap


@dataclass(frozen=True)
class Comparison:
    """Trials of two runs, paired by object and placement.

    Attributes:
        both, only_first, only_second, neither: paired counts of success.
        unpaired: completed trials of either run without a partner in the other.
        judged_by: ``referee`` if both runs were refereed (what nobody judged then counts as failed), or ``cell``.
        p_value: McNemar's exact test, two-sided; None without a pair.
        difference: success rate of the first less that of the second over the pairs; None without a pair.
        difference_interval: its 95 % interval with the objects resampled; None with fewer than two objects.
    """

    both: int
    only_first: int
    only_second: int
    neither: int
    unpaired: int
    judged_by: str
    p_value: float | None
    difference: float | None
    difference_interval: Interval | None

    @property
    def pairs(self) -> int:
        """How many placements both runs have tried."""
        return self.both + self.only_first + self.only_second + self.neither


def compare(first: Iterable[TrialRecord], second: Iterable[TrialRecord]) -> Comparison:
    """Pair the trials of two runs by (object, pose_seed) and count; voided trials are left out."""
    ones, twos = _by_placement(first), _by_placement(second)
    shared = sorted(ones.keys() & twos.keys())
    refereed = all(any(run[key].referee_success is not None for key in shared) for run in (ones, twos))
    results = [(_success(ones[key], refereed), _success(twos[key], refereed)) for key in shared]
    only_first = sum(a and not b for a, b in results)
    only_second = sum(b and not a for a, b in results)
    differences: dict[str, list[float]] = {}
    for (name, _), (a, b) in zip(shared, results, strict=True):
        differences.setdefault(name, []).append(float(a) - float(b))
    return Comparison(
        both=sum(a and b for a, b in results),
        only_first=only_first,
        only_second=only_second,
        neither=sum(not a and not b for a, b in results),
        unpaired=len(ones) + len(twos) - 2 * len(shared),
        judged_by="referee" if refereed else "cell",
        p_value=mcnemar_exact(only_first, only_second) if shared else None,
        difference=(only_first - only_second) / len(shared) if shared else None,
        difference_interval=cluster_bootstrap(differences, seed=0),
    )


@dataclass(frozen=True)
class Speedup:
    """How much less planning time the first of two runs took on the placements that both looked at.

    Attributes:
        pairs: how many placements.
        first_ms, second_ms: mean planning times over them.
        times: so many times as fast is the first: the second's time by the first's.
        interval: its 95 % interval with the objects resampled; None with fewer than two objects.
    """

    pairs: int
    first_ms: float
    second_ms: float
    times: float
    interval: Interval | None


def planning_speedup(first: Iterable[TrialRecord], second: Iterable[TrialRecord]) -> Speedup | None:
    """Pair the trials of two runs in which the detector answered; None without a pair, or without any time."""
    ones, twos = _by_placement(first), _by_placement(second)
    times: dict[str, list[tuple[float, float]]] = {}
    for name, seed in sorted(ones.keys() & twos.keys()):
        one, two = ones[name, seed].planning_ms, twos[name, seed].planning_ms
        if one and two:
            times.setdefault(name, []).append((two, one))
    pairs = [pair for of_object in times.values() for pair in of_object]
    if not pairs:
        return None
    second_ms, first_ms = (fmean(column) for column in zip(*pairs, strict=True))
    return Speedup(len(pairs), first_ms, second_ms, second_ms / first_ms, ratio_bootstrap(times, seed=0))


def _by_placement(records: Iterable[TrialRecord]) -> dict[tuple[str, int], TrialRecord]:
    return {(r.object, r.pose_seed): r for r in records if not r.voided}


def _success(record: TrialRecord, refereed: bool) -> bool:
    return bool(record.referee_success) if refereed else record.success
