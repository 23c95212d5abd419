"""Views and the rectangles in them agree: what is drawn lands where it is said to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.fcn.views import VARIATIONS, Variation, draw_matrix, inverse, moved, view_matrix, warp
from tests.detectors.fcn.bars import drawn, measured, rectangle

TURNS, ZOOMS = st.floats(-math.pi, math.pi), st.floats(0.7, 1.8)
SHIFTS = st.tuples(st.floats(-15, 15), st.floats(-15, 15))


@settings(deadline=None, max_examples=60)
@given(
    TURNS, ZOOMS, st.booleans(), SHIFTS, st.tuples(st.floats(60, 100), st.floats(45, 75)), st.floats(-1.5, 1.5),
    st.tuples(st.floats(-8, 8), st.floats(-8, 8)),
)  # fmt: skip
def test_a_bar_lands_where_its_rectangle_is_moved_to(
    turn: float, zoom: float, mirror: bool, shift: tuple[float, float], focus: tuple[float, float], angle: float,
    off: tuple[float, float],
) -> None:  # fmt: skip
    bar = rectangle(focus[0] + off[0], focus[1] + off[1], angle, 32.0, 10.0)
    matrix = view_matrix(focus, 140, zoom, turn, mirror=mirror, shift_px=shift)
    seen = warp(drawn(bar, (120, 160)), matrix, (140, 140))
    u, v, direction, length, height = measured(seen)
    expected = moved(bar, matrix)[0]
    assert (u, v) == pytest.approx(expected[:2], abs=0.3)
    assert abs(math.remainder(direction - expected[2], math.pi)) < math.radians(1.5)
    assert (length, height) == pytest.approx(expected[3:], rel=0.05, abs=0.5)
    assert tuple(expected[3:]) == pytest.approx((32.0 * zoom, 10.0 * zoom))


@settings(deadline=None)
@given(TURNS, ZOOMS, st.booleans(), SHIFTS)
def test_the_place_looked_at_lies_in_the_middle_but_for_the_shift(
    turn: float, zoom: float, mirror: bool, shift: tuple[float, float]
) -> None:
    matrix = view_matrix((31.0, 77.5), 101, zoom, turn, mirror=mirror, shift_px=shift)
    found = moved(rectangle(31.0, 77.5, 0.0, 1.0, 1.0), matrix)[0, :2]
    np.testing.assert_allclose(found, np.array([50.0, 50.0]) + shift, atol=1e-9)


def test_turning_goes_from_u_towards_v_and_comes_after_the_mirroring() -> None:
    point = rectangle(20.0, 10.0, 0.3, 4.0, 2.0)  # ten to the right of the place looked at
    plain = moved(point, view_matrix((10.0, 10.0), 41, 2.0, math.pi / 2))[0]
    np.testing.assert_allclose(plain, [20.0, 40.0, 0.3 + math.pi / 2, 8.0, 4.0], atol=1e-9)
    mirrored = moved(point, view_matrix((10.0, 10.0), 41, 2.0, math.pi / 2, mirror=True))[0]
    np.testing.assert_allclose(mirrored[[0, 1, 3, 4]], [20.0, 0.0, 8.0, 4.0], atol=1e-9)
    assert math.remainder(mirrored[2] - (math.pi / 2 - 0.3), math.pi) == pytest.approx(0.0, abs=1e-9)


@settings(deadline=None)
@given(TURNS, ZOOMS, st.booleans(), SHIFTS)
def test_the_inverse_leads_back(turn: float, zoom: float, mirror: bool, shift: tuple[float, float]) -> None:
    matrix = view_matrix((5.0, 300.0), 64, zoom, turn, mirror=mirror, shift_px=shift)
    bars = np.vstack([rectangle(3.0, 4.0, 1.2, 9.0, 5.0), rectangle(-70.0, 200.0, -0.4, 1.0, 2.0)])
    back = moved(moved(bars, matrix), inverse(matrix))
    np.testing.assert_allclose(back[:, [0, 1, 3, 4]], bars[:, [0, 1, 3, 4]], atol=1e-6)
    assert np.abs(np.remainder(back[:, 2] - bars[:, 2] + 1, math.pi) - 1).max() < 1e-6


@settings(deadline=None)
@given(st.floats(-1.5, 1.5), TURNS, st.booleans(), st.sampled_from([-2, -1, 1, 2]))
def test_a_half_turn_of_a_rectangle_is_none(angle: float, turn: float, mirror: bool, halves: int) -> None:
    matrix = view_matrix((0.0, 0.0), 10, 1.0, turn, mirror=mirror)
    one, other = (moved(rectangle(1.0, 2.0, a, 3.0, 4.0), matrix)[0] for a in (angle, angle + halves * math.pi))
    assert abs(math.remainder(one[2] - other[2], math.pi)) < 1e-9
    assert max(abs(one[2]), abs(other[2])) <= math.pi
    np.testing.assert_allclose(one[[0, 1, 3, 4]], other[[0, 1, 3, 4]])


def parts(variation: Variation, count: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scale, turn, determinant's sign and shift of many drawn views of scale 2."""
    rng = np.random.default_rng(0)
    found = np.stack([draw_matrix((40.0, 30.0), 101, 2.0, variation, rng) for _ in range(count)])
    sign = np.sign(np.linalg.det(found[:, :, :2]))
    scale = np.sqrt(np.abs(np.linalg.det(found[:, :, :2])))
    turn = np.arctan2(found[:, 1, 0] * sign, found[:, 0, 0] * sign)
    shift = found[:, :, :2] @ [40.0, 30.0] + found[:, :, 2] - 50.0
    return scale / 2.0, turn, sign, shift


def test_the_papers_variation_is_twenty_degrees_and_four_fifths_and_no_mirror() -> None:
    zoom, turn, sign, shift = parts(VARIATIONS["paper"])
    assert (zoom.min(), zoom.max()) == pytest.approx((0.8, 1.0), abs=0.01)
    assert (np.degrees(turn).min(), np.degrees(turn).max()) == pytest.approx((-20, 20), abs=0.5)
    assert (sign == 1).all()
    assert np.abs(shift).max() <= VARIATIONS["paper"].shift_px


def test_the_strong_variation_is_every_direction_and_its_mirror_image() -> None:
    zoom, turn, sign, shift = parts(VARIATIONS["strong"])
    assert (zoom.min(), zoom.max()) == pytest.approx((0.8, 1.2), abs=0.01)
    assert set(np.floor(turn / (math.pi / 2))) == {-2.0, -1.0, 0.0, 1.0}
    assert 0.4 < (sign > 0).mean() < 0.6
    assert 0.9 * VARIATIONS["strong"].shift_px < np.abs(shift).max() <= VARIATIONS["strong"].shift_px
    assert np.abs(shift.mean(axis=0)).max() < 8


def test_the_dice_decide_the_view() -> None:
    one, same, other = (
        draw_matrix((1.0, 2.0), 50, 1.0, VARIATIONS["strong"], np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_all_channels_are_warped_alike_and_the_edge_goes_on() -> None:
    image = np.random.default_rng(0).random((30, 40, 3)).astype(np.float32)
    matrix = view_matrix((3.0, 4.0), 40, 1.3, 0.7, mirror=True)
    seen = warp(image, matrix, (40, 36))
    assert seen.shape == (40, 36, 3)
    assert seen.dtype == np.float32
    for channel in range(3):
        alone = warp(image[..., channel].copy(), matrix, (40, 36))
        np.testing.assert_allclose(seen[..., channel], alone, atol=1e-6)
    beyond = warp(image[..., 0].copy(), view_matrix((-200.0, 0.0), 9, 1.0), (9, 9))
    np.testing.assert_allclose(beyond[4:], np.repeat(image[:5, :1, 0], 9, axis=1), atol=1e-6)
