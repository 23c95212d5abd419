"""The networks are the paper's: kernels, sizes, and maps that lie over the image as they should."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn

from detectors.fcn.maps import Maps
from detectors.fcn.network import LAYOUTS, FcnConfig, FcnNetwork
from detectors.fcn.weights import folded
from robot.errors import SettingsError
from tests.detectors.fcn.bars import as_if_trained

BOTH = pytest.mark.parametrize("layout", sorted(LAYOUTS))
Conv = nn.Conv2d | nn.ConvTranspose2d


@functools.cache
def network(layout: str, angle: str = "double", channels: int = 1) -> FcnNetwork:
    made = as_if_trained("fcn", {"layout": layout, "angle": angle, "channels": channels})
    assert isinstance(made, FcnNetwork)
    return made


@torch.inference_mode()
def stacked(one: nn.Module, image: torch.Tensor) -> torch.Tensor:
    """(B, 4, H, W) all maps."""
    maps: Maps = one(image)
    return torch.cat([maps.quality[:, None], maps.width[:, None], maps.angle], dim=1)


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def convs(module: nn.Module) -> list[Conv]:
    return [one for one in module.modules() if isinstance(one, Conv)]


@BOTH
@pytest.mark.parametrize("size", [(1, 1), (33, 57), (64, 48), (101, 16)])
def test_the_maps_are_as_large_as_the_image_whatever_its_size(layout: str, size: tuple[int, int]) -> None:
    assert stacked(network(layout), noise(2, 1, *size)).shape == (2, 4, *size)


@BOTH
def test_the_kernels_are_the_papers(layout: str) -> None:
    one = network(layout)
    down = [{conv.kernel_size for conv in convs(stage)} for stage in one.down]
    assert down == [{(k, k)} for k in (9, 5, 3, 3, 3, 3)]
    up = [{conv.kernel_size for conv in convs(stage)} for stage in one.up]
    assert [*up, {one.maps.kernel_size}] == [{(k, k)} for k in (3, 3, 3, 5, 9, 5)]
    assert {conv.kernel_size for conv in convs(one.across)} == {(3, 3)}


@BOTH
def test_every_convolution_but_the_last_is_normalised(layout: str) -> None:
    one = network(layout)
    norms = [module.num_features for module in one.modules() if isinstance(module, nn.BatchNorm2d)]
    assert sorted(norms) == sorted(conv.out_channels for conv in convs(one) if conv is not one.maps)


@BOTH
def test_the_decoder_is_transposed_and_joined_with_the_encoder_four_times(layout: str) -> None:
    one = network(layout)
    assert all(isinstance(convs(stage)[0], nn.ConvTranspose2d) for stage in one.up)
    assert not any(isinstance(conv, nn.ConvTranspose2d) for conv in convs(one.down))
    assert len(one.across) == 4


def test_the_full_network_is_paired_and_as_large_as_the_papers() -> None:
    one = network("full")
    assert {len(convs(stage)) for stage in (*one.down, *one.up)} == {2}
    megabytes = sum(value.numel() * 4 for value in one.state_dict().values() if value.is_floating_point()) / 1e6
    assert 0.9 * 35 <= megabytes <= 1.1 * 35


def test_the_fast_network_is_small_and_has_one_convolution_where_the_other_has_two() -> None:
    one = network("fast")
    assert {len(convs(stage)) for stage in (*one.down, *one.up)} == {1}
    assert one.parameter_count == sum(parameter.numel() for parameter in one.parameters()) < 1_000_000


@pytest.mark.parametrize(("layout", "size", "edge"), [("fast", 384, 128), ("full", 320, 112)])
def test_an_image_shifted_by_the_stride_has_its_maps_shifted(layout: str, size: int, edge: int) -> None:
    whole = noise(1, 1, size + 16, size + 16)
    one, other = (stacked(network(layout), part) for part in (whole[..., :size, :size], whole[..., 16:, 16:]))
    shifted, plain = one[..., edge + 16 : size - edge, edge + 16 : size - edge], other[..., edge:, edge:]
    plain = plain[..., : shifted.shape[-2], : shifted.shape[-1]]
    assert shifted.shape[-1] >= 64
    here = one[..., edge : edge + plain.shape[-2], edge : edge + plain.shape[-1]]
    unshifted = float((here - plain).abs().mean())
    assert unshifted > 1e-3, "the maps are not the same everywhere"
    assert float((shifted - plain).abs().mean()) < 0.05 * unshifted


def test_what_is_seen_at_one_place_is_answered_there() -> None:
    """A change of the picture changes the maps about it the most: they are not shifted against it."""
    change, plain = torch.zeros(128, 128), torch.zeros(1, 1, 128, 128)
    spot = plain.clone()
    spot[0, 0, 76:84, 44:52] = 1.0
    for seed in range(6):  # whatever the weights
        one = as_if_trained("fcn", {"layout": "fast"}, seed)
        change += (stacked(one, spot) - stacked(one, plain))[0].abs().sum(dim=0)
    weight, place = change / change.sum(), torch.arange(128)
    assert float((weight.sum(dim=1) * place).sum()) == pytest.approx(79.5, abs=3.0)
    assert float((weight.sum(dim=0) * place).sum()) == pytest.approx(47.5, abs=3.0)


@BOTH
def test_folding_the_normalisation_changes_no_answer(layout: str) -> None:
    one, seen = as_if_trained("fcn", {"layout": layout}, seed=3), noise(2, 1, 48, 64)
    count, before = one.parameter_count, stacked(one, seen)
    same = folded(one)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in same.modules())
    assert float(before.std()) > 1e-3
    torch.testing.assert_close(stacked(same, seen), before, atol=2e-4, rtol=1e-3)
    assert same.parameter_count == count


@pytest.mark.parametrize(("angle", "count"), [("double", 2), ("raw", 1)])
def test_the_form_of_the_angle_decides_how_many_maps_there_are(angle: str, count: int) -> None:
    maps = network("fast", angle)(noise(1, 1, 32, 32))
    assert maps.angle.shape == (1, count, 32, 32)
    assert maps.quality.shape == maps.width.shape == maps.angle_rad().shape == (1, 32, 32)


def test_colour_has_three_channels() -> None:
    assert stacked(network("fast", channels=3), noise(1, 3, 32, 32)).shape == (1, 4, 32, 32)
    with pytest.raises(RuntimeError, match="3 channels"):
        network("fast", channels=3)(noise(1, 1, 32, 32))


def test_a_layout_that_is_not_there_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"unknown layout 'ful'.*did you mean 'full'\? known: fast, full"):
        FcnConfig("ful")


def test_a_form_of_the_angle_that_is_not_there_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"unknown angle form 'sine'.*known: double, raw"):
        FcnConfig(angle="sine")  # type: ignore[arg-type]


def test_the_configuration_builds_the_same_network_again() -> None:
    config = FcnConfig("fast", "raw", 3)
    assert FcnConfig(**config.to_json()) == config
