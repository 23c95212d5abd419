"""Where the camera hangs is a matter of the seed, and every bump counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from robot.calibration_board import BoardSettings, T_flange_board
from robot.errors import SettingsError
from robot.geometry import apply, invert, rotation_angle, transform
from robot.gripper_geometry import TIP_FROM_FLANGE_CLOSED_M
from robot.kinematics import UR5, forward
from robot.simulator.camera_place import MOUNTS, CameraMount, CameraPlace, nominal_T_parent_color
from robot.simulator.cell_body import TABLE_TOP_M
from robot.simulator.shown_board import put_up
from robot.simulator.staging import Staging
from robot.simulator.world import World

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from(MOUNTS))
def test_every_seed_moves_and_turns_the_camera_a_little_and_always_alike(seed: int, mount: str) -> None:
    T = CameraMount(mount=mount, seed=seed).T_parent_color
    off = invert(nominal_T_parent_color(mount)) @ T
    assert 0.001 < np.linalg.norm(off[:3, 3]) <= 0.010
    assert np.radians(0.1) < rotation_angle(np.eye(4), off) <= np.radians(1.0) + 1e-9
    assert np.array_equal(T, CameraMount(mount=mount, seed=seed).T_parent_color)
    assert not np.array_equal(T, CameraMount(mount=mount, seed=seed + 1).T_parent_color)


@given(SEEDS, st.lists(st.tuples(*[st.floats(-0.05, 0.05)] * 6), max_size=4))
def test_bumps_are_in_the_cameras_own_axes_and_add_up_until_it_is_put_back(seed: int, bumps: list) -> None:
    place = CameraPlace(CameraMount(seed=seed))
    hung = place.T_base_color(np.eye(4))
    expected = hung
    for bump in bumps:
        place.bump(bump[:3], bump[3:])
        expected = expected @ transform(Rotation.from_rotvec(bump[3:]), bump[:3])
    np.testing.assert_allclose(place.T_base_color(np.eye(4)), expected, atol=1e-12)
    place.put_back()
    assert np.array_equal(place.T_base_color(np.eye(4)), hung)


def test_only_a_camera_on_the_wrist_travels_with_the_flange() -> None:
    T_base_flange = forward(UR5, [0.3, -1.2, 1.5, -1.8, -1.5, 0.2])
    fixed, wrist = (CameraPlace(CameraMount(mount=mount)) for mount in MOUNTS)
    assert np.array_equal(fixed.T_base_color(T_base_flange), fixed.T_parent_color)
    np.testing.assert_allclose(wrist.T_base_color(T_base_flange), T_base_flange @ wrist.T_parent_color)
    nominal = T_base_flange @ nominal_T_parent_color("wrist")
    np.testing.assert_allclose(nominal[:3, :3], T_base_flange[:3, :3] @ [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(nominal[:3, 3], apply(T_base_flange, [0.08, 0.0, 0.02]))


# ---------------------------------------------------------------- the board


@given(SEEDS)
def test_the_board_lies_flat_near_the_middle_print_up(seed: int) -> None:
    board = BoardSettings()
    shown = put_up("table", board, 1.0, seed)
    assert shown is not None
    T = shown.T_base_board(np.eye(4))
    corners = apply(T, board.corners_m)
    np.testing.assert_allclose(corners[:, 2], TABLE_TOP_M + board.thickness_m, atol=1e-12)
    middle = apply(T, [board.size_m[0] / 2, board.size_m[1] / 2, 0.0])
    assert np.hypot(middle[0] - 0.50, middle[1]) <= 0.015 + 1e-9
    np.testing.assert_allclose(T[:3, 2], [0, 0, -1], atol=1e-12)  # into the plate
    assert np.arccos(np.clip(-T[1, 0], -1, 1)) <= np.radians(8.0) + 1e-6


@given(SEEDS, st.floats(0.9, 1.1))
def test_the_board_in_the_gripper_is_nearly_where_it_belongs_and_as_large_as_it_was_printed(
    seed: int, scale: float
) -> None:
    shown = put_up("gripper", BoardSettings(), scale, seed)
    assert shown is not None
    assert shown.board.square_m == pytest.approx(0.030 * scale)
    off = shown.T_parent_board @ invert(T_flange_board(shown.board))
    pads = np.array([0.0, 0.0, 0.1378])
    assert np.linalg.norm(apply(off, pads) - pads) <= 0.003 + 1e-6
    assert rotation_angle(np.eye(4), off) <= np.radians(2.0) + 1e-9
    T_base_flange = forward(UR5, [0.3, -1.2, 1.5, -1.8, -1.5, 0.2])
    np.testing.assert_allclose(shown.T_base_board(T_base_flange), T_base_flange @ shown.T_parent_board)


@pytest.mark.parametrize(("where", "scale"), [("tabel", 1.0), ("table", 0.0), ("table", float("nan"))])
def test_impossible_boards_are_refused(where: str, scale: float) -> None:
    with pytest.raises(SettingsError):
        put_up(where, BoardSettings(), scale, 0)
    assert put_up("none", BoardSettings(), 1.0, 0) is None


def test_the_tips_miss_is_the_way_from_the_true_corner_to_the_tip() -> None:
    world = World(UR5, (), print)
    staging = Staging(world)
    with pytest.raises(SettingsError, match="no board"):
        staging.tip_miss_m(0)
    staging.board = put_up("table", BoardSettings(), 0.97, 4)
    assert staging.board is not None
    tip = apply(world.T_base_flange, [0.0, 0.0, TIP_FROM_FLANGE_CLOSED_M])
    corner = apply(staging.board.T_parent_board, [5 * 0.0291, 2 * 0.0291, 0.0])
    np.testing.assert_allclose(staging.tip_miss_m(7 + 4), tip - corner, atol=1e-12)
    for bad in (-1, 35):
        with pytest.raises(SettingsError, match=r"0\.\.34"):
            staging.tip_miss_m(bad)
