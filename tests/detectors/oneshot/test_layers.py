from __future__ import annotations

import pytest
import torch

from detectors.gqcnn.network import folded
from detectors.oneshot.layers import BACKBONES, HeatMap, Numbers, encoder
from robot.errors import SettingsError
from tests.detectors.oneshot.bars import TINY, small_networks


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (16, 48), (128, 80)])
def test_a_heat_map_has_a_logit_for_every_fourth_pixel_of_any_view(rows: int, columns: int) -> None:
    network = HeatMap(encoder(TINY)).eval()
    assert network(torch.zeros(2, 1, rows, columns)).shape == (2, rows // 4, columns // 4)


def test_the_maps_are_at_a_quarter_an_eighth_and_a_sixteenth() -> None:
    maps = encoder(TINY).eval()(torch.zeros(1, 1, 64, 32))
    assert [tuple(one.shape[2:]) for one in maps] == [(16, 8), (8, 4), (4, 2)]


def test_what_is_seen_at_one_place_is_answered_there() -> None:
    """The map lies over the view as it should: a change of the picture changes the logits about it the most."""
    change = torch.zeros(16, 16)
    for seed in range(8):  # whatever the weights
        torch.manual_seed(seed)
        network, plain = HeatMap(encoder(TINY)).eval(), torch.zeros(1, 1, 64, 64)
        spot = plain.clone()
        spot[0, 0, 40:44, 20:24] = 1.0
        change += (network(spot) - network(plain))[0].detach().abs()
    weight = change / change.sum()
    assert float((weight.sum(dim=1) * torch.arange(16)).sum()) == pytest.approx(10, abs=1)
    assert float((weight.sum(dim=0) * torch.arange(16)).sum()) == pytest.approx(5, abs=1)


@pytest.mark.parametrize("make", [lambda: HeatMap(encoder(TINY)), lambda: Numbers(encoder(TINY), 64, 3)])
def test_folding_the_normalisation_changes_no_answer(make) -> None:
    torch.manual_seed(0)
    network, seen = make(), torch.randn(4, 1, 64, 64)
    network(3 * seen + 1)  # so that the normalisation has seen something
    before = network.eval()(seen).detach()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded(network).modules())
    torch.testing.assert_close(network(seen).detach(), before, atol=1e-4, rtol=1e-4)


def test_an_unknown_backbone_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"unknown backbone 'medum'.*medium"):
        encoder("medum")


def test_the_papers_backbone_is_there() -> None:
    assert "resnet34" in BACKBONES
    blocks = [len(stage) for stage in encoder("resnet34").stages]
    assert blocks == [3, 4, 6]
