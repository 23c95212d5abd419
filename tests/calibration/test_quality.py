"""The figures: what each means, in its own unit; and the peers' defects in this."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from calibration.detection import board_pose
from calibration.quality import Quality, ViewResidual, board_misses, turning, view_residuals
from calibration.refinement import observe, refine
from robot.geometry import transform
from tests.calibration.synthetic_views import BOARD, INTRINSICS, MOUNTS, make_cell, nudge

CENTER_M = BOARD.corners_m.mean(axis=0)
millimetres = st.floats(-5.0, 5.0)
degrees = st.floats(-5.0, 5.0)


def shifted_and_turned(T, shift_m, turn_rad):
    """The board moved, and turned about its own centre."""
    turn = Rotation.from_rotvec(turn_rad)
    about_center = transform(turn, CENTER_M - turn.apply(CENTER_M))
    return transform(np.eye(3), shift_m) @ T @ about_center


def residuals_of(cell, used=None):
    seen = [board_pose(view.ids, view.pixels, INTRINSICS, BOARD) for view in cell.views]
    observations = observe(cell.views, cell.mount, BOARD, INTRINSICS)
    used = np.ones(len(cell.views), dtype=bool) if used is None else used
    fit = refine(observations.only(np.flatnonzero(used)), cell.T_parent_camera, cell.T_other_board)
    return view_residuals(observations, fit, used, cell.numbers, seen, BOARD)


@given(st.tuples(millimetres, millimetres, millimetres), st.tuples(degrees, degrees, degrees))
def test_moveit_calibration_residuals_are_metres_and_radians_in_this_order(shift_mm, turn_deg):
    """Its documentation says (translation, rotation), its code returns the other order, its window prints "m"."""
    T = nudge(np.random.default_rng(0), 0.5, 2.0)
    shift_m, turn_rad = np.array(shift_mm) * 1e-3, np.radians(turn_deg)
    off_m, off_rad = board_misses(T, shifted_and_turned(T, shift_m, turn_rad), CENTER_M)
    assert off_m == pytest.approx(np.linalg.norm(shift_m), abs=1e-9)
    assert off_rad == pytest.approx(np.linalg.norm(turn_rad), abs=1e-7)


def test_airo_mono_no_figure_mixes_metres_with_rotation():
    """Its residual is the Frobenius norm of a difference of 4 x 4 matrices, which half a degree lifts above a cm."""
    T = nudge(np.random.default_rng(1), 0.5, 2.0)
    turned = shifted_and_turned(T, np.zeros(3), np.radians([0.0, 0.5, 0.0]))
    assert np.linalg.norm(turned - T) > 0.01
    off_m, off_rad = board_misses(T, turned, CENTER_M)
    assert off_m < 1e-9
    assert math.degrees(off_rad) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("record", [Quality, ViewResidual])
def test_every_figure_says_its_unit(record):
    counts = {"views", "used", "solvers", "number", "corners", "left_out", "board_scale", "board_scale_sigma"}
    for field in fields(record):
        assert field.name in counts or field.name.rsplit("_", 1)[1] in ("m", "rad", "px"), field.name


@pytest.mark.parametrize("mount", MOUNTS)
def test_residuals_of_good_views_are_small(mount):
    for row in residuals_of(make_cell(mount, 4, 10)):
        assert row.left_out == ""
        assert 0.0 < row.off_m < 0.001
        assert 0.0 < row.off_rad < math.radians(0.5)
        assert 0.0 < row.rms_px < 0.5
        assert 0.0 < row.without_m < 0.001
        assert 0.0 < row.without_rad < math.radians(0.1)


def test_a_board_that_slipped_is_seen_by_as_much_in_the_view_where_it_did():
    cell = make_cell("fixed", 4, 10, noise_px=0.02)
    slipped = replace(cell.views[3], T_base_flange=cell.views[3].T_base_flange @ transform(np.eye(3), [0, 0.006, 0]))
    used = np.arange(10) != 3
    row = residuals_of(replace(cell, views=(*cell.views[:3], slipped, *cell.views[4:])), used)[3]
    assert row.off_m == pytest.approx(0.006, abs=0.0005)
    assert row.off_rad < math.radians(0.2)
    assert row.left_out.startswith("does not agree with the others: ")
    assert row.without_m is None


def test_three_views_are_too_few_to_leave_one_out():
    assert all(row.without_m is None and row.without_rad is None for row in residuals_of(make_cell("wrist", 4, 3)))


def poses(rotations):
    return np.array([transform(rotation, [0.1 * i, 0, 0]) for i, rotation in enumerate(rotations)])


@given(st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1), st.integers(0, 1000))
def test_turning_about_one_axis_only_is_no_diversity(axis, seed):
    rng = np.random.default_rng(seed)
    first = Rotation.random(random_state=seed)
    direction = np.array(axis) / np.linalg.norm(axis)
    turns = [Rotation.from_rotvec(direction * angle) for angle in rng.uniform(-1.4, 1.4, 10)]
    assert turning(poses([turn * first for turn in turns])) < 1e-6
    assert turning(poses([first * turn for turn in turns])) < 1e-6


def test_pure_translations_are_no_diversity():
    assert turning(poses([Rotation.from_rotvec([1, 2, 0])] * 5)) < 1e-6
    assert turning(poses([Rotation.identity()])) == 0.0


@given(st.floats(0.1, 0.6))
def test_turning_is_an_angle_about_the_second_axis(angle):
    """Much about x, little about y: the little counts."""
    x = [Rotation.from_rotvec([a, 0, 0]) for a in (-0.7, 0.7)]
    y = [Rotation.from_rotvec([0, a, 0]) for a in (-angle / 2, angle / 2)]
    few = turning(poses([*x, *y]))
    assert 0.2 * angle < few < 1.0 * angle


def test_turning_does_not_depend_on_the_frame():
    rng = np.random.default_rng(5)
    some = poses([Rotation.random(random_state=i) ** 0.2 for i in range(8)])
    world = nudge(rng, 1.0, 2.0)
    assert turning(world @ some) == pytest.approx(turning(some), rel=1e-9)
