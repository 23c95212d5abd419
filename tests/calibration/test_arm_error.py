"""An error of the arm, as the image shows it, and what is left of the misses without it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration.arm_error import ARM_ERROR_M, CORNER_ERROR_PX
from calibration.refinement import observe
from robot.geometry import transform
from tests.calibration.synthetic_views import BOARD, INTRINSICS, MOUNTS, make_cell


@pytest.fixture(params=MOUNTS)
def cell(request):
    return make_cell(request.param, 6, 5, noise_px=0.0)


def arm_of(cell):
    observations = observe(cell.views, cell.mount, BOARD, INTRINSICS)
    return observations, observations.arm_error(cell.T_parent_camera, cell.T_other_board)


def misses_of_wrong_arm(cell, error):
    """The misses when each flange is ``error`` (in its own axes) from where the arm says."""
    wrong = [type(view)(**{**vars(view), "T_base_flange": view.T_base_flange @ error}) for view in cell.views]
    observations = observe(wrong, cell.mount, BOARD, INTRINSICS)
    return observations.misses_px(cell.T_parent_camera, cell.T_other_board).ravel()


@pytest.mark.parametrize("axis", range(6))
def test_a_shift_or_a_turn_of_the_flange_is_mostly_put_down_to_the_arm(cell, axis):
    step = np.zeros(6)
    step[axis] = 1e-4
    _, arm = arm_of(cell)
    misses = misses_of_wrong_arm(cell, transform(Rotation.from_rotvec(step[3:]), step[:3]))
    along = np.add.reduceat(arm.ways * misses[:, None], arm.first)
    assert np.square(along).sum() == pytest.approx(np.square(misses).sum(), rel=1e-4)  # the six ways span it
    assert np.linalg.norm(arm.taken_from(misses)) < 0.75 * np.linalg.norm(misses)


def test_independent_noise_of_the_corners_mostly_stays(cell):
    observations, arm = arm_of(cell)
    noise = np.random.default_rng(0).normal(0, CORNER_ERROR_PX, 2 * len(observations.pixels))
    rest = arm.taken_from(noise)
    assert 0.85 < np.linalg.norm(rest) / np.linalg.norm(noise) < 1.0


def test_an_arm_as_good_as_expected_leaves_plain_noise(cell):
    """Along the six ways, what is left of both errors together is as large as the corners' own."""
    rng = np.random.default_rng(1)
    observations, arm = arm_of(cell)
    spread = []
    for _ in range(40):
        error = transform(Rotation.from_rotvec(rng.normal(0, np.radians(0.03), 3)), rng.normal(0, ARM_ERROR_M, 3))
        noise = rng.normal(0, CORNER_ERROR_PX, 2 * len(observations.pixels))
        rest = arm.taken_from(misses_of_wrong_arm(cell, error) + noise)
        spread.append(np.sqrt(np.mean(np.square(arm.along(rest)))))
    assert np.median(spread) == pytest.approx(CORNER_ERROR_PX, rel=0.25)


def test_columns_are_taken_one_by_one(cell):
    observations, arm = arm_of(cell)
    table = np.random.default_rng(2).normal(size=(2 * len(observations.pixels), 3))
    np.testing.assert_allclose(arm.taken_from(table)[:, 1], arm.taken_from(table[:, 1]), atol=1e-12)
