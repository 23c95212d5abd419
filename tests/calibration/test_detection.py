"""The board's corners and pose out of images whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.detection import BoardDetector, board_pose, depth_at, spans_a_plane
from robot.calibration_board import BoardSettings
from robot.geometry import apply, rotation_angle
from tests.calibration.board_pictures import LENS, blank, board_photo, facing, photo, worst_miss_px

BOARD = BoardSettings()


def middle_off_m(T_a, T_b) -> float:
    middle = np.array([*BOARD.size_m, 0.0]) / 2
    return float(np.linalg.norm(apply(T_a, middle) - apply(T_b, middle)))


@pytest.mark.parametrize("seed", range(6))
def test_corners_are_found_where_they_are(seed):
    rng = np.random.default_rng(seed)
    center = (rng.uniform(-0.04, 0.04), rng.uniform(-0.03, 0.03), rng.uniform(0.45, 0.65))
    T = facing(rng.uniform(0.1, 0.7), rng.uniform(0, 6.28), rng.uniform(-3.1, 3.1), center, BOARD)
    seen = BoardDetector(BOARD).find(board_photo(BOARD, T, rng))
    assert seen is not None
    assert len(seen.ids) >= 33
    assert worst_miss_px(seen, T, BOARD) < 0.3
    found = board_pose(seen.ids, seen.pixels, LENS, BOARD)
    assert found is not None
    assert middle_off_m(found[0], T) < 0.0006
    assert rotation_angle(found[0], T) < np.radians(0.15)
    assert found[1] < 0.12


def test_a_board_half_outside_the_image_is_seen_in_part():
    T = facing(0.3, 1.0, 0.0, (0.24, 0.0, 0.5), BOARD)
    seen = BoardDetector(BOARD).find(board_photo(BOARD, T, np.random.default_rng(0)))
    assert seen is not None
    assert 6 <= len(seen.ids) < 30
    assert worst_miss_px(seen, T, BOARD) < 0.4


def test_no_board_is_none():
    assert BoardDetector(BOARD).find(photo(blank(), np.random.default_rng(0))) is None


def test_depth_comes_with_the_corners():
    T = facing(0.5, 0.4, 0.2, (0.0, 0.0, 0.5), BOARD)
    v, u = np.mgrid[0 : LENS.height, 0 : LENS.width]
    rays = LENS.deproject(u, v, np.ones(u.shape))
    depth = (T[:3, 2] @ T[:3, 3] / (rays @ T[:3, 2])).astype(np.float32)
    seen = BoardDetector(BOARD).find(board_photo(BOARD, T, np.random.default_rng(0)), depth)
    assert seen is not None
    np.testing.assert_allclose(seen.depth_m, apply(T, BOARD.corners_m[seen.ids])[:, 2], atol=0.001)


def test_depth_is_unknown_where_most_of_it_is_missing():
    depth = np.full((48, 64), 0.7, np.float32)
    depth[10:20, 10:20] = 0.0
    depth[30, 30] = 5.0
    pixels = np.array([[15.0, 15.0], [30.2, 29.8], [0.0, 0.0], [63.0, 47.0], [40.0, 40.0]])
    np.testing.assert_allclose(depth_at(depth, pixels), [0.0, 0.7, 0.0, 0.0, 0.7], atol=1e-6)


def test_corners_on_one_line_or_too_few_tell_no_pose():
    row = BOARD.corners_m[:7]
    assert not spans_a_plane(row, BOARD.square_m)
    assert not spans_a_plane(BOARD.corners_m[[0, 6, 28, 34]], BOARD.square_m)
    assert spans_a_plane(BOARD.corners_m[:14], BOARD.square_m)
    pixels = LENS.project(np.add(row, [0, 0, 0.5]))
    assert board_pose(np.arange(7), pixels, LENS, BOARD) is None


def test_shuffled_corners_give_no_pose_or_a_bad_one():
    rng = np.random.default_rng(0)
    pixels = LENS.project(apply(facing(0.3, 0, 0, (0, 0, 0.5), BOARD), BOARD.corners_m))
    for _ in range(10):
        found = board_pose(np.arange(35), rng.permutation(pixels), LENS, BOARD)
        assert found is None or found[1] > 10.0


def test_a_board_exactly_in_front_of_the_camera_has_a_pose():
    """The two-pose method answers NaN for it."""
    T = facing(0.0, 0.0, 0.0, (0.08474543349488864, 0.0, 0.5506396699974393), BOARD)
    found = board_pose(np.arange(35), LENS.project(apply(T, BOARD.corners_m)), LENS, BOARD)
    assert found is not None
    np.testing.assert_allclose(found[0], T, atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    tilt=st.floats(0.0, 0.9), about=st.floats(0.0, 6.28), roll=st.floats(-3.14, 3.14),
    x=st.floats(-0.1, 0.1), y=st.floats(-0.08, 0.08), z=st.floats(0.3, 0.9),
)  # fmt: skip
def test_pose_from_exact_corners_is_exact_whichever_way_the_board_leans(tilt, about, roll, x, y, z):
    """The two poses that a flat target allows differ in perspective only; without noise the right one must win."""
    T = facing(tilt, about, roll, (x, y, z), BOARD)
    found = board_pose(np.arange(35), LENS.project(apply(T, BOARD.corners_m)), LENS, BOARD)
    assert found is not None
    np.testing.assert_allclose(found[0], T, atol=1e-5)
    assert found[1] < 1e-3
