"""The derivatives, against finite differences."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from calibration.small_motions import pixels_per_m, turning, turning_further
from tests.calibration.synthetic_views import INTRINSICS

H = 1e-6
sizes = st.floats(-1.5, 1.5)
vectors = st.tuples(sizes, sizes, sizes).map(np.array)
before_camera = st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(0.2, 2.0)).map(np.array)


@given(vectors, vectors)
def test_points_go_where_a_small_turn_takes_them(point, axis):
    turned = Rotation.from_rotvec(H * axis).apply(point)
    np.testing.assert_allclose((turned - point) / H, turning(point[None])[0] @ axis, atol=1e-5)


@given(before_camera, vectors)
def test_pixels_go_with_their_points(point, way):
    moved = (INTRINSICS.project(point + H * way) - INTRINSICS.project(point - H * way)) / (2 * H)
    np.testing.assert_allclose(pixels_per_m(point[None], INTRINSICS)[0] @ way, moved, rtol=1e-5, atol=1e-2)


@given(vectors, vectors)
def test_a_rotation_vector_that_grows_turns_further(vector, change):
    added = Rotation.from_rotvec(vector + H * change) * Rotation.from_rotvec(vector).inv()
    np.testing.assert_allclose(added.as_rotvec() / H, turning_further(vector) @ change, atol=1e-4)


def test_it_is_smooth_where_the_angle_is_nought():
    np.testing.assert_allclose(turning_further(np.zeros(3)), np.eye(3))
    tiny = np.array([2e-6, 0.0, 0.0])
    np.testing.assert_allclose(turning_further(tiny), turning_further(tiny / 4), atol=2e-6)
