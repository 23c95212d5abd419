"""Weights come back as they were saved; whatever else lies there is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from detectors.fcn import weights
from detectors.fcn.ggcnn import GgcnnNetwork
from detectors.fcn.network import FcnNetwork
from detectors.fcn.weights import MapNetwork, build, load_for_training, load_weights, save_weights
from detectors.gqcnn.weights import round_weights
from detectors.gqcnn.weights_file import SHIPPED, card_path, file_sha256
from robot.errors import SettingsError
from tests.detectors.fcn.bars import TINY, as_if_trained, tiny_layout

CONFIGS: dict[str, dict[str, Any]] = {"fcn": {"layout": TINY, "angle": "raw"}, "ggcnn": {"angle": "double"}}
NAMES = pytest.mark.parametrize("name", sorted(CONFIGS))


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_layout(monkeypatch)


def make(name: str, **other: Any) -> MapNetwork:
    network = as_if_trained(name, {**CONFIGS[name], **other})
    round_weights(network)
    return network


def saved_as(path: Path, name: str, **other: Any) -> Path:
    save_weights(path, name, make(name, **other), {"seed": 3})
    return path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return saved_as(tmp_path / "weights" / "net.safetensors", "fcn")


def test_the_name_decides_what_is_built() -> None:
    assert isinstance(build("ggcnn", CONFIGS["ggcnn"]), GgcnnNetwork)
    assert isinstance(build("fcn", CONFIGS["fcn"]), FcnNetwork)
    with pytest.raises(SettingsError, match="unknown layout 'huge'"):
        build("fcn", {"layout": "huge"})


@NAMES
@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_rounded_comes_back_exactly(name: str, channels: int, tmp_path: Path) -> None:
    path = saved_as(tmp_path / "net.safetensors", name, channels=channels)
    network, training = load_for_training(path, name)
    assert training == {"seed": 3}
    assert network.config == make(name, channels=channels).config
    expected = make(name, channels=channels).state_dict()
    assert network.state_dict().keys() == expected.keys()
    assert all(torch.equal(network.state_dict()[key], value) for key, value in expected.items())
    assert all(parameter.requires_grad for parameter in network.parameters())


@NAMES
def test_loaded_for_use_it_is_folded_and_frozen_and_answers_the_same(name: str, tmp_path: Path) -> None:
    network, trained = load_weights(saved_as(tmp_path / "net.safetensors", name), name), make(name)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert network.parameter_count == sum(parameter.numel() for parameter in trained.parameters())
    seen = torch.randn(1, 1, 50, 70, generator=torch.Generator().manual_seed(1))
    found, expected = network(seen), trained(seen)
    assert float(expected.quality.detach().std()) > 1e-3
    for part in ("quality", "angle", "width"):
        torch.testing.assert_close(getattr(found, part), getattr(expected, part).detach(), atol=1e-4, rtol=1e-4)


def test_the_same_weights_give_the_same_bytes_and_two_of_them_a_weight(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    assert save_weights(again, "fcn", make("fcn"), {"seed": 3}) == file_sha256(again) == file_sha256(saved)
    large = saved_as(tmp_path / "large.safetensors", "ggcnn")
    assert large.stat().st_size < 2.2 * make("ggcnn").parameter_count


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.safetensors: no such weights file .*detectors\.train ggcnn"):
        load_weights(tmp_path / "none.safetensors", "ggcnn")


@pytest.mark.parametrize("content", [b"", b"garbage that is no safetensors file at all"])
def test_garbage_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"bad\.safetensors: the weights file is damaged"):
        load_weights(path, "fcn")


def test_a_truncated_file_is_named(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(SettingsError, match=r"net\.safetensors: the weights file is damaged.*detectors\.train fcn"):
        load_weights(saved, "fcn")


def test_a_file_other_than_its_card_says_is_refused(saved: Path) -> None:
    card_path(saved).write_text(f"# card\n\nSHA-256: `{file_sha256(saved)}`\n", encoding="utf-8")
    load_weights(saved, "fcn")
    content = bytearray(saved.read_bytes())
    content[-5] ^= 1
    saved.write_bytes(content)
    with pytest.raises(SettingsError, match=r"not the one that net\.card\.md describes"):
        load_weights(saved, "fcn")


@pytest.mark.parametrize(("name", "other"), [("fcn", "ggcnn"), ("ggcnn", "fcn")])
def test_another_detectors_weights_are_refused_by_its_name(name: str, other: str, tmp_path: Path) -> None:
    path = saved_as(tmp_path / "net.safetensors", other)
    with pytest.raises(SettingsError, match=rf"net\.safetensors: these are weights of '{other}', not of '{name}'"):
        load_weights(path, name)


def test_weights_of_other_kinds_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    for path in (tmp_path / "foreign.safetensors", SHIPPED):
        with pytest.raises(SettingsError, match=rf"{path.name}: these are no weights of 'fcn'"):
            load_weights(path, "fcn")


@pytest.mark.parametrize("name", ["STEP_M", "WIDTH_UNIT_PX", "HEIGHT_UNIT_M", "HEIGHT_HIGH"])
def test_other_views_than_learnt_on_are_refused(name: str, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, name, 1.01 * getattr(weights, name))
    with pytest.raises(SettingsError, match=r"net\.safetensors: the weights were trained with other views"):
        load_weights(saved, "fcn")


def test_colour_knows_no_metres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved_as(tmp_path / "net.safetensors", "fcn", channels=3)
    monkeypatch.setattr(weights, "STEP_M", 0.002)
    assert load_weights(path, "fcn").config.channels == 3


@dataclass(frozen=True)
class Claims:
    """What a file says that it holds."""

    claim: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return self.claim


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ({"angle": "double"}, "do not fit the network"),
        ({"wings": 2}, "description inside the weights file is damaged"),
        ({"layout": "vast"}, "unknown layout 'vast'"),
    ],
)
def test_a_network_other_than_described_is_refused(claim: dict[str, Any], message: str, tmp_path: Path) -> None:
    network = make("fcn")
    network.config = Claims({**CONFIGS["fcn"], "channels": 1, **claim})  # type: ignore[assignment]
    save_weights(tmp_path / "net.safetensors", "fcn", network, {})
    with pytest.raises(SettingsError, match=message):
        load_weights(tmp_path / "net.safetensors", "fcn")


def test_where_it_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        save_weights(tmp_path / "file" / "net.safetensors", "fcn", make("fcn"), {})
