"""``python -m detectors.train gqstn``, ``directgrasp`` and ``multigrasp``, from a data set to weights and card."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from detectors import train
from detectors.gqcnn.crop import window_m
from detectors.gqcnn.weights_file import SHIPPED, card_path, check_whole, file_sha256
from detectors.oneshot.prepared import FOLDER, load_prepared
from detectors.oneshot.recipe import stages_of
from detectors.oneshot.train_command import Trainable
from detectors.oneshot.training import Trainer
from detectors.oneshot.weights import load_for_training
from robot.child_process import PROJECT_ROOT
from tests.detectors.oneshot.bars import TINY, small_networks, write_data
from tests.detectors.oneshot.test_weights import ALL

NAMES = sorted(ALL)
QUICK = ["--backbone", TINY, "--batch", "4", "--epochs", "1", "--limit", "12", "--threads", "1", "--seed", "4"]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data") / "bars", 24)


def run(name: str, data: Path, out: Path, *more: str) -> int:
    return train.main([name, "--data", str(data), "--out", str(out), *QUICK, *more])


def load(name: str, out: Path) -> tuple[nn.Module, dict[str, Any]]:
    kind: Trainable = ALL[name]()
    return load_for_training(out, name, kind.build)


@pytest.mark.parametrize("name", NAMES)
def test_weights_and_card_are_written_and_agree(
    name: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.safetensors"
    assert run(name, data, out) == 0
    network, training = load(name, out)
    assert network.config.backbone == TINY
    scenes = load_prepared(data)
    learnt = (scenes.split == "train")[scenes.owner] & (scenes.success > 0.5)
    expected = window_m(scenes.grasps[learnt, 4].astype(float)).mean()
    assert network.config.gamma_m == pytest.approx(expected, abs=1e-4)
    assert (training["seed"], training["epochs"], training["images"]) == (4, 1, 12)
    assert training["recipe"]["stages"][0]["epochs"] == 1
    assert training["data"] == {"scenes": 24, "seed": 0}
    assert training["teacher_sha256"] == file_sha256(SHIPPED)
    assert training["parameters"] == network.parameter_count
    assert training["command"].startswith(f"python -m detectors.train {name} --data bars --out net.safetensors")
    assert "--limit 12" in training["command"]
    assert str(tmp_path) not in json.dumps(training), "no paths of this machine"
    assert len(training["history"]) == 1
    check_whole(out)
    card = card_path(out).read_text(encoding="utf-8")
    assert file_sha256(out) in card
    assert training["command"] in card
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "net.card.json", "net.card.md", "net.safetensors",
    ]  # fmt: skip
    said = capsys.readouterr().out
    assert "12 images to learn from" in said
    assert "epoch 1/1" in said


def test_only_gqstn_learns_from_gqcnns_favourites_as_a_rule(data: Path, tmp_path: Path) -> None:
    picks = {}
    for name in NAMES:
        run(name, data, tmp_path / f"{name}.safetensors")
        picks[name] = load(name, tmp_path / f"{name}.safetensors")[1]["recipe"]["picks"]
    assert picks == {"directgrasp": 0, "gqstn": 4, "multigrasp": 0}


def test_the_same_seed_trains_the_same_weights_and_another_one_others(data: Path, tmp_path: Path) -> None:
    found = []
    for place, seed in enumerate((4, 4, 5)):
        out = tmp_path / f"{place}.safetensors"
        assert run("gqstn", data, out, "--seed", str(seed)) == 0
        found.append(load("gqstn", out)[0].state_dict())
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])
    assert not all(torch.equal(found[0][key], found[2][key]) for key in found[0])


def test_the_switches_of_gqstn_are_what_they_say(data: Path, tmp_path: Path) -> None:
    words = [
        "--head",
        "paper",
        "--places",
        "1",
        "--no-robustness",
        "--no-forcing",
        "--schedule",
        "paper",
        "--picks",
        "2",
    ]
    out = tmp_path / "net.safetensors"
    assert run("gqstn", data, out, *words) == 0
    network, training = load("gqstn", out)
    assert network.config.head == "paper"
    recipe = training["recipe"]
    first = stages_of("paper", robustness=False, forcing=False)[0]
    assert recipe["stages"] == [{"epochs": 1, "xi": first.xi, "rate": first.rate, "forced": False}]
    assert (recipe["places"], recipe["picks"]) == (1, 2)
    for word in ("--head paper", "--no-robustness", "--no-forcing", "--schedule paper"):
        assert word in training["command"]


@pytest.mark.parametrize("name", ["directgrasp", "multigrasp"])
def test_the_baselines_never_climb_gqcnn(name: str, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    assert run(name, data, out, "--schedule", "round") == 0
    assert {stage["xi"] for stage in load(name, out)[1]["recipe"]["stages"]} == {1.0}


def test_weights_can_be_trained_on_with_another_teacher(data: Path, tmp_path: Path) -> None:
    first, out, teacher = tmp_path / "first.safetensors", tmp_path / "net.safetensors", tmp_path / "other.safetensors"
    shutil.copy(SHIPPED, teacher)
    assert run("gqstn", data, first) == 0
    assert run("gqstn", data, out, "--init", str(first), "--schedule", "round", "--teacher", str(teacher)) == 0
    (old, before), (new, after) = load("gqstn", first), load("gqstn", out)
    assert after["before"] == [before["command"]]
    assert "--init first.safetensors" in after["command"]
    assert "--teacher other.safetensors" in after["command"]
    assert new.config == old.config
    assert before["command"] in card_path(out).read_text(encoding="utf-8")
    change = [float((a - b).detach().abs().max()) for a, b in zip(old.parameters(), new.parameters(), strict=True)]
    assert 0 < max(change) < 0.02, "three steps from where the first ended"


def test_interrupted_it_goes_on_only_when_told_to(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    through, out = tmp_path / "through.safetensors", tmp_path / "net.safetensors"
    assert run("directgrasp", data, through, "--epochs", "2") == 0
    judged = []

    def interrupt(self: Trainer, losses: Any, began: float) -> None:
        if judged:
            raise KeyboardInterrupt
        judged.append(1)
        honest(self, losses, began)

    honest = Trainer._judge
    monkeypatch.setattr(Trainer, "_judge", interrupt)
    assert run("directgrasp", data, out, "--epochs", "2") == 1
    assert "--resume" in capsys.readouterr().err
    assert out.with_suffix(".checkpoint").is_file()
    assert not out.exists()
    monkeypatch.setattr(Trainer, "_judge", honest)
    assert run("directgrasp", data, out, "--epochs", "2") == 2
    assert "an unfinished training lies there" in capsys.readouterr().err
    assert run("directgrasp", data, out, "--resume", "--epochs", "2", "--seed", "5") == 2
    assert "recipe (seed) differs" in capsys.readouterr().err
    assert run("directgrasp", data, out, "--epochs", "2", "--resume") == 0
    assert "resumed after epoch 1" in capsys.readouterr().out
    assert not out.with_suffix(".checkpoint").exists()
    one, other = (load("directgrasp", file)[0].state_dict() for file in (through, out))
    assert all(torch.equal(one[key], other[key]) for key in one)


def assert_refused(capsys: pytest.CaptureFixture[str], code: int, message: str) -> None:
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "a.pt"], "weights are written as .safetensors"),
        (["--device", "cuda"], "trained on the CPU"),
        (["--backbone", "smal"], "unknown backbone 'smal'"),
        (["--schedule", "long"], "unknown schedule 'long'"),
        (["--max-minutes", "0"], "--max-minutes must be positive"),
        (["--init", "none.safetensors"], "none.safetensors: no such weights file"),
        (["--init", str(SHIPPED)], "these are no weights of"),
        (["--teacher", "none.safetensors"], "none.safetensors: no such weights file"),
        (["--picks", "-1"], "--picks"),
        (["--batch", "1"], "--batch"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_bad_usage_is_one_line_and_found_before_the_data_is_prepared(
    name: str, words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_data(tmp_path / "bars", 1)
    assert_refused(capsys, run(name, data, tmp_path / "net.safetensors", *words), message)
    assert not (data / FOLDER).exists()


@pytest.mark.parametrize("words", [["--head", "hands"], ["--places", "0"]])
def test_what_gqstn_does_not_take_is_refused(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(capsys, run("gqstn", tmp_path, tmp_path / "net.safetensors", *words), words[0])


def test_a_place_that_is_a_folder_is_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.safetensors").mkdir()
    assert_refused(capsys, run("gqstn", data, tmp_path / "net.safetensors"), "is a directory")


@pytest.mark.parametrize("name", NAMES)
def test_another_detectors_weights_are_no_start(
    name: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = NAMES[NAMES.index(name) - 1]
    assert run(other, data, tmp_path / "other.safetensors") == 0
    capsys.readouterr()
    code = run(name, data, tmp_path / "net.safetensors", "--init", str(tmp_path / "other.safetensors"))
    assert_refused(capsys, code, f"these are weights of '{other}', not of '{name}'")


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_without_images_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, run(name, tmp_path / "nowhere", tmp_path / "net.safetensors"), "holds no images")
    (tmp_path / "scenes").mkdir()
    assert_refused(capsys, run(name, tmp_path, tmp_path / "net.safetensors"), "holds no images")


@pytest.mark.parametrize("name", NAMES)
def test_too_little_data_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = write_data(tmp_path / "few", 3)
    code = run(name, few, tmp_path / "net.safetensors")
    error = capsys.readouterr().err
    assert code == 2
    assert "a batch takes 4 images, and 3 of training things have a good grasp" in error
    none = write_data(tmp_path / "none", 5)
    assert run(name, none, tmp_path / "net.safetensors") == 2
    assert "no image of validation things" in capsys.readouterr().err


def test_a_data_set_in_which_nothing_lifts_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data(tmp_path / "bars", 8)
    assert run("gqstn", data, tmp_path / "a.safetensors") == 0
    file = data / FOLDER / "grasps_00000.npz"
    arrays = dict(np.load(file))
    arrays["success"] = np.zeros_like(arrays["success"])
    np.savez(file, **arrays)
    capsys.readouterr()
    assert_refused(capsys, run("gqstn", data, tmp_path / "net.safetensors"), "none of its grasps lifts")


def test_damaged_data_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_data(tmp_path / "bars", 9)
    (data / "scenes" / "scenes_00001.npz").write_bytes(b"PK garbage")
    assert run("gqstn", data, tmp_path / "net.safetensors") == 2
    assert "scenes_00001.npz" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_help_does_not_wait_for_torch(name: str) -> None:
    code = (
        "import sys, detectors.train as t\n"
        f"try:\n    t.main(['{name}', '--help'])\nexcept SystemExit:\n    print('torch' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert "--backbone" in found.stdout
    assert found.stdout.strip().endswith("False")


def test_training_needs_neither_robot_nor_viewer_nor_physics() -> None:
    """A machine that only trains has none of these installed."""
    code = (
        "import sys\n"
        "import detectors.train, detectors.oneshot.training, detectors.oneshot.prepared, detectors.oneshot.card\n"
        "import detectors.gqstn.learner, detectors.directgrasp.learner, detectors.multigrasp.learner\n"
        "print(sorted({'rich', 'open3d', 'pyrealsense2', 'transitions', 'mujoco', 'trimesh', 'rtde_control'}"
        " & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
