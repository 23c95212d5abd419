"""Local maxima of the quality: apart from each other, best first, allowed, and no more than asked for."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.fcn.maps import AngleForm, Maps, angle_maps
from detectors.fcn.peaks import find_peaks

ROOM_PX = 12
SHAPE = (90, 120)
Array = NDArray[np.float32]


def maps_of(quality: Array, angle: Array | float = 0.0, width: Array | float = 0.5, form: AngleForm = "double") -> Maps:
    angle, width = (np.broadcast_to(np.float32(one), quality.shape).copy() for one in (angle, width))
    layers = [torch.from_numpy(np.ascontiguousarray(one, np.float32))[None] for one in (quality, angle, width)]
    return Maps(layers[0], angle_maps(layers[1], form), layers[2])


def blobs(*places: tuple[int, int, float], sigma: float = 5.0, shape: tuple[int, int] = SHAPE) -> Array:
    """Bells of these heights at (row, column)."""
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    bells = [h * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2)) for row, column, h in places]
    return np.maximum.reduce(bells).astype(np.float32)


def rough(seed: int) -> Array:
    noise = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 3.0) * 6 + 0.3, dtype=np.float32)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(-0.2, 0.8), st.booleans(), st.floats(0.0, 1.0))
def test_whatever_the_maps(seed: int, count: int, threshold: float, first_always: bool, share: float) -> None:
    allowed = np.random.default_rng(seed).random(SHAPE) < share
    found = find_peaks(maps_of(rough(seed)), count, threshold, allowed, first_always=first_always)
    assert len(found) <= count
    assert allowed[found.rows, found.columns].all()
    assert (np.diff(found.quality) <= 0).all()
    assert ((found.quality >= 0) & (found.quality <= 1)).all()
    assert (found.quality[1 if first_always else 0 :] >= min(threshold, 1.0) - 1e-6).all()
    for i in range(len(found)):
        apart = np.hypot(found.rows[:i] - found.rows[i], found.columns[:i] - found.columns[i])
        assert (apart > ROOM_PX).all()
    if allowed.any() and first_always:
        assert len(found) >= 1
        smooth = cv2.GaussianBlur(rough(seed), (0, 0), 2.0)
        assert smooth[found.rows[0], found.columns[0]] == smooth[allowed].max()


def test_bells_are_found_at_their_tops_best_first() -> None:
    places = [(20, 30, 0.5), (60, 80, 0.9), (70, 20, 0.7)]
    found = find_peaks(maps_of(blobs(*places)), 10, 0.2)
    assert list(zip(found.rows.tolist(), found.columns.tolist(), strict=True)) == [(60, 80), (70, 20), (20, 30)]
    assert (found.quality > 0.8 * np.array([0.9, 0.7, 0.5])).all()
    assert len(find_peaks(maps_of(blobs(*places)), 2, 0.2)) == 2


def test_a_lower_bell_too_near_is_the_same_grasp() -> None:
    near, far = (find_peaks(maps_of(blobs((40, 40, 0.9), (40, 40 + d, 0.8), sigma=3.0)), 5, 0.2) for d in (11, 14))
    assert (len(near), len(far)) == (1, 2)


@pytest.mark.parametrize("size", [4, 20])
def test_a_plateau_is_one_grasp_or_as_many_as_find_room_on_it(size: int) -> None:
    quality = np.zeros(SHAPE, np.float32)
    quality[30 : 30 + size, 40 : 40 + size] = 1.0
    found = find_peaks(maps_of(quality), 10, 0.5)
    assert len(found) == 1 or size > ROOM_PX
    level = find_peaks(maps_of(np.full((9, 9), 0.6, np.float32)), 10, 0.5)
    assert len(level) == 1
    assert level.quality[0] == pytest.approx(0.6, abs=1e-5)


def test_below_the_threshold_is_no_grasp_unless_it_is_the_first() -> None:
    maps = maps_of(blobs((20, 30, 0.18), (60, 80, 0.15)))
    assert len(find_peaks(maps, 5, 0.2)) == 1
    assert len(find_peaks(maps, 5, 0.2, first_always=False)) == 0
    assert len(find_peaks(maps, 5, 0.05, first_always=False)) == 2


def test_nothing_allowed_gives_nothing() -> None:
    found = find_peaks(maps_of(blobs((20, 30, 0.9))), 5, 0.2, np.zeros(SHAPE, bool))
    assert len(found) == 0
    assert found.rectangles(68.0, None).shape == (0, 5)


def test_where_the_top_is_not_allowed_the_best_of_the_rest_is_taken() -> None:
    quality = blobs((20, 30, 0.9), (60, 80, 0.6))
    allowed = np.ones(SHAPE, bool)
    allowed[:45] = False
    found = find_peaks(maps_of(quality), 1, 0.2, allowed)
    assert (found.rows[0], found.columns[0]) == (60, 80)


def test_angle_and_width_are_read_where_the_quality_is_best() -> None:
    angle, width = np.full(SHAPE, -0.3, np.float32), np.full(SHAPE, 0.2, np.float32)
    angle[40:, 60:], width[40:, 60:] = 0.8, 0.7
    found = find_peaks(maps_of(blobs((20, 30, 0.5), (60, 80, 0.9)), angle, width), 5, 0.2)
    assert found.angle_rad.tolist() == pytest.approx([0.8, -0.3], abs=1e-4)
    assert found.width.tolist() == pytest.approx([0.7, 0.2], abs=1e-4)


def test_numbers_outside_their_range_are_cut() -> None:
    found = find_peaks(maps_of(np.full((30, 30), 1.4, np.float32), width=-0.2), 1, 0.2)
    assert (found.quality[0], found.width[0]) == (1.0, 0.0)
    low = find_peaks(maps_of(np.full((30, 30), -0.4, np.float32)), 1, 0.2)
    assert low.quality[0] == 0.0


@pytest.mark.parametrize("off", [-1, 0, 1])
def test_the_angle_is_smoothed_across_the_seam_at_a_right_angle(off: int) -> None:
    """88 degrees on one side and -88 on the other are nearly one direction: their mean lies between them."""
    angle = np.full(SHAPE, math.radians(88), np.float32)
    angle[:, 60:] = math.radians(-88)
    found = find_peaks(maps_of(blobs((45, 60 + off, 0.9)), angle), 1, 0.2)
    assert abs(math.remainder(float(found.angle_rad[0]) - math.pi / 2, math.pi)) < math.radians(2.1)
    if off == 0:
        apart = abs(math.remainder(float(found.angle_rad[0]) - math.radians(-88), math.pi))
        assert math.radians(0.2) < apart, "smoothed, not read off one pixel"


def test_a_raw_angle_is_left_as_it_is() -> None:
    angle = np.full(SHAPE, math.radians(88), np.float32)
    angle[:, 60:] = math.radians(-88)
    found = find_peaks(maps_of(blobs((45, 60, 0.9)), angle, form="raw"), 1, 0.2)
    assert float(found.angle_rad[0]) == pytest.approx(math.radians(-88), abs=1e-5)


def test_a_single_pixel_that_is_off_does_not_decide() -> None:
    quality = blobs((45, 60, 0.8), sigma=8.0)
    quality[20, 20] = 1.0
    angle = np.full(SHAPE, 0.5, np.float32)
    angle[45, 60] = -1.0
    found = find_peaks(maps_of(quality, angle), 1, 0.2)
    assert math.hypot(found.rows[0] - 45, found.columns[0] - 60) < 3
    assert float(found.angle_rad[0]) == pytest.approx(0.5, abs=0.1)


def test_rectangles_are_as_long_as_the_opening_and_as_high_as_asked() -> None:
    found = find_peaks(maps_of(blobs((20, 30, 0.5), (60, 80, 0.9)), 0.3, 0.5), 5, 0.2)
    np.testing.assert_allclose(found.rectangles(68.0, 17.6)[0], [80, 60, 0.3, 34.0, 17.6], atol=1e-3)
    np.testing.assert_allclose(found.rectangles(68.0, None)[1], [30, 20, 0.3, 34.0, 17.0], atol=1e-3)
