"""Joint refinement: it finds the truth, never makes it worse, and knows how well it knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from calibration.refinement import ROBUST_PX, moved, observe, refine
from robot.geometry import invert, transform_to_pose
from tests.calibration.synthetic_views import BOARD, INTRINSICS, MOUNTS, make_cell, nudge

mounts = st.sampled_from(MOUNTS)
seeds = st.integers(0, 10_000)


def observed(cell):
    return observe(cell.views, cell.mount, BOARD, INTRINSICS)


def started(cell, seed, off_m=0.02, off_rad=0.05):
    """Poses near the truth."""
    rng = np.random.default_rng([seed, 5])
    return cell.T_parent_camera @ nudge(rng, off_m, off_rad), cell.T_other_board @ nudge(rng, off_m, off_rad)


def robust_cost(misses):
    return float(ROBUST_PX**2 * (np.sqrt(1 + (misses / ROBUST_PX) ** 2) - 1).sum())


@pytest.mark.parametrize("mount", MOUNTS)
def test_it_finds_the_truth_when_nothing_is_noisy(mount):
    cell = make_cell(mount, 2, 8, noise_px=0.0)
    fit = refine(observed(cell), *started(cell, 2))
    np.testing.assert_allclose(fit.T_parent_camera, cell.T_parent_camera, atol=1e-5)
    np.testing.assert_allclose(fit.T_other_board, cell.T_other_board, atol=1e-5)
    assert fit.board_scale == 1.0


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("scale", [0.97, 1.0, 1.02])
def test_it_finds_the_size_of_the_board_by_the_arms_travel(mount, scale):
    cell = make_cell(mount, 2, 12, board_scale=scale)
    fit = refine(observed(cell), *started(cell, 2), free_scale=True)
    sigma = np.sqrt(fit.covariance[12, 12])
    assert sigma < 0.002
    assert abs(fit.board_scale - scale) < 5 * sigma


@settings(max_examples=15, deadline=None)
@given(mounts, seeds)
def test_refining_never_makes_the_cost_worse(mount, seed):
    cell = make_cell(mount, seed, 6, noise_px=0.3)
    observations, start = observed(cell), started(cell, seed)
    fit = refine(observations, *start)
    arm = observations.arm_error(fit.T_parent_camera, fit.T_other_board)
    before = robust_cost(arm.taken_from(observations.misses_px(*start).ravel()))
    after = robust_cost(arm.taken_from(observations.misses_px(fit.T_parent_camera, fit.T_other_board).ravel()))
    assert after <= before * (1 + 1e-9)
    assert fit.cost == pytest.approx(after, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(mounts, seeds)
def test_it_does_not_matter_where_the_base_frame_is(mount, seed):
    """A robot that is set up elsewhere has a camera that is elsewhere by as much, and no other."""
    cell = make_cell(mount, seed, 8)
    world = nudge(np.random.default_rng([seed, 9]), 2.0, 3.0)
    observations, (X, Z) = observed(cell), started(cell, seed, 0.005, 0.01)
    others = world @ observations.T_parent_others if mount == "fixed" else observations.T_parent_others @ invert(world)
    elsewhere = type(observations)(**{**vars(observations), "T_parent_others": others})
    here = refine(observations, X, Z)
    there = refine(elsewhere, world @ X, Z) if mount == "fixed" else refine(elsewhere, X, world @ Z)
    camera = world @ here.T_parent_camera if mount == "fixed" else here.T_parent_camera
    board = here.T_other_board if mount == "fixed" else world @ here.T_other_board
    np.testing.assert_allclose(there.T_parent_camera, camera, atol=2e-5)
    np.testing.assert_allclose(there.T_other_board, board, atol=2e-5)


@pytest.mark.parametrize("mount", MOUNTS)
def test_an_arm_that_is_off_by_a_little_does_not_bend_the_camera(mount):
    """Fitting the pixels as if the arm were exact would leave it several times as far off."""
    errors_m = []
    for seed in range(6):
        cell = make_cell(mount, seed, flange_noise_m=0.0003)
        fit = refine(observed(cell), *started(cell, seed, 0.003, 0.01))
        errors_m.append(np.linalg.norm(fit.T_parent_camera[:3, 3] - cell.T_parent_camera[:3, 3]))
    assert np.median(errors_m) < 0.0006


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("arm_error_m", [0.0, 0.0004])
def test_the_covariance_is_honest(mount, arm_error_m):
    """Errors of many calibrations, in units of their own covariance: 6 on average, were it exact; a few at most."""
    squares = []
    for seed in range(12):
        cell = make_cell(mount, seed, 12, flange_noise_m=arm_error_m)
        fit = refine(observed(cell), *started(cell, seed, 0.003, 0.01))
        turn = Rotation.from_matrix(fit.T_parent_camera[:3, :3] @ cell.T_parent_camera[:3, :3].T)
        error = np.concatenate([fit.T_parent_camera[:3, 3] - cell.T_parent_camera[:3, 3], turn.as_rotvec()])
        squares.append(error @ np.linalg.solve(fit.covariance[:6, :6], error))
    assert 0.3 < np.mean(squares) < 24


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("turning", ["one_axis", "none"])
def test_what_the_views_do_not_say_is_uncertain_and_finite(mount, turning):
    cell = make_cell(mount, 3, 10, turning=turning)
    fit = refine(observed(cell), cell.T_parent_camera, cell.T_other_board)
    assert np.isfinite(fit.covariance).all()
    assert np.sqrt(np.linalg.eigvalsh(fit.covariance[:3, :3]).max()) > 0.1
    full = make_cell(mount, 3, 10)
    known = refine(observed(full), full.T_parent_camera, full.T_other_board)
    assert np.sqrt(np.linalg.eigvalsh(known.covariance[:3, :3]).max()) < 0.002


def test_some_views_are_those_views():
    cell = make_cell("fixed", 0, 6)
    some, same = observed(cell).only([1, 4]), observe([cell.views[1], cell.views[4]], "fixed", BOARD, INTRINSICS)
    for name in ("T_parent_others", "view", "points_board_m", "pixels"):
        np.testing.assert_array_equal(getattr(some, name), getattr(same, name))


def test_misses_are_in_pixels_and_per_view():
    cell = make_cell("wrist", 0, 4, noise_px=0.0)
    observations = observed(cell)
    pixels = observations.pixels + np.where(observations.view[:, None] == 2, [3.0, 4.0], 0.0)
    shifted = type(observations)(**{**vars(observations), "pixels": pixels})
    rms_px = shifted.view_rms_px(shifted.misses_px(cell.T_parent_camera, cell.T_other_board))
    np.testing.assert_allclose(rms_px, [0, 0, 5, 0], atol=1e-9)


@given(st.tuples(*[st.floats(-0.5, 0.5)] * 6).map(np.array), seeds)
def test_a_step_moves_by_itself(step, seed):
    T = nudge(np.random.default_rng(seed), 1.0, 2.0)
    stepped = moved(T, step)
    np.testing.assert_allclose(stepped[:3, 3] - T[:3, 3], step[:3], atol=1e-12)
    turn = Rotation.from_matrix(stepped[:3, :3] @ T[:3, :3].T).as_rotvec()
    np.testing.assert_allclose(turn, step[3:], atol=1e-9)
    assert np.isfinite(transform_to_pose(stepped)).all()
