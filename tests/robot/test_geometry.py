"""Axioms of rigid transforms, and the fold of a grasp's angle."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from robot.geometry import (
    apply,
    invert,
    pose_to_transform,
    rotation_angle,
    transform,
    transform_to_pose,
    wrap_half_turn,
)

metres = st.floats(-2.0, 2.0)
radians = st.floats(-3.0, 3.0)
transforms = st.builds(
    lambda r, t: transform(Rotation.from_rotvec(r), t),
    st.tuples(radians, radians, radians),
    st.tuples(metres, metres, metres),
)


@given(transforms)
def test_inverse_undoes(T):
    np.testing.assert_allclose(T @ invert(T), np.eye(4), atol=1e-12)
    np.testing.assert_allclose(invert(T) @ T, np.eye(4), atol=1e-12)


@given(transforms, transforms, st.tuples(metres, metres, metres))
def test_composition_is_application_in_turn(T_a_b, T_b_c, point_c):
    np.testing.assert_allclose(apply(T_a_b @ T_b_c, point_c), apply(T_a_b, apply(T_b_c, point_c)), atol=1e-12)


@given(transforms)
def test_ur_pose_round_trip(T):
    np.testing.assert_allclose(pose_to_transform(transform_to_pose(T)), T, atol=1e-9)


@given(transforms)
def test_inputs_are_not_changed(T):
    before = T.copy()
    invert(T), apply(T, np.zeros(3)), transform_to_pose(T)
    np.testing.assert_array_equal(T, before)


@given(st.floats(-math.pi, math.pi))
def test_rotation_angle_is_the_angle_turned(angle):
    T = transform(Rotation.from_rotvec([0, 0, angle]), [0, 0, 0])
    assert abs(rotation_angle(np.eye(4), T) - abs(angle)) < 1e-6


@given(st.floats(-100.0, 100.0))
def test_fold_keeps_the_line_and_stays_in_range(angle):
    folded = wrap_half_turn(angle)
    assert -math.pi / 2 <= folded < math.pi / 2
    assert abs(math.sin(folded - angle)) < 1e-9


def test_fold_at_its_ends():
    assert wrap_half_turn(math.pi / 2) == -math.pi / 2
    assert wrap_half_turn(-math.pi / 2) == -math.pi / 2
    assert wrap_half_turn(0.0) == 0.0
