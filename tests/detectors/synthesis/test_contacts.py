"""Collisions on the way down and first contacts, against solids whose truth is plain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.synthesis.contacts import collides, first_contacts
from robot.gripper_geometry import TIP_FROM_FLANGE_CLOSED_M
from tests.detectors.synthesis.lying_things import (
    box,
    grasp,
    grasps,
    laid,
    moved_grasps,
    moved_scene,
    part,
    rays,
    somewhere,
    thing,
)

BOX = box(0.04, 0.06, 0.05)


def test_a_grasp_with_room_on_both_sides_is_free():
    caster, _ = rays(laid(BOX))
    assert not collides(caster, grasp(0, 0, 0.03, 0.0, 0.06))[0]
    assert not collides(caster, grasp(0, 0, 0.03, np.pi / 2, 0.08))[0]


def test_jaws_on_the_thing_itself_collide():
    caster, _ = rays(laid(BOX))
    wrong = grasps(
        (0, 0, 0.03, 0.0, 0.038),  # narrower than the box
        (0, 0, 0.03, np.pi / 2, 0.05),  # narrower than its long side
        (0.02, 0, 0.03, 0.0, 0.06),  # one finger on top of it
        (0, 0, 0.03, 0.7, 0.05),  # askew
    )
    assert collides(caster, wrong).all()


def test_what_the_finger_would_pass_above_does_not_count():
    caster, _ = rays(laid(BOX))
    assert not collides(caster, grasp(0, 0, 0.10, 0.0, 0.02))[0]


@pytest.mark.parametrize(("gap_m", "hit"), [(0.004, True), (0.018, True), (0.034, False)])
def test_jaws_on_a_neighbour_collide(gap_m, hit):
    """The open finger stands 10 mm off the box; its rubber is 8 mm thick, its links reach to 22 mm."""
    neighbour = laid(box(0.03, 0.06, 0.09), 0.02 + gap_m + 0.015)
    caster, _ = rays(laid(BOX), neighbour)
    assert collides(caster, grasp(0, 0, 0.02, 0.0, 0.06))[0] == hit


def test_a_low_neighbour_is_met_by_the_rubber_only():
    """Lower than the links but higher than the tips: 10 mm off it hits the rubber, 30 mm off nothing."""
    for gap_m, hit in ((0.011, True), (0.030, False)):
        caster, _ = rays(laid(BOX), laid(box(0.03, 0.06, 0.04), 0.02 + gap_m + 0.015))
        assert collides(caster, grasp(0, 0, 0.02, 0.0, 0.06))[0] == hit


def test_what_is_too_tall_meets_the_palm():
    """The palm stands 71 mm above closed tips."""
    tall, short = laid(box(0.03, 0.03, 0.120)), laid(box(0.03, 0.03, 0.070))
    low = grasp(0, 0, 0.02, 0.0, 0.05)
    assert low.flange_m[0] - TIP_FROM_FLANGE_CLOSED_M < 0.012
    assert collides(rays(tall)[0], low)[0]
    assert not collides(rays(short)[0], low)[0]
    assert not collides(rays(tall)[0], grasp(0, 0, 0.10, 0.0, 0.05))[0]


def test_a_grasp_point_in_the_table_collides():
    caster, _ = rays(laid(BOX))
    assert collides(caster, grasps((0, 0, -0.02, 0.0, 0.06), (0, 0, 0.0, 0.0, 0.06))).tolist() == [True, False]


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.008, 0.008), st.floats(-0.6, 0.6))
def test_first_contacts_with_a_box(shift_m, yaw):
    """Closing across a turned box, off its middle by ``shift_m``: both faces are met where they are."""
    caster, gathered = rays(laid(BOX, yaw=yaw))
    at = shift_m * np.array([np.cos(yaw), np.sin(yaw)])
    found = first_contacts(caster, gathered, grasp(*at, 0.03, yaw, 0.06))
    np.testing.assert_allclose(found.distance_m[0], [0.02 + shift_m, 0.02 - shift_m], atol=1e-5)
    closing = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    np.testing.assert_allclose(found.normal[0], [-closing, closing], atol=1e-5)
    np.testing.assert_allclose(found.point_m[0, :, :2] @ closing[:2], [-0.02, 0.02], atol=1e-5)
    assert found.owner[0].tolist() == [0, 0]


def test_first_contacts_with_a_standing_cylinder():
    caster, gathered = rays(laid(thing(part("cylinder", (0.05, 0.06)))))
    found = first_contacts(caster, gathered, grasp(0.002, 0.0, 0.03, 0.0, 0.07))
    np.testing.assert_allclose(found.distance_m[0], [0.027, 0.023], atol=3e-4)  # its wall is a polygon's
    np.testing.assert_allclose(found.normal[0], [[-1, 0, 0], [1, 0, 0]], atol=0.03)


def test_pads_that_pass_above_meet_nothing():
    caster, gathered = rays(laid(BOX))
    found = first_contacts(caster, gathered, grasp(0, 0, 0.09, 0.0, 0.06))
    assert np.isinf(found.distance_m).all()
    assert (found.owner == -1).all()


def test_contacts_are_found_from_the_open_jaws_inwards():
    """Across one wall of a trough: the pad inside it meets that wall, not the other from behind."""
    wall = (0.006, 0.12, 0.05)
    trough = laid(thing(part("box", wall, (-0.04, 0, 0.0)), part("box", wall, (0.04, 0, 0.0))))
    caster, gathered = rays(trough)
    across = grasp(0.04, 0.0, 0.03, 0.0, 0.026)
    assert not collides(caster, across)[0]
    found = first_contacts(caster, gathered, across)
    np.testing.assert_allclose(found.distance_m[0], [0.003, 0.003], atol=1e-5)
    np.testing.assert_allclose(found.normal[0], [[-1, 0, 0], [1, 0, 0]], atol=1e-5)


def test_what_lies_behind_the_fingers_is_not_touched():
    caster, gathered = rays(laid(BOX), laid(box(0.01, 0.06, 0.05), 0.045))
    found = first_contacts(caster, gathered, grasp(0, 0, 0.03, 0.0, 0.06))
    assert found.owner[0].tolist() == [0, 0]
    np.testing.assert_allclose(found.distance_m[0], [0.02, 0.02], atol=1e-5)


def test_wide_open_jaws_sink_to_a_low_thin_thing():
    """Opened to 80 mm the tips stand 8 mm above a plate that they reach once they have closed."""
    plate = laid(box(0.015, 0.06, 0.009))
    caster, gathered = rays(plate)
    wide = grasp(0, 0, 0.006, 0.0, 0.080)
    assert wide.tip_m(np.array([0.064]))[0] > 0.009 > wide.tip_m(np.array([0.015]))[0]
    np.testing.assert_allclose(first_contacts(caster, gathered, wide).distance_m[0], [0.0075, 0.0075], atol=1e-5)


def test_each_pad_says_whom_it_meets():
    caster, gathered = rays(laid(box(0.02, 0.05, 0.05), -0.012), laid(box(0.02, 0.05, 0.05), 0.012))
    found = first_contacts(caster, gathered, grasp(0, 0, 0.03, 0.0, 0.07))
    assert found.owner[0].tolist() == [0, 1]


def test_where_the_scene_lies_does_not_matter():
    rng = np.random.default_rng(4)
    scene = [laid(BOX, yaw=0.3), laid(thing(part("cylinder", (0.03, 0.07))), 0.06, 0.02)]
    n = 60
    several = grasps(*np.column_stack([rng.uniform(-0.05, 0.05, (n, 2)), rng.uniform(0, 0.08, n),
                                       rng.uniform(-2, 2, n), rng.uniform(0.01, 0.085, n)]))  # fmt: skip
    T = somewhere(rng)
    caster, gathered = rays(*scene)
    caster_there, gathered_there = rays(*moved_scene(scene, T))
    there = moved_grasps(several, T)
    same = collides(caster, several) == collides(caster_there, there)
    assert same.mean() > 0.97  # what grazes may fall to either side
    here, moved = first_contacts(caster, gathered, several), first_contacts(caster_there, gathered_there, there)
    close = np.isclose(here.distance_m, moved.distance_m, atol=1e-5)
    assert close.mean() > 0.95
    assert (here.owner == moved.owner).mean() > 0.97
