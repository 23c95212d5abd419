"""Weights come back as they were saved; whatever else lies there is refused by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from detectors.directgrasp.train_command import trainable as directgrasp
from detectors.gqcnn.weights import round_weights
from detectors.gqcnn.weights_file import card_path, file_sha256
from detectors.gqstn.train_command import trainable as gqstn
from detectors.multigrasp.train_command import trainable as multigrasp
from detectors.oneshot import weights
from detectors.oneshot.train_command import Trainable
from detectors.oneshot.weights import load_for_training, load_weights, save_weights
from robot.errors import SettingsError
from tests.detectors.oneshot.bars import TINY, small_networks

ALL = {"directgrasp": directgrasp, "gqstn": gqstn, "multigrasp": multigrasp}
CONFIG: dict[str, Any] = {"backbone": TINY, "gamma_m": 0.1}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


def make(kind: Trainable, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network = kind.build(CONFIG)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # as if the normalisation had seen something
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
    round_weights(network)
    return network.eval()


def saved_as(path: Path, name: str) -> Path:
    save_weights(path, name, make(ALL[name]()), {"seed": 3})
    return path


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return saved_as(tmp_path / "weights" / "net.safetensors", "gqstn")


def load(path: Path, name: str = "gqstn") -> nn.Module:
    return load_weights(path, name, ALL[name]().build)


@pytest.mark.parametrize("name", sorted(ALL))
def test_what_was_rounded_comes_back_exactly(name: str, tmp_path: Path) -> None:
    kind = ALL[name]()
    path = saved_as(tmp_path / "net.safetensors", name)
    network, training = load_for_training(path, name, kind.build)
    assert training == {"seed": 3}
    assert network.config.to_json().items() >= CONFIG.items()
    for key, value in make(kind).state_dict().items():
        assert torch.equal(network.state_dict()[key], value), key


@pytest.mark.parametrize("name", sorted(ALL))
def test_loaded_for_use_it_is_folded_and_frozen_and_its_own_size(name: str, tmp_path: Path) -> None:
    network, trained = load(saved_as(tmp_path / "net.safetensors", name), name), make(ALL[name]())
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    assert network.parameter_count == sum(p.numel() for p in trained.parameters())


def test_folded_it_answers_the_same(saved: Path) -> None:
    seen = torch.randn(1, 1, 128, 128, generator=torch.Generator().manual_seed(1))
    found, expected = load(saved).translation(seen), make(gqstn()).translation(seen).detach()
    assert float(expected.std()) > 1e-3
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_rounding_leaves_what_float16_holds() -> None:
    network = gqstn().build(CONFIG)
    before = [p.detach().clone() for p in network.parameters() if p.ndim >= 2]
    round_weights(network)
    after = [p for p in network.parameters() if p.ndim >= 2]
    assert all(torch.equal(p, p.half().float()) for p in after)
    assert not all(torch.equal(p, q) for p, q in zip(before, after, strict=True))


def test_the_same_weights_give_the_same_bytes_and_two_of_them_a_weight(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    assert save_weights(again, "gqstn", make(gqstn()), {"seed": 3}) == file_sha256(saved)
    assert saved.stat().st_size < 2.6 * make(gqstn()).parameter_count


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.safetensors: no such weights file .*detectors\.train gqstn"):
        load(tmp_path / "none.safetensors")


@pytest.mark.parametrize("content", [b"", b"garbage that is no safetensors file at all"])
def test_garbage_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"bad\.safetensors: the weights file is damaged"):
        load(path)


def test_a_truncated_file_is_named(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(SettingsError, match=r"net\.safetensors: the weights file is damaged"):
        load(saved)


def test_a_file_other_than_its_card_says_is_refused(saved: Path) -> None:
    card_path(saved).write_text(f"# card\n\nSHA-256: `{file_sha256(saved)}`\n", encoding="utf-8")
    load(saved)
    content = bytearray(saved.read_bytes())
    content[-5] ^= 1
    saved.write_bytes(content)
    with pytest.raises(SettingsError, match=r"not the one that net\.card\.md describes"):
        load(saved)


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("other", sorted(ALL))
def test_another_detectors_weights_are_refused_by_its_name(name: str, other: str, tmp_path: Path) -> None:
    path = saved_as(tmp_path / "net.safetensors", other)
    if name == other:
        assert load(path, name) is not None
    else:
        with pytest.raises(SettingsError, match=rf"net\.safetensors: these are weights of '{other}', not of '{name}'"):
            load(path, name)


def test_foreign_tensors_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(SettingsError, match=r"foreign\.safetensors: these are no weights of 'gqstn'"):
        load(tmp_path / "foreign.safetensors")


def test_gqcnns_weights_are_refused() -> None:
    from detectors.gqcnn.weights_file import SHIPPED

    with pytest.raises(SettingsError, match=r"gqcnn\.safetensors: these are no weights of 'gqstn'"):
        load(SHIPPED)


def test_other_views_than_learnt_on_are_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "FAR_STEP_M", 0.004)
    with pytest.raises(SettingsError, match=r"net\.safetensors: the weights were trained with other views"):
        load(saved)


@dataclass(frozen=True)
class Claims:
    """What a file says that it holds."""

    claim: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return self.claim


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ({**CONFIG, "head": "paper"}, "do not fit the network"),
        ({**CONFIG, "wings": 2}, "description inside the weights file is damaged"),
    ],
)
def test_a_network_other_than_described_is_refused(claim: dict[str, Any], message: str, tmp_path: Path) -> None:
    network = make(gqstn())
    network.config = Claims(claim)
    save_weights(tmp_path / "net.safetensors", "gqstn", network, {})
    with pytest.raises(SettingsError, match=rf"net\.safetensors: .*{message}"):
        load(tmp_path / "net.safetensors")


def test_where_it_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        save_weights(tmp_path / "file" / "net.safetensors", "gqstn", make(gqstn()), {})
