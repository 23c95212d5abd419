"""Nothing that breaks the cell file's limits ever leaves for the controller, whatever a detector proposes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import yaml

from robot.kinematics import UR5, forward, inverse_near
from tests.cell.wire_limits import LimitChecker, flange_pose
from tests.cell.wire_recorder import Command, DashboardLine, Upload
from tests.cell.wired_run import check_wires

HOME = (1.9, -1.7, 2.0, -1.8708, -1.5708, 0.0)
TCP = Command(29, (0.0, 0.0, 0.1628, 0.0, 0.0, 0.0), (), HOME)
CELL = yaml.safe_load("""
table_height_m: -0.25
keep_out: [{min_m: [0.44, -0.07, 0.43], max_m: [0.56, 0.07, 0.53]}]
grasp: {table_clearance_m: 0.003}
safety: {tcp_box: {min_m: [-0.70, -0.75, -0.25], max_m: [0.80, 0.85, 0.70]}, payload_max_kg: 2.0}
arm:
  joint_lower_rad: [-6.2832, -6.2832, -6.2832, -6.2832, -6.2832, -6.2832]
  joint_upper_rad: [6.2832, 6.2832, 6.2832, 6.2832, 6.2832, 6.2832]
  joint_speed_max_rad_s: 1.5708
  joint_acceleration_max_rad_s2: 3.0
  linear_speed_max_m_s: 0.5
  linear_acceleration_max_m_s2: 2.0
""")


def move_j(q=HOME, speed=1.2, acceleration=2.0, q_from=HOME):
    return Command(1, (*q, speed, acceleration), (1,), q_from)


def move_l(x, y, z, speed=0.3, acceleration=0.8, q_from=HOME):
    return Command(3, (x, y, z, math.pi, 0.0, 0.0, speed, acceleration), (1,), q_from)


def turned(**joints):
    """Home with some joints, ``j1`` to ``j6``, elsewhere."""
    return tuple(joints.get(f"j{i + 1}", q) for i, q in enumerate(HOME))


def above(x, y, z):
    """Joints that hold the tool straight down at a place."""
    T_base_flange = np.diag([1.0, -1.0, -1.0, 1.0])
    T_base_flange[:3, 3] = x, y, z + TCP.doubles[2]
    q = inverse_near(UR5, T_base_flange, HOME)
    assert q is not None
    return tuple(q)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (move_j(speed=1.7), "joint_speed_max"),
        (move_j(acceleration=3.1), "joint_acceleration_max"),
        (move_j(turned(j6=6.5)), "joint 6"),
        (move_j(turned(j2=0.3)), "outside safety.tcp_box"),
        (move_j(above(0.41, 0.3, 0.48), q_from=above(0.41, -0.3, 0.48)), "the way"),
        (move_j(turned(j1=math.nan)), "nan"),
        (move_j(speed=0.0), "joint_speed_max"),
        (move_l(0.5, 0.0, -0.2475), "below the table's floor"),
        (move_l(0.5, 0.0, -0.3), "below the table's floor"),
        (move_l(0.9, 0.0, 0.0), "outside safety.tcp_box"),
        (move_l(0.5, 0.0, 0.48), "keep-out"),
        (move_l(0.5, 0.0, 0.0, speed=0.6), "linear_speed_max"),
        (move_l(0.5, 0.0, 0.0, acceleration=math.inf), "inf"),
        (Command(17, (5.0, 0.0, 0.0, 0.06)), "payload"),
        (Command(9, (1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0)), "command 9"),
        (Command(33, (0.0,), (0,)), "deceleration"),
        (Upload("mischief", "def mischief():\n  movej([0, 0, 0, 0, 0, 0])\nend"), "mischief"),
        (Upload("rtde_control", "# inject move path\n  movej([0, 0, 0, 0, 0, 0])\n end\n"), "rtde_control"),
        (DashboardLine("play"), "play"),
    ],
)
def test_the_judge_catches_each_breach(command, words):
    found = LimitChecker(CELL).violations([TCP, command])
    assert any(words in breach for breach in found), found


def test_the_judge_lets_pass_what_is_allowed():
    allowed = [TCP, move_j(), move_l(0.5, 0.0, -0.247), Command(17, (0.925, 0.0, 0.0, 0.06)), Command(33, (3.0,), (0,))]
    checker = LimitChecker(CELL)
    assert checker.violations([*allowed, Command(0), DashboardLine("stop")]) == []
    assert checker.moves == 2


def test_a_move_before_the_tcp_was_declared_is_a_breach():
    assert "TCP" in LimitChecker(CELL).violations([move_j()])[0]


def test_the_judge_has_kinematics_of_its_own_that_agree():
    assert flange_pose(HOME) == pytest.approx(forward(UR5, HOME), abs=1e-9)


def test_no_command_breaks_a_limit_whatever_the_detector_proposes(tmp_path, tmp_path_factory, monkeypatch, capfd):
    check_wires(20, tmp_path, tmp_path_factory, monkeypatch, capfd)
