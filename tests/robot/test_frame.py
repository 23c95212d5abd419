"""Pixels to points and back; unknown depth stays unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics

K = Intrinsics(615.0, 610.0, 321.5, 239.5, 640, 480)


@given(st.floats(0, 639), st.floats(0, 479), st.floats(0.1, 3.0))
def test_pixel_to_point_to_pixel(u, v, depth_m):
    np.testing.assert_allclose(K.project(K.deproject(u, v, depth_m)), [u, v], atol=1e-9)


def test_unknown_depths_become_zero_and_invalid():
    depth = np.full((4, 5), 0.7, np.float32)
    depth[0, 0], depth[0, 1], depth[0, 2], depth[0, 3] = np.nan, -1.0, np.inf, 0.0
    frame = Frame(depth, Intrinsics(600, 600, 2, 2, 5, 4))
    assert frame.depth_m[0, :4].tolist() == [0, 0, 0, 0]
    assert frame.valid.sum() == 16


def test_a_frame_is_its_own_copy_and_cannot_be_changed():
    depth = np.full((4, 5), 0.7, np.float32)
    frame = Frame(depth, Intrinsics(600, 600, 2, 2, 5, 4))
    depth[:] = 9.0
    assert frame.depth_m.max() == np.float32(0.7)
    with pytest.raises(ValueError, match="read-only"):
        frame.depth_m[0, 0] = 1.0


def test_millimetres_and_foreign_intrinsics_are_refused():
    small = Intrinsics(600, 600, 2, 2, 5, 4)
    with pytest.raises(SettingsError, match="millimetres"):
        Frame(np.full((4, 5), 700.0, np.float32), small)
    with pytest.raises(SettingsError, match="shape"):
        Frame(np.full((5, 4), 0.7, np.float32), small)
    with pytest.raises(SettingsError, match="positive"):
        Intrinsics(0, 600, 2, 2, 5, 4)
