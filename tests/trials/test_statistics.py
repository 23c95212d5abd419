import math
import statistics
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from robot.errors import SettingsError
from tests.trials.fake_run import OBJECTS, fake_record, make_record, schedule
from trials.outcomes import Outcome
from trials.record import TrialRecord
from trials.schedule import PlannedTrial
from trials.statistics import (
    Proportion,
    Summary,
    cluster_bootstrap,
    holm_adjusted,
    mcnemar_exact,
    ratio_bootstrap,
    summarise,
    wilson_interval,
)

PLAN = schedule(60)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        (60, 60, 94.0, 100.0),
        (54, 60, 79.9, 95.3),
        (48, 60, 68.2, 88.2),
        (45, 60, 62.8, 84.2),
        (5, 5, 56.6, 100.0),
        (4, 5, 37.6, 96.4),
    ],
)
def test_wilson_gives_the_published_values(successes: int, total: int, low: float, high: float) -> None:
    interval = wilson_interval(successes, total)
    assert round(100 * interval.low, 1) == low
    assert round(100 * interval.high, 1) == high


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy_and_mirrors(case: tuple[int, int]) -> None:
    successes, total = case
    ours = wilson_interval(successes, total)
    theirs = binomtest(successes, total).proportion_ci(method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-12)
    assert ours.high == pytest.approx(theirs.high, abs=1e-12)
    mirrored = wilson_interval(total - successes, total)
    assert ours.low == pytest.approx(1 - mirrored.high, abs=1e-12)
    assert 0 <= ours.low <= successes / total <= ours.high <= 1


def test_wilson_of_nothing_says_nothing_and_of_nonsense_is_refused() -> None:
    assert (wilson_interval(0, 0).low, wilson_interval(0, 0).high) == (0.0, 1.0)
    assert math.isnan(Proportion(0, 0).rate)
    for successes, total in ((-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="no proportion"):
            wilson_interval(successes, total)


def test_mcnemar_gives_textbook_values() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert mcnemar_exact(6, 0) == 2 / 2**6
    assert mcnemar_exact(0, 5) == 0.0625
    assert mcnemar_exact(8, 6) == pytest.approx(0.790527, abs=1e-6)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_the_binomial_test_and_symmetric(b: int, c: int) -> None:
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)
    if b + c:
        assert mcnemar_exact(b, c) == pytest.approx(binomtest(b, b + c).pvalue, rel=1e-9)


def test_holm_adjusts_step_by_step_and_keeps_the_order() -> None:
    assert holm_adjusted([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm_adjusted([0.7, 0.6]) == (1.0, 1.0)
    assert holm_adjusted([]) == ()


def test_the_bootstrap_over_objects_is_seeded_and_widens_with_clustering() -> None:
    alike = {name: [1.0, 1.0, 1.0, 1.0, 0.0] for name in OBJECTS}
    clustered = {name: [float(i < 10)] * 5 for i, name in enumerate(OBJECTS)}
    assert cluster_bootstrap(clustered, 4) == cluster_bootstrap(clustered, 4)
    narrow, wide = cluster_bootstrap(alike, 0), cluster_bootstrap(clustered, 0)
    assert narrow is not None
    assert wide is not None
    assert narrow.low == pytest.approx(0.8)
    assert narrow.high == pytest.approx(0.8)
    assert wide.low < 10 / 12 < wide.high
    # The mean of 12 draws from 10 ones and 2 zeros is a binomial with n = 12: 7/12 at 2.5 %, 12/12 at 97.5 %.
    assert wide.low == pytest.approx(7 / 12)
    assert wide.high == 1.0


def test_the_bootstrap_weighs_objects_by_their_trials_and_needs_two() -> None:
    interval = cluster_bootstrap({"a": [1.0] * 9, "b": [0.0]}, 0)
    assert interval is not None
    assert (interval.low, interval.high) == (0.0, 1.0)
    assert cluster_bootstrap({"a": [1.0, 0.0], "b": []}, 0) is None


def test_the_bootstrap_of_a_ratio_draws_both_sums_together() -> None:
    alike = {name: [(3.0, 1.0), (30.0, 10.0)] for name in OBJECTS}
    interval = ratio_bootstrap(alike, 0)
    assert interval is not None
    assert (interval.low, interval.high) == (pytest.approx(3.0), pytest.approx(3.0))
    unlike = ratio_bootstrap({"a": [(1.0, 1.0)], "b": [(30.0, 10.0)]}, 0)
    assert unlike is not None
    assert (unlike.low, unlike.high) == (pytest.approx(1.0), pytest.approx(3.0))
    assert ratio_bootstrap({"a": [(1.0, 1.0)]}, 0) is None


def summary_of(**changes: object) -> Summary:
    return summarise([make_record(p, **changes) for p in PLAN], PLAN)


def test_a_run_without_a_flaw() -> None:
    summary = summary_of(cycle_s=30.0, detect_ms=40.0)
    assert summary.completed == summary.planned == 60
    assert summary.missing == ()
    assert summary.success_cell == summary.success_referee == summary.agreement == Proportion(60, 60)
    assert summary.outcomes == {Outcome.SUCCESS: 60}
    assert summary.picks_per_hour == pytest.approx(120.0)
    assert (summary.detect_ms_median, summary.detect_ms_p95) == (40.0, 40.0)
    assert summary.robust is None
    assert summary.fallback == Proportion(0, 60)
    assert summary.fallback_ms_median is None


def test_every_planned_trial_counts_also_the_missing_and_the_unrefereed() -> None:
    records = [make_record(p) for p in PLAN[:40]]
    records[0] = make_record(PLAN[0], outcome=Outcome.OPERATOR_ABORT, success=False, referee_success=None)
    summary = summarise(records, PLAN)
    assert [p.trial for p in summary.missing] == list(range(41, 61))
    assert summary.success_referee == summary.success_cell == Proportion(39, 60)
    assert summary.success_referee_so_far == summary.success_cell_so_far == Proportion(39, 40)
    assert summary.agreement == Proportion(39, 39)
    assert sum(len(o.planned) for o in summary.per_object) == 60
    assert sum(r is None for o in summary.per_object for r in o.records) == 20
    assert sum(o.success_cell.total for o in summary.per_object) == 60


def test_voided_trials_are_counted_apart_and_do_not_complete() -> None:
    void = make_record(PLAN[0], voided=True, cycle_s=1e6, detect_ms=1e6)
    rest = [make_record(p, cycle_s=36.0, detect_ms=10.0) for p in PLAN[1:]]
    summary = summarise([void, void, *rest], PLAN)
    assert summary.voided == 2
    assert summary.missing == (PLAN[0],)
    assert summary.picks_per_hour == pytest.approx(100.0)
    assert summary.detect_ms_p95 == 10.0
    repeated = summarise([void, *rest, make_record(PLAN[0], cycle_s=36.0)], PLAN)
    assert (repeated.voided, repeated.missing) == (1, ())


def test_without_a_referee_the_cell_alone_is_reported() -> None:
    summary = summary_of(referee_success=None)
    assert summary.success_referee is None
    assert summary.agreement is None
    assert summary.success_cell == Proportion(60, 60)


def test_robust_rate_counts_trials_without_a_proposal_as_not_robust() -> None:
    records = [make_record(p, robust=None if p.trial <= 10 else p.trial <= 40) for p in PLAN]
    assert summarise(records, PLAN).robust == Proportion(30, 60)


def test_times_are_those_that_were_measured() -> None:
    def record(p: PlannedTrial) -> TrialRecord:
        slow = p.trial % 4 == 0
        fallback_ms = 100.0 * p.trial if slow else 0.0
        detect_ms = None if p.trial == 60 else float(p.trial)
        return make_record(p, detect_ms=detect_ms, fallback_used=slow, fallback_ms=fallback_ms)

    summary = summarise([record(p) for p in PLAN], PLAN)
    assert summary.detect_ms_median == 30.0
    assert summary.detect_ms_p95 == pytest.approx(56.1)
    assert summary.fallback == Proportion(15, 60)
    assert summary.fallback_ms_median == statistics.median(range(400, 6001, 400))
    assert summary.planning.fallback_total_ms == sum(range(400, 6001, 400))
    assert summary.planning.mean_ms == pytest.approx((sum(range(1, 60)) + sum(range(400, 5601, 400))) / 59)


def test_the_parts_add_up_on_a_mixed_run() -> None:
    records = [fake_record(p) for p in PLAN]
    summary = summarise(records, PLAN)
    assert sum(summary.outcomes.values()) == 60
    assert summary.outcomes[Outcome.SUCCESS] == summary.success_cell.successes
    assert list(summary.outcomes) == [o for o in Outcome if o in summary.outcomes]
    assert sum(o.success_cell.successes for o in summary.per_object) == summary.success_cell.successes
    for one, trial in product(summary.per_object, range(5)):
        assert one.records[trial] == records[one.planned[trial].trial - 1]


def test_records_of_another_plan_are_refused() -> None:
    with pytest.raises(SettingsError, match="only 12 trials were planned"):
        summarise([make_record(PLAN[20])], PLAN[:12])
    with pytest.raises(SettingsError, match="was planned"):
        summarise([make_record(PLAN[0], pose_seed=1)], PLAN)


def test_nothing_done_yet() -> None:
    summary = summarise([], PLAN)
    assert summary.success_cell == Proportion(0, 60)
    assert summary.picks_per_hour is None
    assert summary.detect_ms_median is None
    assert summary.outcomes == {}
