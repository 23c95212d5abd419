"""The person at the keyboard, and the one who plays that part in a dry run."""

from __future__ import annotations

import builtins
from dataclasses import replace

import pytest

from cell.operator import ConsoleOperator
from cell.settings import DEFAULT_CELL_FILE, load_cell
from cell.simulated_operator import SimulatedOperator
from robot.errors import CellError
from robot.simulator.lab_client import Verdict
from trials.protocol import load_protocol

HOUSEHOLD, PUT_BACK = load_protocol("household"), load_protocol("depierre2021")
AREA = load_cell(DEFAULT_CELL_FILE).workspace


@pytest.fixture
def answers(monkeypatch):
    """Feed the keyboard; what was asked is returned in the list."""
    queue, asked = [], []

    def answer(question):
        asked.append(question)
        given = queue.pop(0)
        if given is EOFError:
            raise EOFError
        return given

    monkeypatch.setattr(builtins, "input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    return queue, asked


@pytest.mark.parametrize(("key", "success"), [("y", True), ("n", False), ("v", None), ("VOID", None), ("Yes", True)])
def test_the_verdict_is_the_operators_and_the_cells_own_is_shown(answers, key, success):
    queue, asked = answers
    queue += ["what?", key]
    verdict = ConsoleOperator().judge(False, HOUSEHOLD)
    assert verdict.success is success
    assert verdict.void is (success is None)
    assert len(asked) == 2
    assert "not held" in asked[0]
    assert "Is the object lifted and held?" in asked[0]


def test_the_question_is_the_protocols(answers):
    queue, asked = answers
    queue += ["y"]
    assert ConsoleOperator().judge(True, PUT_BACK).success
    assert (
        "The cell believes: put back. Was the object lifted, moved away and put back on the gripping area" in asked[0]
    )


def test_only_the_word_go_lets_the_arm_move(answers):
    queue, _ = answers
    queue += ["go", "yes", ""]
    assert ConsoleOperator().confirm_recovery("protective stop")
    assert not ConsoleOperator().confirm_recovery("protective stop")
    assert not ConsoleOperator().confirm_motion()


def test_a_closed_terminal_ends_the_run_like_ctrl_c(answers):
    queue, _ = answers
    queue += [EOFError]
    with pytest.raises(KeyboardInterrupt):
        ConsoleOperator().place("mug", 1)


def test_without_a_terminal_nobody_is_asked(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(CellError, match="terminal"):
        ConsoleOperator().place("mug", 1)


class Lab:
    def __init__(self, held):
        self.held, self.calls = held, []

    def place(self, name, seed):
        self.calls.append((name, seed))

    def referee(self):
        return Verdict("mug", self.held, self.held, 0.1 if self.held else 0.0)

    def clear_faults(self):
        self.calls.append("cleared")


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("believed", [True, False])
def test_the_simulated_referee_does_not_look_at_the_cells_belief(held, believed):
    assert SimulatedOperator(Lab(held), AREA).judge(believed, HOUSEHOLD).success is held


def test_the_simulated_operator_places_and_repairs_through_the_laboratory():
    lab = Lab(True)
    operator = SimulatedOperator(lab, AREA)
    assert operator.place("mug", 5) is None
    assert operator.confirm_recovery("why")
    assert lab.calls == [("mug", 5), "cleared"]


BACK = Verdict("mug", False, False, 0.0002, carried_m=0.5, released=True, dropped=False, middle_m=(0.5, 0.1, -0.22))


@pytest.mark.parametrize(
    ("changes", "success"),
    [
        ({}, True),
        ({"carried_m": 0.185}, True),
        ({"carried_m": 0.15}, False),
        ({"released": False, "dropped": True}, False),
        ({"middle_m": (0.5, 0.25, -0.22)}, False),
        ({"middle_m": (0.2, 0.0, -0.22)}, False),
        ({"height_m": -0.6}, False),
        ({"height_m": 0.1, "lifted": True, "held": True, "released": False}, False),
    ],
)
def test_the_simulated_referee_wants_it_back_on_the_area_without_a_drop(changes, success):
    lab = Lab(True)
    lab.referee = lambda: replace(BACK, **changes)
    for believed in (True, False):
        assert SimulatedOperator(lab, AREA).judge(believed, PUT_BACK).success is success
