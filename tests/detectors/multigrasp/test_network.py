"""A grid of grasps: what stands for one in its cell gives it; the most probable cell answers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from detectors.multigrasp.learner import MultiGraspLearner
from detectors.multigrasp.network import CELL_M, MultiGrasp, MultiGraspConfig
from detectors.oneshot.batches import Batch, make_batch
from detectors.oneshot.decoding import HEIGHT_MEAN_M, HEIGHT_UNIT_M
from detectors.oneshot.detector import Looked
from detectors.oneshot.looking import see
from detectors.oneshot.recipe import Stage
from detectors.oneshot.settings import FAR_STEP_M
from tests.detectors.oneshot.bars import GRASPS, TINY, prepared_bars, small_networks
from tests.detectors.oneshot.images import first_view, smooth_image

GAMMA_M, GRID = 0.1, 8
SCENES = prepared_bars(4)
SEEDS = st.integers(0, 2**32 - 1)
NETWORK = MultiGrasp(MultiGraspConfig("small", GAMMA_M))
Target = tuple[Tensor, Tensor, Tensor, Tensor]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


def make() -> MultiGrasp:
    torch.manual_seed(0)
    return MultiGrasp(MultiGraspConfig(TINY, GAMMA_M)).eval()


def bars(seed: int, count: int = 1) -> Batch:
    """With ``count`` of the grasps that hold."""
    rng, rows = np.random.default_rng(seed), np.arange(4)
    return make_batch(SCENES, rows, rows[:, None] * GRASPS + rng.integers(0, 4, (4, count)), rng, True)


def targets(batch: Batch) -> Target:
    return batch.offset_in(batch.views), batch.angle_in(batch.views), batch.width_m, batch.height_m()


def encoded(target: Target) -> tuple[Tensor, Tensor]:
    """Raw outputs (B, 8, 8, 7) that stand for the first grasp of each image, and the cells (B, 1) they lie in."""
    offset, angle, width, height = (column[:, 0] for column in target)
    place = offset / CELL_M + (GRID - 1) / 2
    cell = place.round()
    direction = torch.stack([torch.sin(2 * angle), torch.cos(2 * angle)], dim=-1)
    sizes = torch.log((width + 0.060) / GAMMA_M), (height - HEIGHT_MEAN_M) / HEIGHT_UNIT_M
    numbers = torch.cat(
        [torch.full((len(cell), 1), 12.0), torch.logit((place - cell) * 0.9999 + 0.5),
         torch.logit(0.5 + 0.49999 * direction), torch.stack(sizes, dim=-1)], dim=-1,
    )  # fmt: skip
    raw = torch.full((len(cell), GRID, GRID, 7), -12.0)
    index = (cell[:, 1] * GRID + cell[:, 0]).long()
    raw.view(len(cell), -1, 7)[torch.arange(len(cell)), index] = numbers
    return raw, index[:, None]


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_what_stands_for_a_grasp_gives_it_in_any_view(seed: int) -> None:
    batch = bars(seed)
    raw, cell = encoded(targets(batch))
    assert torch.equal(NETWORK.best(raw, 1), cell)
    found = NETWORK.grasps(batch.images, batch.views, raw, cell)
    torch.testing.assert_close(found.pixels, batch.pixels, atol=0.02, rtol=0)
    torch.testing.assert_close(found.depth_m, batch.depth_m, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.width_m, batch.width_m, atol=1e-5, rtol=0)
    turned = (found.angle_rad - batch.angle_rad).numpy()
    assert np.abs((turned + math.pi / 2) % math.pi - math.pi / 2).max() < 2e-3


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(0, 6))
def test_the_loss_is_nought_at_the_target_and_nowhere_beside_it(seed: int, column: int) -> None:
    target = targets(bars(seed))
    raw, cell = encoded(target)
    assert float(NETWORK.loss(raw, *target)) < 1e-3
    rows = raw.view(4, -1, 7)[torch.arange(4), cell[:, 0]]
    if column == 0:
        rows[:, 0] = -12.0
    elif column in (3, 4):
        rows[:, 3:5] *= -1
    else:
        rows[:, column] += 0.8
    raw.view(4, -1, 7)[torch.arange(4), cell[:, 0]] = rows
    assert float(NETWORK.loss(raw, *target)) > 0.005


def test_a_cell_that_claims_a_grasp_where_none_is_costs() -> None:
    target = targets(bars(0))
    raw, cell = encoded(target)
    raw[:, :, :, 0].view(4, -1)[torch.arange(4), (cell[:, 0] + 9) % 64] = 12.0
    assert float(NETWORK.loss(raw, *target)) == pytest.approx(1.0, abs=1e-3)


def test_several_targets_each_claim_their_cell_and_share_the_rest_of_the_loss() -> None:
    batch = bars(3, count=5)
    raw = torch.randn(4, GRID, GRID, 7, generator=torch.Generator().manual_seed(0))
    target = targets(batch)
    singly = [NETWORK.loss(raw, *(column[:, place : place + 1] for column in target)) for place in range(5)]
    nothing = torch.sigmoid(raw[..., 0]).square().sum(dim=(1, 2))

    def claimed(places: list[int]) -> Tensor:
        """What the probabilities alone cost."""
        cells = [set() for _ in range(4)]
        for image in range(4):
            for place in places:
                x, y = (target[0][image, place] / CELL_M + (GRID - 1) / 2).round().tolist()
                cells[image].add((int(y), int(x)))
        change = [
            sum((1 - float(p)) ** 2 - float(p) ** 2 for p in (torch.sigmoid(raw[i, y, x, 0]) for y, x in cells[i]))
            for i in range(4)
        ]
        return (nothing + torch.tensor(change)).mean()

    rest = [one - claimed([place]) for place, one in enumerate(singly)]
    expected = claimed(list(range(5))) + torch.stack(rest).mean()
    torch.testing.assert_close(NETWORK.loss(raw, *target), expected, atol=1e-4, rtol=1e-4)


def test_targets_beyond_the_view_claim_no_cell() -> None:
    offset, angle, width, height = targets(bars(0, count=2))
    raw = torch.randn(4, GRID, GRID, 7, generator=torch.Generator().manual_seed(0))
    seen = offset[:, :1], angle[:, :1], width[:, :1], height[:, :1]
    offset[:, 1] = torch.tensor([0.0, 0.5])
    torch.testing.assert_close(NETWORK.loss(raw, offset, angle, width, height), NETWORK.loss(raw, *seen))
    edge = offset.clone()
    edge[:, 1] = torch.tensor([0.0, 0.190])
    assert not torch.allclose(NETWORK.loss(raw, edge, angle, width, height), NETWORK.loss(raw, *seen))


def test_the_learner_asks_for_five_targets_and_predicts_the_most_probable_cell() -> None:
    network = make()
    learner = MultiGraspLearner(network)
    assert learner.targets == 5
    batch = bars(1, count=learner.targets)
    found = learner.losses(batch, Stage(1, 1.0, 1e-3, True), torch.Generator())
    raw = network.raw(batch.images, batch.views)
    assert raw.shape == (4, GRID, GRID, 7)
    torch.testing.assert_close(found["loss"], network.loss(raw, *targets(batch)))
    predicted = learner.predict(batch)
    best = raw[..., 0].flatten(1).argmax(dim=1, keepdim=True)
    torch.testing.assert_close(predicted.pixels, network.grasps(batch.images, batch.views, raw, best).pixels)
    found["loss"].backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_cells_are_asked_for_best_first_and_no_more_than_there_are() -> None:
    raw = torch.randn(1, 2, 3, 7, generator=torch.Generator().manual_seed(0))
    cells = NETWORK.best(raw, 99)[0]
    assert len(set(cells.tolist())) == 6
    probability = raw[0, ..., 0].flatten()[cells]
    assert (probability[:-1] >= probability[1:]).all()


def looked_at(allowed: np.ndarray) -> Looked:
    images = smooth_image(dtype=torch.float32)
    views, shape = first_view(images), (allowed.shape[0] * 4, allowed.shape[1] * 4)
    return Looked(images, views, shape, see(images, views, shape, FAR_STEP_M), allowed)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (9, 5), (19, 27), (10, 14)])
def test_only_cells_with_an_allowed_place_are_proposed(row: int, column: int) -> None:
    allowed = np.zeros((20, 28), dtype=bool)
    allowed[row, column] = True
    looked = looked_at(allowed)
    with torch.no_grad():
        found = make().propose(looked, 1).pixels[0, 0]
    metres = (found - looked.views.centre_px[0, 0]) * looked.views.distance_m[0, 0] / looked.images.camera[0, :2]
    x, y = (metres / CELL_M).tolist()
    assert abs(x + 3 - column // 4) <= 0.5 + 1e-3
    assert abs(y + 2 - row // 4) <= 0.5 + 1e-3


def test_several_cells_are_proposed_in_order_of_their_probability() -> None:
    network, looked = make(), looked_at(np.ones((32, 32), dtype=bool))
    with torch.no_grad():
        three, raw = network.propose(looked, 3), network.cells(looked.far)
        expected = network.grasps(looked.images, looked.views, raw, network.best(raw, 3))
    torch.testing.assert_close(three.pixels, expected.pixels)
    assert three.pixels.shape == (1, 3, 2)


def test_its_grid_is_as_large_as_the_view_and_its_configuration_json() -> None:
    assert make().any_size
    assert make().cells(torch.zeros(1, 1, 64, 160)).shape == (1, 4, 10, 7)
    assert make().parameter_count == sum(parameter.numel() for parameter in make().parameters())
    config = MultiGraspConfig("medium", 0.12)
    assert MultiGraspConfig(**config.to_json()) == config
