"""Which anchors match which truths, by hand; and which predictions are good, as a plain loop says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from detectors.anchor.anchors import Anchors
from detectors.anchor.matching import Targets, match_angles, match_jaccard
from detectors.evaluation.rectangles import Rectangle, is_correct
from tests.detectors.anchor.bars import boxes

ANCHORS = Anchors(50.0, 20.0)
ROWS, COLUMNS, K = 4, 5, 6


def place(row: int, column: int, degrees: int) -> int:
    """Of an anchor; its angle is one of -90, -60, ..., 60."""
    return (row * COLUMNS + column) * K + (degrees + 90) // 30


def matched(*rows: tuple[float, float, float, float, float]) -> Targets:
    return match_angles(boxes(*rows), ANCHORS, ROWS, COLUMNS)


def positive(*rows: tuple[float, float, float, float, float]) -> list[int]:
    return matched(*rows).positive.tolist()


def test_a_truth_is_its_cells_and_the_nearest_angles() -> None:
    found = matched((40.0, 20.0, 60.0, 10.0, 35.0))
    assert found.positive.tolist() == [place(1, 2, 30)]
    middle = 2 * 16 + 7.5, 1 * 16 + 7.5
    expected = [(40 - middle[0]) / 50, (20 - middle[1]) / 20, math.log(60 / 50), math.log(10 / 20), 5 / 30]
    torch.testing.assert_close(found.deltas, torch.tensor([expected]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "row", "column"),
    [(-0.4, -0.4, 0, 0), (15.4, 15.4, 0, 0), (15.6, 15.4, 0, 1), (15.4, 15.6, 1, 0), (79.4, 63.4, 3, 4)],
)
def test_a_cell_is_sixteen_whole_pixels(x: float, y: float, row: int, column: int) -> None:
    assert positive((x, y, 50.0, 20.0, 0.0)) == [place(row, column, 0)]


@pytest.mark.parametrize(("x", "y"), [(-0.6, 8.0), (8.0, -0.6), (79.6, 8.0), (8.0, 63.6), (-500.0, 900.0)])
def test_what_lies_outside_the_map_matches_nothing(x: float, y: float) -> None:
    found = matched((x, y, 50.0, 20.0, 0.0))
    assert (len(found.positive), found.deltas.shape, bool(found.ignored.any())) == (0, (0, 5), False)
    assert positive((x, y, 50.0, 20.0, 0.0), (40.0, 20.0, 50.0, 20.0, 0.0)) == [place(1, 2, 0)]


@pytest.mark.parametrize(
    ("degrees", "matching"),
    [
        (14.9, [0]), (15.0, [0, 30]), (15.1, [30]), (-14.9, [0]), (45.0, [30, 60]),
        (74.9, [60]), (75.0, [-90, 60]), (75.1, [-90]), (89.9, [-90]), (-90.0, [-90]), (-75.0, [-90, -60]),
        (90.0, [-90]), (180.0, [0]), (269.0, [-90]), (-100.0, [-90]),
    ],
)  # fmt: skip
def test_fifteen_degrees_match_round_the_half_turn(degrees: float, matching: list[int]) -> None:
    found = matched((40.0, 20.0, 50.0, 20.0, degrees))
    assert found.positive.tolist() == [place(1, 2, one) for one in matching]
    grasps = ANCHORS.decode(found.deltas, ANCHORS.grid(ROWS, COLUMNS)[found.positive])
    for turned in grasps[:, 4].tolist():
        assert abs(math.remainder(turned - math.radians(degrees), math.pi)) < 1e-5
    assert float(found.deltas[:, 4].abs().max()) <= 0.5 + 1e-5


def test_of_several_in_a_cell_the_nearest_to_its_middle_wins_in_any_order() -> None:
    near, far, other = (39.0, 23.0, 30.0, 20.0, 3.0), (45.0, 28.0, 90.0, 20.0, -2.0), (33.0, 17.0, 70.0, 20.0, 61.0)
    for rows in ((near, far, other), (other, far, near), (far, near, other)):
        found = matched(*rows)
        assert found.positive.tolist() == [place(1, 2, 0), place(1, 2, 60)]
        assert found.deltas[:, 2].exp().tolist() == pytest.approx([30 / 50, 70 / 50])


def test_the_same_truth_twice_is_one() -> None:
    assert positive(*[(39.0, 23.0, 30.0, 20.0, 3.0)] * 3) == [place(1, 2, 0)]


@settings(max_examples=50, deadline=None)
@given(st.lists(
    st.tuples(st.floats(-20, 100), st.floats(-20, 80), st.floats(5, 90), st.floats(5, 90), st.floats(-180, 180)),
    max_size=12,
))  # fmt: skip
def test_every_match_is_explained_by_a_truth_and_every_truth_is_matched(
    rows: list[tuple[float, float, float, float, float]],
) -> None:
    truths, found, grid = boxes(*rows), matched(*rows), ANCHORS.grid(ROWS, COLUMNS)
    expected = set()
    for x, y, _, _, theta in truths.tolist():
        column, row = math.floor((x + 0.5) / 16), math.floor((y + 0.5) / 16)
        if 0 <= row < ROWS and 0 <= column < COLUMNS:
            for step in range(K):
                away = abs(math.remainder(theta - (step * math.pi / K - math.pi / 2), math.pi))
                if away < math.radians(15) - 1e-5:
                    expected.add((row * COLUMNS + column) * K + step)
    got = found.positive.tolist()
    assert expected <= set(got)
    assert got == sorted(set(got))
    for grasp in ANCHORS.decode(found.deltas, grid[found.positive]):
        away = (truths[:, :4] - grasp[:4]).abs().max(dim=1).values
        assert float(away.min()) < 1e-2, "it becomes one of the true grasps"


def test_neighbours_in_place_and_angle_are_neither_good_nor_bad() -> None:
    ignored = matched((40.0, 20.0, 50.0, 20.0, -90.0)).ignored.reshape(ROWS, COLUMNS, K)
    expected = torch.zeros(ROWS, COLUMNS, K, dtype=torch.bool)
    for row in (0, 1, 2):
        for column in (1, 2, 3):
            expected[row, column, [5, 0, 1]] = True  # 60, -90 and -60 degrees: angles go round
    assert torch.equal(ignored, expected)
    corner = matched((2.0, 2.0, 50.0, 20.0, 0.0)).ignored.reshape(ROWS, COLUMNS, K)
    assert int(corner.sum()) == 2 * 2 * 3, "nothing beyond the map's edge"


def rectangles(table: Tensor) -> list[Rectangle]:
    return [Rectangle(x, y, theta, w, h) for x, y, w, h, theta in table.double().tolist()]


@pytest.mark.parametrize(("degrees", "least"), [(15.0, 0.25), (30.0, 0.25)])
def test_jaccard_matching_is_the_plain_loop_with_the_exact_functions(degrees: float, least: float) -> None:
    rng = np.random.default_rng(5)
    grasps, truths = (
        torch.from_numpy(np.column_stack([
            rng.uniform(0, 90, (count, 2)), rng.uniform(20, 80, count), rng.uniform(8, 30, count),
            rng.uniform(-4, 4, count),
        ])).float()
        for count in (400, 9)
    )  # fmt: skip
    found = match_jaccard(grasps, truths, angle_rad=math.radians(degrees))
    known = rectangles(truths)
    expected = [
        is_correct(one, known, angle_rad=math.radians(degrees), least_jaccard=least) for one in rectangles(grasps)
    ]
    assert found.tolist() == expected
    assert 20 < sum(expected) < 300
    if degrees == 15.0:
        assert torch.equal(match_jaccard(grasps, truths), found), "the scorer's thresholds are the usual ones"


def test_jaccard_matching_needs_angle_and_overlap_with_the_same_truth() -> None:
    truths = boxes((50.0, 50.0, 40.0, 20.0, 0.0), (52.0, 50.0, 40.0, 20.0, 60.0))
    grasps = boxes(
        (50.0, 50.0, 40.0, 20.0, 14.0), (50.0, 50.0, 40.0, 20.0, 16.0), (50.0, 50.0, 40.0, 20.0, 180.0),
        (50.0, 50.0, 40.0, 20.0, -90.0 - 25.0), (73.0, 50.0, 40.0, 20.0, 0.0), (75.0, 50.0, 40.0, 20.0, 0.0),
    )  # fmt: skip
    # Shifted along by d the index is (40 - d) / (40 + d): above 1/4 up to 24.
    assert match_jaccard(grasps, truths).tolist() == [True, False, True, True, True, False]


def test_without_truths_or_grasps_nothing_is_good() -> None:
    some = boxes((50.0, 50.0, 40.0, 20.0, 14.0))
    assert match_jaccard(some, boxes()).tolist() == [False]
    assert match_jaccard(boxes(), some).tolist() == []
    found = match_angles(boxes(), ANCHORS, ROWS, COLUMNS)
    assert (len(found.positive), len(found.ignored)) == (0, ROWS * COLUMNS * K)
