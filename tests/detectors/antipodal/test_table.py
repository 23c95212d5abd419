"""The table plane from depth alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.antipodal.table import fit_table
from robot.frame import Frame, Intrinsics
from tests.detectors.depth_scenes import CAMERA, Box, render


def rays() -> tuple[np.ndarray, np.ndarray]:
    v, u = np.mgrid[0 : CAMERA.height, 0 : CAMERA.width]
    return (u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy


@settings(max_examples=10, deadline=None)
@given(tilt=st.floats(-0.3, 0.3), distance=st.floats(0.5, 1.2), seed=st.integers(0, 10))
def test_plane_under_a_box_in_noise(tilt: float, distance: float, seed: int) -> None:
    frame = render(
        [Box(0.0, 0.0, 0.2, 0.15, 0.1)], tilt_rad=tilt, distance_m=distance, noise_m=0.0015, hole_share=0.1, seed=seed
    )
    table = fit_table(frame, np.random.default_rng(seed))
    assert table is not None
    np.testing.assert_allclose(table.normal, [0.0, -math.sin(tilt), -math.cos(tilt)], atol=0.006)
    assert table.noise_m == pytest.approx(0.0015, rel=0.25)
    bare = render([], tilt_rad=tilt, distance_m=distance)
    heights = table.height_m(*rays(), bare.depth_m)
    assert np.abs(heights).max() < 0.003


def test_depth_and_height_are_each_others_inverse() -> None:
    table = fit_table(render([], tilt_rad=0.1), np.random.default_rng(0))
    assert table is not None
    x, y, height = np.array([0.1, -0.05]), np.array([0.02, 0.08]), np.array([0.03, 0.0])
    z = table.depth_m(x, y, height)
    np.testing.assert_allclose(table.height_m(x / z, y / z, z), height, atol=1e-4)


def test_a_bent_table_is_straightened() -> None:
    flat = render([])
    x, y = rays()
    bent = Frame((flat.depth_m - 0.02 * (x**2 + y**2)).astype(np.float32), CAMERA)
    table = fit_table(bent, np.random.default_rng(0))
    assert table is not None
    assert np.abs(table.height_m(x, y, bent.depth_m)).max() < 0.001


def test_no_plane_in_a_heap_or_a_wall() -> None:
    rng = np.random.default_rng(0)
    heap = Frame(rng.uniform(0.4, 1.0, (480, 640)).astype(np.float32), CAMERA)
    assert fit_table(heap, rng) is None
    x, _ = rays()
    wall = Frame((0.5 / (1.0 + 1.6 * x)).clip(0.1, 3.0).astype(np.float32), CAMERA)  # leans 58 degrees
    assert fit_table(wall, rng) is None


@pytest.mark.parametrize(("width", "height"), [(200, 150), (400, 300), (256, 300), (400, 400)])
@pytest.mark.parametrize("points", [150, 300, 600])
def test_no_size_of_picture_takes_all_points_from_a_few_columns(width: int, height: int, points: int) -> None:
    """As a step of a whole or half a row from one point to the next would do."""
    camera = Intrinsics(0.96 * width, 0.96 * width, (width - 1) / 2, (height - 1) / 2, width, height)
    noisy = render([], camera=camera, tilt_rad=0.05, noise_m=0.001)
    table = fit_table(noisy, np.random.default_rng(0), points)
    assert table is not None
    v, u = np.mgrid[0:height, 0:width]
    bare = render([], camera=camera, tilt_rad=0.05).depth_m
    heights = table.height_m((u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, bare)
    assert np.abs(heights).max() < 0.003
