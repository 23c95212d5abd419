"""The camera is tilted as it was told, sees every thing, and never sees a horizon."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.jacquardplus.cameras import draw_camera, tilt_rad
from detectors.synthesis.painting import rays
from robot.geometry import apply, invert


@given(st.floats(0.0, 70.0), st.integers(0, 2**32), st.floats(0.02, 0.23), st.floats(0.005, 0.25))
def test_every_thing_is_seen_and_every_ray_meets_the_table(tilt, seed, radius, height):
    rng = np.random.default_rng(seed)
    around = rng.uniform(-np.pi, np.pi, size=40)
    points = np.stack([radius * np.cos(around), radius * np.sin(around), rng.uniform(0, height, size=40)], axis=1)
    camera = draw_camera(math.radians(tilt), points, rng)
    T = camera.T_table_camera
    assert math.degrees(tilt_rad(T)) == np.float64(tilt) or abs(math.degrees(tilt_rad(T)) - tilt) < 1e-5
    in_camera = apply(invert(T), points)
    pixels = camera.intrinsics.project(in_camera)
    assert in_camera[:, 2].min() > 0.15
    assert pixels.min() >= 0
    assert pixels.max() <= 399
    depth = -T[2, 3] / rays(camera.intrinsics, T)[..., 2]
    assert depth.min() > 0
    assert depth.max() < 6.5


@given(st.floats(5.0, 70.0), st.integers(0, 2**32))
def test_it_stands_upright(tilt, seed):
    """What is farther away on the table stands higher in the picture."""
    rng = np.random.default_rng(seed)
    camera = draw_camera(math.radians(tilt), rng.uniform(0, 0.1, size=(10, 3)), rng)
    down = camera.T_table_camera[:3, 1]
    assert down[2] < 0
    assert abs(camera.T_table_camera[2, 0]) < 1e-9
