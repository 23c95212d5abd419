"""Reference grasps lie where they should, and deformations are the paper's Eq. 2, there and back."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.anchor.anchors import Anchors, folded, mean_box
from tests.detectors.anchor.bars import boxes

ANCHORS = Anchors(90.0, 26.0)
NUMBER = st.floats(-2.0, 2.0)
DELTA = st.tuples(NUMBER, NUMBER, NUMBER, NUMBER, st.floats(-2.9, 2.9))
PLACE = st.integers(0, 5 * 7 * 6 - 1)


def test_a_deformation_worked_out_by_hand_is_the_papers() -> None:
    """x = 0.5 * 90 + 100, y = -0.25 * 26 + 50, w = 2 * 90, h = 26 / 2, theta = 0.4 * (180 / 6) - 60 degrees."""
    anchor = boxes((100.0, 50.0, 90.0, 26.0, -60.0))
    delta = torch.tensor([[0.5, -0.25, math.log(2.0), -math.log(2.0), 0.4]])
    torch.testing.assert_close(ANCHORS.decode(delta, anchor), boxes((145.0, 43.5, 180.0, 13.0, -48.0)))
    torch.testing.assert_close(ANCHORS.encode(boxes((145.0, 43.5, 180.0, 13.0, -48.0)), anchor), delta)


def test_the_step_between_angles_is_180_degrees_by_k() -> None:
    nothing = torch.zeros(1, 5)
    nothing[0, 4] = 1.0
    for k, degrees in ((6, 30.0), (4, 45.0), (1, 180.0)):
        turned = Anchors(10.0, 5.0, k).decode(nothing, boxes((0.0, 0.0, 10.0, 5.0, 0.0)))
        assert math.degrees(float(turned[0, 4])) == pytest.approx(degrees)


@settings(deadline=None)
@given(DELTA, PLACE)
def test_a_grasp_gives_back_the_deformation_that_made_it(delta: tuple[float, ...], place: int) -> None:
    anchor = ANCHORS.grid(5, 7)[place].double()
    given_delta = torch.tensor(delta, dtype=torch.float64)
    found = ANCHORS.encode(ANCHORS.decode(given_delta, anchor), anchor)
    torch.testing.assert_close(found, given_delta, rtol=1e-6, atol=1e-6)


@settings(deadline=None)
@given(
    st.floats(-50, 370), st.floats(-50, 370), st.floats(1, 400), st.floats(1, 400), st.floats(-10, 10), PLACE
)  # fmt: skip
def test_a_deformation_gives_back_the_grasp_that_it_was_made_from(
    x: float, y: float, w: float, h: float, theta: float, place: int
) -> None:
    """But for half turns: closing directions."""
    anchor, grasp = ANCHORS.grid(5, 7)[place].double(), torch.tensor([x, y, w, h, theta], dtype=torch.float64)
    delta = ANCHORS.encode(grasp, anchor)
    assert abs(float(delta[4])) <= 3.0 + 1e-9, "never further than a quarter turn"
    found = ANCHORS.decode(delta, anchor)
    torch.testing.assert_close(found[:4], grasp[:4], rtol=1e-9, atol=1e-9)
    assert abs(math.remainder(float(found[4]) - theta, math.pi)) < 1e-6


def test_of_two_angles_that_mean_the_same_the_nearer_is_taken() -> None:
    anchor = boxes((0.0, 0.0, 90.0, 26.0, -90.0))
    for degrees, steps in ((80.0, -1 / 3), (-80.0, 1 / 3), (100.0, 1 / 3), (-45.0, 1.5)):
        delta = ANCHORS.encode(boxes((0.0, 0.0, 90.0, 26.0, degrees)), anchor)
        assert float(delta[0, 4]) == pytest.approx(steps, abs=1e-5)


def test_the_grid_runs_through_rows_of_cells_and_the_angles_of_a_cell() -> None:
    grid = ANCHORS.grid(2, 3)
    assert grid.shape == (2 * 3 * 6, 5)
    torch.testing.assert_close(grid[0], boxes((7.5, 7.5, 90.0, 26.0, -90.0))[0])
    torch.testing.assert_close(grid[1], boxes((7.5, 7.5, 90.0, 26.0, -60.0))[0])
    torch.testing.assert_close(grid[6], boxes((23.5, 7.5, 90.0, 26.0, -90.0))[0])
    torch.testing.assert_close(grid[(1 * 3 + 2) * 6 + 5], boxes((39.5, 23.5, 90.0, 26.0, 60.0))[0])
    whole = ANCHORS.grid(20, 20)
    assert float(whole[:, 0].mean()) == float(whole[:, 1].mean()) == 319 / 2, "the middle of 320 pixels"


@settings(deadline=None)
@given(st.floats(-100, 100))
def test_folded_angles_mean_the_same_closing_direction(angle: float) -> None:
    found = float(folded(torch.tensor(angle, dtype=torch.float64)))
    assert -math.pi / 2 <= found <= math.pi / 2
    assert abs(math.remainder(found - angle, math.pi)) < 1e-9


def test_a_quarter_turn_folds_to_the_lower_end() -> None:
    found = folded(torch.tensor([math.pi / 2, -math.pi / 2, 0.0, math.pi], dtype=torch.float64))
    torch.testing.assert_close(found, torch.tensor([-math.pi / 2, -math.pi / 2, 0.0, 0.0], dtype=torch.float64))


def test_the_mean_box_is_the_mean_of_the_sides() -> None:
    assert mean_box(boxes((1, 2, 80.0, 20.0, 10), (300, 4, 100.0, 32.0, -70))) == (90.0, 26.0)


@pytest.mark.parametrize("wrong", [(0.0, 26.0, 6), (90.0, -1.0, 6), (90.0, 26.0, 0), (float("nan"), 26.0, 6)])
def test_an_anchor_without_a_size_is_none(wrong: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match="positive sides and an orientation"):
        Anchors(*wrong)
