"""The gate: each reason with figure, limit and remedy, the most telling first."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from calibration.gate import judge, judge_marks, judge_touch
from calibration.quality import Quality
from calibration.settings import GateSettings
from robot.calibration_board import BoardSettings

GOOD = Quality(
    views=20,
    used=19,
    position_rms_m=0.0003,
    angle_rms_rad=math.radians(0.1),
    reprojection_rms_px=0.2,
    leave_one_out_m=0.0001,
    leave_one_out_rad=math.radians(0.01),
    turning_rad=math.radians(20),
    solvers=7,
    solver_spread_m=0.001,
    solver_spread_rad=math.radians(0.1),
    board_scale=1.001,
    board_scale_sigma=0.0004,
)


def reasons(**changes):
    return judge(replace(GOOD, **changes), GateSettings(), BoardSettings())


def test_a_good_one_passes():
    assert reasons() == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"turning_rad": math.radians(3)}, ("rotation diversity", "3.00 degrees", "8.00 degrees", "tilt the flange")),
        ({"board_scale": 0.97}, ("29.10 mm", "not 30.00 mm", "measure the print", "calibration.board.square_m")),
        ({"board_scale": 1.015}, ("30.45 mm", "measure the print")),
        ({"views": 3, "used": 3}, ("too few views", "3 usable", "8")),
        ({"used": 11}, ("9 of 20 views", "40%", "come to rest")),
        ({"position_rms_m": 0.0025}, ("2.50 mm", "limits 2.00 mm", "fasten")),
        ({"angle_rms_rad": math.radians(0.4)}, ("0.40 degrees", "0.30 degrees", "fasten")),
        ({"leave_one_out_m": 0.003}, ("3.00 mm", "2.00 mm", "take more views")),
    ],
)
def test_each_reason_has_its_figure_its_limit_and_its_remedy(changes, words):
    (reason,) = reasons(**changes)
    for word in words:
        assert word in reason


@pytest.mark.parametrize(
    "changes",
    [
        {"board_scale": 1.003},
        {"board_scale": 0.997},
        {"used": 12},
        {"views": 8, "used": 8},
        {"leave_one_out_m": None, "leave_one_out_rad": None},
        {"position_rms_m": 0.00199},
        {"solvers": 0, "solver_spread_m": None, "solver_spread_rad": None},
    ],
)
def test_what_is_within_the_limits_passes(changes):
    assert reasons(**changes) == ()


def test_the_cause_comes_before_what_follows_from_it():
    told = reasons(board_scale=0.97, position_rms_m=0.0036, angle_rms_rad=0.01, leave_one_out_m=0.01)
    assert "square_m" in told[0]
    assert len(told) == 3
    assert "rotation diversity" in reasons(turning_rad=0.0, position_rms_m=1.0)[0]


def test_the_limits_are_the_settings():
    wide = GateSettings(position_rms_m=0.01, board_scale_error=0.05, least_views=3, leave_one_out_m=0.1)
    quality = replace(GOOD, position_rms_m=0.009, board_scale=0.96, views=3, used=3, leave_one_out_m=0.05)
    assert judge(quality, wide, BoardSettings()) == ()


def test_without_a_mark_nothing_would_tell_that_the_camera_moved():
    assert judge_marks(1) == ()
    assert "sideways" in judge_marks(0)[0]


@pytest.mark.parametrize(
    ("misses_m", "words"),
    [
        ([0.001, 0.002, 0.003], None),
        ([0.001, 0.002], "could go to 2 corners only"),
        ([0.001, 0.002, 0.0141, 0.0], "missed a corner of the board by 14.10 mm, limit 4.00 mm"),
        ([0.001, 0.002, math.nan], "missed a corner"),
    ],
)
def test_a_touch_that_misses_is_a_reason(misses_m, words):
    reasons = judge_touch(misses_m, GateSettings())
    assert (reasons == ()) if words is None else (words in reasons[0])
