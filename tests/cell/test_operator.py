"""The person at the keyboard, and the one who plays that part in a dry run."""

from __future__ import annotations

import builtins

import pytest

from cell.operator import ConsoleOperator
from cell.simulated_operator import SimulatedOperator
from robot.errors import CellError
from robot.simulator.lab_client import Verdict


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
    verdict = ConsoleOperator().judge(believed_success=False)
    assert verdict.success is success
    assert verdict.void is (success is None)
    assert len(asked) == 2
    assert "not held" in asked[0]


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
    assert SimulatedOperator(Lab(held)).judge(believed).success is held


def test_the_simulated_operator_places_and_repairs_through_the_laboratory():
    lab = Lab(True)
    operator = SimulatedOperator(lab)
    assert operator.place("mug", 5) is None
    assert operator.confirm_recovery("why")
    assert lab.calls == [("mug", 5), "cleared"]
