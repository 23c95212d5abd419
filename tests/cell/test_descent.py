"""The contact-watched descent in the physical world, as fast as the machine allows and at a multiple of real time."""

from __future__ import annotations

import numpy as np
import pytest

from cell.planning import T_FLANGE_TCP, tool_down
from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.arm import ArmSettings, Safety, UR5Arm
from robot.geometry import invert
from robot.gripper import GripperSettings, Robotiq2F85
from robot.kinematics import UR5, inverse, nearest
from robot.simulator.process import SimulatedCell

CELL = load_cell(DEFAULT_CELL_FILE)
PROTECTIVE_STOP_N = 150.0


@pytest.mark.parametrize("speed", ["max", "20"])
def test_an_unexpected_table_stops_the_descent_below_a_protective_stop(speed):
    above = tool_down(np.array([0.5, 0.1, CELL.table_height_m + 0.05]), np.array([0.0, 1.0, 0.0]))
    below = above.copy()
    below[2, 3] = CELL.table_height_m - 0.04
    with (
        SimulatedCell.start(speed=speed) as simulator,
        UR5Arm(ArmSettings(address=simulator.address)) as arm,
        Robotiq2F85(GripperSettings(address=simulator.address)) as gripper,
    ):
        arm.set_tcp(T_FLANGE_TCP)
        gripper.activate()
        gripper.move(0.0, 0.1, 60.0)
        q = nearest(inverse(UR5, above @ invert(T_FLANGE_TCP)), arm.state().q, UR5)
        arm.move_joints(q, 1.0, 2.0)
        arm.zero_force_sensor()
        assert arm.descend(below, CELL.grasp.descend_speed_m_s, CELL.arm.contact_force_n)
        state = arm.state()
        assert state.safety is Safety.NORMAL
        assert state.tcp_force[2] < PROTECTIVE_STOP_N
        assert abs(state.T_base_tcp[2, 3] - CELL.table_height_m) < 0.004
        arm.move_linear(above, 0.2, 0.5)
