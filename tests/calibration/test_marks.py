"""Marks on the table: found, located, and never confused."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.marks import find_marks, locate_marks
from robot.calibration_board import MARK_SIDE_M, BoardSettings
from robot.geometry import apply, invert, pose_to_transform
from tests.calibration.board_pictures import LENS, blank, board_photo, draw, facing, mark_picture, photo
from tests.calibration.table_scene import MARK_PLACES, T_BASE_CAMERA, TABLE_M, look

T_CAMERA = T_BASE_CAMERA @ pose_to_transform([0.006, -0.004, 0.005, 0.012, -0.010, 0.015])


def test_marks_are_located_to_a_fifth_of_a_millimetre():
    frame = look(T_CAMERA, np.random.default_rng(0))
    marks = locate_marks(find_marks(frame.color), LENS, T_CAMERA, TABLE_M)
    assert [mark.id for mark in marks] == [0, 1, 2, 3]
    for mark in marks:
        np.testing.assert_allclose(mark.corners_base_m[:, 2], TABLE_M, atol=1e-12)
        np.testing.assert_allclose(mark.corners_base_m.mean(axis=0)[:2], MARK_PLACES[mark.id], atol=2e-4)
        sides = np.linalg.norm(mark.corners_base_m - np.roll(mark.corners_base_m, 1, axis=0), axis=1)
        np.testing.assert_allclose(sides, MARK_SIDE_M, atol=1e-3)


def test_the_board_is_not_taken_for_a_mark():
    picture = board_photo(
        BoardSettings(), facing(0.3, 1.0, 0.5, (0, 0, 0.45), BoardSettings()), np.random.default_rng(0)
    )
    assert find_marks(picture) == {}


def test_an_id_that_is_there_twice_is_left_out():
    canvas = blank()
    for number, x in ((1, -0.1), (1, 0.1), (2, 0.0)):
        canvas = draw(canvas, mark_picture(number, MARK_SIDE_M), pose_to_transform([x, 0, 0.6, 0, 0, 0]))
    assert set(find_marks(photo(canvas, np.random.default_rng(0)))) == {2}


def test_marks_above_the_horizon_are_left_out():
    looking_up = T_BASE_CAMERA @ pose_to_transform([0, 0, 0, np.pi, 0, 0])
    assert locate_marks({1: np.array([[0, 0], [9, 0], [9, 9], [0, 9]], float)}, LENS, looking_up, TABLE_M) == ()


@settings(max_examples=50, deadline=None)
@given(
    move=st.tuples(*[st.floats(-0.1, 0.1)] * 3), turn=st.tuples(*[st.floats(-0.4, 0.4)] * 3),
    x=st.floats(0.35, 0.65), y=st.floats(-0.2, 0.2),
)  # fmt: skip
def test_locating_undoes_projecting(move, turn, x, y):
    T = T_BASE_CAMERA @ pose_to_transform([*move, *turn])
    corners = np.array([[x, y, TABLE_M], [x, y - 0.04, TABLE_M], [x - 0.04, y - 0.04, TABLE_M], [x - 0.04, y, TABLE_M]])
    (mark,) = locate_marks({7: LENS.project(apply(invert(T), corners))}, LENS, T, TABLE_M)
    np.testing.assert_allclose(mark.corners_base_m, corners, atol=1e-9)
