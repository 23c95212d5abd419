"""Whose hands are where: nothing moves beside a hand that was not warned, and nothing is let go that nobody holds."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from calibration.errors import CalibrationError
from cell.assembly import Devices
from cell.calibrating import Calibrator
from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.kinematics import UR5

CELL = load_cell(DEFAULT_CELL_FILE)
PLATE_M = CELL.calibration.board.thickness_m


class Log:
    """Stands for motion and operator: what is asked and done is written down, in order."""

    def __init__(self, closed_to_m=PLATE_M):
        self.calls, self._closed_to_m = [], closed_to_m

    def __getattr__(self, name):
        def call(*arguments):
            self.calls.append((name, *(a for a in arguments if isinstance(a, str))))
            return SimpleNamespace(width_m=self._closed_to_m)

        return call

    def calibrator(self):
        return Calibrator(CELL, Devices(self, self, UR5), self, print)


def test_the_board_is_gripped_while_it_is_held_and_the_arm_waits_for_a_second_word():
    log = Log()
    log.calibrator()._hand_over_board()
    names = [call[0] for call in log.calls]
    assert names == ["let_go_gently", "put_board", "grip_gently", "hold_board", "do"]
    assert "step back" in log.calls[-1][1]


def test_the_board_is_held_by_a_hand_before_the_jaws_let_it_go():
    log = Log()
    log.calibrator()._take_board()
    assert [call[0] for call in log.calls] == ["do", "let_go_gently", "put_board"]
    assert "Hold the calibration board" in log.calls[0][1]


@pytest.mark.parametrize("closed_to_m", [0.0, 0.0008, 0.02])
def test_jaws_that_do_not_hold_the_board_move_nothing(closed_to_m):
    log = Log(closed_to_m)
    with pytest.raises(CalibrationError, match="do not hold it"):
        log.calibrator()._hand_over_board()
    assert [call[0] for call in log.calls] == ["let_go_gently", "put_board", "grip_gently", "let_go_gently"]
