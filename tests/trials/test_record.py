import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trials.fake_run import fake_record, make_record, schedule
from trials.outcomes import Outcome
from trials.record import TrialRecord, utc_now

PLANNED = schedule(1)[0]
GRASP = {"u": 310.5, "v": 240.0, "angle_rad": -0.4, "width_m": 0.06, "depth_m": 0.68, "quality": 0.9}
times = st.floats(0, 1e9, allow_nan=False)
texts = st.text(st.characters(blacklist_categories=[]), max_size=40)  # lone surrogates too


@st.composite
def records(draw: st.DrawFn) -> TrialRecord:
    outcome = draw(st.sampled_from(Outcome))
    return TrialRecord(
        trial=draw(st.integers(1, 10**6)),
        object=draw(texts),
        pose_seed=draw(st.integers(0, 2**31 - 1)),
        detector=draw(texts),
        outcome=outcome,
        success=outcome is Outcome.SUCCESS,
        referee_success=draw(st.none() | st.booleans()),
        robust=draw(st.none() | st.booleans()),
        quality=draw(st.none() | st.floats(0, 1)),
        detect_ms=draw(st.none() | times),
        inpaint_ms=draw(times),
        judge_ms=draw(times),
        fallback_used=draw(st.booleans()),
        fallback_ms=draw(times),
        fallback_reason=draw(texts),
        executed=draw(texts),
        cycle_s=draw(times),
        grasp=draw(st.none() | st.just(GRASP)),
        started_at=utc_now(draw(st.floats(0, 4e9))),
        reason=draw(texts),
        voided=draw(st.booleans()),
    )


@given(records())
def test_a_line_holds_the_whole_record_and_nothing_breaks_it(record: TrialRecord) -> None:
    line = record.to_json()
    assert TrialRecord.from_json(line) == record
    assert line.isascii()
    assert "\n" not in line


def test_the_public_fields_stand_in_the_line() -> None:
    values = json.loads(fake_record(PLANNED).to_json())
    public = "trial object pose_seed detector outcome success referee_success robust quality detect_ms inpaint_ms "
    public += "judge_ms fallback_used fallback_ms fallback_reason executed cycle_s grasp started_at reason voided"
    assert set(values) == set(public.split())
    assert set(values["grasp"]) == set(GRASP)


def test_the_grasp_cannot_be_changed_afterwards() -> None:
    grasp = dict(GRASP)
    record = make_record(PLANNED, grasp=grasp)
    grasp["u"] = 0.0
    assert record.grasp is not None
    assert record.grasp["u"] == GRASP["u"]
    with pytest.raises(TypeError):
        record.grasp["u"] = 0.0  # type: ignore[index]


@pytest.mark.parametrize(
    "changes",
    [
        {"trial": 0},
        {"trial": 1.0},
        {"trial": True},
        {"outcome": "lost"},
        {"success": False},
        {"outcome": Outcome.EMPTY},
        {"success": None},
        {"success": 1},
        {"referee_success": "yes"},
        {"detect_ms": math.nan},
        {"detect_ms": -1.0},
        {"cycle_s": math.inf},
        {"cycle_s": "12"},
        {"started_at": "2026-11-20T09:13:20"},
        {"started_at": "2026-11-20T09:13:20+02:00"},
        {"started_at": "yesterday"},
        {"object": None},
        {"grasp": {**GRASP, "depth_m": 0.0}},
        {"grasp": {**GRASP, "u": math.nan}},
        {"grasp": {k: v for k, v in GRASP.items() if k != "u"}},
        {"grasp": {**GRASP, "robust": True}},
        {"fallback_reason": None},
        {"executed": 3},
        {"judge_ms": -1.0},
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make_record(PLANNED, **changes)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "Expecting"),
        ("[1]", "not a JSON object"),
        ('{"trial": 1}', "is missing"),
        (make_record(PLANNED).to_json().replace('"reason"', '"reasons"'), "unknown field 'reasons'"),
        (make_record(PLANNED).to_json().replace('"cycle_s": 0.0', '"cycle_s": NaN'), "cycle_s"),
    ],
)
def test_a_line_that_is_no_record_is_refused(line: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TrialRecord.from_json(line)


def test_a_line_of_before_the_fallbacks_reasons_is_read() -> None:
    record = make_record(PLANNED, detect_ms=31.0, inpaint_ms=4.0, fallback_used=True, fallback_ms=400.0)
    values = json.loads(record.to_json())
    for name in ("judge_ms", "fallback_reason", "executed"):
        del values[name]
    old = TrialRecord.from_json(json.dumps(values))
    assert old == record
    assert (old.fallback_cause, old.executed_fallback, old.planning_ms) == ("", False, 435.0)
    del values["fallback_ms"]
    with pytest.raises(ValueError, match="'fallback_ms' is missing"):
        TrialRecord.from_json(json.dumps(values))


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("", ""),
        ("nothing proposed", "nothing proposed"),
        ("not robust (0.31)", "not robust"),
        ("not robust (0.31); gqcnn failed: ValueError: (nonsense)", "not robust"),
        ("nothing proposed; gqcnn failed: ValueError", "nothing proposed"),
    ],
)
def test_a_fallbacks_reason_has_a_cause_that_can_be_counted(reason: str, cause: str) -> None:
    assert make_record(PLANNED, fallback_reason=reason).fallback_cause == cause


def test_planning_is_everything_from_the_image_to_the_grasp() -> None:
    record = make_record(PLANNED, detect_ms=30.0, inpaint_ms=4.0, judge_ms=2.0, fallback_used=True, fallback_ms=100.0)
    assert record.planning_ms == 136.0
    assert make_record(PLANNED).planning_ms is None


def test_whose_grasp_was_executed_is_told_apart() -> None:
    asked = {"detector": "fast", "fallback_used": True}
    assert make_record(PLANNED, **asked, executed="careful").executed_fallback
    assert not make_record(PLANNED, **asked, executed="fast").executed_fallback
    assert not make_record(PLANNED, **asked, executed="").executed_fallback


def test_the_referee_has_the_last_word() -> None:
    assert make_record(PLANNED, referee_success=None).judged_success
    assert not make_record(PLANNED, referee_success=False).judged_success


def test_the_moment_is_in_utc() -> None:
    assert utc_now(0.0) == "1970-01-01T00:00:00.000+00:00"
