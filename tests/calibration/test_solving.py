"""Every solver of OpenCV's, in both mounts; and what is done with those that are wrong."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from calibration import solving
from calibration.detection import board_pose
from calibration.solving import FARTHEST_M, is_plausible, is_rigid, mean_pose, solve
from robot.geometry import rotation_angle, transform
from tests.calibration.synthetic_views import BOARD, INTRINSICS, MOUNTS, make_cell, nudge

ALL = len(solving.HAND_EYE_METHODS) + len(solving.ROBOT_WORLD_METHODS)


def solved(cell):
    seen = [board_pose(view.ids, view.pixels, INTRINSICS, BOARD)[0] for view in cell.views]
    return solve(cell.views, seen, cell.mount)


def exactly(cell):
    """With the boards' true poses in place of those seen."""
    return solve(cell.views, [cell.T_camera_board(view) for view in cell.views], cell.mount)


@pytest.mark.parametrize("mount", MOUNTS)
def test_every_solver_finds_the_truth_when_nothing_is_noisy(mount):
    cell = make_cell(mount, 3)
    results = exactly(cell)
    assert len(results) == ALL
    assert len({result.name for result in results}) == ALL
    for result in results:
        np.testing.assert_allclose(result.T_parent_camera, cell.T_parent_camera, atol=1e-6, err_msg=result.name)
        if result.T_other_board is not None:
            np.testing.assert_allclose(result.T_other_board, cell.T_other_board, atol=1e-6, err_msg=result.name)
        assert result.dropped == ""
    assert sum(result.T_other_board is not None for result in results) == len(solving.ROBOT_WORLD_METHODS)


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("seed", range(3))
def test_the_solvers_agree_on_noisy_views(mount, seed):
    cell = make_cell(mount, seed)
    kept = [result for result in solved(cell) if not result.dropped]
    assert len(kept) >= 5
    for result in kept:
        assert np.linalg.norm(result.T_parent_camera[:3, 3] - cell.T_parent_camera[:3, 3]) < 0.006
        assert rotation_angle(result.T_parent_camera, cell.T_parent_camera) < math.radians(0.3)


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("turning", ["one_axis", "none"])
@pytest.mark.parametrize("count", [3, 20])
def test_solvers_that_cannot_answer_are_named_with_the_reason_and_raise_nothing(mount, turning, count):
    results = solved(make_cell(mount, 1, count, turning=turning))
    assert len(results) == ALL
    assert any(result.dropped for result in results)
    for result in results:
        assert result.dropped or is_plausible(result.T_parent_camera)


def test_opencv_17986_no_solver_is_believed_because_it_is_the_only_one(monkeypatch):
    wild = iter(transform(np.eye(3), [0.1 * i, 0.0, 0.0]) for i in range(ALL))
    monkeypatch.setattr(solving, "_hand_eye", lambda *_: (next(wild), None))
    monkeypatch.setattr(solving, "_robot_world", lambda *_: (next(wild), None))
    assert all(result.dropped == "no three solvers agree" for result in exactly(make_cell("fixed", 0, 3)))


def test_opencv_24871_a_solver_centimetres_off_is_dropped_with_its_distance(monkeypatch):
    true = solving._hand_eye

    def wrong_daniilidis(arm, seen, method):
        T, board = true(arm, seen, method)
        return (T @ transform(np.eye(3), [0.03, 0, 0]) if method == "DANIILIDIS" else T), board

    monkeypatch.setattr(solving, "_hand_eye", wrong_daniilidis)
    results = exactly(make_cell("wrist", 0))
    assert [result.name for result in results if result.dropped] == ["handeye daniilidis"]
    assert next(result.dropped for result in results if result.dropped) == (
        "30.0 mm and 0.00 degrees from the consensus"
    )


@pytest.mark.parametrize(
    ("T", "reason"),
    [
        (np.full((4, 4), np.nan), "NaN"),
        (transform(-np.eye(3), [0, 0, 0]), "no rotation"),
        (transform(2 * np.eye(3), [0, 0, 0]), "no rotation"),
        (transform(np.eye(3), [2 * FARTHEST_M, 0, 0]), "10 m"),
    ],
)
def test_an_answer_that_is_no_pose_is_dropped(T, reason, monkeypatch):
    monkeypatch.setattr(solving, "_hand_eye", lambda *_: (T, None))
    dropped = [result for result in exactly(make_cell("fixed", 0, 4)) if result.name.startswith("handeye")]
    assert all(reason in result.dropped and result.T_parent_camera is None for result in dropped)


def test_opencv_is_told_to_be_silent_only_meanwhile(capfd):
    import cv2

    before = cv2.utils.logging.getLogLevel()
    solved(make_cell("fixed", 1, 3, turning="none"))
    assert cv2.utils.logging.getLogLevel() == before
    assert capfd.readouterr().err == ""


def test_a_rotation_is_told_from_what_is_none():
    assert is_rigid(np.eye(4))
    assert not is_rigid(transform(np.diag([1.0, 1.0, -1.0]), [0, 0, 0]))
    assert not is_rigid(transform(np.eye(3), [np.inf, 0, 0]))


def test_the_mean_of_poses_lies_between_them():
    rng = np.random.default_rng(0)
    T = nudge(rng, 0.5, 2.0)
    turn = nudge(rng, 0.0, 0.1)
    mean = mean_pose([T @ turn, T @ turn.T])
    np.testing.assert_allclose(mean, T, atol=1e-12)


def test_the_views_are_not_changed():
    cell = make_cell("fixed", 0, 5)
    copies = [replace(view, T_base_flange=view.T_base_flange.copy()) for view in cell.views]
    solved(cell)
    for view, copy in zip(cell.views, copies, strict=True):
        np.testing.assert_array_equal(view.T_base_flange, copy.T_base_flange)
