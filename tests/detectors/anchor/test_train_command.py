"""``python -m detectors.train anchor`` and ``zhou``, from a data set to weights and card."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from detectors import train
from detectors.anchor import train_command
from detectors.anchor.training import Trainer
from detectors.anchor.weights import load_for_training, load_weights, save_weights
from detectors.gqcnn.weights_file import SHIPPED, card_path, check_whole, file_sha256
from detectors.oneshot.prepared import FOLDER
from robot.child_process import PROJECT_ROOT
from tests.detectors.anchor.bars import TINY, tiny_backbone, tiny_network
from tests.detectors.fcn.drawn import write_drawn

NAMES = pytest.mark.parametrize("name", ["anchor", "zhou"])
QUICK = ["--views", "2", "--batch", "2", "--epochs", "1", "--threads", "1", "--seed", "4"]


def run(name: str, data: Path, out: Path, *more: str) -> int:
    return train.main([name, "--data", str(data), "--out", str(out), *QUICK, *more])


def assert_refused(capsys: pytest.CaptureFixture[str], code: int, message: str) -> None:
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    return write_drawn(tmp_path / "drawn", 8)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """``--backbone small`` is the tiny one."""
    tiny_backbone(monkeypatch)
    honest = train_command.add_shared_arguments

    def with_tiny(parser: Any) -> None:
        honest(parser)
        parser.set_defaults(backbone=TINY)

    monkeypatch.setattr(train_command, "add_shared_arguments", with_tiny)
    from detectors.anchor import zhou_train_command

    monkeypatch.setattr(zhou_train_command, "add_arguments", with_tiny)


@NAMES
def test_weights_and_card_are_written_and_agree(
    name: str, painted_scenes: Path, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / "net.safetensors"
    out.parent.mkdir()
    assert run(name, painted_scenes, out, "--real", str(drawn), "--limit", "6") == 0
    network, training = load_for_training(out, name)
    assert (network.config.backbone, network.scorer is not None) == ("small", name == "anchor")
    assert 20 < network.config.height_px < network.config.width_px < 150
    assert (training["seed"], training["epochs"], training["best_epoch"]) == (4, 1, 1)
    assert training["parameters"] == network.parameter_count
    assert training["sources"] == {"synthetic scenes": 6, "photographs": 6}
    assert training["kept_aside"]["synthetic"] == 2
    assert training["data"]["scenes"] == 29
    assert (training["recipe"]["views"], training["recipe"]["real_share"]) == (2, 0.4)
    command = training["command"]
    assert command.startswith(f"python -m detectors.train {name} --data tiny --out net.safetensors --real drawn")
    for word in ("--limit 6", "--views 2", "--seed 4", "--dataset synthetic", "--backbone small"):
        assert word in command
    assert ("--selection primary" in command) == (name == "anchor")
    assert str(tmp_path) not in json.dumps(training), "no paths of this machine"
    check_whole(out)
    card = card_path(out).read_text(encoding="utf-8")
    assert file_sha256(out) in card
    assert command in card
    assert ("the scorer at" in card) == (name == "anchor")
    beside = json.loads(out.with_suffix(".card.json").read_text(encoding="utf-8"))
    assert (beside["detector"], beside["sha256"]) == (name, file_sha256(out))
    assert sorted(file.name for file in out.parent.iterdir()) == ["net.card.json", "net.card.md", "net.safetensors"]
    said = capsys.readouterr().out
    assert f"{name}: {network.parameter_count:,} parameters, anchors of {network.config.width_px:g} x" in said
    assert "epoch 1/1" in said


@NAMES
def test_photographs_alone_are_enough(name: str, tiny: None, drawn: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    assert run(name, drawn, out, "--dataset", "cornell") == 0
    network, training = load_for_training(out, name)
    assert training["data"] == {"dataset": "cornell"}
    assert set(training["sources"]) == {"photographs"}
    assert set(training["kept_aside"]) == {"cornell"}
    assert network.config.width_px == pytest.approx(16 * 320 / 72, abs=0.05)
    assert network.config.height_px == pytest.approx(10 * 320 / 72, abs=0.05)
    assert "The data set:\n\n- dataset: cornell" in card_path(out).read_text(encoding="utf-8")


def test_the_same_seed_trains_the_same_weights_and_another_one_others(tiny: None, drawn: Path, tmp_path: Path) -> None:
    found = []
    for place, seed in enumerate((4, 4, 5)):
        out = tmp_path / f"{place}.safetensors"
        assert run("anchor", drawn, out, "--dataset", "cornell", "--seed", str(seed)) == 0
        found.append(load_for_training(out, "anchor")[0].state_dict())
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])
    assert not all(torch.equal(found[0][key], found[2][key]) for key in found[0])


def test_a_network_without_a_scorer_is_begun_from_and_the_scorer_is_fresh(
    tiny: None, drawn: Path, tmp_path: Path
) -> None:
    first, out = tmp_path / "first.safetensors", tmp_path / "net.safetensors"
    assert run("zhou", drawn, first, "--dataset", "cornell") == 0
    words = ("--dataset", "cornell", "--init", str(first), "--rate", "1e-9", "--selection", "final")
    assert run("anchor", drawn, out, *words) == 0
    (old, before), (new, after) = load_for_training(first, "zhou"), load_for_training(out, "anchor")
    assert after["before"] == [before["command"]]
    assert "--init first.safetensors" in after["command"]
    assert after["recipe"]["selection"] == "final"
    assert before["command"] in card_path(out).read_text(encoding="utf-8")
    assert (new.config.width_px, new.config.height_px) == (old.config.width_px, old.config.height_px)
    mine = dict(new.named_parameters())
    for key, value in old.named_parameters():
        torch.testing.assert_close(mine[key], value, atol=2e-3, rtol=2e-3)
    scorer = [key for key in mine if key.startswith("scorer.")]
    assert scorer
    assert all(float(mine[key].detach().std()) > 0 for key in scorer if key.endswith("weight"))
    assert load_weights(out, "anchor").scorer is not None


def test_a_start_of_another_network_is_refused_before_the_data_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_backbone(monkeypatch)
    other = tmp_path / "other.safetensors"
    save_weights(other, tiny_network(), {"command": "c", "before": []})
    for file, message in (
        ("none.safetensors", "none.safetensors: no such weights file"),
        (str(SHIPPED), "these are no weights of 'anchor'"),
        (str(other), "--init: the network there differs in backbone (tiny)"),
    ):
        code = run("anchor", tmp_path / "nowhere", tmp_path / "net.safetensors", "--init", file)
        assert_refused(capsys, code, message)


def test_interrupted_it_goes_on_only_when_told_to(
    tiny: None, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    through, out = tmp_path / "through.safetensors", tmp_path / "net.safetensors"
    words = ("--dataset", "cornell", "--epochs", "2")
    assert run("anchor", drawn, through, *words) == 0
    judged: list[int] = []

    def interrupt(self: Trainer, losses: Any, began: float) -> None:
        if judged:
            raise KeyboardInterrupt
        judged.append(1)
        honest(self, losses, began)

    honest = Trainer._judge
    monkeypatch.setattr(Trainer, "_judge", interrupt)
    assert run("anchor", drawn, out, *words) == 1
    assert "--resume" in capsys.readouterr().err
    assert out.with_suffix(".checkpoint").is_file()
    assert not out.exists()
    monkeypatch.setattr(Trainer, "_judge", honest)
    assert run("anchor", drawn, out, *words) == 2
    assert "an unfinished training lies there" in capsys.readouterr().err
    assert run("anchor", drawn, out, "--resume", *words, "--selection", "final") == 2
    assert "recipe (selection) differs" in capsys.readouterr().err
    assert run("anchor", drawn, out, *words, "--resume") == 0
    assert "resumed after epoch 1" in capsys.readouterr().out
    assert not out.with_suffix(".checkpoint").exists()
    one, other = (load_for_training(file, "anchor")[0].state_dict() for file in (through, out))
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "a.pt"], "weights are written as .safetensors"),
        (["--device", "cuda"], "trained on the CPU"),
        (["--dataset", "cornell", "--real", "x"], "--real is for photographs beside our own scenes"),
        (["--max-minutes", "0"], "--max-minutes must be positive"),
        (["--rate", "nan"], "--rate must be positive"),
        (["--rate", "-1"], "--rate must be positive"),
        (["--real-share", "1.5"], "the share of real pictures lies in 0..1"),
        (["--batch", "9"], "a batch an epoch"),
        (["--views", "1"], "--views"),
        (["--backbone", "vgg"], "--backbone"),
        (["--dataset", "dexnet"], "--dataset"),
    ],
)
@NAMES
def test_bad_usage_is_one_line_and_found_before_the_data_are_read(
    name: str, words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(capsys, run(name, tmp_path / "nowhere", tmp_path / "net.safetensors", *words), message)


def test_a_selection_is_for_a_scorer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--selection", "final")
    assert_refused(capsys, run("zhou", tmp_path, tmp_path / "net.safetensors", *words), "--selection")
    words = ("--selection", "best")
    assert_refused(capsys, run("anchor", tmp_path, tmp_path / "net.safetensors", *words), "--selection")


@pytest.mark.parametrize(
    "words", [[], ["--dataset", "cornell"], ["--dataset", "jacquard"], ["--dataset", "georgia"]], ids=" ".join
)
def test_a_folder_without_data_is_refused(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(capsys, run("anchor", tmp_path / "empty", tmp_path / "net.safetensors", *words), "empty")


def test_damaged_pictures_are_refused_by_name_and_made_again(
    tiny: None, painted_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(painted_scenes, tmp_path / "data"))
    file = data / FOLDER / "color_00002.npy"
    file.write_bytes(file.read_bytes()[:100])
    assert_refused(capsys, run("anchor", data, tmp_path / "net.safetensors"), "color_00002.npy: cannot be read")
    file.unlink()
    assert run("anchor", data, tmp_path / "net.safetensors", "--limit", "2") == 0
    assert "painted scenes_00002.npz" in capsys.readouterr().out


def test_help_waits_for_neither_torch_nor_numpy_and_training_for_no_robot() -> None:
    code = (
        "import sys, detectors.train as t\n"
        "for name in ('anchor', 'zhou'):\n"
        "    try:\n        t.main([name, '--help'])\n    except SystemExit:\n        pass\n"
        "print({'torch', 'numpy'} & set(sys.modules))\n"
        "import detectors.anchor.training, detectors.anchor.weights, detectors.anchor.card\n"
        "print(sorted({'rich', 'open3d', 'pyrealsense2', 'transitions', 'rtde_control'} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.count("--backbone") >= 2
    assert found.stdout.splitlines()[-2:] == ["set()", "[]"]


def test_the_scorer_alone_cannot_learn_where_nothing_has_been_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("anchor", tmp_path / "nowhere", tmp_path / "net.safetensors", "--only-scorer") == 2
    assert "--only-scorer needs a network that has learnt the rest" in capsys.readouterr().err
