"""Heights above the table, whatever the camera, what networks see of them, and views of 1.25 mm a pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.antipodal.table import fit_table
from detectors.fcn.heights import color_image, color_scale, height_image, height_map, metric_scale, shown
from detectors.oneshot.looking import HEIGHT_HIGH, HEIGHT_LOW, camera_row, table_row
from robot.frame import Frame, Intrinsics
from tests.detectors.depth_scenes import Box, render

CAMERA = Intrinsics(fx=150.0, fy=145.0, cx=63.5, cy=47.5, width=128, height=96)
FLAT = np.array([0.0, 0.0, -1.0, -0.70, *np.zeros(6)], np.float32)


def seen(frame: Frame) -> tuple[np.ndarray, float]:
    table = fit_table(frame, np.random.default_rng(0))
    assert table is not None
    return height_map(frame.depth_m, np.array(camera_row(frame.intrinsics), np.float32), table_row(table))


def test_heights_are_above_the_table_and_are_shown_in_units_of_four_centimetres() -> None:
    depth = np.full((96, 128), 0.70, np.float32)
    depth[40:50, 60:70] = 0.66
    depth[10, 10] = 0.69
    found, middle = height_map(depth, np.array(camera_row(CAMERA), np.float32), FLAT)
    assert found.dtype == np.float32
    assert found[45, 65] == pytest.approx(0.04, abs=1e-5)
    assert found[10, 10] == pytest.approx(0.01, abs=1e-5)
    assert found[80, 20] == pytest.approx(0.0, abs=1e-5)
    seen, same_middle = height_image(depth, np.array(camera_row(CAMERA), np.float32), FLAT)
    assert same_middle == middle
    np.testing.assert_array_equal(seen, shown(found))
    assert seen.dtype == np.float32
    assert (seen[45, 65], seen[10, 10]) == pytest.approx((1.0, 0.25), abs=1e-3)
    assert middle == pytest.approx(0.70, abs=1e-6)


def test_only_for_the_network_is_what_is_very_high_or_low_cut() -> None:
    depth = np.full((96, 128), 0.70, np.float32)
    depth[0, 0], depth[0, 1] = 0.2, 2.0
    found, _ = height_map(depth, np.array(camera_row(CAMERA), np.float32), FLAT)
    assert (found[0, 0], found[0, 1]) == pytest.approx((0.5, -1.3), abs=1e-5)
    seen = shown(found)
    assert (seen[0, 0], seen[0, 1]) == (HEIGHT_HIGH, HEIGHT_LOW)


@settings(deadline=None, max_examples=10)
@given(st.floats(0.5, 1.1), st.floats(-0.25, 0.25), st.floats(100, 260), st.floats(0.02, 0.08))
def test_the_same_thing_is_as_high_under_every_camera(
    distance_m: float, tilt_rad: float, focal_px: float, height_m: float
) -> None:
    camera = Intrinsics(focal_px, focal_px, 63.5, 47.5, 128, 96)
    frame = render([Box(0.0, 0.0, 0.06, 0.05, height_m)], camera=camera, distance_m=distance_m, tilt_rad=tilt_rad)
    found, middle = seen(frame)
    assert found[48, 64] == pytest.approx(height_m, abs=0.0015)
    assert np.median(np.abs(found)) < 0.001
    assert middle == pytest.approx(distance_m, abs=0.002), "where the optical axis meets the table, under the box"


def test_a_bow_is_taken_out_of_the_heights_but_no_more_than_eight_millimetres_of_it() -> None:
    depth, table = np.full((96, 128), 0.69, np.float32), FLAT.copy()
    table[4] = 0.005
    found, middle = height_map(depth, np.array(camera_row(CAMERA), np.float32), table)
    np.testing.assert_allclose(found, 0.005, atol=1e-5)
    assert middle == pytest.approx(0.695, abs=1e-5)
    table[4] = 0.05
    found, _ = height_map(depth, np.array(camera_row(CAMERA), np.float32), table)
    np.testing.assert_allclose(found, 0.002, atol=1e-5)


def test_a_pixel_of_a_view_is_a_millimetre_and_a_quarter_on_the_table() -> None:
    assert metric_scale(0.70, 560.0) == pytest.approx(1.0)
    for depth_m, focal_px in ((0.5, 300.0), (0.9, 615.0)):
        image_px = 0.10 * focal_px / depth_m
        assert image_px * metric_scale(depth_m, focal_px) == pytest.approx(80.0)


def test_colours_lie_about_zero_in_their_own_order() -> None:
    color = np.zeros((2, 3, 3), np.uint8)
    color[0, 0], color[1, 2] = (255, 0, 128), (10, 20, 30)
    found = color_image(color)
    assert found.dtype == np.float32
    assert found.shape == (2, 3, 3)
    assert (found.min(), found.max()) == pytest.approx((-2.0, 2.0), abs=0.02)
    assert found[0, 0, 0] == -found[0, 0, 1]
    assert abs(found[0, 0, 2]) < 0.02
    assert found[1, 2, 0] < found[1, 2, 1] < found[1, 2, 2]


@pytest.mark.parametrize(("shape", "scale"), [((480, 640, 3), 0.625), ((640, 480), 0.625), ((100, 100, 3), 4.0)])
def test_the_longer_side_of_a_colour_image_fills_a_view(shape: tuple[int, ...], scale: float) -> None:
    assert color_scale(shape) == scale
