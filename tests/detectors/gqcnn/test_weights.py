from __future__ import annotations

from pathlib import Path

import pytest
import torch

from detectors.gqcnn import crop
from detectors.gqcnn.network import GraspQualityNetwork, NetworkConfig, build_network
from detectors.gqcnn.weights import load_for_training, load_gqcnn, round_weights, save_weights
from detectors.gqcnn.weights_file import card_path, file_sha256
from robot.errors import SettingsError


def make(seed: int = 0) -> GraspQualityNetwork:
    torch.manual_seed(seed)
    network = build_network(NetworkConfig("small", dropout=0.1))
    network(torch.randn(8, 1, 32, 32), torch.randn(8, 2))  # so that the normalisation has seen something
    round_weights(network)
    return network.eval()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "weights" / "net.safetensors"
    save_weights(path, make(), {"seed": 3, "figures": {"auc": 0.98}})
    return path


def outputs(network: GraspQualityNetwork) -> torch.Tensor:
    dice = torch.Generator().manual_seed(5)
    with torch.no_grad():
        return network(torch.randn(6, 1, 32, 32, generator=dice), torch.randn(6, 2, generator=dice))


def test_what_was_rounded_comes_back_exactly(saved: Path) -> None:
    network, training = load_for_training(saved)
    assert network.config == NetworkConfig("small", dropout=0.1)
    assert training == {"seed": 3, "figures": {"auc": 0.98}}
    torch.testing.assert_close(outputs(network), outputs(make()), rtol=0, atol=0)
    assert saved.stat().st_size < 0.5e6, "two bytes a weight"


def test_loaded_for_use_it_is_folded_frozen_and_answers_the_same(saved: Path) -> None:
    network = load_gqcnn(saved)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    torch.testing.assert_close(outputs(network), outputs(make()), rtol=1e-4, atol=1e-4)
    images = torch.zeros(1, 1, 32, 32, requires_grad=True)
    network(images, torch.zeros(1, 2)).sum().backward()
    assert images.grad is not None


def test_the_same_weights_give_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.safetensors"
    assert save_weights(again, make(), {"seed": 3, "figures": {"auc": 0.98}}) == file_sha256(saved)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.safetensors: no such weights file .*detectors\.train"):
        load_gqcnn(tmp_path / "none.safetensors")


@pytest.mark.parametrize("content", [b"", b"garbage that is no safetensors file at all"])
def test_garbage_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"bad\.safetensors: the weights file is damaged"):
        load_gqcnn(path)


def test_a_truncated_file_is_named(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-1000])
    with pytest.raises(SettingsError, match="damaged"):
        load_gqcnn(saved)


def test_a_file_other_than_its_card_says_is_refused(saved: Path) -> None:
    card_path(saved).write_text(f"# card\n\nSHA-256: `{file_sha256(saved)}`\n", encoding="utf-8")
    load_gqcnn(saved)
    content = bytearray(saved.read_bytes())
    content[-5] ^= 1
    saved.write_bytes(content)
    with pytest.raises(SettingsError, match=r"not the one that net\.card\.md describes"):
        load_gqcnn(saved)


def test_foreign_tensors_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(SettingsError, match="no GQ-CNN weights"):
        load_gqcnn(path)


def test_another_architecture_than_stated_is_refused(tmp_path: Path) -> None:
    network, path = make(), tmp_path / "wrong.safetensors"
    network.config = NetworkConfig("medium")
    save_weights(path, network, {})
    with pytest.raises(SettingsError, match="do not fit the architecture 'medium'"):
        load_gqcnn(path)


def test_another_crop_than_learnt_on_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crop, "WINDOW_MARGIN_M", 0.08)
    with pytest.raises(SettingsError, match="another crop"):
        load_gqcnn(saved)


def test_where_it_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be written"):
        save_weights(tmp_path / "file" / "net.safetensors", make(), {})
