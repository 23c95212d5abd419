"""Spoiled views are found, good ones are kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.detection import board_pose
from calibration.outliers import LEAST_VIEWS, OUTLIER_PX, OUTLIER_TIMES, outlier_limit_px, select, without_wild_corners
from calibration.refinement import observe
from tests.calibration.synthetic_views import BOARD, CAMERA_GUESSES, INTRINSICS, MOUNTS, make_cell, spoil


def selected(cell, seed=0):
    seen = [board_pose(view.ids, view.pixels, INTRINSICS, BOARD)[0] for view in cell.views]
    observations = observe(cell.views, cell.mount, BOARD, INTRINSICS)
    return select(observations, seen, CAMERA_GUESSES[cell.mount].transform, np.random.default_rng(seed))


def used_numbers(cell, selection):
    return {view.number for view, used in zip(cell.views, selection.used, strict=True) if used}


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("kind", ["shifted", "moved"])
@pytest.mark.parametrize("share", [0.2, 0.3])
def test_spoiled_views_are_thrown_out_and_only_they(mount, kind, share):
    cell = spoil(make_cell(mount, 11), share, 11, (kind,))
    assert used_numbers(cell, selected(cell)) == set(cell.numbers) - cell.spoiled


@pytest.mark.parametrize("mount", MOUNTS)
def test_a_misprinted_board_makes_no_view_an_outlier(mount):
    cell = make_cell(mount, 12, board_scale=0.97)
    selection = selected(cell)
    assert selection.used.all()
    assert selection.fit.board_scale == pytest.approx(0.97, abs=0.003)


def test_wild_corners_are_thrown_out_and_the_view_is_kept():
    view = make_cell("fixed", 5, 1).views[0]
    wild = np.random.default_rng(0).choice(len(view.ids), 4, replace=False)
    pixels = view.pixels.copy()
    pixels[wild] += [[9, 0], [-30, 4], [3, 3], [0, 80]]
    kept = without_wild_corners(replace(view, pixels=pixels), BOARD)
    assert sorted(kept.ids) == sorted(np.delete(view.ids, wild))
    np.testing.assert_array_equal(kept.pixels, np.delete(view.pixels, wild, axis=0))
    assert len(kept.depth_m) == len(kept.ids)


def test_a_view_of_wild_corners_is_not_made_to_fit():
    cell = spoil(make_cell("fixed", 5, 5), 1.0, 5, ("shuffled",))
    for view in cell.views:
        assert without_wild_corners(view, BOARD) is view


def test_good_corners_stay():
    for view in make_cell("wrist", 5, noise_px=0.3).views:
        assert len(without_wild_corners(view, BOARD).ids) == len(view.ids)


def test_the_rule_is_the_one_that_is_stated():
    assert outlier_limit_px(np.array([0.1, 0.1, 0.2])) == OUTLIER_PX
    assert outlier_limit_px(np.array([1.0, 2.0, 9.0])) == OUTLIER_TIMES * 2.0


@pytest.mark.parametrize("turning", ["one_axis", "none"])
def test_views_that_determine_nothing_still_find_their_outliers(turning):
    cell = spoil(make_cell("fixed", 13, turning=turning), 0.2, 13, ("shifted",))
    assert used_numbers(cell, selected(cell)) == set(cell.numbers) - cell.spoiled


@pytest.mark.parametrize("mount", MOUNTS)
def test_of_three_views_all_are_used(mount):
    assert selected(make_cell(mount, 1, LEAST_VIEWS)).used.all()


def test_the_same_seed_gives_the_same_answer():
    cell = spoil(make_cell("wrist", 3), 0.3, 3)
    cell = type(cell)(**{**vars(cell), "views": tuple(v for v in cell.views if _fits(v))})
    first, second = selected(cell, 7), selected(cell, 7)
    np.testing.assert_array_equal(first.used, second.used)
    np.testing.assert_array_equal(first.fit.T_parent_camera, second.fit.T_parent_camera)


def _fits(view):
    pose = board_pose(view.ids, view.pixels, INTRINSICS, BOARD)
    return pose is not None and pose[1] < 2.0
