"""Plain lines where there is no terminal, a live panel where there is one."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from cell.console import RunConsole
from cell.states import State
from trials.outcomes import Outcome
from trials.record import TrialRecord
from trials.schedule import PlannedTrial


def record(trial, outcome, referee=None, voided=False):
    return TrialRecord(
        trial=trial,
        object="mug",
        pose_seed=1,
        detector="antipodal",
        outcome=outcome,
        success=outcome is Outcome.SUCCESS,
        referee_success=referee,
        started_at="2026-01-01T00:00:00+00:00",
        reason="lost during the lift, " + "and a long explanation " * 8,
        detect_ms=51.2,
        voided=voided,
    )


def view(terminal, total=4):
    out = io.StringIO()
    times = iter(range(0, 10_000, 10))
    console = Console(file=out, force_terminal=terminal, width=80, highlight=False)
    return RunConsole(console, total, (), "antipodal, 4 trials", clock=lambda: next(times)), out


def test_one_unbroken_line_a_trial_without_a_terminal():
    console, out = view(terminal=False)
    with console:
        console.entered(State.LIFTING, PlannedTrial(1, "mug", 1, 1))
        console.recorded(record(1, Outcome.SUCCESS, True))
        console.recorded(record(2, Outcome.SLIPPED, True))
    title, first, second = out.getvalue().splitlines()
    assert title == "antipodal, 4 trials"
    assert "success" in first
    assert "51 ms" in first
    assert "slipped" in second
    assert "referee: True" in second
    assert "long explanation" in second


def test_the_panel_shows_state_grasp_success_and_time_left():
    console, out = view(terminal=True)
    with console:
        console.entered(State.LIFTING, PlannedTrial(3, "mug", 1, 1))
        console.say("grasp at (320, 240) px")
        console.recorded(record(1, Outcome.SUCCESS, True))
        console.recorded(record(2, Outcome.SLIPPED, False))
    shown = out.getvalue()
    for words in ("trial 3 of 4: mug", "lifting", "grasp at (320, 240) px", "1 of 2 = 50%", "time left"):
        assert words in shown, words


def test_what_a_detector_raised_is_shown_and_not_obeyed():
    console, out = view(terminal=True)
    with console:
        console.entered(State.DETECTING, PlannedTrial(3, "mug", 1, 1))
        console.say("careful failed: KeyError: [/nonsense]")
    assert "KeyError: [/nonsense]" in out.getvalue()


def test_a_fallbacks_time_stands_beside_the_detectors():
    console, out = view(terminal=False)
    with console:
        console.recorded(replace(record(1, Outcome.SUCCESS, True), fallback_used=True, fallback_ms=118.7))
    assert "51 ms + 119 ms" in out.getvalue()


def test_voided_trials_do_not_count_on_the_screen():
    console, out = view(terminal=True)
    with console:
        console.recorded(record(1, Outcome.SUCCESS, True, voided=True))
        console.recorded(record(1, Outcome.SUCCESS, True))
    assert "1 of 1 = 100%" in out.getvalue()


def test_nothing_is_drawn_while_somebody_is_asked():
    console, out = view(terminal=True)
    with console, console.quiet():
        before = out.getvalue()
        console.say("this must wait")
        assert out.getvalue() == before
