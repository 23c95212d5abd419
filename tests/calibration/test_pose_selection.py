"""Poses to look from: enough of them, in view whatever the guess's error, turning about every axis, by free ways."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from calibration.line_of_sight import in_sight
from calibration.pose_selection import GUESS_OFF_M, GUESS_TURNED_RAD, Pose, choose_poses, shows_all
from robot.calibration_board import BoardSettings, T_flange_board
from robot.geometry import Transform, apply, invert, pose_to_transform, transform
from robot.kinematics import UR5, forward, link_transforms
from tests.calibration.board_pictures import LENS, facing
from tests.calibration.simple_reach import SimpleReach
from tests.calibration.table_scene import FACING_DOWN, T_BASE_CAMERA, TABLE_M

BOARD = BoardSettings()
HOME = np.array([1.9, -1.7, 2.0, -1.8708, -1.5708, 0.0])
T_FLANGE_CAMERA = transform([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [0.08, 0.0, 0.02])
T_BASE_BOARD = transform(FACING_DOWN, np.array([0.5, 0.0, TABLE_M + 0.003]) - FACING_DOWN @ [0.12, 0.09, 0.0])
CELLS = {"fixed": (T_BASE_CAMERA, T_flange_board(BOARD)), "wrist": (T_FLANGE_CAMERA, T_BASE_BOARD)}
MOUNTS = tuple(CELLS)


def chosen(mount: str, seed: int = 0, count: int = 20, reach=None) -> tuple[Pose, ...]:
    guess, T_other_board = CELLS[mount]
    reach = reach or SimpleReach(holds_board=mount == "fixed")
    rng = np.random.default_rng(seed)
    return choose_poses(guess, T_other_board, mount, BOARD, LENS, reach, HOME, count, rng, arm=UR5)


def seen_from(mount: str, pose: Pose, error: Transform | None = None) -> Transform:
    """T_camera_board when the camera hangs ``error`` away from its guess."""
    guess, T_other_board = CELLS[mount]
    camera = guess if error is None else guess @ error
    if mount == "fixed":
        return invert(camera) @ pose.T_base_flange @ T_other_board
    return invert(pose.T_base_flange @ camera) @ T_other_board


@pytest.fixture(scope="module", params=[(mount, seed) for mount in MOUNTS for seed in range(3)], ids=str)
def walk(request) -> tuple[str, tuple[Pose, ...]]:
    mount, seed = request.param
    return mount, chosen(mount, seed)


def test_at_least_fifteen_of_twenty_are_found(walk):
    assert 15 <= len(walk[1]) <= 20


def test_joints_and_flange_belong_together(walk):
    for pose in walk[1]:
        np.testing.assert_allclose(forward(UR5, pose.q), pose.T_base_flange, atol=1e-5)


def test_the_walk_is_free_from_its_start_to_its_end(walk):
    mount, poses = walk
    reach = SimpleReach(holds_board=mount == "fixed")
    for q_from, q_to in itertools.pairwise([HOME, *(pose.q for pose in poses)]):
        assert reach.free(q_from, q_to)


def test_views_turn_about_every_axis(walk):
    flanges = [pose.T_base_flange[:3, :3] for pose in walk[1]]
    turns = np.array([Rotation.from_matrix(a.T @ b).as_rotvec() for a, b in itertools.combinations(flanges, 2)])
    rms_rad = np.sqrt(np.linalg.eigvalsh(turns.T @ turns / len(turns)))
    assert np.degrees(rms_rad[0]) > 15.0


def test_views_fill_the_image_and_the_distances(walk):
    mount, poses = walk
    boards = [seen_from(mount, pose) for pose in poses]
    middles = np.array([apply(T, np.array([*BOARD.size_m, 0.0]) / 2) for T in boards])
    assert np.ptp(middles[:, 2]) > 0.12
    pixels = np.concatenate([LENS.project(apply(T, BOARD.corners_m)) for T in boards])
    assert np.ptp(pixels[:, 0]) > 0.6 * LENS.width
    assert np.ptp(pixels[:, 1]) > 0.5 * LENS.height
    tilts = np.degrees([np.arccos(T[2, 2]) for T in boards])
    assert tilts.max() < 41.0
    assert np.ptp(tilts) > 10.0


def test_every_corner_stays_in_view_when_the_camera_is_not_where_the_tape_said(walk):
    mount, poses = walk
    rng = np.random.default_rng(0)
    for pose in poses:
        turn, move = rng.normal(size=(2, 3))
        error = pose_to_transform([*move / np.linalg.norm(move) * 0.01, *turn / np.linalg.norm(turn) * np.radians(3.0)])
        pixels = LENS.project(apply(seen_from(mount, pose, error), BOARD.corners_m))
        assert (pixels > 2.0).all()
        assert (pixels < [LENS.width - 3.0, LENS.height - 3.0]).all()


@pytest.mark.parametrize("mount", MOUNTS)
def test_the_choice_asks_no_more_of_the_arm_than_a_few_seconds_allow(mount):
    """At 1 ms a pose and 3 ms a way."""
    reach = SimpleReach(holds_board=mount == "fixed")
    chosen(mount, reach=reach)
    assert reach.calls["postures"] * 1e-3 + reach.calls["free"] * 3e-3 < 1.0


@pytest.mark.parametrize("mount", MOUNTS)
def test_the_same_seed_gives_the_same_poses(mount):
    first, second = chosen(mount, 5, 8), chosen(mount, 5, 8)
    np.testing.assert_array_equal([p.q for p in first], [p.q for p in second])
    assert not np.array_equal(first[0].q, chosen(mount, 6, 8)[0].q)


class NoWay(SimpleReach):
    def free(self, q_from, q_to) -> bool:
        super().free(q_from, q_to)
        return False


class NoPosture(SimpleReach):
    def postures(self, T_base_flange) -> list:
        super().postures(T_base_flange)
        return []


@pytest.mark.parametrize("kind", [NoWay, NoPosture])
def test_an_arm_that_can_go_nowhere_gets_no_poses_after_a_bounded_search(kind):
    reach = kind(holds_board=True)
    assert chosen("fixed", reach=reach) == ()
    assert reach.calls["postures"] <= 20 * 150
    assert reach.calls["free"] <= 20 * 12


class HalfBlocked(SimpleReach):
    """Half of the ways are barred, by where they lead."""

    def free(self, q_from, q_to) -> bool:
        return super().free(q_from, q_to) and int(1e6 * np.abs(q_from + q_to).sum()) % 2 == 0


@pytest.mark.parametrize("mount", MOUNTS)
def test_blocked_ways_are_gone_around(mount):
    assert len(chosen(mount, reach=HalfBlocked(holds_board=mount == "fixed"))) >= 15


@settings(max_examples=200, deadline=None)
@given(
    tilt=st.floats(0.0, 0.7), about=st.floats(0.0, 6.28), roll=st.floats(-3.1, 3.1),
    x=st.floats(-0.15, 0.15), y=st.floats(-0.1, 0.1), z=st.floats(0.35, 0.7), seed=st.integers(0, 1000),
)  # fmt: skip
def test_what_shows_all_does_so_under_the_guess_error_it_promises(tilt, about, roll, x, y, z, seed):
    T = facing(tilt, about, roll, (x, y, z), BOARD)
    if not shows_all(T, BOARD, LENS):
        return
    turn, move = np.random.default_rng(seed).normal(size=(2, 3))
    # A turn about the line of sight, or a pixel far from the middle, moves corners by more than the margin's
    # first-order sum; the margin of the whole outline makes up for that.
    error = [*move / np.linalg.norm(move) * GUESS_OFF_M, *turn / np.linalg.norm(turn) * GUESS_TURNED_RAD]
    pixels = LENS.project(apply(pose_to_transform(error) @ T, BOARD.corners_m))
    assert (pixels > -20.0).all()
    assert (pixels < [LENS.width + 20.0, LENS.height + 20.0]).all()


def test_an_arm_between_camera_and_board_is_seen():
    q = np.array([0.0, -np.pi / 2, np.pi / 2, -np.pi / 2, -np.pi / 2, 0.0])  # the forearm is level
    forearm_m = link_transforms(UR5, q)[1:3, :3, 3].mean(axis=0)
    up, aside = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    above, below = forearm_m + 0.4 * up, (forearm_m - 0.5 * up)[None]
    assert not in_sight(UR5, q, above, below)
    assert not in_sight(UR5, q, above, np.concatenate([below + 0.6 * aside, below]))
    assert in_sight(UR5, q, above + 0.4 * aside, below + 0.4 * aside)
    assert in_sight(UR5, q, forearm_m - 0.15 * up, below)


def test_a_camera_on_the_wrist_sees_past_its_own_wrist_and_not_through_the_forearm():
    q = np.array([0.0, -np.pi / 2, np.pi / 2, -np.pi / 2, -np.pi / 2, 0.0])
    frames = link_transforms(UR5, q)
    camera_m = frames[5, :3, 3] + [0.0, 0.0, 0.05]
    below, behind = frames[5, :3, 3] - [0.0, 0.0, 0.5], frames[1:3, :3, 3].mean(axis=0) - [0.2, 0.0, 0.0]
    assert in_sight(UR5, q, camera_m, below[None], camera_on_wrist=True)
    assert not in_sight(UR5, q, camera_m, below[None])
    assert not in_sight(UR5, q, camera_m, behind[None], camera_on_wrist=True)
