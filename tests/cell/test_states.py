"""The table of states is sound, and the README shows that very table."""

from __future__ import annotations

from pathlib import Path

from cell.states import PHASES, TRANSITIONS, State, mermaid

ROOT = Path(__file__).resolve().parents[2]


def test_no_event_is_ambiguous():
    pairs = [(t.event, t.source) for t in TRANSITIONS]
    assert len(pairs) == len(set(pairs))


def test_every_state_is_reachable_and_the_end_is_reachable_from_each():
    def reach(start, edges):
        seen, todo = {start}, [start]
        while todo:
            todo += [b for a, b in edges if a is todo[0] and b not in seen and not seen.add(b)]
            todo.pop(0)
        return seen

    forward = [(t.source, t.target) for t in TRANSITIONS]
    assert reach(State.CHECKING, forward) == set(State)
    assert reach(State.STOPPED, [(b, a) for a, b in forward]) == set(State)


def test_a_fault_or_ctrl_c_is_heeded_in_every_phase_of_a_trial():
    for phase in PHASES:
        assert {"fault", "abort"} <= {t.event for t in TRANSITIONS if t.source.value == phase}


def test_the_readme_shows_the_table_of_the_code():
    assert mermaid() in (ROOT / "README.md").read_text(encoding="utf-8")
