"""The baseline is GG-CNN as published."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from detectors.fcn.ggcnn import GgcnnConfig, GgcnnNetwork
from robot.errors import SettingsError

PUBLISHED_PARAMETERS = 62_420  # Morrison et al., section V-B


def network(seed: int = 0, **config: str | int) -> GgcnnNetwork:
    torch.manual_seed(seed)
    return GgcnnNetwork(GgcnnConfig(**config)).eval()  # type: ignore[arg-type]


def test_it_has_as_many_parameters_as_published() -> None:
    assert network().parameter_count == PUBLISHED_PARAMETERS


def test_kernels_strides_paddings_and_filters_are_the_published_ones() -> None:
    layers = [layer for layer in network().body if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    found = [(layer.kernel_size[0], layer.stride[0], layer.padding[0], layer.out_channels) for layer in layers]
    assert found == [(9, 3, 3, 32), (5, 2, 2, 16), (3, 2, 1, 8), (3, 2, 1, 8), (5, 2, 2, 16), (9, 3, 3, 32)]
    assert [isinstance(layer, nn.ConvTranspose2d) for layer in layers] == [False] * 3 + [True] * 3
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network().modules())


@pytest.mark.parametrize("size", [(1, 1), (33, 57), (48, 36), (101, 25)])
def test_the_maps_are_as_large_as_the_image_whatever_its_size(size: tuple[int, int]) -> None:
    maps = network()(torch.zeros(2, 1, *size))
    assert maps.quality.shape == maps.width.shape == (2, *size)
    assert maps.angle.shape == (2, 2, *size)


def test_what_is_seen_at_one_place_is_answered_there() -> None:
    change, plain = torch.zeros(96, 96), torch.zeros(1, 1, 96, 96)
    spot = plain.clone()
    spot[0, 0, 56:64, 30:38] = 1.0
    for seed in range(10):  # whatever the weights
        one = network(seed)
        change += (one(spot).quality - one(plain).quality)[0].detach().abs()
    weight, place = change / change.sum(), torch.arange(96)
    assert float((weight.sum(dim=1) * place).sum()) == pytest.approx(59.5, abs=2.5)
    assert float((weight.sum(dim=0) * place).sum()) == pytest.approx(33.5, abs=2.5)


def test_the_papers_own_raw_angle_and_colour_can_be_had_too() -> None:
    one = network(angle="raw", channels=3)
    assert one(torch.zeros(1, 3, 24, 24)).angle.shape == (1, 1, 24, 24)
    assert GgcnnConfig(**one.config.to_json()) == one.config


def test_a_form_of_the_angle_that_is_not_there_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"unknown angle form 'duble'.*did you mean 'double'\? known: double, raw"):
        GgcnnConfig(angle="duble")  # type: ignore[arg-type]
