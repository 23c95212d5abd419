"""Weights come back as they were saved; whatever else lies there is refused by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from detectors.anchor import weights, weights_file, zhou_weights_file
from detectors.anchor.network import AnchorConfig, AnchorNetwork
from detectors.anchor.weights import begun_from, folded, load_for_training, load_weights, save_weights
from detectors.gqcnn.weights import round_weights
from detectors.gqcnn.weights_file import SHIPPED, card_path, file_sha256
from robot.errors import SettingsError
from tests.detectors.anchor.bars import TINY, as_if_trained, tiny_backbone, tiny_network

NAMES = pytest.mark.parametrize("name", ["anchor", "zhou"])


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_backbone(monkeypatch)


def make(name: str = "anchor", seed: int = 0) -> AnchorNetwork:
    network = as_if_trained(tiny_network(seed, scorer=name == "anchor"))
    round_weights(network)
    return network


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "weights" / "net.safetensors"
    save_weights(path, make(), {"seed": 3})
    return path


def saved_as(path: Path, name: str) -> Path:
    save_weights(path, make(name), {"seed": 3})
    return path


@NAMES
def test_what_was_rounded_comes_back_exactly(name: str, tmp_path: Path) -> None:
    network, training = load_for_training(saved_as(tmp_path / "net.safetensors", name), name)
    assert training == {"seed": 3}
    assert network.config == make(name).config
    expected = make(name).state_dict()
    assert network.state_dict().keys() == expected.keys()
    assert all(torch.equal(network.state_dict()[key], value) for key, value in expected.items())
    assert all(parameter.requires_grad for parameter in network.parameters())


@NAMES
def test_loaded_for_use_it_is_folded_and_frozen_and_answers_the_same(name: str, tmp_path: Path) -> None:
    network, trained = load_weights(saved_as(tmp_path / "net.safetensors", name), name), make(name)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert_alike(network, trained)


@pytest.mark.parametrize("backbone", ["small", "resnet50"])
def test_folding_changes_no_answer(backbone: str) -> None:
    torch.manual_seed(1)
    whole, other = (as_if_trained(AnchorNetwork(AnchorConfig(backbone, True, 90.0, 26.0)).eval()) for _ in range(2))
    other.load_state_dict(whole.state_dict())
    found = folded(other)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in found.modules())
    assert_alike(found, whole)


def assert_alike(network: AnchorNetwork, other: AnchorNetwork) -> None:
    image = torch.randn(1, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found, expected = network(image), other(image)
        scores = zip(network.scores(found), other.scores(expected), strict=True)
        assert float(expected.deltas.std()) > 1e-3
        for one, wanted in [(found.features, expected.features), (found.deltas, expected.deltas), *scores]:
            size = float(wanted.abs().max())
            torch.testing.assert_close(one / size, wanted / size, atol=1e-4, rtol=1e-4)


def test_the_same_weights_give_the_same_bytes_and_two_of_them_a_weight(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    assert save_weights(again, make(), {"seed": 3}) == file_sha256(again) == file_sha256(saved)
    assert saved.stat().st_size < 2.0 * make().parameter_count + 6000


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.safetensors: no such weights file .*detectors\.train zhou"):
        load_weights(tmp_path / "none.safetensors", "zhou")


def test_a_truncated_file_is_named(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(SettingsError, match=r"net\.safetensors: the weights file is damaged.*detectors\.train anchor"):
        load_weights(saved, "anchor")


def test_a_file_other_than_its_card_says_is_refused(saved: Path) -> None:
    card_path(saved).write_text(f"# card\n\nSHA-256: `{file_sha256(saved)}`\n", encoding="utf-8")
    load_weights(saved, "anchor")
    content = bytearray(saved.read_bytes())
    content[-5] ^= 1
    saved.write_bytes(content)
    with pytest.raises(SettingsError, match=r"not the one that net\.card\.md describes"):
        load_weights(saved, "anchor")


@pytest.mark.parametrize(("name", "other", "have"), [("anchor", "zhou", "no scorer"), ("zhou", "anchor", "a scorer")])
def test_the_other_detectors_weights_are_refused_in_words(name: str, other: str, have: str, tmp_path: Path) -> None:
    path = saved_as(tmp_path / "net.safetensors", other)
    message = rf"net\.safetensors: these weights have {have}: they are '{other}'s.*{name}"
    with pytest.raises(SettingsError, match=message):
        load_weights(path, name)


def test_weights_of_other_kinds_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    for path in (tmp_path / "foreign.safetensors", SHIPPED):
        with pytest.raises(SettingsError, match=rf"{path.name}: these are no weights of 'anchor'"):
            load_weights(path, "anchor")


def test_another_input_than_learnt_on_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in weights._INPUT:
        with monkeypatch.context() as patch:
            patch.setitem(weights._INPUT, name, 2 * weights._INPUT[name])
            with pytest.raises(SettingsError, match=r"net\.safetensors: the weights were trained on another input"):
                load_weights(saved, "anchor")


@dataclass(frozen=True)
class Claims:
    """What a file says that it holds."""

    claim: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return self.claim


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ({"orientations": 5}, "do not fit the network"),
        ({"scorer": False}, "do not fit the network"),
        ({"wings": 2}, "description inside the weights file is damaged"),
        ({"width_px": -3.0}, "description inside the weights file is damaged"),
        ({"backbone": "vast"}, "unknown backbone 'vast'"),
    ],
)
def test_a_network_other_than_described_is_refused(claim: dict[str, Any], message: str, tmp_path: Path) -> None:
    network = make()
    network.config = Claims({**network.config.to_json(), **claim})  # type: ignore[assignment]
    save_weights(tmp_path / "net.safetensors", network, {})
    with pytest.raises(SettingsError, match=message):
        load_weights(tmp_path / "net.safetensors", "anchor")


def test_a_description_that_is_no_json_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "net.safetensors"
    for text in ("{", json.dumps({"network": 3, "training": {}, "input": {}})):
        save_file({"a": torch.zeros(2)}, path, metadata={weights._FORMAT: text})
        with pytest.raises(SettingsError, match="description inside the weights file is damaged"):
            load_weights(path, "anchor")


def test_begun_from_one_without_a_scorer_all_but_the_scorer_is_learnt() -> None:
    fresh, other = tiny_network(5), make("zhou", seed=6)
    before = {key: value.clone() for key, value in fresh.state_dict().items()}
    found = begun_from(fresh, other).state_dict()
    for key, value in found.items():
        expected = before[key] if key.startswith("scorer.") else other.state_dict()[key]
        assert torch.equal(value, expected), key
    assert any(key.startswith("scorer.") for key in found)


def test_begun_from_one_with_a_scorer_it_is_learnt_or_left_out() -> None:
    other = make(seed=6)
    for scorer in (True, False):
        found = begun_from(tiny_network(5, scorer=scorer), other).state_dict()
        assert all(torch.equal(value, other.state_dict()[key]) for key, value in found.items())


def test_begun_from_another_network_is_refused() -> None:
    for changed, message in (
        ({"backbone": "small"}, r"backbone \(tiny\)"),
        ({"orientations": 4}, r"orientations \(6\)"),
        ({"width_px": 9.0}, r"width_px \(50\.0\)"),
    ):
        other = AnchorNetwork(AnchorConfig(**{**tiny_network().config.to_json(), **changed}))
        with pytest.raises(SettingsError, match=rf"--init: the network there differs in {message}"):
            begun_from(other, make())
    assert tiny_network().config.backbone == TINY


def test_where_it_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        save_weights(tmp_path / "file" / "net.safetensors", make(), {})


@pytest.mark.parametrize(("module", "name"), [(weights_file, "anchor"), (zhou_weights_file, "zhou")])
def test_shipped_weights_that_are_missing_are_told(
    module: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.SHIPPED.name == f"{name}.safetensors"
    assert module.SHIPPED.parent.parent.name == "anchor"
    monkeypatch.setattr(module, "SHIPPED", tmp_path / module.SHIPPED.name)
    with pytest.raises(SettingsError, match=rf"{name}\.safetensors"):
        module.require_shipped()
