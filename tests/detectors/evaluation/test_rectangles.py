"""Rectangles overlap exactly, whichever way they are turned, and the metric follows its rules."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.evaluation.rectangles import (
    ANGLES_DEG,
    Rectangle,
    angle_difference_rad,
    fifth_of_opening,
    grasp_rectangle,
    half_of_opening,
    is_correct,
    jaccard,
    overlap,
    overlaps_by_angle,
    pad_width,
)
from detectors.grasp import Grasp
from robot.frame import Intrinsics

ANGLES = st.floats(-math.pi, math.pi)
SIDES = st.floats(1.0, 200.0)
PLACES = st.floats(0.0, 60.0)
RECTANGLES = st.builds(Rectangle, PLACES, PLACES, ANGLES, SIDES, SIDES)


def moved(r: Rectangle, du: float, dv: float, turn: float = 0.0) -> Rectangle:
    """Turned about the origin, then shifted."""
    c, s = math.cos(turn), math.sin(turn)
    return Rectangle(c * r.u - s * r.v + du, s * r.u + c * r.v + dv, r.angle_rad + turn, r.width_px, r.height_px)


def at(u=0.0, v=0.0, degrees=0.0, width=40.0, height=8.0) -> Rectangle:
    return Rectangle(u, v, math.radians(degrees), width, height)


@given(RECTANGLES, RECTANGLES)
def test_jaccard_is_symmetric_and_a_share(a, b):
    assert 0.0 <= jaccard(a, b) <= 1.0
    assert jaccard(a, b) == pytest.approx(jaccard(b, a), abs=1e-9)


@given(RECTANGLES)
def test_identical_rectangles_overlap_wholly(a):
    assert jaccard(a, a) == pytest.approx(1.0, abs=1e-9)
    assert jaccard(a, dataclasses.replace(a, angle_rad=a.angle_rad + math.pi)) == pytest.approx(1.0, abs=1e-9)


@given(RECTANGLES, RECTANGLES, st.floats(-2000, 2000), st.floats(-2000, 2000), ANGLES)
def test_moving_and_turning_both_changes_nothing(a, b, du, dv, turn):
    assert jaccard(moved(a, du, dv, turn), moved(b, du, dv, turn)) == pytest.approx(jaccard(a, b), abs=1e-7)


@given(RECTANGLES, RECTANGLES)
def test_a_quarter_turn_with_the_sides_exchanged_is_the_same_rectangle(a, b):
    same = Rectangle(a.u, a.v, a.angle_rad + math.pi / 2, a.height_px, a.width_px)
    assert jaccard(same, b) == pytest.approx(jaccard(a, b), abs=1e-9)


@given(RECTANGLES, RECTANGLES)
def test_it_agrees_with_counting_points(a, b):
    """Without polygons: which share of a fine grid over one rectangle lies in the other's own axes within its sides."""
    grid = (np.arange(300) + 0.5) / 300 - 0.5
    x, y = np.meshgrid(grid * a.width_px, grid * a.height_px)
    c, s = math.cos(a.angle_rad), math.sin(a.angle_rad)
    du, dv = a.u + c * x - s * y - b.u, a.v + s * x + c * y - b.v
    c, s = math.cos(b.angle_rad), math.sin(b.angle_rad)
    inside = (np.abs(c * du + s * dv) <= b.width_px / 2) & (np.abs(c * dv - s * du) <= b.height_px / 2)
    common = inside.mean() * a.area_px2
    assert jaccard(a, b) == pytest.approx(common / (a.area_px2 + b.area_px2 - common), abs=0.015)


@pytest.mark.parametrize(
    ("other", "index"),
    [
        (at(u=20), 1 / 3),  # half of either is common
        (at(degrees=90), 64 / (320 + 320 - 64)),  # a cross
        (at(width=20, height=4), 1 / 4),  # one within the other
        (at(u=40), 0.0),  # side by side
        (at(v=7.99, u=500), 0.0),
        (at(degrees=45, width=8, height=8), None),
    ],
)
def test_known_overlaps(other, index):
    if index is None:  # a square turned by 45 degrees inside a strip of its own side: only two corners stick out
        corner = 8 * (math.sqrt(2) - 1) / 2
        common = 64 - 2 * corner**2
        index = common / (320 + 64 - common)
    assert jaccard(at(), other) == pytest.approx(index, abs=1e-9)


def test_corners_turn_from_u_towards_v():
    """Closing down and to the right at 60 degrees."""
    first, second, third, _ = at(u=10, v=20, degrees=60, width=40, height=8).corners()
    c, s = 0.5, math.sqrt(3) / 2
    assert second == pytest.approx((10 + 20 * c + 4 * s, 20 + 20 * s - 4 * c))
    assert np.subtract(second, first) == pytest.approx((40 * c, 40 * s)), "the first side is the opening"
    assert np.subtract(third, second) == pytest.approx((-8 * s, 8 * c))


@given(ANGLES, ANGLES)
def test_angles_differ_by_a_quarter_turn_at_most_and_half_turns_are_none(a, b):
    assert 0.0 <= angle_difference_rad(a, b) <= math.pi / 2 + 1e-12
    assert angle_difference_rad(a + math.pi, b) == pytest.approx(angle_difference_rad(a, b), abs=1e-9)


def test_angles_are_compared_across_the_fold():
    assert angle_difference_rad(math.radians(89), math.radians(-89)) == pytest.approx(math.radians(2))


def test_both_conditions_must_hold():
    truth = [at()]
    assert is_correct(at(degrees=29, height=40), [at(height=40)])
    assert not is_correct(at(degrees=31, height=40), [at(height=40)])
    assert is_correct(at(u=23.9), truth)
    assert not is_correct(at(u=24.0), truth), "a Jaccard index of exactly 0.25 is not greater than it"
    assert not is_correct(at(u=20), truth, least_jaccard=0.34)
    assert not is_correct(at(degrees=29, height=40), [at(height=40)], angle_rad=math.radians(20))


def test_the_closest_decides_even_where_another_would_match():
    prediction = at()
    near_but_turned, far_but_alike = at(u=1, degrees=80), at(u=5)
    truths = [far_but_alike, near_but_turned]
    assert overlap(prediction, truths, "closest") == 0.0
    assert not is_correct(prediction, truths, rule="closest")
    assert is_correct(prediction, truths), "the standard metric takes any"
    assert overlap(prediction, truths) == pytest.approx(35 / 45)


def test_of_several_in_one_place_the_angle_decides_and_then_the_size():
    prediction = at(degrees=2)
    truths = [at(degrees=80), at(degrees=5, height=80), at(degrees=5, height=9), at(degrees=25)]
    assert overlap(prediction, truths, "closest") == pytest.approx(jaccard(prediction, truths[2]))


def test_without_ground_truth_nothing_is_correct():
    for rule in ("closest", "any"):
        assert overlap(at(), [], rule) == 0.0
        assert not is_correct(at(), [], rule=rule)


@given(RECTANGLES, st.lists(RECTANGLES, max_size=5))
def test_any_is_never_stricter_than_closest(prediction, truths):
    assert overlap(prediction, truths, "any") >= overlap(prediction, truths, "closest") - 1e-12


@given(RECTANGLES, st.lists(RECTANGLES, max_size=5))
def test_overlaps_by_angle_are_those_of_every_threshold(prediction, truths):
    expected = [overlap(prediction, truths, "any", math.radians(limit)) for limit in ANGLES_DEG]
    assert overlaps_by_angle(prediction, truths) == pytest.approx(expected)


def test_a_stricter_angle_leaves_turned_truths_out():
    """The truth that lies exactly there is 22 degrees off; the one within 10 degrees is shifted."""
    truths = [at(degrees=22, height=40), at(u=20, height=40)]
    by_angle = overlaps_by_angle(at(height=40), truths)
    assert by_angle[:3] == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert by_angle[3:] == pytest.approx([jaccard(at(height=40), truths[0])] * 2)
    assert by_angle[3] > 0.5
    assert overlaps_by_angle(at(), []) == (0.0,) * len(ANGLES_DEG)


@pytest.mark.parametrize(("rule", "height"), [(fifth_of_opening, 10.0), (half_of_opening, 25.0), (pad_width, 22.0)])
def test_a_grasp_becomes_a_rectangle_as_high_as_the_rule_says(rule, height):
    """50 mm wide at 0.6 m and 600 px: a millimetre is a pixel."""
    K = Intrinsics(600, 600, 200, 200, 400, 400)
    grasp = Grasp(120.0, 80.0, 0.6, 0.3, 0.05, 0.5)
    found = grasp_rectangle(grasp, K, rule)
    assert found.height_px == pytest.approx(height)
    assert dataclasses.replace(found, height_px=1.0) == Rectangle(120.0, 80.0, 0.3, 50.0, 1.0)


@pytest.mark.parametrize("change", [{"u": math.nan}, {"width_px": 0.0}, {"height_px": -1.0}, {"angle_rad": math.inf}])
def test_what_is_no_rectangle_is_refused(change):
    with pytest.raises(ValueError, match="rectangle"):
        dataclasses.replace(at(), **change)
