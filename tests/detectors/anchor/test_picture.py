"""The scores for the eye: each cell has the colour of its best anchor, and the best predictions are drawn."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.anchor.anchors import Anchors
from detectors.anchor.picture import draw_scores

Rgb = NDArray[np.uint8]
Scores = NDArray[np.float64]
VIEW = np.full((256, 256, 3), 90, np.uint8)
GRID = Anchors(50.0, 20.0).grid(16, 16).numpy()
CORNERS = ((22, 160 + 6), (22, 160 + 262 + 6), (284 + 22, 160 + 6), (284 + 22, 160 + 262 + 6))
"""Of the four tiles of 256 pixels: the view, its ten best, the primary and the final score."""


def tiles(primary: Scores, final: Scores) -> list[Rgb]:
    overlay = np.zeros((120, 160, 3), np.uint8)
    drawn = draw_scores(overlay, VIEW, GRID, primary, final)
    assert drawn.dtype == np.uint8
    assert (drawn[:120, :160] == 0).all()
    return [drawn[row : row + 256, column : column + 256] for row, column in CORNERS]


def scores(place: int) -> Scores:
    """1 at an anchor, else 0."""
    return np.asarray(np.eye(1, len(GRID), place)[0])


def test_the_score_of_a_cells_best_anchor_is_drawn_where_the_cell_lies() -> None:
    one, other = scores((3 * 16 + 12) * 6 + 2), scores((9 * 16 + 5) * 6 + 4)
    shown, best, primary, final = tiles(one, other)
    assert (shown == 90).all()
    for drawn, row, column in ((primary, 3, 12), (final, 9, 5)):
        ground = drawn[0, 0]
        rows, columns = np.nonzero((drawn != ground).any(axis=2))
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (
            16 * row, 16 * row + 15, 16 * column, 16 * column + 15
        )  # fmt: skip
    green = best[..., 1] > 150
    x, y = GRID[(9 * 16 + 5) * 6 + 4, :2]
    rows, columns = np.nonzero(green)
    assert (columns.mean(), rows.mean()) == pytest.approx((x, y), abs=3.0), "the best by the final score"
    assert np.hypot(columns - x, rows - y).max() < 30


def test_what_was_given_is_left_as_it_was() -> None:
    tiles(scores(7), scores(8))
    assert (VIEW == 90).all()


def test_predictions_of_any_size_are_drawn() -> None:
    wild = GRID.copy()
    wild[:, 2] = np.linspace(0, 3000, len(wild))
    wild[:, :2] += np.linspace(-20_000, 20_000, len(wild))[:, None]
    draw_scores(np.zeros((10, 10, 3), np.uint8), VIEW, wild, scores(0), np.linspace(0, 1, len(wild)))
