"""Dense grasps: all over a thing where the jaws can hold it, and nowhere else."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from detectors.synthesis import dense
from detectors.synthesis.contacts import collides, first_contacts
from detectors.synthesis.dense import GRASPS_PER_THING, dense_grasps
from detectors.synthesis.grasp_frames import TableGrasps
from detectors.synthesis.labels import lift_success
from detectors.synthesis.lifting import Lying
from robot.gripper_geometry import STROKE_M
from tests.detectors.synthesis.lying_things import box, laid, part, rays, thing

BOX = box(0.04, 0.12, 0.05)  # can be held across its 40 mm alone
WIDE = box(0.10, 0.12, 0.05)


def found_on(*scene: Lying, seed: int = 0, lifted: bool = False) -> TableGrasps:
    caster, gathered = rays(*scene)
    return dense_grasps(scene, gathered, caster, np.random.default_rng(seed), lifted=lifted)


def nearest(grasps: TableGrasps, *scene: Lying) -> np.ndarray:
    middles = np.array([lying.T_table_object[:2, 3] for lying in scene])
    return np.linalg.norm(grasps.centre_m[:, None, :2] - middles[None], axis=2).argmin(axis=1)


@pytest.mark.parametrize("yaw", [0.0, 0.7, -1.4])
def test_a_box_is_held_across_its_narrow_side(yaw: float) -> None:
    found = found_on(laid(BOX, 0.02, -0.03, yaw))
    assert len(found) > 40
    turned = np.abs(np.remainder(found.yaw_rad - yaw + math.pi / 2, math.pi) - math.pi / 2)
    assert turned.max() < math.radians(35)
    assert np.median(turned) < math.radians(15)
    assert (found.width_m > 0.04).all()
    assert (found.width_m <= STROKE_M).all()


def test_they_are_all_over_it() -> None:
    """Along the long side, and at more than one height."""
    found = found_on(laid(BOX))
    along, _ = np.histogram(found.centre_m[:, 1], bins=6, range=(-0.06, 0.06))
    assert (along > 0).all()
    assert np.abs(found.centre_m[:, 0]).max() < 0.012
    assert np.ptp(found.centre_m[:, 2]) > 0.015


def test_most_of_them_lift() -> None:
    scene = (laid(BOX, 0.0, 0.0, 0.4),)
    caster, gathered = rays(*scene)
    found = found_on(*scene)[np.arange(0, 40, 2)]
    rates = lift_success(scene, gathered, caster, 0, found, 1, np.random.default_rng(5))
    assert rates.mean() >= 0.75


def test_those_that_were_lifted_are_among_the_others_and_fewer() -> None:
    awkward = (laid(box(0.05, 0.09, 0.016, mass_kg=0.9, friction=0.3)),)
    every, lifted = found_on(*awkward), found_on(*awkward, lifted=True)
    assert 0 < len(lifted) < len(every)
    rows = {tuple(row) for row in np.column_stack([every.centre_m, every.yaw_rad, every.width_m])}
    assert {tuple(row) for row in np.column_stack([lifted.centre_m, lifted.yaw_rad, lifted.width_m])} < rows


def test_what_is_wider_than_the_jaws_open_has_none() -> None:
    for lifted in (False, True):
        assert len(found_on(laid(WIDE), lifted=lifted)) == 0
    assert len(found_on(laid(thing(part("sphere", (0.12,)))))) == 0, "a ball of 12 cm"


def test_none_collides_and_all_touch_the_thing() -> None:
    scene = (laid(BOX, -0.045), laid(BOX, 0.045, 0.0, 0.3))
    caster, gathered = rays(*scene)
    found = found_on(*scene)
    assert len(found) > 20
    assert collides(caster, found).mean() < 0.1, "without the errors they are kept in spite of"
    owner = first_contacts(caster, gathered, found).owner
    assert (owner >= 0).all()
    assert (owner[:, 0] == owner[:, 1]).mean() > 0.95


def test_every_thing_of_a_scene_has_its_own() -> None:
    scene = (laid(BOX, -0.12), laid(WIDE, 0.0, 0.2), laid(thing(part("cylinder", (0.02, 0.06))), 0.15))
    found = found_on(*scene)
    counts = np.bincount(nearest(found, *scene), minlength=3)
    assert counts[0] > 30
    assert counts[1] == 0
    assert counts[2] > 30


def test_there_are_at_most_eighty_a_thing_drawn_evenly() -> None:
    found = found_on(laid(thing(part("cylinder", (0.02, 0.08)))))
    assert len(found) == GRASPS_PER_THING
    around, _ = np.histogram(found.yaw_rad, bins=4, range=(-math.pi / 2, math.pi / 2))
    assert around.min() >= 8


def test_a_neighbour_leaves_no_room_for_the_fingers() -> None:
    free, crowded = found_on(laid(BOX)), found_on(laid(BOX), laid(BOX, 0.048))
    own = nearest(crowded, laid(BOX), laid(BOX, 0.048)) == 0
    assert own.sum() < 0.2 * len(free)


def test_the_seed_decides() -> None:
    one, same, other = (found_on(laid(BOX, 0.01), seed=seed) for seed in (1, 1, 2))
    for field in dataclasses.fields(TableGrasps):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(same, field.name))
    assert not np.array_equal(one.centre_m, other.centre_m)


def test_only_what_holds_in_half_of_its_noisy_draws_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = np.array([0.0, 0.25, 0.5, 0.75, 1.0])

    def told(lying, triangles, caster, target, grasps, rng):
        seen.append(grasps)
        return np.resize(shares, len(grasps))

    seen: list[TableGrasps] = []
    monkeypatch.setattr(dense, "_force_closure", told)
    monkeypatch.setattr(dense, "GRASPS_PER_THING", 10_000)
    found = found_on(laid(BOX))
    kept = np.resize(shares, len(seen[0])) >= 0.5
    np.testing.assert_array_equal(found.centre_m, seen[0].centre_m[kept])


def test_an_empty_scene_of_nothing_to_hold_is_no_error() -> None:
    found = found_on(laid(box(0.3, 0.3, 0.01)))
    assert len(found) == 0
    assert found.centre_m.shape == (0, 3)
