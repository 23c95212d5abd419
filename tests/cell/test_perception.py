"""Image grasps carried into the base frame, and the second look."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell.perception import (
    grasp_in_base,
    object_left,
    object_stands,
    on_known_depth,
    standing_on_table,
    workspace_region,
)
from cell.settings import DEFAULT_CELL_FILE, load_cell
from detectors.grasp import Grasp
from robot.frame import Frame, Intrinsics

CELL = load_cell(DEFAULT_CELL_FILE)
T_BASE_CAMERA = CELL.calibration.camera_guess.transform
K = Intrinsics(615.0, 615.0, 321.5, 239.5, 640, 480)
ON_TABLE_M = 0.70


def grasp(u=321.5, v=239.5, depth_m=0.68, angle_rad=0.0):
    return Grasp(u=u, v=v, depth_m=depth_m, angle_rad=angle_rad, width_m=0.06, quality=0.9)


def test_the_image_centre_is_below_the_camera():
    center = grasp_in_base(grasp(), K, T_BASE_CAMERA).center_base_m
    np.testing.assert_allclose(center, [0.50, 0.0, -0.23], atol=1e-6)


def test_image_right_is_minus_y_and_image_down_is_minus_x():
    right = grasp_in_base(grasp(u=321.5 + 61.5, depth_m=0.615), K, T_BASE_CAMERA).center_base_m
    down = grasp_in_base(grasp(v=239.5 + 61.5, depth_m=0.615), K, T_BASE_CAMERA).center_base_m
    np.testing.assert_allclose(right[:2], [0.50, -0.0615], atol=1e-6)
    np.testing.assert_allclose(down[:2], [0.4385, 0.0], atol=1e-6)


@given(st.floats(-1.57, 1.57))
def test_the_closing_direction_turns_with_the_angle_from_u_towards_v(angle):
    closing = grasp_in_base(grasp(angle_rad=angle), K, T_BASE_CAMERA).closing_base
    np.testing.assert_allclose(closing, [-np.sin(angle), -np.cos(angle), 0.0], atol=1e-9)


def test_the_region_is_the_workspace_seen_on_the_table():
    region = workspace_region(K, T_BASE_CAMERA, CELL.workspace, CELL.table_height_m)
    v, u = np.nonzero(region)
    corners = [[0.32, 0.20, -0.25], [0.68, -0.20, -0.25]]
    in_camera = (np.array(corners) - T_BASE_CAMERA[:3, 3]) @ T_BASE_CAMERA[:3, :3]
    pixels = K.project(in_camera)
    assert (u.min(), u.max()) == pytest.approx((pixels[:, 0].min(), pixels[:, 0].max()), abs=1)
    assert (v.min(), v.max()) == pytest.approx((max(pixels[:, 1].min(), 0), min(pixels[:, 1].max(), 479)), abs=1)


def frame_with_block(height_m, size_px=60):
    depth = np.full((480, 640), ON_TABLE_M, np.float32)
    depth += np.random.default_rng(0).normal(0, 0.0012, depth.shape).astype(np.float32)
    if height_m:
        depth[200 : 200 + size_px, 300 : 300 + size_px] -= height_m
    return Frame(depth, K)


def standing(frame):
    region = workspace_region(K, T_BASE_CAMERA, CELL.workspace, CELL.table_height_m)
    return standing_on_table(frame, T_BASE_CAMERA, CELL.table_height_m, region)


def test_second_look_tells_gone_from_still_there_through_noise():
    before = frame_with_block(0.03)
    assert object_left(standing(before), standing(frame_with_block(0.0)), before) is True
    assert object_left(standing(before), standing(frame_with_block(0.03)), before) is False


def test_second_look_admits_when_it_saw_too_little():
    before = frame_with_block(0.03, size_px=4)
    assert object_left(standing(before), standing(frame_with_block(0.0)), before) is None
    assert object_stands(standing(before), standing(frame_with_block(0.03)), before) is None


def test_what_was_put_back_stands_there_however_it_lies():
    before = frame_with_block(0.03)
    assert object_stands(standing(before), standing(frame_with_block(0.06, size_px=20)), before) is True
    assert object_stands(standing(before), standing(frame_with_block(0.0)), before) is False


def test_skumra_a_grasp_on_a_depth_hole_or_outside_the_image_is_not_on_known_depth():
    """A peer subtracted an offset first and compared with zero after: a hole became a command into the table."""
    depth = np.full((480, 640), 0.7, np.float32)
    depth[100:140, 200:240] = 0.0
    frame = Frame(depth, K)
    assert not on_known_depth(grasp(u=220, v=120), frame)
    assert on_known_depth(grasp(u=190, v=120), frame)
    assert on_known_depth(grasp(u=201, v=120), frame)
    assert not on_known_depth(grasp(u=-5, v=120), frame)
    assert not on_known_depth(grasp(u=300, v=480), frame)
