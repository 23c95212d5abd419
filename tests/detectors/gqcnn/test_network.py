from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from detectors.gqcnn.crop import network_input
from detectors.gqcnn.network import GraspQualityNetwork, NetworkConfig, build_network, folded
from robot.errors import SettingsError

ALL = ("dexnet2", "medium", "small")


def make(architecture: str, seed: int = 0) -> GraspQualityNetwork:
    torch.manual_seed(seed)
    return build_network(NetworkConfig(architecture))


def inputs(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(seed)
    return torch.randn(count, 1, 32, 32, generator=dice), torch.randn(count, 2, generator=dice)


def with_lived_in_norms(network: GraspQualityNetwork) -> GraspQualityNetwork:
    """Batch normalisation as after training: no longer zero mean, unit variance, unit scale."""
    dice = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in ((module.weight, 0.5, 2), (module.bias, -1, 1), (module.running_mean, -1, 1)):
                tensor.data.copy_(low + (high - low) * torch.rand(tensor.shape, generator=dice))
            module.running_var.copy_(0.5 + torch.rand(module.running_var.shape, generator=dice))
    return network.eval()


@pytest.mark.parametrize(
    ("name", "low", "high"), [("dexnet2", 17.5e6, 18.5e6), ("medium", 0.8e6, 1.5e6), ("small", 0.18e6, 0.23e6)]
)
def test_they_are_as_large_as_stated(name: str, low: float, high: float) -> None:
    assert low < make(name).parameter_count < high


@pytest.mark.parametrize("name", ALL)
def test_one_logit_a_grasp(name: str) -> None:
    logits = make(name).eval()(*inputs(3))
    assert logits.shape == (3,)
    assert torch.isfinite(logits).all()
    assert logits.std() > 0


def test_the_published_layers() -> None:
    layers = [m for m in make("dexnet2").modules() if isinstance(m, nn.Conv2d | nn.Linear | nn.LocalResponseNorm)]
    shapes = [tuple(m.weight.shape) for m in layers if not isinstance(m, nn.LocalResponseNorm)]
    assert shapes == [
        (64, 1, 7, 7), (64, 64, 5, 5), (64, 64, 3, 3), (64, 64, 3, 3), (1024, 16384), (16, 2), (1024, 1040), (2, 1024),
    ]  # fmt: skip
    assert sum(isinstance(m, nn.LocalResponseNorm) for m in layers) == 2


def test_two_outputs_are_a_softmax() -> None:
    network = make("dexnet2").eval()
    images, poses = inputs(2)
    both = network.merge(torch.cat([network.image(images), network.pose(poses)], dim=1))
    expected = torch.softmax(both, dim=1)[:, 1]
    torch.testing.assert_close(torch.sigmoid(network.success_logit(images, poses)), expected)


@pytest.mark.parametrize("name", ["medium", "small"])
def test_folding_changes_nothing_but_the_layers(name: str) -> None:
    network = with_lived_in_norms(make(name))
    with torch.no_grad():
        before = network(*inputs(5))
        assert sum(isinstance(m, nn.BatchNorm2d) for m in network.modules()) >= 5
        after = folded(network)(*inputs(5))
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in network.modules())


@pytest.mark.parametrize("name", ALL)
def test_rescaling_the_logit(name: str) -> None:
    network = make(name).eval()
    with torch.no_grad():
        before = network(*inputs(4))
        network.rescale_logit(1.7, -0.4)
        torch.testing.assert_close(network(*inputs(4)), 1.7 * before - 0.4, rtol=1e-4, atol=1e-4)


def test_prediction_goes_from_metres_to_probabilities_in_any_number() -> None:
    rng = np.random.default_rng(0)
    crops, depth, width = (
        rng.uniform(0.6, 0.7, (450, 32, 32)).astype("f4"),
        rng.uniform(0.6, 0.7, 450),
        np.full(450, 0.05),
    )
    network = make("small").eval()
    found = network.predict(crops, depth, width)
    images, poses = (torch.from_numpy(part) for part in network_input(crops, depth, width))
    with torch.no_grad():
        expected = torch.sigmoid(network(images, poses))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert network.predict(crops[:0], depth[:0], width[:0]).shape == (0,)


@pytest.mark.parametrize("name", ["medium", "small"])
def test_the_gradient_towards_the_crop_is_right(name: str) -> None:
    """Against finite differences in double precision: a later network climbs this gradient."""
    network = with_lived_in_norms(make(name)).double()
    rng = np.random.default_rng(3)
    crop = torch.tensor(rng.uniform(0.62, 0.69, (1, 32, 32)), requires_grad=True)
    depth = torch.tensor([0.655], dtype=torch.float64, requires_grad=True)
    width = torch.tensor([0.05], dtype=torch.float64, requires_grad=True)

    def loss(crop: torch.Tensor, depth: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
        logit = network.success_logit(*network_input(crop, depth, width))
        return nn.functional.binary_cross_entropy_with_logits(logit, torch.ones_like(logit))

    loss(crop, depth, width).backward()
    assert crop.grad.abs().max() > 1e-6
    assert torch.count_nonzero(crop.grad) > 500
    for value, gradient in ((crop, crop.grad), (depth, depth.grad), (width, width.grad)):
        direction = torch.tensor(rng.normal(size=tuple(value.shape)))
        step = 1e-8 * direction
        others = {id(crop): crop, id(depth): depth, id(width): width}

        def at(sign: int, moved: int = id(value), step: torch.Tensor = step, others: dict = others) -> torch.Tensor:
            with torch.no_grad():
                return loss(*(o + sign * step if key == moved else o for key, o in others.items()))

        numeric = float(at(1) - at(-1)) / 2e-8
        assert numeric == pytest.approx(float((gradient * direction).sum()), rel=1e-4, abs=1e-7)


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(SettingsError, match="did you mean 'medium'"):
        NetworkConfig("mediun")
    with pytest.raises(SettingsError, match="dropout"):
        NetworkConfig("small", dropout=1.0)
