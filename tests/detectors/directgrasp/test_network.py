"""One network, six numbers: a raw output that stands for a grasp gives it, and there the loss is nought."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from detectors.directgrasp.learner import DirectGraspLearner
from detectors.directgrasp.network import FIELD_M, DirectGrasp, DirectGraspConfig
from detectors.oneshot.batches import Batch, make_batch
from detectors.oneshot.decoding import HEIGHT_MEAN_M, HEIGHT_UNIT_M
from detectors.oneshot.recipe import Stage
from tests.detectors.oneshot.bars import GRASPS, TINY, prepared_bars, small_networks

GAMMA_M = 0.1
SCENES = prepared_bars(4)
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


def make() -> DirectGrasp:
    torch.manual_seed(0)
    return DirectGrasp(DirectGraspConfig(TINY, GAMMA_M)).eval()


def bars(seed: int) -> Batch:
    rng, rows = np.random.default_rng(seed), np.arange(4)
    return make_batch(SCENES, rows, rows[:, None] * GRASPS + rng.integers(0, 4, (4, 1)), rng, True)


def targets(batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    views = batch.views
    return batch.offset_in(views)[:, 0], batch.angle_in(views)[:, 0], batch.width_m[:, 0], batch.height_m()[:, 0]


def encoded(offset_m: Tensor, angle: Tensor, width_m: Tensor, height_m: Tensor) -> Tensor:
    """(B, 6) raw outputs that stand for grasps."""
    direction = torch.stack([torch.sin(2 * angle), torch.cos(2 * angle)], dim=-1)
    sizes = torch.log((width_m + 0.060) / GAMMA_M), (height_m - HEIGHT_MEAN_M) / HEIGHT_UNIT_M
    return torch.cat(
        [torch.logit(offset_m / FIELD_M + 0.5), torch.logit(0.5 + 0.49999 * direction), torch.stack(sizes, dim=-1)],
        dim=-1,
    )


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_what_stands_for_a_grasp_gives_it_in_any_view(seed: int) -> None:
    batch = bars(seed)
    found = NETWORK.grasps(batch.images, batch.views, encoded(*targets(batch)))
    torch.testing.assert_close(found.pixels, batch.pixels, atol=0.02, rtol=0)
    torch.testing.assert_close(found.depth_m, batch.depth_m, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.width_m, batch.width_m, atol=1e-5, rtol=0)
    turned = (found.angle_rad - batch.angle_rad).numpy()
    assert np.abs((turned + math.pi / 2) % math.pi - math.pi / 2).max() < 2e-3


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.integers(0, 5))
def test_the_loss_is_nought_at_the_target_and_nowhere_beside_it(seed: int, column: int) -> None:
    batch = bars(seed)
    raw = encoded(*targets(batch))
    assert float(NETWORK.loss(raw, *targets(batch))) < 1e-4
    raw[:, column] += 2.0 if column in (2, 3) else 0.3
    raw[:, 2:4] = -raw[:, 2:4] if column in (2, 3) else raw[:, 2:4]
    assert float(NETWORK.loss(raw, *targets(batch))) > 0.01


def test_half_a_turn_of_the_target_changes_no_loss() -> None:
    offset, angle, width, height = targets(bars(0))
    raw = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    here, there = (NETWORK.loss(raw, offset, angle + turn, width, height) for turn in (0.0, math.pi))
    torch.testing.assert_close(here, there)


def test_the_learner_asks_for_its_one_target_and_predicts_one_grasp() -> None:
    network, batch = make(), bars(1)
    learner = DirectGraspLearner(network)
    found = learner.losses(batch, Stage(1, 1.0, 1e-3, True), torch.Generator())
    raw = network.raw(batch.images, batch.views)
    assert raw.shape == (4, 6)
    torch.testing.assert_close(found["loss"], network.loss(raw, *targets(batch)))
    predicted = learner.predict(batch)
    torch.testing.assert_close(predicted.pixels, network.grasps(batch.images, batch.views, raw).pixels)
    assert predicted.depth_m.shape == (4, 1)
    found["loss"].backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_its_view_is_always_the_same_size_and_its_configuration_json() -> None:
    assert not make().any_size
    assert make().parameter_count == sum(parameter.numel() for parameter in make().parameters())
    config = DirectGraspConfig("medium", 0.12)
    assert DirectGraspConfig(**config.to_json()) == config


NETWORK = DirectGrasp(DirectGraspConfig("small", GAMMA_M))
