"""How the cell wakes up: who is asked, how fast it may be, what the jaws do first."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import pytest

from cell.assembly import WorldRequest, _slowed, _wake, open_world
from cell.operator import ConsoleOperator
from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.errors import CellError
from robot.gripper import GripperState
from robot.gripper_geometry import MIN_SPEED_M_S

CELL = load_cell(DEFAULT_CELL_FILE)


def test_a_share_of_the_speeds_is_a_share_of_all_of_them():
    slow = _slowed(CELL, 0.1)
    for name, value in vars(CELL.motion).items():
        assert getattr(slow.motion, name) == pytest.approx(0.1 * value)
    assert slow.grasp.descend_speed_m_s == pytest.approx(0.1 * CELL.grasp.descend_speed_m_s)
    assert slow.grasp.jaw_speed_m_s == MIN_SPEED_M_S  # slower the gripper cannot
    assert slow.arm.move_timeout_s == pytest.approx(10 * CELL.arm.move_timeout_s)
    assert _slowed(CELL, None) is CELL


class Gripper:
    """Stands for the gripper and for what moves it; writes down what is done."""

    def __init__(self, log, *, activated=True, fault=0, holding=False):
        self._log, self._holding = log, holding
        self._state = GripperState(0.03 if holding else 0.085, 0.085, activated, False, holding, fault)

    def state(self):
        return self._state

    def may_hold(self):
        return self._holding

    def activate(self):
        self._log.append("activate")

    def let_go_gently(self):
        self._log.append("let go")

    def do(self, words):
        self._log.append(words)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({}, None),
        ({"holding": True}, "The jaws are 30 mm apart. Hold what may be in them"),
        ({"holding": True, "activated": False}, "keep your hands away"),
        ({"fault": 7}, "keep your hands away"),
    ],
)
def test_a_hand_is_told_what_the_jaws_will_do_before_they_do_it(how, said):
    log = []
    gripper = Gripper(log, **how)
    _wake(gripper, gripper, gripper)
    assert log[-2:] == ["activate", "let go"]
    assert len(log) == (2 if said is None else 3)
    assert said is None or said in log[0]


def test_hardware_that_nobody_watches_does_not_move_even_when_told_yes(monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    hardware = replace(CELL, kind="hardware")
    with pytest.raises(CellError, match="no terminal"), ExitStack() as stack:
        open_world(stack, hardware, WorldRequest(dry_run=False, confirmed=True), ConsoleOperator)
