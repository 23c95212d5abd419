"""From raw outputs to places and angles and back: what is encoded is read off, and there the loss is least."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from detectors.gqstn.heads import (
    BINS,
    CELL_PX,
    PaperRotation,
    PaperTranslation,
    PeakRotation,
    PeakTranslation,
)

STEP_M, SIDE_PX = 0.003, 128
CELL_M = CELL_PX * STEP_M
FIELD_M = SIDE_PX * STEP_M
CELLS = SIDE_PX // CELL_PX
TRANSLATION, PAPER_TRANSLATION = (kind("small", STEP_M, SIDE_PX) for kind in (PeakTranslation, PaperTranslation))
ROTATION, PAPER_ROTATION = (kind("small", 64) for kind in (PeakRotation, PaperRotation))
LOW = -30.0
ANGLES = st.floats(-math.pi, math.pi)
INSIDE = st.floats(-FIELD_M / 2 + CELL_M, FIELD_M / 2 - CELL_M)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def between(count: int, place: float) -> Tensor:
    """(count,) weights of whole places whose mean is ``place``."""
    return (1 - (torch.arange(count, dtype=torch.float64) - place).abs()).clamp(min=0)


def map_of(x_m: float, y_m: float) -> Tensor:
    """(1, cells, cells) logits with all their weight on the cells about one place."""
    columns, rows = (between(CELLS, value / CELL_M + (CELLS - 1) / 2) for value in (x_m, y_m))
    return torch.log(rows[:, None] * columns + math.exp(LOW))[None]


def bins_of(angle: float) -> Tensor:
    """(1, 24) logits with all their weight on the directions about one angle."""
    place = ((angle + math.pi / 2) / (math.pi / BINS) - 0.5) % BINS
    away = (torch.arange(BINS, dtype=torch.float64) - place + BINS / 2) % BINS - BINS / 2
    return torch.log((1 - away.abs()).clamp(min=0) + math.exp(LOW))[None]


def offset(x_m: float, y_m: float) -> Tensor:
    return torch.tensor([[x_m, y_m]], dtype=torch.float64)


def value(head, raw: Tensor) -> np.ndarray:
    choice, _ = head.draw(raw, 1, None)
    return head.value(raw, choice)[0, 0].numpy()


def folded(angle: float) -> float:
    return abs(math.remainder(angle, math.pi))


@settings(deadline=None)
@given(x=INSIDE, y=INSIDE)
def test_a_place_is_read_off_to_a_fraction_of_its_cell(x: float, y: float) -> None:
    found = value(TRANSLATION, map_of(x, y))
    np.testing.assert_allclose(found, [x, y], atol=1e-6)


@pytest.mark.parametrize("cell", [0, 5, CELLS - 1, CELLS, CELLS * CELLS - 1, 17 * CELLS + 3])
def test_a_lonely_peak_is_the_middle_of_its_cell_even_at_the_edge(cell: int) -> None:
    raw = torch.full((1, CELLS * CELLS), LOW)
    raw[0, cell] = 30.0
    found = value(TRANSLATION, raw.reshape(1, CELLS, CELLS))
    row, column = divmod(cell, CELLS)
    middle_px = np.array([column, row]) * CELL_PX + (CELL_PX - 1) / 2 - (SIDE_PX - 1) / 2
    np.testing.assert_allclose(found, middle_px * STEP_M, atol=1e-6)


def test_maps_of_any_size_are_read_from_their_middle() -> None:
    raw = torch.full((1, 6, 20), LOW)
    raw[0, 2, 13] = 30.0
    np.testing.assert_allclose(value(TRANSLATION, raw), [3.5 * CELL_M, -0.5 * CELL_M], atol=1e-6)


def test_what_lies_further_off_than_two_cells_does_not_pull() -> None:
    raw = map_of(0.5 * CELL_M, 0.5 * CELL_M) + 20.0
    raw[0, 16, 19:] = 19.9
    np.testing.assert_allclose(value(TRANSLATION, raw), [0.5 * CELL_M, 0.5 * CELL_M], atol=1e-6)
    raw[0, 16, 18] = 19.9
    assert value(TRANSLATION, raw)[0] > 1.0 * CELL_M


@settings(deadline=None)
@given(x=INSIDE, y=INSIDE, along=ANGLES, far=st.floats(3, 10))
def test_the_loss_of_a_place_is_least_there(x: float, y: float, along: float, far: float) -> None:
    """Against the same map anywhere else in the view."""
    right = float(TRANSLATION.loss(map_of(x, y), offset(x, y)))
    limit = FIELD_M / 2 - CELL_M
    other = [max(-limit, min(limit, v + far * CELL_M * f(along))) for v, f in ((x, math.cos), (y, math.sin))]
    if math.dist(other, (x, y)) > 2.9 * CELL_M:
        assert float(TRANSLATION.loss(map_of(*other), offset(x, y))) > right + 1.0


@settings(deadline=None, max_examples=8)
@given(x=INSIDE, y=INSIDE)
def test_climbing_down_the_loss_leads_to_the_place(x: float, y: float) -> None:
    """To the right cell; what is left within it is the robustness loss's work."""
    raw = torch.zeros(1, CELLS, CELLS, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.3)
    for _ in range(30):
        optimizer.zero_grad()
        TRANSLATION.loss(raw, offset(x, y)).sum().backward()
        optimizer.step()
    assert math.dist(value(TRANSLATION, raw.detach()), (x, y)) < 0.75 * CELL_M


def test_a_place_beyond_the_view_is_its_nearest_cell() -> None:
    raw = torch.zeros(1, CELLS, CELLS)
    assert int(TRANSLATION.cell_of(raw, torch.tensor([[9.0, -9.0]]))) == CELLS - 1
    assert int(TRANSLATION.cell_of(raw, torch.tensor([[-9.0, 9.0]]))) == CELLS * (CELLS - 1)


@settings(deadline=None)
@given(angle=ANGLES)
def test_an_angle_is_read_off_between_the_directions(angle: float) -> None:
    assert folded(float(value(ROTATION, bins_of(angle))) - angle) < 1e-6


@settings(deadline=None)
@given(angle=ANGLES, raw_seed=st.integers(0, 1000))
@pytest.mark.parametrize("kind", ["peaks", "paper"])
def test_half_a_turn_changes_no_loss_of_an_angle(kind: str, angle: float, raw_seed: int) -> None:
    head = ROTATION if kind == "peaks" else PAPER_ROTATION
    raw = torch.randn(1, BINS if kind == "peaks" else 2, generator=torch.Generator().manual_seed(raw_seed)).double()
    place = angle / (math.pi / BINS)
    assume(abs(place - round(place)) > 1e-6)  # half-way between two directions either may be the nearest
    here, there = (float(head.loss(raw, torch.tensor([angle + turn], dtype=torch.float64))) for turn in (0.0, math.pi))
    assert here == pytest.approx(there, abs=1e-6)


@settings(deadline=None)
@given(angle=ANGLES, off=st.floats(math.pi / BINS, math.pi - math.pi / BINS))
def test_the_loss_of_an_angle_is_least_there(angle: float, off: float) -> None:
    target = torch.tensor([angle], dtype=torch.float64)
    right, wrong = (float(ROTATION.loss(bins_of(angle + turn), target)) for turn in (0.0, off))
    assert wrong > right + 0.03
    paper = torch.logit(0.5 + 0.4995 * torch.tensor([[math.sin(2 * angle), math.cos(2 * angle)]], dtype=torch.float64))
    assert folded(float(value(PAPER_ROTATION, paper)) - angle) < 1e-6
    assert float(PAPER_ROTATION.loss(paper, target)) < 1e-5 < float(PAPER_ROTATION.loss(paper, target + off))


@settings(deadline=None, max_examples=20)
@given(angle=ANGLES)
def test_climbing_down_the_loss_leads_to_the_angle(angle: float) -> None:
    raw = torch.zeros(1, BINS, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([raw], lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        ROTATION.loss(raw, torch.tensor([angle], dtype=torch.float64)).sum().backward()
        optimizer.step()
    assert folded(float(value(ROTATION, raw.detach())) - angle) < 0.05


@given(st.floats(-60, 60), st.floats(-60, 60))
def test_the_papers_translation_stays_within_half_the_view(x: float, y: float) -> None:
    found = value(PAPER_TRANSLATION, torch.tensor([[x, y]], dtype=torch.float64))
    assert (np.abs(found) <= FIELD_M / 2).all()
    np.testing.assert_allclose(found, [(1 / (1 + math.exp(-v)) - 0.5) * FIELD_M for v in (x, y)], atol=1e-9)


@given(INSIDE, INSIDE)
def test_the_papers_translation_reaches_every_place_and_its_loss_vanishes_there(x: float, y: float) -> None:
    raw = torch.logit(offset(x, y) / FIELD_M + 0.5)
    np.testing.assert_allclose(value(PAPER_TRANSLATION, raw), [x, y], atol=1e-9)
    assert float(PAPER_TRANSLATION.loss(raw, offset(x, y))) == pytest.approx(0.0, abs=1e-12)
    assert float(PAPER_TRANSLATION.loss(raw, offset(x + 0.01, y))) == pytest.approx(20 * (0.01 / FIELD_M) ** 2)


def test_the_papers_heads_have_one_choice_whatever_is_asked() -> None:
    for head in (PAPER_TRANSLATION, PAPER_ROTATION):
        choice, weight = head.draw(torch.zeros(3, 2), 5, torch.Generator())
        assert choice.shape == weight.shape == (3, 1)
        assert head.value(torch.zeros(3, 2), choice).shape[:2] == (3, 1)


def test_the_best_place_is_the_highest_logit() -> None:
    raw = torch.randn(5, 12, 9, generator=torch.Generator().manual_seed(0))
    choice, weight = TRANSLATION.draw(raw, 1, None)
    assert torch.equal(choice[:, 0], raw.flatten(1).argmax(dim=1))
    assert torch.equal(weight[:, 0], raw.flatten(1).amax(dim=1))


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 3))
def test_several_best_places_are_peaks_apart_from_each_other(seed: int, count: int) -> None:
    """Smooth maps, where the neighbours of the best cell are the next best."""
    raw = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    raw = torch.nn.functional.interpolate(raw, size=(32, 32), mode="bicubic")[:, 0]
    choice, weight = TRANSLATION.draw(raw, count, None)
    assert int(choice[0, 0]) == int(raw.argmax())
    assert (weight[0, :-1] >= weight[0, 1:]).all()
    assert torch.equal(weight[0], raw.flatten()[choice[0]])
    rows, columns = choice[0] // 32, choice[0] % 32
    for one in range(count):
        for other in range(one):
            assert max(abs(int(rows[one] - rows[other])), abs(int(columns[one] - columns[other]))) > 2


def test_without_peaks_the_next_best_would_be_a_neighbour() -> None:
    raw = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    raw = torch.nn.functional.interpolate(raw, size=(32, 32), mode="bicubic")[:, 0]
    plain, peaks = raw.flatten().topk(2).indices, TRANSLATION.draw(raw, 2, None)[0][0]
    assert int((plain[0] // 32 - plain[1] // 32).abs()) <= 1
    assert plain[0] == peaks[0]
    assert plain[1] != peaks[1]


@pytest.mark.parametrize("kind", ["places", "angles"])
def test_places_and_angles_are_drawn_by_their_weight_without_replacement(kind: str) -> None:
    """As often, and in the same pairs, as softmax weights say."""
    logits = torch.tensor([1.5, 0.5, 0.0, -0.5, -2.0, 1.0])
    many, p = 40_000, torch.softmax(logits, 0).numpy()
    raw = logits.expand(many, 6)
    head = TRANSLATION if kind == "places" else ROTATION
    shaped = raw.reshape(many, 2, 3) if kind == "places" else raw
    choice, weight = head.draw(shaped, 2, torch.Generator().manual_seed(0))
    assert torch.equal(weight, raw.gather(1, choice))
    assert (choice[:, 0] != choice[:, 1]).all()
    found = Counter(map(tuple, choice.tolist()))
    for first in range(6):
        for second in set(range(6)) - {first}:
            expected = p[first] * p[second] / (1 - p[first])
            assert found[first, second] / many == pytest.approx(expected, abs=4 * math.sqrt(expected / many) + 1e-4)


def test_the_dice_decide_what_is_drawn() -> None:
    raw = torch.zeros(4, 8, 8)
    one, same, other = (TRANSLATION.draw(raw, 3, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_no_more_is_drawn_than_there_is() -> None:
    assert TRANSLATION.draw(torch.zeros(1, 1, 2), 5, None)[0].shape == (1, 2)


@pytest.mark.parametrize("kind", ["peaks", "paper"])
def test_values_carry_gradients_into_the_raw_output(kind: str) -> None:
    dice = torch.Generator().manual_seed(0)
    if kind == "peaks":
        heads, shapes = (TRANSLATION, ROTATION), ((2, 6, 6), (2, BINS))
    else:
        heads, shapes = (PAPER_TRANSLATION, PAPER_ROTATION), ((2, 2), (2, 2))
    for head, shape in zip(heads, shapes, strict=True):
        raw = torch.randn(shape, generator=dice, dtype=torch.float64, requires_grad=True)
        choice, _ = head.draw(raw, 1, None)
        assert torch.autograd.gradcheck(lambda x, h=head, c=choice: h.value(x, c), (raw,))
        head.value(raw, choice).sum().backward()
        assert float(raw.grad.abs().max()) > 1e-6
