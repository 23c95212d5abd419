"""Looking around: every pose is visited, and only what shows the board becomes a view."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from calibration.detection import BoardDetector
from calibration.routine import take_views
from robot.calibration_board import BoardSettings
from robot.frame import Frame
from tests.calibration.board_pictures import LENS, blank, board_photo, facing, photo

BOARD = BoardSettings()
UNKNOWN = np.zeros((LENS.height, LENS.width), np.float32)


@dataclass
class Posture:
    q: np.ndarray
    T_base_flange: np.ndarray


def frame_of(color) -> Frame:
    return Frame(depth_m=UNKNOWN, intrinsics=LENS, color=color, captured_at=0.0, number=1)


def test_a_pose_without_the_board_is_visited_and_left_out_and_depth_is_not_asked_for():
    rng = np.random.default_rng(0)
    seen = board_photo(BOARD, facing(0.3, 1.0, 0.2, (0.0, 0.0, 0.5), BOARD), rng)
    frames = [frame_of(seen), frame_of(photo(blank(), rng)), frame_of(None), frame_of(seen)]
    at, kept = [], []

    def posture() -> Posture:
        return Posture(at[-1], np.diag([1.0, 1.0, 1.0, 1.0]) * len(at))

    views = take_views(
        [SimpleNamespace(q=np.full(6, 0.1 * i)) for i in range(4)],
        at.append,
        posture,
        lambda: frames[len(at) - 1],
        BoardDetector(BOARD),
        lambda number, frame, view: kept.append((number, frame is frames[number - 1], view is not None)),
    )
    assert [v.number for v in views] == [1, 4]
    assert kept == [(1, True, True), (2, True, False), (3, True, False), (4, True, True)]
    np.testing.assert_allclose(views[1].q, 0.3)
    assert views[1].T_base_flange[0, 0] == 4.0
    assert (views[0].depth_m == 0.0).all()
