"""The check before a run: what it notices, what it lets pass, what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.holding import Holding, check_holding
from calibration.marks import find_marks, locate_marks
from calibration.settings import HoldingSettings
from robot.errors import CameraError
from robot.frame import Frame
from robot.geometry import Transform, pose_to_transform, transform
from tests.calibration.board_pictures import LENS
from tests.calibration.table_scene import (
    FACING_DOWN,
    T_BASE_CAMERA,
    TABLE_M,
    WORKSPACE,
    KnownCamera,
    look,
)

T_CAMERA = T_BASE_CAMERA @ pose_to_transform([0.006, -0.004, 0.005, 0.012, -0.010, 0.015])
AXES = [sign * np.eye(3)[axis] for axis in range(3) for sign in (1.0, -1.0)]
NAMES = [f"{sign}{axis}" for axis in "xyz" for sign in "+-"]
PAIRS = [(0, 1), (0, 2), (0, 3)]


def bump(move_m=(0, 0, 0), turn_rad=(0, 0, 0)) -> Transform:
    """The camera after a bump in its own axes."""
    return T_CAMERA @ pose_to_transform([*np.asarray(move_m), *np.asarray(turn_rad)])


def calibrated(marks=(0, 1, 2, 3), **kept) -> KnownCamera:
    frame = look(T_CAMERA, np.random.default_rng(1), marks=marks)
    return KnownCamera(T_CAMERA, locate_marks(find_marks(frame.color), LENS, T_CAMERA, TABLE_M), **kept)


def check(frame: Frame, calibration: KnownCamera) -> Holding:
    return check_holding(frame, calibration, np.eye(4), TABLE_M, WORKSPACE, HoldingSettings())


@pytest.fixture(scope="module")
def four_marks() -> KnownCamera:
    return calibrated()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def test_a_camera_that_stands_still_passes_without_a_remark(four_marks, rng):
    for _ in range(3):
        holding = check(look(T_CAMERA, rng), four_marks)
        assert holding.holds
        assert holding.remarks == ()
        assert holding.moved_m < 0.0008
        assert holding.turned_rad < np.radians(0.08)
        assert abs(holding.table_off_m) < 0.0008


@pytest.mark.parametrize("axis", AXES, ids=NAMES)
def test_a_millimetre_passes(four_marks, rng, axis):
    holding = check(look(bump(0.001 * axis), rng), four_marks)
    assert holding.holds
    assert holding.remarks == ()
    assert holding.moved_m == pytest.approx(0.001, abs=0.0008)


@pytest.mark.parametrize("axis", AXES, ids=NAMES)
def test_a_bump_of_10_mm_is_noticed_and_measured(four_marks, rng, axis):
    holding = check(look(bump(0.010 * axis), rng), four_marks)
    assert not holding.holds
    assert holding.moved_m == pytest.approx(0.010, abs=0.001)
    assert holding.turned_rad < np.radians(0.1)
    assert f"moved by {1e3 * holding.moved_m:.1f} mm" in holding.reasons[0]


@pytest.mark.parametrize("axis", AXES, ids=NAMES)
def test_a_turn_by_one_degree_is_noticed_and_measured(four_marks, rng, axis):
    holding = check(look(bump(turn_rad=np.radians(1.0) * axis), rng), four_marks)
    assert not holding.holds
    assert holding.turned_rad == pytest.approx(np.radians(1.0), abs=np.radians(0.1))
    assert holding.moved_m < 0.0015
    assert "turned by" in holding.reasons[0]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("axis", AXES, ids=NAMES)
def test_two_marks_are_enough(rng, pair, axis):
    """Two marks on one side can hardly tell a tilt from a sideways move; that something moved they can."""
    calibration = calibrated(pair)
    assert not check(look(bump(0.010 * axis), rng, marks=pair), calibration).holds
    assert not check(look(bump(turn_rad=np.radians(1.0) * axis), rng, marks=pair), calibration).holds
    assert check(look(bump(0.001 * axis), rng, marks=pair), calibration).holds


@pytest.mark.parametrize("pair", PAIRS)
def test_noise_on_two_marks_is_not_taken_for_a_motion(pair):
    calibration = calibrated(pair)
    for seed in range(4):
        assert check(look(T_CAMERA, np.random.default_rng(seed), marks=pair), calibration).holds


@pytest.mark.parametrize("sign", [1, -1])
def test_without_marks_the_table_shows_moves_along_the_axis_and_tilts(rng, sign):
    calibration = calibrated(())
    along = check(look(bump((0, 0, sign * 0.010)), rng, marks=()), calibration)
    assert not along.holds
    assert along.moved_m is None
    # Nearer to the table, the camera measures less, and the table seems to have come up.
    assert along.table_off_m == pytest.approx(sign * 0.010, abs=0.001)
    for axis in np.eye(3)[:2]:
        tilted = check(look(bump(turn_rad=sign * np.radians(1.0) * axis), rng, marks=()), calibration)
        assert not tilted.holds
        assert tilted.table_tilt_rad == pytest.approx(np.radians(1.0), abs=np.radians(0.1))


def test_without_marks_it_says_that_sideways_moves_cannot_be_seen(rng):
    holding = check(look(bump((0.010, 0, 0)), rng, marks=()), calibrated(()))
    assert holding.holds
    assert any("sideways" in remark and "cannot be seen" in remark for remark in holding.remarks)


def test_marks_that_ought_to_be_in_view_and_are_not_stop_the_run(four_marks, rng):
    holding = check(look(T_CAMERA, rng, marks=()), four_marks)
    assert not holding.holds
    assert "mark 0, mark 1, mark 2, mark 3" in holding.reasons[0]


def test_the_only_known_mark_covered_stops_the_run_too(four_marks, rng):
    """Nothing else would tell that the camera was moved sideways."""
    only = replace(four_marks, marks=four_marks.marks[:1])
    assert check(look(T_CAMERA, rng), only).holds
    assert not check(look(T_CAMERA, rng, marks=()), only).holds


def test_one_covered_mark_does_no_harm(four_marks, rng):
    assert check(look(T_CAMERA, rng, marks=(0, 1, 3)), four_marks).holds


def test_a_mark_that_was_moved_is_named_and_not_taken_for_a_bump(four_marks, rng):
    holding = check(look(T_CAMERA, rng, moved_marks={2: (0.010, 0.005)}), four_marks)
    assert holding.holds
    assert any("mark 2" in remark and "mark 1" not in remark for remark in holding.remarks)


@pytest.mark.parametrize("drift_m", [0.004, -0.004])
def test_depth_offset_of_a_d435_that_drifts_over_a_day_is_told_apart_from_a_bump(four_marks, rng, drift_m):
    """librealsense #10476: 4 mm in a day."""
    holding = check(look(T_CAMERA, rng, depth_drift_m=drift_m), four_marks)
    assert holding.holds
    assert holding.moved_m < 0.001
    assert holding.table_off_m == pytest.approx(-drift_m, abs=0.0005)
    assert any("depth drifts" in remark and "4.0 mm" in remark for remark in holding.remarks)


def test_depth_that_is_a_centimetre_off_stops_the_run_and_is_not_called_a_bump(four_marks, rng):
    holding = check(look(T_CAMERA, rng, depth_drift_m=0.010), four_marks)
    assert len(holding.reasons) == 1
    assert "10.0 mm lower" in holding.reasons[0]
    assert "tare" in holding.reasons[0]


def test_a_crowded_table_is_still_found(four_marks, rng):
    crowd = [(x, x + 0.07, y, y + 0.08, h) for x, h in ((0.33, 0.02), (0.45, 0.06), (0.57, 0.03)) for y in
             (-0.18, -0.04, 0.09)]  # fmt: skip
    holding = check(look(T_CAMERA, rng, boxes=crowd), four_marks)
    assert holding.holds
    assert abs(holding.table_off_m) < 0.001
    assert holding.table_tilt_rad < np.radians(0.15)


def test_a_covered_lens_stops_the_run(four_marks, rng):
    frame = look(T_CAMERA, rng)
    blind = Frame(np.zeros_like(frame.depth_m), LENS, frame.color)
    holding = check(blind, four_marks)
    assert "does not show the table" in holding.reasons[0]
    assert holding.table_off_m is None


@pytest.mark.parametrize("pose", [(0, 0, 0, 0, 0, np.pi / 2), (0.05, 0.03, -0.1, 0, 0, 0.3), (0, 0, 0, 0.1, -0.1, 2.5)])
def test_a_camera_that_hangs_quite_differently_is_refused(four_marks, rng, pose):
    holding = check(look(T_CAMERA @ pose_to_transform(pose), rng), four_marks)
    assert not holding.holds


def test_on_the_wrist_the_board_serves_where_there_is_no_mark(rng):
    T_base_board = transform(FACING_DOWN, np.array([0.5, 0.0, TABLE_M]) - FACING_DOWN @ [0.12, 0.09, 0.0])
    calibration = calibrated((), mount="wrist", T_other_board=T_base_board)
    assert check(look(T_CAMERA, rng, marks=(), boxes=(), T_base_board=T_base_board), calibration).holds
    moved = check(look(bump((0.010, 0, 0)), rng, marks=(), boxes=(), T_base_board=T_base_board), calibration)
    assert "the board" in moved.reasons[0]


def test_a_frame_without_colour_is_an_error(four_marks, rng):
    with pytest.raises(CameraError, match="colour"):
        check(Frame(look(T_CAMERA, rng).depth_m, LENS), four_marks)
