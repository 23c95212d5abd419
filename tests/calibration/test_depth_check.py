"""Depth against the board: scale and offset told apart, holes and wild values survived."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.depth_check import check_depth, depth_remarks
from calibration.records import DepthCheck
from calibration.views import View
from robot.calibration_board import BoardSettings
from robot.geometry import Transform, apply
from tests.calibration.board_pictures import LENS, facing

BOARD = BoardSettings()


def views_with(scale: float, offset_m: float, seed: int, *, holes: float = 0.05, wild: float = 0.03, count: int = 20):
    """Views whose depths are off by ``scale`` and ``offset_m``, and by noise that each view's corners share in part."""
    rng = np.random.default_rng(seed)
    views: list[View] = []
    poses: list[Transform | None] = []
    for number in range(1, count + 1):
        center = (rng.uniform(-0.05, 0.05), rng.uniform(-0.04, 0.04), rng.uniform(0.38, 0.65))
        T = facing(rng.uniform(0.15, 0.7), rng.uniform(0, 6.28), rng.uniform(-3, 3), center, BOARD)
        true_m = apply(T, BOARD.corners_m)[:, 2]
        depth = scale * true_m + offset_m + rng.normal(0, 0.0015, true_m.shape) + rng.normal(0, 0.0005)
        depth[rng.random(depth.shape) < wild] += 0.05
        depth = np.round(depth, 3)
        depth[rng.random(depth.shape) < holes] = 0.0
        pixels = LENS.project(apply(T, BOARD.corners_m))
        views.append(View(number, np.zeros(6), np.eye(4), np.arange(35), pixels, depth))
        poses.append(T)
    return views, poses


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("scale", "offset_m"), [(1.0, 0.0), (1.02, 0.0), (0.98, 0.0), (1.0, 0.006), (1.0, -0.006)])
def test_scale_and_offset_are_measured(scale, offset_m, seed):
    check = check_depth(*views_with(scale, offset_m, seed), BOARD)
    assert check is not None
    assert check.scale == pytest.approx(scale, abs=0.006)
    assert check.offset_m == pytest.approx(offset_m, abs=0.0035)
    # Where the camera works, the two together are known much better than each alone.
    assert check.scale * 0.5 + check.offset_m == pytest.approx(scale * 0.5 + offset_m, abs=0.0005)
    assert 0.0012 < check.rms_m < 0.0022


def test_a_good_camera_earns_no_remark():
    for seed in range(5):
        assert depth_remarks(check_depth(*views_with(1.0, 0.0, seed), BOARD)) == ()


def test_a_scale_of_three_percent_is_named():
    (remark,) = depth_remarks(check_depth(*views_with(1.03, 0.0, 0), BOARD))
    assert "too long" in remark
    assert "square_m" in remark


@pytest.mark.parametrize("seed", range(5))
def test_a_d435_whose_z_offset_has_drifted_by_4_mm_is_named(seed):
    """librealsense #11476, #10476: 4 mm in a day; it wants a tare."""
    (remark,) = depth_remarks(check_depth(*views_with(1.0, -0.004, seed), BOARD))
    assert "mm too short" in remark


def test_the_remedy_fits_the_cause():
    assert depth_remarks(DepthCheck(1.002, 0.0015, 0.001, 500)) == ()
    assert "tare" in depth_remarks(DepthCheck(1.001, 0.0040, 0.001, 500))[0]
    assert "on-chip calibration" in depth_remarks(DepthCheck(1.011, 0.0, 0.001, 500))[0]


def test_too_little_depth_is_said():
    views, poses = views_with(1.0, 0.0, 0, holes=1.0)
    assert check_depth(views, poses, BOARD) is None
    assert check_depth(views, [None] * len(views), BOARD) is None
    assert check_depth([], [], BOARD) is None
    assert "not checked" in depth_remarks(None)[0]


def test_views_without_a_pose_are_left_out():
    views, poses = views_with(1.0, 0.004, 0)
    some = [None if i % 3 == 0 else T for i, T in enumerate(poses)]
    check = check_depth(views, some, BOARD)
    assert check is not None
    assert check.samples < 35 * 14
