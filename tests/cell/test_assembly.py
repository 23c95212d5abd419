"""A tenth of the speeds is a tenth of every speed, with ten times the time to get there."""

from __future__ import annotations

import pytest

from cell.assembly import _slowed
from cell.settings import DEFAULT_CELL_FILE, load_cell
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
