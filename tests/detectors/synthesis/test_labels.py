"""Labels are shares, sampled as often as asked for, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.synthesis.grasp_frames import TableGrasps
from detectors.synthesis.labels import (
    HEIGHT_M,
    POSITION_M,
    YAW_RAD,
    LabelSettings,
    label,
    lift_success,
    perturbed,
)
from tests.detectors.synthesis.lying_things import box, grasp, grasps, laid, rays

BOX = box(0.04, 0.06, 0.05)
ALONE = (laid(BOX),)
GOOD, BLOCKED, AIR, EDGE = (
    (0.0, 0.0, 0.03, 0.0, 0.062),
    (0.0, 0.0, 0.03, 0.0, 0.03),
    (0.0, 0.0, 0.12, 0.0, 0.06),
    (0.0, 0.0, 0.03, 0.0, 0.043),  # a millimetre and a half of room on either side
)
NAMES = ("collision_free", "force_closure", "robust_ferrari_canny", "physical_success")


def labelled(several, *, scene=ALONE, target=0, seed=0, **how):
    caster, gathered = rays(*scene)
    return label(scene, gathered, caster, target, several, LabelSettings(**how), np.random.default_rng(seed))


@pytest.fixture(scope="module")
def mixed():
    return labelled(grasps(GOOD, BLOCKED, AIR, EDGE), samples=20, tries=4)


def test_labels_are_shares(mixed):
    for name in NAMES:
        column = getattr(mixed, name)
        assert column.dtype == np.float32
        assert column.shape == (4,)
        assert ((column >= 0) & (column <= 1)).all()


def test_each_grasp_gets_what_it_deserves(mixed):
    assert mixed.physical_success[:3].tolist() == [1.0, 0.0, 0.0]
    assert mixed.collision_free[:3].tolist() == [1.0, 0.0, 1.0]
    assert mixed.force_closure[0] > 0.9
    assert mixed.force_closure[1:3].tolist() == [0.0, 0.0]
    assert mixed.robust_ferrari_canny[0] > 0.01
    assert mixed.robust_ferrari_canny[1:3].tolist() == [0.0, 0.0]
    assert 0.0 < mixed.collision_free[3] < 1.0, "tight room: some errors are too many"


def test_nothing_lifts_that_is_not_free(mixed):
    assert (mixed.force_closure <= mixed.collision_free + 1e-6).all()
    assert mixed.robust_ferrari_canny[3] < mixed.robust_ferrari_canny[0]


@pytest.mark.parametrize("tries", [1, 3, 5])
def test_success_is_a_share_of_the_tries(tries):
    rates = labelled(grasps(*[EDGE] * 12), samples=max(tries, 2), tries=tries).physical_success * tries
    np.testing.assert_allclose(rates, np.rint(rates), atol=1e-5)
    assert 0 < rates.sum() < 12 * tries


def test_shares_count_all_samples():
    free = labelled(grasps(*[EDGE] * 6), samples=8).collision_free * 8
    np.testing.assert_allclose(free, np.rint(free), atol=1e-5)


def test_the_seed_decides():
    one, same, other = (labelled(grasps(*[EDGE] * 6), seed=seed) for seed in (1, 1, 2))
    for name in NAMES:
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert any(not np.array_equal(getattr(one, name), getattr(other, name)) for name in NAMES)


def test_epsilon_needs_force_closure_and_settles_with_more_samples():
    few, many = (labelled(grasp(*GOOD), samples=30, epsilon_samples=k).robust_ferrari_canny[0] for k in (2, 30))
    assert few == pytest.approx(many, rel=0.5)
    assert few > 0


def test_a_neighbour_in_the_way_blocks():
    """Jaws 62 mm apart reach 33 mm beyond the box: a wall at 14 mm is met, one at 40 mm is not."""
    for gap_m, free in ((0.014, 0.0), (0.040, 1.0)):
        wall = laid(box(0.02, 0.1, 0.08), 0.02 + gap_m + 0.01)
        found = labelled(grasp(*GOOD), scene=(laid(BOX), wall), samples=10)
        assert found.collision_free[0] == free
        assert found.physical_success[0] == free


def test_the_label_is_the_targets():
    """The grasp is on the box: it lifts the box, not the thing beside it."""
    scene = (laid(BOX), laid(BOX, 0.09))
    assert labelled(grasp(*GOOD), scene=scene).physical_success[0] == 1.0
    beside = labelled(grasp(*GOOD), scene=scene, target=1)
    assert beside.physical_success[0] == beside.force_closure[0] == 0.0


def test_physical_success_alone_is_the_same_kind_of_number():
    caster, gathered = rays(laid(BOX))
    rates = lift_success(
        [laid(BOX)], gathered, caster, 0, grasps(GOOD, BLOCKED, AIR), 3, np.random.default_rng(0)
    )  # fmt: skip
    assert rates.tolist() == [1.0, 0.0, 0.0]


def test_errors_are_as_large_as_stated_and_leave_the_width_alone():
    drawn = perturbed(grasps(GOOD, AIR), 4000, np.random.default_rng(0))
    assert isinstance(drawn, TableGrasps)
    first = drawn.centre_m[:4000] - GOOD[:3]
    np.testing.assert_allclose(first.std(axis=0), [POSITION_M, POSITION_M, HEIGHT_M], rtol=0.06)
    np.testing.assert_allclose(first.mean(axis=0), 0.0, atol=2e-4)
    assert drawn.yaw_rad[:4000].std() == pytest.approx(YAW_RAD, rel=0.06)
    assert set(drawn.width_m) == {GOOD[4], AIR[4]}
    np.testing.assert_allclose(drawn.centre_m[4000:, 2].mean(), AIR[2], atol=2e-4)


@pytest.mark.parametrize("wrong", [{"tries": 0}, {"samples": 3, "tries": 4}, {"samples": 1}, {"epsilon_samples": 0}])
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="at least 1"):
        LabelSettings(**wrong)
