"""The assumed camera fits what the data set's table plane and its published jaw sizes say."""

from __future__ import annotations

import math

import pytest

from detectors.jacquard.camera import assumed_camera


def test_it_sees_thirty_degrees_and_the_table_plane_is_tilted_by_ten():
    camera = assumed_camera()
    assert (camera.width, camera.height, camera.cx, camera.cy) == (1024, 1024, 511.5, 511.5)
    assert 2 * math.atan(512 / camera.fx) == pytest.approx(math.radians(30))
    slope_per_px, at_middle_per_m = 6.1519e-5, 0.666688  # of 1 / depth over the rows, fitted to the sample's tables
    assert math.degrees(math.atan(slope_per_px / at_middle_per_m * camera.fy)) == pytest.approx(10.0, abs=0.005)


def test_a_jaw_of_two_centimetres_has_its_published_size():
    assert assumed_camera().fx * 0.02 / 1.452 == pytest.approx(26.3213, abs=0.02)


def test_another_focal_length_keeps_the_middle():
    camera = assumed_camera(1500.0)
    assert (camera.fx, camera.fy, camera.cx) == (1500.0, 1500.0, 511.5)
