import pytest

from tests.trials.fake_run import make_record, schedule
from trials.comparison import compare, planning_speedup
from trials.outcomes import Outcome
from trials.record import TrialRecord
from trials.schedule import PlannedTrial
from trials.statistics import mcnemar_exact

PLAN = schedule(60)


def result(planned: PlannedTrial, success: bool, **changes: object) -> TrialRecord:
    return make_record(planned, **({"referee_success": success} | changes))


def run(successes: range, plan: tuple[PlannedTrial, ...] = PLAN) -> list[TrialRecord]:
    return [result(p, p.trial in successes) for p in plan]


def test_pairs_are_counted() -> None:
    c = compare(run(range(1, 51)), run(range(11, 54)))
    assert (c.both, c.only_first, c.only_second, c.neither) == (40, 10, 3, 7)
    assert (c.pairs, c.unpaired, c.judged_by) == (60, 0, "referee")
    assert c.p_value == mcnemar_exact(10, 3)
    assert c.difference == pytest.approx(7 / 60)
    assert c.difference_interval is not None
    assert c.difference_interval.low < 7 / 60 < c.difference_interval.high


def test_trials_pair_by_placement_not_by_number() -> None:
    renumbered = [make_record(p, trial=61 - p.trial, referee_success=p.trial <= 30) for p in PLAN]
    c = compare(run(range(1, 31)), renumbered)
    assert (c.both, c.only_first, c.only_second, c.neither) == (30, 0, 0, 30)
    assert c.p_value == 1.0


def test_swapping_the_runs_mirrors_the_result() -> None:
    one, two = compare(run(range(1, 51)), run(range(11, 54))), compare(run(range(11, 54)), run(range(1, 51)))
    assert (one.only_first, one.only_second) == (two.only_second, two.only_first)
    assert one.p_value == two.p_value
    assert one.difference == pytest.approx(-(two.difference or 0.0))


def test_missing_and_voided_trials_have_no_partner() -> None:
    short = [*run(range(1, 61), PLAN[:20]), result(PLAN[20], True, voided=True)]
    c = compare(run(range(1, 61)), short)
    assert (c.pairs, c.unpaired) == (20, 40)


def test_a_trial_nobody_refereed_counts_as_failed() -> None:
    second = run(range(1, 61))
    second[4] = make_record(PLAN[4], outcome=Outcome.OPERATOR_ABORT, success=False, referee_success=None)
    c = compare(run(range(1, 61)), second)
    assert (c.judged_by, c.both, c.only_first) == ("referee", 59, 1)


def test_without_a_referee_in_one_run_the_cells_judgement_is_compared() -> None:
    c = compare(run(range(1, 31)), [make_record(p, referee_success=None) for p in PLAN])
    assert (c.judged_by, c.both) == ("cell", 60)


def test_runs_with_other_placements_cannot_be_compared() -> None:
    c = compare(run(range(1, 61)), [make_record(p) for p in schedule(60, seed=8)])
    assert (c.pairs, c.unpaired) == (0, 120)
    assert c.p_value is None
    assert c.difference is None
    assert c.difference_interval is None


def timed(ms: float, slow_ms: float = 0.0, plan: tuple[PlannedTrial, ...] = PLAN) -> list[TrialRecord]:
    """Every third trial takes ``slow_ms`` more."""
    return [
        make_record(p, detect_ms=ms, fallback_used=p.trial % 3 == 0, fallback_ms=slow_ms if p.trial % 3 == 0 else 0.0)
        for p in plan
    ]


def test_a_fallback_now_and_then_is_set_against_always_asking_it() -> None:
    s = planning_speedup(timed(20.0, 120.0), timed(120.0))
    assert s is not None
    assert (s.pairs, s.first_ms, s.second_ms) == (60, pytest.approx(60.0), pytest.approx(120.0))
    assert s.times == pytest.approx(2.0)
    assert s.interval is not None
    assert s.interval.low < 2.0 < s.interval.high
    slower = planning_speedup(timed(120.0), timed(20.0, 120.0))
    assert slower is not None
    assert slower.times == pytest.approx(0.5)


def test_planning_is_compared_on_shared_placements_where_both_detected() -> None:
    short = timed(120.0, plan=PLAN[:10])
    short[0] = make_record(PLAN[0], outcome=Outcome.CAMERA_FAULT, success=False)
    short[1] = make_record(PLAN[1], detect_ms=1e6, voided=True)
    s = planning_speedup(timed(20.0), short)
    assert s is not None
    assert (s.pairs, s.times) == (8, pytest.approx(6.0))
    assert planning_speedup(timed(20.0), timed(120.0, plan=schedule(60, seed=8))) is None
    assert planning_speedup([], []) is None
