"""Training views: true grasps go where their pixels go, whatever is turned, mirrored, shifted or relit."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anchor.views import ColorPicture, Variation, as_boxes, as_input, cut, draw_view, relit
from detectors.fcn.views import moved, view_matrix
from tests.detectors.anchor.bars import BarColors, across, colored

STILL = Variation(turn_rad=0.0, mirror=False, shift_px=0.0, zoom=(1.0, 1.0), light=0.0)
PICTURE = BarColors(1, scale=1.6).picture(0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(max_examples=60, deadline=None)
# Up to a scale at which no draw takes the bar over the view's edge: what is cut off has its middle elsewhere.
@given(st.integers(0, 10**6), st.booleans(), st.floats(0.8, 1.4), st.integers(0, 30))
def test_the_truth_lies_on_the_bar_across_it_whatever_the_view(
    seed: int, mirror: bool, scale: float, index: int
) -> None:
    picture = replace(BarColors(31).picture(index), scale=scale)
    image, truths = draw_view(picture, Variation(mirror=mirror, light=0.0), rng(seed))
    assert image.shape == (320, 320, 3)
    assert image.dtype == np.uint8
    found, truth = across(image), truths[0]
    zoom = truth[3] / picture.truths[0, 3]
    assert 0.8 - 1e-9 <= zoom / scale <= 1.25 + 1e-9
    assert truth[4] / picture.truths[0, 4] == pytest.approx(zoom)
    tuple_of = tuple(found[0, :2])
    assert tuple_of == pytest.approx(tuple(truth[:2]), abs=0.7)
    assert abs(math.remainder(found[0, 2] - truth[2], math.pi)) < math.radians(3)
    assert found[0, 3] == pytest.approx(truth[3] - 20 * zoom, abs=1.2)


def test_a_mark_beside_the_bar_changes_sides_in_the_mirror() -> None:
    """The bar alone would not tell a mirror image from a turned one."""
    image = colored(np.zeros((160, 160)))
    image[60:100, 30:40], image[75:80, 40:60] = (190, 30, 30), (20, 20, 200)  # a blue arm towards +u
    truth = np.array([[34.5, 79.5, 0.0, 30.0, 10.0]])
    picture = ColorPicture(image, truth, 1.0, (79.5, 79.5))
    seen = set()
    for seed in range(12):
        view, truths = draw_view(picture, replace(STILL, turn_rad=math.pi, mirror=True), rng(seed))
        blue = np.argwhere((view[..., 2] > 120) & (view[..., 0] < 90)).mean(axis=0)[::-1]
        red = truths[0, :2]
        arm = blue - red
        assert abs(math.remainder(math.atan2(arm[1], arm[0]) - truths[0, 2], math.tau)) < 0.3, "it still points there"
        bar = np.argwhere((view[..., 0] > 120) & (view[..., 2] < 90))
        side = np.cross(np.append(arm, 0), np.append(bar.mean(axis=0)[::-1] - red, 0))[2]
        seen.add(bool(side > 0))
    assert len(seen) == 2


def test_unvaried_the_focus_lies_in_the_middle_and_nothing_else_changes() -> None:
    view, truths = draw_view(replace(PICTURE, focus=(50.0, 70.0), scale=1.0), STILL, rng())
    np.testing.assert_allclose(truths[0, :2], PICTURE.truths[0, :2] + 159.5 - [50.0, 70.0])
    np.testing.assert_allclose(truths[0, 3:], PICTURE.truths[0, 3:])
    np.testing.assert_array_equal(view[100:200, 120:220], cut(view, np.eye(2, 3), (320, 320))[100:200, 120:220])


def test_shifts_turns_and_zooms_fill_their_ranges_and_no_more() -> None:
    centred = replace(PICTURE, truths=np.array([[79.5, 79.5, 0.0, 30.0, 10.0]]), scale=1.0)
    drawn = np.array([draw_view(centred, replace(Variation(), light=0.0, mirror=False), rng(s))[1][0]
                      for s in range(200)])  # fmt: skip
    away = drawn[:, :2] - 159.5
    assert 45 < np.abs(away).max() <= 50
    assert away.min() < -45
    zoom = drawn[:, 3] / 30.0
    assert 0.8 <= zoom.min() < 0.84
    assert 1.2 < zoom.max() <= 1.25
    assert np.ptp(drawn[:, 2]) > 6.0


def test_the_generator_decides_the_view() -> None:
    one, same, other = (draw_view(PICTURE, Variation(), rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], same[0])
    np.testing.assert_array_equal(one[1], same[1])
    assert (one[0] != other[0]).mean() > 0.5


def test_beyond_the_edge_the_outermost_pixels_go_on() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 19], image[:, 0] = (0, 200, 0), (200, 0, 0)
    seen = cut(image, view_matrix((9.5, 9.5), 60, 1.0), (60, 60))
    assert (seen[:, 40:] == (0, 200, 0)).all()
    assert (seen[:, :20] == (200, 0, 0)).all()


def test_made_much_smaller_a_fine_pattern_becomes_grey() -> None:
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    small = cut(stripes, view_matrix((99.5, 99.5), 66, 1 / 3), (66, 66))[10:-10, 10:-10]
    assert float(small.std()) < 45, "not as strong as the stripes were, 127"


def test_relit_pictures_differ_in_colour_and_stay_where_they_are() -> None:
    image = PICTURE.image
    np.testing.assert_array_equal(relit(image, 0.0, rng()), image)
    brighter = []
    for seed in range(30):
        found = relit(image, 1.0, rng(seed))
        assert found.shape == image.shape
        assert found.dtype == np.uint8
        brighter.append(found.mean() / image.mean())
    assert min(brighter) < 0.8 < 1.2 < max(brighter)
    np.testing.assert_array_equal(relit(image, 1.0, rng(3)), relit(image, 1.0, rng(3)))


def test_the_network_is_shown_numbers_about_zero() -> None:
    found = as_input(np.array([[[0, 127, 255]]], np.uint8))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0, 0], [-127.5 / 64, -0.5 / 64, 127.5 / 64], rtol=1e-6)


def test_rectangles_become_boxes_with_the_angle_last() -> None:
    np.testing.assert_array_equal(as_boxes(np.array([[1.0, 2.0, 0.3, 40.0, 20.0]])),
                                  np.array([[1, 2, 40, 20, 0.3]], np.float32))  # fmt: skip
    assert as_boxes(moved(np.zeros((0, 5)), np.eye(2, 3))).shape == (0, 5)
