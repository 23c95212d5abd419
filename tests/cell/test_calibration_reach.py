"""The calibration's poses keep the held board, the arm and the camera apart, and there is a way from each to each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cell.calibration_reach import CalibrationReach
from cell.collision import CollisionChecker
from cell.detour import find_detour
from cell.settings import DEFAULT_CELL_FILE, load_cell
from cell.surroundings import HeldBox, Surroundings
from robot.calibration_board import T_flange_board
from robot.errors import ArmError
from robot.geometry import invert, transform
from robot.kinematics import UR5, forward

FIXED = load_cell(DEFAULT_CELL_FILE)
WRIST = load_cell(DEFAULT_CELL_FILE.with_name("cell.wrist.yaml"))
BOARD = FIXED.calibration.board
REACH = CalibrationReach.for_cell(FIXED, UR5)
Q_HOME = np.array(FIXED.home_joints_rad)


def shown(distance_m, tilt_rad=0.0, roll_rad=0.0):
    """T_base_flange that shows the board to the fixed camera."""
    from scipy.spatial.transform import Rotation

    turned = Rotation.from_euler("zx", [roll_rad, tilt_rad])
    middle = np.array([*BOARD.size_m, 0.0]) / 2
    T_camera_board = transform(turned, np.array([0.0, 0.0, distance_m]) - turned.as_matrix() @ middle)
    return FIXED.calibration.camera_guess.transform @ T_camera_board @ invert(T_flange_board(BOARD))


def reachable():
    """Postures all round the camera."""
    found = []
    for roll in np.linspace(-np.pi, np.pi, 13):
        for tilt in (-0.5, -0.2, 0.2, 0.5):
            found += REACH.postures(shown(0.45, tilt, roll))[:1]
    return found


POSTURES = reachable()


def test_postures_reach_the_pose_and_meet_nothing():
    assert len(POSTURES) >= 15
    board = CollisionChecker.for_cell(FIXED, UR5, Surroundings(None, HeldBox.of_board(BOARD), BOARD.thickness_m))
    for q in POSTURES:
        assert board.contact(q, BOARD.thickness_m) is None
        tip = (forward(UR5, q) @ transform(np.eye(3), [0, 0, 0.1628]))[:3, 3]
        assert FIXED.safety.tcp_box.contains(tip)
    q = REACH.postures(shown(0.45, 0.3, 0.5))[0]
    np.testing.assert_allclose(forward(UR5, q), shown(0.45, 0.3, 0.5), atol=1e-5)


def test_the_board_keeps_clear_of_camera_and_table():
    assert REACH.postures(shown(0.04)) == []
    assert REACH.postures(shown(0.72)) == []  # in the table
    assert REACH.postures(shown(5.0)) == []


def test_there_is_a_way_from_every_posture_to_every_other():
    rng = np.random.default_rng(0)
    for _ in range(8):
        q_from, q_to = (POSTURES[i] for i in rng.choice(len(POSTURES), 2, replace=False))
        way = REACH.way(q_from, q_to)
        np.testing.assert_array_equal(way[-1], q_to)
        for q, q_next in pairwise((q_from, *way)):
            assert REACH.free(q, q_next)


def test_no_way_into_the_table():
    with pytest.raises(ArmError, match="no safe way"):
        CalibrationReach.for_cell(WRIST, UR5).way(np.array(WRIST.home_joints_rad), np.array([0, 0.9, 0, 0, 0, 0.0]))


def test_the_wrist_camera_reaches_over_the_table_without_a_board_in_hand():
    reach = CalibrationReach.for_cell(WRIST, UR5)
    q_home = np.array(WRIST.home_joints_rad)
    T_home = forward(UR5, q_home)
    np.testing.assert_allclose(reach.postures(T_home)[0], q_home, atol=1e-6)
    lower = T_home.copy()
    lower[2, 3] -= 0.15
    assert reach.free(q_home, reach.postures(lower)[0])


def test_a_detour_goes_round_a_wall():
    def free(a, b):
        path = np.linspace(a, b, 60)
        return not np.any((np.abs(path[:, 0]) < 0.1) & (path[:, 1] < 0.8))

    q_from, q_to = np.array([-0.5, 0, 0, 0, 0, 0.0]), np.array([0.5, 0, 0, 0, 0, 0.0])
    assert not free(q_from, q_to)
    way = find_detour(free, q_from, q_to, np.random.default_rng(0))
    assert way is not None
    assert all(free(a, b) for a, b in pairwise((q_from, *way)))
    np.testing.assert_array_equal(way[-1], q_to)
    assert find_detour(lambda a, b: False, q_from, q_to, np.random.default_rng(0)) is None
