"""Exactly as many grasps as asked for, of the stated kinds, and each kind is what its name says."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.synthesis.contacts import collides, first_contacts
from detectors.synthesis.grasp_frames import TABLE_CLEARANCE_M
from detectors.synthesis.grasp_sampling import KINDS, SHARES, sample_grasps, surface_points
from detectors.synthesis.robust_quality import force_closure
from robot.gripper_geometry import STROKE_M
from tests.detectors.synthesis.lying_things import box, laid, part, rays, thing

BOX = box(0.04, 0.06, 0.05)
ANTIPODAL, RANDOM, IN_TABLE = (KINDS.index(name) for name in ("antipodal", "random", "in the table"))


def sampled(*scene, count=200, target=0, seed=0):
    caster, gathered = rays(*scene)
    return sample_grasps(caster, gathered, target, count, np.random.default_rng(seed)), caster, gathered


@pytest.mark.parametrize("count", [1, 7, 13, 20, 40, 333])
def test_exactly_as_many_as_asked_for(count):
    found, _, _ = sampled(laid(BOX), count=count)
    assert len(found.grasps) == len(found.kind) == count
    assert found.kind.dtype == np.int8


def test_kinds_have_their_shares():
    found, _, _ = sampled(laid(BOX), count=1000)
    assert sum(SHARES) == pytest.approx(1.0)
    np.testing.assert_allclose(np.bincount(found.kind, minlength=len(SHARES)) / 1000, SHARES, atol=0.002)


def test_all_are_grasps_that_jaws_can_make():
    found, _, _ = sampled(laid(BOX), laid(thing(part("sphere", (0.04,))), 0.08), count=600)
    g = found.grasps
    assert (g.width_m >= 0.006).all()
    assert (g.width_m <= STROKE_M).all()
    assert np.isfinite(g.centre_m).all()
    assert (np.abs(g.yaw_rad) <= np.pi / 2 + 1e-12).all()


def test_antipodal_ones_on_a_box_are_mostly_in_force_closure_and_free():
    found, caster, gathered = sampled(laid(BOX, 0.02, 0.01, 0.4), count=400)
    good = found.grasps[found.kind == ANTIPODAL]
    contacts = first_contacts(caster, gathered, good)
    closed = force_closure(contacts, np.full(len(good), 0.5), 0)
    assert closed.mean() > 0.75
    assert (~collides(caster, good)).mean() > 0.75
    assert np.isfinite(contacts.distance_m).all(axis=1).mean() > 0.9


def test_spoilt_ones_are_worse():
    found, caster, gathered = sampled(laid(BOX), count=1000)
    closed = force_closure(first_contacts(caster, gathered, found.grasps), np.full(1000, 0.5), 0)
    fine = closed & ~collides(caster, found.grasps)
    rate = {name: fine[found.kind == kind].mean() for kind, name in enumerate(KINDS[: len(SHARES)])}
    assert all(rate[name] < rate["antipodal"] for name in rate if name != "antipodal"), rate
    assert rate["in the table"] == 0.0
    assert rate["on an edge"] < 0.5 * rate["antipodal"]


def test_those_in_the_table_lie_below_it():
    found, _, _ = sampled(laid(BOX), count=400)
    below = found.grasps.centre_m[:, 2] < 0
    assert below[found.kind == IN_TABLE].all()
    assert not below[found.kind != IN_TABLE].any()
    assert (found.grasps.flange_m - TABLE_CLEARANCE_M > 0.15).all()


def test_grasps_are_on_their_target():
    """Within the reach of a finger of its outline, whatever stands beside it."""
    target = laid(BOX, 0.15, 0.0, 0.3)
    found, _, _ = sampled(laid(BOX), target, target=1, count=300)
    corners = target.vertices_table()[:, :2]
    low, high = corners.min(axis=0) - 0.04, corners.max(axis=0) + 0.04
    assert ((found.grasps.centre_m[:, :2] > low) & (found.grasps.centre_m[:, :2] < high)).all()


@pytest.mark.parametrize("size", [(0.12, 0.12, 0.10), (0.2, 0.2, 0.02)])
def test_what_is_too_wide_everywhere_gets_random_ones(size):
    found, _, _ = sampled(laid(box(*size)), count=40)
    assert len(found.grasps) == 40
    assert (found.kind == RANDOM).all()


def test_a_plate_flat_on_the_table_has_no_room_for_error_in_height():
    """A thing 4 mm high: antipodal grasp points stay between table and top, a little above it at the most."""
    found, _, _ = sampled(laid(box(0.03, 0.06, 0.004)), count=300)
    height = found.grasps.centre_m[found.kind == ANTIPODAL, 2]
    assert (height >= 0.0).all()
    assert (height <= 0.014).all()


def test_the_seed_decides():
    (one, _, _), (same, _, _), (other, _, _) = (sampled(laid(BOX), seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.grasps.centre_m, same.grasps.centre_m)
    assert not np.array_equal(one.grasps.centre_m, other.grasps.centre_m)


def test_surface_points_are_spread_by_area():
    _, gathered = rays(laid(box(0.04, 0.06, 0.05)), laid(BOX, 0.2))
    points, normals = surface_points(gathered, 0, 4000, np.random.default_rng(0))
    corners = laid(BOX).vertices_table()
    assert (points >= corners.min(axis=0) - 1e-9).all()
    assert (points <= corners.max(axis=0) + 1e-9).all()
    top = normals[:, 2] > 0.99
    assert top.mean() == pytest.approx(0.04 * 0.06 / (2 * (0.04 * 0.06 + 0.04 * 0.05 + 0.06 * 0.05)), abs=0.02)
    np.testing.assert_allclose(points[top, 2], 0.05, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0)
