"""``python -m detectors.train fcn`` and ``ggcnn``, from a data set to weights and card."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from detectors import train
from detectors.dexnet.npz_files import load_arrays, save_arrays
from detectors.fcn.samples import ScenePictures
from detectors.fcn.training import Trainer
from detectors.fcn.weights import load_for_training, save_weights
from detectors.gqcnn.weights_file import SHIPPED, card_path, check_whole, file_sha256
from detectors.oneshot.prepared import FOLDER
from robot.child_process import PROJECT_ROOT
from tests.detectors.fcn.bars import as_if_trained
from tests.detectors.fcn.drawn import write_drawn

NAMES = pytest.mark.parametrize("name", ["fcn", "ggcnn"])
QUICK = ["--view", "32", "--batch", "2", "--epochs", "1", "--limit", "4", "--threads", "1", "--seed", "4"]


def run(name: str, data: Path, out: Path, *more: str) -> int:
    return train.main([name, "--data", str(data), "--out", str(out), *QUICK, *more])


def assert_refused(capsys: pytest.CaptureFixture[str], code: int, message: str) -> None:
    error = capsys.readouterr().err
    assert code == 2
    assert message in error
    assert error.count("\n") == 1


@NAMES
def test_weights_and_card_are_written_and_agree(
    name: str, ready_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.safetensors"
    assert run(name, ready_scenes, out) == 0
    network, training = load_for_training(out, name)
    assert network.config.channels == 1
    assert (training["seed"], training["epochs"], training["images"], training["judged"]) == (4, 1, 4, 2)
    assert training["parameters"] == network.parameter_count
    recipe = training["recipe"]
    assert (recipe["view_px"], recipe["batch"], recipe["variation"], recipe["mask"]) == (32, 2, "strong", "tapered")
    assert training["data"]["scenes"] == 29
    assert training["command"].startswith(f"python -m detectors.train {name} --data tiny --out net.safetensors")
    for word in ("--limit 4", "--view 32", "--seed 4", "--dataset synthetic", "--angle double"):
        assert word in training["command"]
    assert ("--layout fast" in training["command"]) == (name == "fcn")
    assert str(tmp_path) not in json.dumps(training), "no paths of this machine"
    assert len(training["history"]) == 1
    check_whole(out)
    card = card_path(out).read_text(encoding="utf-8")
    assert file_sha256(out) in card
    assert training["command"] in card
    beside = json.loads(out.with_suffix(".card.json").read_text(encoding="utf-8"))
    assert (beside["detector"], beside["sha256"]) == (name, file_sha256(out))
    assert beside["training"]["history"] == training["history"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["net.card.json", "net.card.md", "net.safetensors"]
    said = capsys.readouterr().out
    assert "4 pictures to learn from" in said
    assert "epoch 1/1" in said


def test_the_switches_are_what_they_say(ready_scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    assert run("fcn", ready_scenes, out, "--angle", "raw", "--mask", "flat", "--variation", "paper") == 0
    network, training = load_for_training(out, "fcn")
    assert (network.config.layout, network.config.angle) == ("fast", "raw")  # type: ignore[union-attr]
    assert (training["recipe"]["mask"], training["recipe"]["variation"]) == ("flat", "paper")


def test_the_same_seed_trains_the_same_weights_and_another_one_others(ready_scenes: Path, tmp_path: Path) -> None:
    found = []
    for place, seed in enumerate((4, 4, 5)):
        out = tmp_path / f"{place}.safetensors"
        assert run("ggcnn", ready_scenes, out, "--seed", str(seed)) == 0
        found.append(load_for_training(out, "ggcnn")[0].state_dict())
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])
    assert not all(torch.equal(found[0][key], found[2][key]) for key in found[0])


def test_things_that_are_learnt_choose_no_epoch(ready_scenes: Path, tmp_path: Path, monkeypatch: Any) -> None:
    seen: list[tuple[Any, Any]] = []

    def watched(self: Trainer, max_minutes: float | None = None) -> Any:
        seen.append((self._pictures, self._judged))
        return honest(self, max_minutes)

    honest = Trainer.run
    monkeypatch.setattr(Trainer, "run", watched)
    assert run("ggcnn", ready_scenes, tmp_path / "net.safetensors") == 0
    learnt, judged = seen[0]
    assert isinstance(learnt, ScenePictures)
    assert set(judged.names) == {"scene 18", "scene 28"}
    assert set(learnt.names) == {f"scene {n}" for n in (0, 1, 2, 4, 5, 6, 7)}, "nothing holds what lies in scene 3"


def test_weights_can_be_trained_on(ready_scenes: Path, tmp_path: Path) -> None:
    first, out = tmp_path / "first.safetensors", tmp_path / "net.safetensors"
    assert run("ggcnn", ready_scenes, first) == 0
    assert run("ggcnn", ready_scenes, out, "--init", str(first)) == 0
    (old, before), (new, after) = load_for_training(first, "ggcnn"), load_for_training(out, "ggcnn")
    assert after["before"] == [before["command"]]
    assert "--init first.safetensors" in after["command"]
    assert before["command"] in card_path(out).read_text(encoding="utf-8")
    change = [float((a - b).detach().abs().max()) for a, b in zip(old.parameters(), new.parameters(), strict=True)]
    assert 0 < max(change) < 0.02, "two steps from where the first ended"


def test_interrupted_it_goes_on_only_when_told_to(
    ready_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    through, out = tmp_path / "through.safetensors", tmp_path / "net.safetensors"
    assert run("ggcnn", ready_scenes, through, "--epochs", "2") == 0
    judged = []

    def interrupt(self: Trainer, losses: Any, began: float) -> None:
        if judged:
            raise KeyboardInterrupt
        judged.append(1)
        honest(self, losses, began)

    honest = Trainer._judge
    monkeypatch.setattr(Trainer, "_judge", interrupt)
    assert run("ggcnn", ready_scenes, out, "--epochs", "2") == 1
    assert "--resume" in capsys.readouterr().err
    assert out.with_suffix(".checkpoint").is_file()
    assert not out.exists()
    monkeypatch.setattr(Trainer, "_judge", honest)
    assert run("ggcnn", ready_scenes, out, "--epochs", "2") == 2
    assert "an unfinished training lies there" in capsys.readouterr().err
    assert run("ggcnn", ready_scenes, out, "--resume", "--epochs", "2", "--mask", "flat") == 2
    assert "recipe (mask) differs" in capsys.readouterr().err
    assert run("ggcnn", ready_scenes, out, "--epochs", "2", "--resume") == 0
    assert "resumed after epoch 1" in capsys.readouterr().out
    assert not out.with_suffix(".checkpoint").exists()
    one, other = (load_for_training(file, "ggcnn")[0].state_dict() for file in (through, out))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_colour_of_a_labelled_data_set_is_learnt_from(tmp_path: Path) -> None:
    data, out = write_drawn(tmp_path / "drawn", 3), tmp_path / "net.safetensors"
    assert run("ggcnn", data, out, "--dataset", "cornell", "--input", "color") == 0
    network, training = load_for_training(out, "ggcnn")
    assert network.config.channels == 3
    assert training["data"] == {"dataset": "cornell"}
    assert "--input color" in training["command"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "a.pt"], "weights are written as .safetensors"),
        (["--device", "cuda"], "trained on the CPU"),
        (["--input", "color"], "our own scenes are learnt from by their depth"),
        (["--max-minutes", "0"], "--max-minutes must be positive"),
        (["--view", "31"], "--view"),
        (["--batch", "1"], "--batch"),
        (["--angle", "sine"], "--angle"),
        (["--mask", "round"], "--mask"),
        (["--variation", "none"], "--variation"),
        (["--dataset", "dexnet"], "--dataset"),
        (["--input", "sound"], "--input"),
    ],
)
@NAMES
def test_bad_usage_is_one_line_and_found_before_the_data_is_read(
    name: str, words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_refused(capsys, run(name, tmp_path / "nowhere", tmp_path / "net.safetensors", *words), message)


def test_a_layout_is_for_fcn_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert_refused(capsys, run("fcn", tmp_path, tmp_path / "net.safetensors", "--layout", "vast"), "--layout")
    assert_refused(capsys, run("ggcnn", tmp_path, tmp_path / "net.safetensors", "--layout", "full"), "--layout")


def test_a_place_that_is_a_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.safetensors").mkdir()
    assert_refused(capsys, run("fcn", tmp_path, tmp_path / "net.safetensors"), "is a directory")


@NAMES
@pytest.mark.parametrize("words", [[], ["--dataset", "cornell"], ["--dataset", "jacquard"]])
def test_a_folder_without_data_is_refused(
    name: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert_refused(capsys, run(name, tmp_path / "empty", tmp_path / "net.safetensors", *words), "empty")


def test_weights_that_are_no_start_are_refused(
    ready_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.safetensors"
    save_weights(other, "ggcnn", as_if_trained("ggcnn", {}), {})
    for file, message in (
        ("none.safetensors", "none.safetensors: no such weights file"),
        (str(SHIPPED), "these are no weights of 'fcn'"),
        (str(other), "these are weights of 'ggcnn', not of 'fcn'"),
    ):
        assert_refused(capsys, run("fcn", ready_scenes, tmp_path / "net.safetensors", "--init", file), message)


@pytest.mark.parametrize(
    ("name", "config", "words", "message"),
    [
        ("ggcnn", {"channels": 3}, [], "--input is color there, depth was asked for"),
        ("ggcnn", {}, ["--dataset", "cornell", "--input", "color"], "--input is depth there, color was asked for"),
        ("ggcnn", {"angle": "raw"}, [], "--angle is raw there, double was asked for"),
        ("fcn", {}, ["--layout", "full"], "--layout is fast there, full was asked for"),
        ("fcn", {"angle": "raw", "channels": 3}, [], "--angle is raw there, double was asked for; --input is color"),
    ],
)
def test_a_start_of_another_network_is_refused_before_the_data_are_read(
    name: str, config: dict[str, Any], words: list[str], message: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    other = tmp_path / "other.safetensors"
    save_weights(other, name, as_if_trained(name, config), {"command": "c", "before": []})
    code = run(name, tmp_path / "nowhere", tmp_path / "net.safetensors", "--init", str(other), *words)
    assert_refused(capsys, code, message)


def test_no_more_is_read_than_the_limit_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four to learn from, and the thing that is held aside."""
    data = write_drawn(tmp_path / "drawn", 20)
    seen: list[tuple[int, int]] = []
    honest = Trainer.run

    def watched(self: Trainer, max_minutes: float | None = None) -> Any:
        seen.append((len(self._pictures), len(self.rows)))
        return honest(self, max_minutes)

    monkeypatch.setattr(Trainer, "run", watched)
    assert run("ggcnn", data, tmp_path / "net.safetensors", "--dataset", "cornell", "--input", "color") == 0
    ((read, learnt),) = seen
    assert learnt <= 4 < read < 8


def test_other_labels_are_refused_where_a_training_is_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = write_drawn(tmp_path / "drawn", 3), tmp_path / "net.safetensors"
    words = ("--dataset", "cornell", "--input", "color", "--resume")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_judge", _interrupted_after_one(Trainer._judge))
        assert run("ggcnn", data, out, "--epochs", "2", *words) == 1
    labels = data / "01" / "pcd0102cpos.txt"
    before = labels.read_text(encoding="utf-8")
    labels.write_text("20 20\n40 20\n40 30\n20 30\n", encoding="utf-8")
    capsys.readouterr()
    assert run("ggcnn", data, out, "--epochs", "2", *words) == 2
    assert "data differs" in capsys.readouterr().err
    labels.write_text(before, encoding="utf-8")
    assert run("ggcnn", data, out, "--epochs", "2", *words) == 0


def test_other_dense_grasps_are_refused_where_a_training_is_gone_on_with(
    ready_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out = Path(shutil.copytree(ready_scenes, tmp_path / "data")), tmp_path / "net.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_judge", _interrupted_after_one(Trainer._judge))
        assert run("ggcnn", data, out, "--epochs", "2") == 1
    file = data / FOLDER / "dense_00000.npz"
    arrays = load_arrays(file)
    save_arrays(file, arrays | {"grasps": arrays["grasps"] + np.float32(0.001)})
    capsys.readouterr()
    assert run("ggcnn", data, out, "--epochs", "2", "--resume") == 2
    assert "data differs" in capsys.readouterr().err


def _interrupted_after_one(honest: Callable[..., None]) -> Callable[..., None]:
    calls: list[int] = []

    def judge(*given: Any) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        honest(*given)

    return judge


def test_too_little_data_is_refused(ready_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run("ggcnn", ready_scenes, tmp_path / "net.safetensors", "--batch", "9", "--limit", "100")
    assert_refused(capsys, code, "a batch takes 9 pictures, and there are 7 with a grasp to learn from")
    few = Path(shutil.copytree(ready_scenes, tmp_path / "few"))
    for file in [*few.glob("*/*_00002.np?")]:
        file.unlink()
    assert_refused(capsys, run("ggcnn", few, tmp_path / "net.safetensors"), "no picture with a grasp is left")


def test_damaged_data_is_refused_by_name(
    ready_scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shutil.copytree(ready_scenes, tmp_path / "data"))
    file = data / FOLDER / "dense_00001.npz"
    file.write_bytes(file.read_bytes()[:100])
    assert_refused(capsys, run("fcn", data, tmp_path / "net.safetensors"), "delete dense_00001.npz")
    file.unlink()
    assert run("ggcnn", data, tmp_path / "net.safetensors") == 0
    assert "dense grasps of scenes_00001.npz" in capsys.readouterr().out


def test_help_waits_for_neither_torch_nor_numpy_and_training_for_no_robot() -> None:
    code = (
        "import sys, detectors.train as t\n"
        "for name in ('fcn', 'ggcnn'):\n"
        "    try:\n        t.main([name, '--help'])\n    except SystemExit:\n        pass\n"
        "print({'torch', 'numpy'} & set(sys.modules))\n"
        "import detectors.fcn.training, detectors.fcn.weights, detectors.fcn.card\n"
        "print(sorted({'rich', 'open3d', 'pyrealsense2', 'transitions', 'rtde_control'} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert "--variation" in found.stdout
    assert found.stdout.splitlines()[-2:] == ["set()", "[]"]
