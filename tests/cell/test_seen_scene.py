"""The map of heights shows what stands there, and neither the noise at its edges nor what nobody measured."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cell.planning import tool_down
from cell.seen_scene import CELL_M, FORGIVEN_HEIGHT_M, SPECK_CELLS
from cell.surroundings import HeldBox, Surroundings
from robot.calibration_board import BoardSettings, T_flange_board
from robot.geometry import apply, invert, transform
from robot.gripper_geometry import TIP_FROM_FLANGE_CLOSED_M
from tests.cell.seen_things import CELL, OVERHEAD, TABLE_M, seen, standing


def spoiled(depth, rng):
    """Edges wander and fly, pixels are lost, single ones stick out anywhere; 1.5 mm of noise everywhere."""
    step = cv2.morphologyEx(depth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0.008
    shift = rng.integers(-1, 2, 2)
    noisy = np.where(step, np.roll(depth, tuple(shift), axis=(0, 1)), depth)
    flying = step & (rng.random(depth.shape) < 0.12)
    noisy = np.where(flying, noisy - rng.uniform(0.0, 0.05, depth.shape), noisy)
    noisy = np.where(step & (rng.random(depth.shape) < 0.3), 0.0, noisy)
    lonely = rng.random(depth.shape) < 0.0005
    noisy = np.where(lonely, noisy - 0.1, noisy)
    noisy = np.where(rng.random(depth.shape) < 0.01, 0.0, noisy)
    return (noisy + (noisy > 0) * rng.normal(scale=0.0015, size=depth.shape)).astype(np.float32)


def inside(scene, box, grown_m):
    """(rows, columns) True where a cell's middle lies in the box's outline, grown on every side."""
    T_base_box, half_m = box
    rows, columns = np.mgrid[0 : scene.grid.shape[0], 0 : scene.grid.shape[1]]
    places = scene.grid.places(rows, columns)
    local = apply(invert(T_base_box), np.concatenate([places, np.zeros((*places.shape[:2], 1))], axis=-1))
    return np.all(np.abs(local[..., :2]) <= half_m[:2] + grown_m, axis=-1)


BOXES = st.builds(
    standing, st.floats(0.42, 0.58), st.floats(-0.1, 0.1), st.floats(-3.1, 3.1),
    st.tuples(st.floats(0.03, 0.12), st.floats(0.03, 0.12)), st.floats(0.02, 0.12),
)  # fmt: skip
LEANING = st.builds(
    lambda x, y: transform(Rotation.from_euler("xyz", [np.pi + x, y, 0.0]), OVERHEAD[:3, 3]),
    st.floats(-0.08, 0.08), st.floats(-0.08, 0.08),
)  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(BOXES, LEANING, st.integers(0, 2**32 - 1))
def test_obstacles_are_what_stands_there_less_a_little(box, T_base_camera, seed):
    scene = seen([box], T_base_camera, lambda depth: spoiled(depth, np.random.default_rng(seed)))
    height_m = 2 * box[1][2]
    assert not (scene.obstacle_m > 0)[~inside(scene, box, 0.002)].any()
    assert scene.obstacle_m.max() <= height_m + 0.006
    well_inside = inside(scene, box, -0.010)
    assert np.all(scene.obstacle_m[well_inside] > height_m - 0.006)


def test_a_bare_noisy_table_is_bare():
    scene = seen([], spoil=lambda depth: spoiled(depth, np.random.default_rng(1)))
    assert not scene.heights_m.any()


def test_what_was_not_measured_is_no_obstacle():
    assert not seen([standing(0.5, 0, 0, (0.1, 0.1), 0.1)], spoil=np.zeros_like).heights_m.any()


def test_a_camera_on_the_wrist_does_not_take_the_fingers_for_an_obstacle():
    def with_fingers(depth):
        depth[200:280, 100:200] = 0.145
        return depth

    assert not seen([], spoil=with_fingers).heights_m.any()


def test_specks_are_dropped_and_what_is_larger_stays():
    side_m = CELL_M * np.sqrt(SPECK_CELLS)
    speck, thing = standing(0.45, 0.0, 0, (0.5 * side_m,) * 2, 0.03), standing(0.55, 0.0, 0, (2 * side_m,) * 2, 0.03)
    scene = seen([speck, thing])
    assert not scene.heights_m[inside(scene, speck, 0.004)].any()
    assert scene.heights_m[inside(scene, thing, -0.004)].all()


@settings(max_examples=12, deadline=None)
@given(BOXES)
def test_the_lump_between_the_jaws_is_the_thing(box):
    T_base_box, half_m = box
    neighbour = standing(*(T_base_box[:2, 3] + [0.0, 0.2 if T_base_box[1, 3] < 0 else -0.2]), 0.0, (0.05, 0.05), 0.05)
    scene = seen([box, neighbour])
    lump = scene.lump_between_jaws(tool_down(T_base_box[:3, 3], T_base_box[:3, 0]), 0.04)
    assert lump is not None
    np.testing.assert_allclose(lump.T_base_foot[:2, 3], T_base_box[:2, 3], atol=0.006)
    np.testing.assert_allclose(np.sort(lump.sides_m), np.sort(2 * half_m[:2]), atol=0.014)
    assert lump.height_m == pytest.approx(2 * half_m[2], abs=0.002)
    rest = scene.without(lump)
    assert not rest.heights_m[inside(rest, box, 0.0)].any()
    assert rest.heights_m[inside(rest, neighbour, -0.008)].all()


def test_nothing_between_the_jaws_is_no_lump():
    scene = seen([standing(0.5, 0.0, 0, (0.04, 0.04), 0.05)])
    assert scene.lump_between_jaws(tool_down(np.array([0.5, 0.08, TABLE_M]), np.array([1.0, 0, 0])), 0.08) is None
    assert scene.lump_between_jaws(tool_down(np.array([5.0, 5.0, TABLE_M]), np.array([1.0, 0, 0])), 0.08) is None


def test_what_is_grasped_is_held_and_stands_on_the_table_no_more():
    box = standing(0.5, 0.02, 0.4, (0.05, 0.08), 0.06)
    T_base_grasp = tool_down(np.array([0.5, 0.02, TABLE_M + 0.01]), box[0][:3, 0])
    carrying = Surroundings(seen([box])).carrying(T_base_grasp, 0.066)
    assert not carrying.seen.heights_m.any()
    T_base_held = T_base_grasp @ carrying.held.T_tcp_box
    np.testing.assert_allclose(T_base_held[:2, 3], box[0][:2, 3], atol=0.004)
    bottom_m, top_m = T_base_held[2, 3] + np.array([-1, 1]) * carrying.held.half_m[2]
    assert bottom_m == pytest.approx(TABLE_M + FORGIVEN_HEIGHT_M, abs=1e-6)
    assert top_m == pytest.approx(TABLE_M + 0.06, abs=0.002)
    assert np.all(np.sort(carrying.held.half_m[:2]) <= [0.026, 0.041])
    assert np.all(np.sort(carrying.held.half_m[:2]) >= [0.018, 0.032])


def test_the_held_board_is_where_its_print_is():
    board = BoardSettings()
    held = HeldBox.of_board(board)
    T_flange_box = transform(np.eye(3), [0, 0, TIP_FROM_FLANGE_CLOSED_M]) @ held.T_tcp_box
    in_box = apply(invert(T_flange_box) @ T_flange_board(board), board.corners_m)
    assert np.all(np.abs(in_box) <= held.half_m + 1e-9)
    np.testing.assert_allclose(2 * held.half_m, [*(np.array(board.size_m) + 2 * board.margin_m), board.thickness_m])


def test_the_grid_covers_the_workspace():
    grid = seen([]).grid
    for corner in (CELL.workspace.min_m, CELL.workspace.max_m):
        assert grid.holds(grid.cells(np.array(corner[:2])))
    rows, columns = np.array([3, 7]), np.array([5, 11])
    np.testing.assert_array_equal(grid.cells(grid.places(rows, columns)), np.stack([rows, columns], axis=-1))
