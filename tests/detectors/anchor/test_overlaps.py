"""Many overlaps at once are each what the exact function says of the pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.anchor.overlaps import corners, jaccard_pairs
from detectors.evaluation.rectangles import Rectangle, jaccard

Row = tuple[float, float, float, float, float]
SIDE, ANGLE = st.floats(0.5, 300.0), st.floats(-math.pi, math.pi)
ROW = st.tuples(st.floats(-100.0, 400.0), st.floats(-100.0, 400.0), SIDE, SIDE, ANGLE)
SAME_WAY = st.sampled_from([0.0, math.pi, -math.pi, math.pi / 2, -math.pi / 2])


def exact(one: Row, other: Row) -> float:
    return jaccard(rectangle(one), rectangle(other))


def rectangle(row: Row) -> Rectangle:
    x, y, w, h, theta = row
    return Rectangle(x, y, theta, w, h)


def quick(one: Row, other: Row) -> float:
    return float(jaccard_pairs(torch.tensor([one], dtype=torch.float64), torch.tensor([other], dtype=torch.float64)))


def assert_exact(one: Row, other: Row) -> None:
    assert quick(one, other) == pytest.approx(exact(one, other), abs=2e-4)
    assert quick(other, one) == pytest.approx(exact(one, other), abs=2e-4)


def placed(one: Row, along: float, across: float, w: float, h: float, turn: float) -> Row:
    """A rectangle somewhere in the frame of another, in shares of its sides."""
    x, y, ow, oh, theta = one
    c, s = math.cos(theta), math.sin(theta)
    return x + c * along * ow - s * across * oh, y + s * along * ow + c * across * oh, w, h, theta + turn


@settings(max_examples=150, deadline=None)
@given(ROW, ROW)
def test_any_two(one: Row, other: Row) -> None:
    assert_exact(one, other)


@settings(max_examples=150, deadline=None)
@given(ROW, st.floats(-1.0, 1.0), st.floats(-1.0, 1.0), SIDE, SIDE, ANGLE)
def test_two_that_lie_near_each_other(one: Row, along: float, across: float, w: float, h: float, turn: float) -> None:
    assert_exact(one, placed(one, along, across, w, h, turn))


@settings(max_examples=150, deadline=None)
@given(ROW, st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 1.5]), st.sampled_from([0.0, 1.0]), SAME_WAY)
def test_sides_that_lie_on_one_line(one: Row, along: float, across: float, turn: float) -> None:
    """Repeated labels do; rounding decides whether such sides are said to cross."""
    sides = one[2:4] if abs(turn) != math.pi / 2 else one[3:1:-1]
    other = placed(one, along, across, *sides, turn)
    assert_exact(one, other)
    if across == 0.0:
        assert quick(one, other) == pytest.approx(max(1 - along, 0.0) / (1 + min(along, 1.0)), abs=1e-4)


def test_rounding_does_not_let_sides_on_one_line_cross() -> None:
    """It would in one of a hundred: two sides that both lie on a line, turned against each other by 1e-16."""
    rng = np.random.default_rng(0)
    one = np.column_stack([
        rng.uniform(0, 600, (4000, 2)), rng.uniform(5, 300, (4000, 2)), rng.uniform(-1.57, 1.57, 4000)
    ])  # fmt: skip
    along, other = rng.choice([0.25, 0.5, 0.8, 1.0], 4000), one.copy()
    other[:, 0] += along * one[:, 2] * np.cos(one[:, 4])
    other[:, 1] += along * one[:, 2] * np.sin(one[:, 4])
    other[:, 4] += rng.choice([0.0, math.pi, -math.pi], 4000)
    found = jaccard_pairs(torch.from_numpy(one), torch.from_numpy(other)).numpy()
    np.testing.assert_allclose(found, (1 - along) / (1 + along), atol=1e-4)


@settings(deadline=None)
@given(ROW, SAME_WAY)
def test_the_same(one: Row, turn: float) -> None:
    sides = one[2:4] if abs(turn) != math.pi / 2 else one[3:1:-1]
    assert quick(one, placed(one, 0.0, 0.0, *sides, turn)) == pytest.approx(1.0, abs=1e-6)


@settings(deadline=None)
@given(ROW, st.floats(0.05, 0.9), st.floats(0.05, 0.9))
def test_one_within_the_other(one: Row, w: float, h: float) -> None:
    inner = placed(one, (1 - w) / 2, -(1 - h) / 2, w * one[2], h * one[3], 0.0)  # it touches two sides from within
    assert_exact(one, inner)
    assert quick(one, inner) == pytest.approx(w * h, abs=2e-4)


@settings(deadline=None)
@given(ROW, ANGLE)
def test_touching_corners_and_far_apart(one: Row, turn: float) -> None:
    assert quick(one, placed(one, 1.0, 1.0, one[2], one[3], 0.0)) == pytest.approx(0.0, abs=2e-4)
    assert quick(one, placed(one, 40.0, 0.0, one[2], one[3], turn)) in (0.0, pytest.approx(exact(
        one, placed(one, 40.0, 0.0, one[2], one[3], turn)), abs=1e-4))  # fmt: skip


def test_many_at_once_are_each_their_own() -> None:
    rng = np.random.default_rng(1)
    one, other = rows(rng, 400), rows(rng, 400)
    found = jaccard_pairs(torch.from_numpy(one), torch.from_numpy(other)).numpy()
    expected = [exact(tuple(a), tuple(b)) for a, b in zip(one.tolist(), other.tolist(), strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (found > 0.25).sum() > 20
    assert jaccard_pairs(torch.zeros(0, 5), torch.zeros(0, 5)).shape == (0,)


def test_what_is_no_rectangle_meets_nothing() -> None:
    """A network that has learnt nothing may predict any size."""
    good = torch.tensor([[50.0, 50.0, 40.0, 20.0, 0.3]])
    for w in (0.0, math.inf, math.nan):
        wrong = good.clone()
        wrong[0, 2] = w
        assert not bool((jaccard_pairs(good, wrong) > 0.25).any())


def test_corners_are_those_of_the_rectangle() -> None:
    row = (10.0, 20.0, 30.0, 8.0, 0.4)
    np.testing.assert_allclose(corners(torch.tensor([row], dtype=torch.float64))[0], rectangle(row).corners())


def rows(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return np.column_stack([
        rng.uniform(0, 60, (count, 2)), rng.uniform(5, 90, (count, 2)), rng.uniform(-1.5, 1.5, count)
    ])  # fmt: skip
