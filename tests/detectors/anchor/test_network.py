"""The network's parts have the paper's sizes, and its answers the order of the anchors."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from detectors.anchor.backbone import CHANNELS, make_backbone
from detectors.anchor.network import AnchorConfig, AnchorNetwork
from robot.errors import SettingsError
from tests.detectors.anchor.bars import TINY, tiny_backbone, tiny_network


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_backbone(monkeypatch)


def test_with_resnet50_it_is_the_papers() -> None:
    torch.manual_seed(0)
    network = AnchorNetwork(AnchorConfig("resnet50", True, 91.0, 26.0)).eval()
    with torch.inference_mode():
        found = network(torch.randn(1, 3, 320, 320))
    assert found.features.shape == (1, 1024, 20, 20)
    assert found.primary.shape == (1, 20 * 20 * 6, 2)
    assert found.deltas.shape == (1, 20 * 20 * 6, 5)
    assert found.grid == (20, 20)
    scorer = network.scorer
    assert scorer is not None
    assert scorer.surroundings.weight.shape == (1024, 1024, 1, 1)
    assert 9 * scorer.surroundings.out_channels == 9216
    assert (scorer.deformation.in_features, scorer.deformation.out_features) == (30, 512)
    assert scorer.joined.in_features == 9728
    assert scorer.verdict.out_features == 2


def test_resnet50_has_the_weights_of_the_published_one_up_to_its_fourth_block() -> None:
    """25,557,032 in all, of which the fifth block has 14,964,736 and the classifier 2,049,000."""
    assert sum(p.numel() for p in make_backbone("resnet50").parameters()) == 25_557_032 - 14_964_736 - 2_049_000


@pytest.mark.parametrize("shape", [(320, 320), (48, 80), (16, 16)])
def test_the_small_one_strides_sixteen_too(shape: tuple[int, int]) -> None:
    features = make_backbone("small").eval()(torch.zeros(1, 3, *shape))
    assert features.shape == (1, CHANNELS["small"], shape[0] // 16, shape[1] // 16)


@pytest.mark.parametrize("scorer", [True, False])
def test_answers_are_in_the_order_of_the_grid(scorer: bool) -> None:
    """A head that speaks of one cell alone, in one orientation alone, is heard at that anchor."""
    network = tiny_network(scorer=scorer).eval()
    with torch.no_grad():
        for head, orientation in ((network.primary, 4), (network.regression, 2)):
            head.weight.zero_()
            nn.init.zeros_(head.get_parameter("bias"))
            size = head.out_channels // 6
            head.weight[orientation * size + 1, :, 1, 1] = 1.0
        found = network(torch.randn(2, 3, 48, 80))
    assert found.grid == (3, 5)
    primary, deltas = found.primary.reshape(2, 3, 5, 6, 2), found.deltas.reshape(2, 3, 5, 6, 5)
    seen = found.features.sum(dim=1)
    torch.testing.assert_close(primary[:, :, :, 4, 1], seen)
    torch.testing.assert_close(deltas[:, :, :, 2, 1], seen)
    assert float(primary.abs().sum()) == pytest.approx(float(seen.sum()), rel=1e-5)
    assert float(deltas.abs().sum()) == pytest.approx(float(seen.sum()), rel=1e-5)


def test_scores_are_probabilities_and_the_final_one_is_their_product() -> None:
    network = tiny_network().eval()
    assert network.scorer is not None
    with torch.inference_mode():
        found = network(torch.randn(2, 3, 48, 80))
        primary, scorer, final = network.scores(found)
        logits = network.scorer(found.features, found.deltas[1, 40:41], torch.tensor([1]), torch.tensor([40]))
    torch.testing.assert_close(primary, torch.softmax(found.primary, -1)[..., 1])
    assert final.shape == primary.shape == (2, 90)
    torch.testing.assert_close(final, primary * scorer)
    assert float(scorer[1, 40]) == pytest.approx(float(torch.softmax(logits, -1)[0, 1]), abs=1e-6)
    assert float((scorer - primary).abs().max()) > 1e-3


def test_without_a_scorer_the_primary_score_is_final() -> None:
    network = tiny_network(scorer=False).eval()
    assert network.scorer is None
    primary, scorer, final = network.scores(network(torch.randn(1, 3, 32, 32)))
    assert torch.equal(primary, final)
    assert torch.equal(primary, scorer)
    assert network.parameter_count < tiny_network().parameter_count


def test_a_description_comes_back_and_a_wrong_one_is_refused() -> None:
    config = AnchorConfig(TINY, True, 91.0, 26.0, 4)
    assert AnchorConfig.from_json(config.to_json()) == config
    with pytest.raises(SettingsError, match=r"unknown backbone 'resnet5'.*resnet50"):
        AnchorConfig("resnet5", True, 91.0, 26.0)
    with pytest.raises(ValueError, match="positive sides"):
        AnchorConfig("small", True, 0.0, 26.0)
