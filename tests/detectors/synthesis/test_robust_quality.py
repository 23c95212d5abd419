"""Force closure and the epsilon quality in cases that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from detectors.synthesis.contacts import Contacts
from detectors.synthesis.robust_quality import TORSION_RADIUS_M, epsilon_quality, force_closure, wrenches
from robot.gripper_geometry import STROKE_M

POINTS = np.array([[-0.02, 0.0, 0.03], [0.02, 0.0, 0.03]])
FACING = np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])


def turned(angle, axis=2):
    """Outward normals of two faces, the second turned away from facing the first."""
    spin = Rotation.from_rotvec(angle * np.eye(3)[axis])
    return np.stack([FACING[0], spin.apply(FACING[1])])


def contacts(points, normals, owner=(0, 0)):
    return Contacts(np.full((1, 2), 0.02), points[None], normals[None], np.array([owner]))


@pytest.mark.parametrize(("degrees", "friction", "closed"), [
    (0, 0.1, True), (25, 0.5, True), (28, 0.5, False), (25, 0.4, False), (40, 0.9, True), (170, 0.9, False),
])  # fmt: skip
def test_force_closure_is_the_line_inside_both_cones(degrees, friction, closed):
    """atan 0.5 = 26.6 degrees, atan 0.4 = 21.8, atan 0.9 = 42."""
    normals = turned(np.radians(degrees))
    assert force_closure(contacts(POINTS, normals), np.array([friction]), 0)[0] == closed
    assert (epsilon_quality(POINTS, normals, friction) > 1e-6) == closed


def test_contacts_that_are_offset_tilt_the_line():
    offset = POINTS + np.array([[0, -0.010, 0], [0, 0.010, 0]])  # 26.6 degrees from the normals
    found = [force_closure(contacts(offset, FACING), np.array([mu]), 0)[0] for mu in (0.45, 0.55)]
    assert found == [False, True]


def test_both_pads_have_to_meet_the_target():
    for owner, closed in (((0, 0), True), ((0, 1), False), ((1, 1), False), ((0, -1), False), ((-1, -1), False)):
        assert force_closure(contacts(POINTS, FACING, owner), np.array([0.5]), 0)[0] == closed


def test_inner_faces_do_not_hold():
    """Pads spread against the inside of something: the normals point at each other."""
    assert not force_closure(contacts(POINTS, -FACING), np.array([0.8]), 0)[0]


def test_the_twist_about_the_line_is_the_weakest_direction():
    """Flat faces that face each other: what is resisted least is torque about the line, friction times the radius."""
    for friction in (0.3, 0.5, 0.8):
        twist = friction * TORSION_RADIUS_M / (STROKE_M / 2)
        assert 0 < epsilon_quality(POINTS, FACING, friction) <= twist + 1e-9


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(0.35, 0.6), st.floats(1.05, 1.6))
def test_more_friction_is_never_worse(a, b, friction, more):
    normals = np.stack([turned(a)[1] * [-1, 1, 1], turned(b, axis=1)[1]])
    assert epsilon_quality(POINTS, normals, friction * more) >= epsilon_quality(POINTS, normals, friction) - 1e-9


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.25))
def test_where_and_how_turned_hardly_matters(seed, askew):
    """Exact but for the eight edges that stand for a round cone."""
    rng = np.random.default_rng(seed)
    R, shift = Rotation.from_quat(rng.normal(size=4)), rng.normal(size=3)
    normals = turned(askew)
    here = epsilon_quality(POINTS, normals, 0.6)
    there = epsilon_quality(R.apply(POINTS) + shift, R.apply(normals), 0.6)
    assert there == pytest.approx(here, rel=0.08)
    closed = force_closure(contacts(R.apply(POINTS) + shift, R.apply(normals)), np.array([0.6]), 0)
    assert closed[0]


def test_closer_to_the_cones_edge_is_worse():
    quality = [epsilon_quality(POINTS, turned(np.radians(d)), 0.5) for d in (0, 12, 22, 26)]
    assert quality == sorted(quality, reverse=True)
    assert quality[-1] < 0.3 * quality[0]


def test_wrenches_are_forces_in_the_cone_and_their_torques():
    rows = wrenches(POINTS, FACING, 0.5)
    assert rows.shape == (20, 6)
    pushes = rows[:10]  # of the pad that presses along +x
    np.testing.assert_allclose(pushes[:, 0], 1.0)
    assert np.hypot(pushes[:, 1], pushes[:, 2]).max() == pytest.approx(0.5)
    arm = (POINTS[0] - POINTS.mean(axis=0)) / (STROKE_M / 2)
    np.testing.assert_allclose(pushes[:8, 3:], np.cross(arm, pushes[:8, :3]), atol=1e-12)


def test_contacts_in_one_place_hold_nothing():
    together = np.zeros((2, 3))
    assert not force_closure(contacts(together, FACING), np.array([0.5]), 0)[0]
    assert epsilon_quality(together, np.array([[1.0, 0, 0], [1.0, 0, 0]]), 0.5) == 0.0
