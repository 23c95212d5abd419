from tests.trials.fake_run import make_record, schedule
from trials.outcomes import Outcome
from trials.planning_time import planning_time
from trials.record import TrialRecord

PLAN = schedule(6)
ASKED = {"detector": "fast", "fallback_used": True, "detect_ms": 20.0}


def mixed() -> list[TrialRecord]:
    lost = {"outcome": Outcome.NO_GRASP, "success": False}
    return [
        make_record(PLAN[0], detector="fast", detect_ms=20.0, judge_ms=1.0, executed="fast"),
        make_record(PLAN[1], **ASKED, fallback_ms=100.0, fallback_reason="not robust (0.31)", executed="careful"),
        make_record(PLAN[2], **ASKED, fallback_ms=200.0, fallback_reason="not robust (0.02)", executed="fast"),
        make_record(PLAN[3], **ASKED, fallback_ms=300.0, fallback_reason="nothing proposed", executed="careful"),
        make_record(PLAN[4], **ASKED, **lost, fallback_ms=100.0, fallback_reason="nothing proposed; careful failed: E"),
        make_record(PLAN[5], detector="fast", outcome=Outcome.CAMERA_FAULT, success=False),
    ]


def test_reasons_choices_and_costs_are_counted() -> None:
    found = planning_time(mixed())
    assert found.fallback_reasons == {"not robust": 2, "nothing proposed": 2}
    assert found.fallback_executed == 2
    assert found.fallback_total_ms == 700.0
    assert found.total_ms == 5 * 20.0 + 1.0 + 700.0
    assert found.mean_ms == found.total_ms / 5


def test_without_a_fallback_the_detection_is_the_planning() -> None:
    found = planning_time([make_record(p, detect_ms=30.0, inpaint_ms=5.0) for p in PLAN])
    assert (found.mean_ms, found.total_ms) == (35.0, 210.0)
    assert (found.fallback_reasons, found.fallback_executed, found.fallback_total_ms) == ({}, None, None)


def test_an_older_ledger_has_the_cost_and_not_the_reasons() -> None:
    found = planning_time([make_record(p, detect_ms=30.0, fallback_used=True, fallback_ms=70.0) for p in PLAN])
    assert (found.mean_ms, found.fallback_total_ms) == (100.0, 420.0)
    assert (found.fallback_reasons, found.fallback_executed) == ({}, None)


def test_nothing_was_detected() -> None:
    assert planning_time([]).mean_ms is None
