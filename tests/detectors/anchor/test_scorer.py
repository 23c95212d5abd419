"""The scorer, done as the paper draws it: box by box, for one anchor after the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from detectors.anchor.scorer import Scorer


def drawn(scorer: Scorer, features: Tensor, deltas: Tensor, place: int) -> Tensor:
    """(2,) figure 3 of the paper for one anchor of one image (C, rows, columns): every step as it stands there."""
    cell, orientation = divmod(place, scorer.orientations)
    row, column = divmod(cell, features.shape[2])
    image_vector = []
    for channel in range(scorer.surroundings.out_channels):
        for y in (row - 1, row, row + 1):
            for x in (column - 1, column, column + 1):
                if 0 <= y < features.shape[1] and 0 <= x < features.shape[2]:
                    weight = scorer.surroundings.weight[channel, :, 0, 0]
                    value = weight @ features[:, y, x] + scorer.surroundings.bias[channel]  # type: ignore[index]
                    image_vector.append(functional.leaky_relu(value, 0.1))
                else:
                    image_vector.append(torch.zeros((), dtype=features.dtype))
    encoded = torch.zeros(5 * scorer.orientations, dtype=features.dtype)
    encoded[5 * orientation : 5 * orientation + 5] = deltas
    told = functional.leaky_relu(scorer.deformation(encoded), 0.1)
    joined = functional.leaky_relu(scorer.joined(torch.cat([torch.stack(image_vector), told])), 0.1)
    found: Tensor = scorer.verdict(joined)
    return found


@pytest.mark.parametrize("k", [6, 1])
def test_every_anchor_is_scored_as_the_paper_draws_it(k: int) -> None:
    torch.manual_seed(3)
    scorer = Scorer(7, k, 11).double()
    features = torch.randn(2, 7, 3, 4, dtype=torch.float64)
    places = 3 * 4 * k
    deltas = torch.randn(2, places, 5, dtype=torch.float64)
    image, place = torch.arange(2).repeat_interleave(places), torch.arange(places).repeat(2)
    with torch.no_grad():
        found = scorer(features, deltas.reshape(-1, 5), image, place).reshape(2, places, 2)
        expected = torch.stack([
            torch.stack([drawn(scorer, features[i], deltas[i, p], p) for p in range(places)]) for i in range(2)
        ])  # fmt: skip
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    assert float(expected.std(dim=1).min()) > 1e-3


def test_a_few_in_any_order_are_scored_as_among_all() -> None:
    torch.manual_seed(4)
    scorer, features = Scorer(5, 6, 9).double(), torch.randn(2, 5, 3, 3, dtype=torch.float64)
    deltas = torch.randn(2, 54, 5, dtype=torch.float64)
    everywhere = torch.arange(2).repeat_interleave(54), torch.arange(54).repeat(2)
    with torch.no_grad():
        whole = scorer(features, deltas.reshape(-1, 5), *everywhere).reshape(2, 54, 2)
        image, place = torch.tensor([1, 0, 1, 1]), torch.tensor([53, 0, 17, 4])
        few = scorer(features, deltas[image, place], image, place)
    torch.testing.assert_close(few, whole[image, place])


def test_another_deformation_of_the_same_place_is_scored_anew() -> None:
    """Which the primary score cannot do."""
    torch.manual_seed(5)
    scorer, features = Scorer(5, 6, 9), torch.randn(1, 5, 3, 3)
    twice = torch.zeros(2, dtype=torch.long)
    found = scorer(features, torch.randn(2, 5), twice, twice + 8)
    assert not torch.allclose(found[0], found[1])
