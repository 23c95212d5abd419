from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from detectors import train
from detectors.gqcnn.weights import load_for_training, load_gqcnn
from detectors.gqcnn.weights_file import card_path, file_sha256
from tests.detectors.gqcnn.bars import write_bars

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["--network", "small", "--epochs", "2", "--batch", "64", "--device", "cpu", "--threads", "1"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bars(tmp_path_factory.mktemp("data") / "bars", 900)


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained") / "net.safetensors"
    assert train.main(["gqcnn", "--data", str(data), "--out", str(out), "--seed", "4", *QUICK]) == 0
    return out


def test_weights_and_card_are_written_and_agree(trained: Path) -> None:
    network, training = load_for_training(trained)
    assert network.config.architecture == "small"
    assert training["seed"] == 4
    assert training["epochs"] == 2
    assert training["data"] == {"seed": 0, "scenes": 3}
    assert "--epochs 2" in training["command"]
    assert str(trained.parent) not in json.dumps(training), "no paths of this machine"
    assert file_sha256(trained) in card_path(trained).read_text(encoding="utf-8")
    assert not trained.with_suffix(".checkpoint").exists()
    assert load_gqcnn(trained).parameter_count < 300_000


def test_the_same_seed_trains_the_same_weights(data: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    train.main(["gqcnn", "--data", str(data), "--out", str(out), "--seed", "4", *QUICK])
    a, b = load_for_training(trained)[0].state_dict(), load_for_training(out)[0].state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_weights_can_be_trained_on(
    data: Path, trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, start = tmp_path / "more.safetensors", ["--init", str(trained), "--rate", "1e-9", "--epochs", "1"]
    common = ["gqcnn", "--data", str(data), "--out", str(out), "--device", "cpu", "--threads", "1"]
    assert train.main([*common, *start]) == 0
    old, new = load_for_training(trained)[0], load_for_training(out)[0]
    torch.testing.assert_close(new.image[0].weight, old.image[0].weight, atol=1e-3, rtol=1e-2)
    assert train.main([*common, *start, "--network", "medium"]) == 2
    assert "holds a 'small'" in capsys.readouterr().err


def test_killed_without_warning_it_goes_on_to_the_same_weights(data: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    words = [
        sys.executable,
        "-m",
        "detectors.train",
        "gqcnn",
        "--data",
        str(data),
        "--out",
        str(out),
        "--seed",
        "4",
        *QUICK,
    ]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    checkpoint, until = out.with_suffix(".checkpoint"), time.monotonic() + 60
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert checkpoint.exists()
    assert not out.exists()
    assert train.main([*words[3:]]) == 2, "without --resume an unfinished training is not overwritten"
    assert train.main([*words[3:], "--resume"]) == 0
    a, b = load_for_training(trained)[0].state_dict(), load_for_training(out)[0].state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_training_needs_neither_robot_nor_viewer(tmp_path: Path) -> None:
    """A machine that only trains has none of these installed."""
    code = (
        "import sys\n"
        "import detectors.train, detectors.gqcnn.train_command, detectors.gqcnn.training, detectors.gqcnn.grasp_data\n"
        "import detectors.gqcnn.evaluation, detectors.gqcnn.card, detectors.gqcnn.weights\n"
        "print(sorted({'rich', 'open3d', 'pyrealsense2', 'transitions', 'mujoco', 'trimesh', 'rtde_control'}"
        " & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys, detectors.train as t\n"
        "try:\n    t.main(['gqcnn', '--help'])\nexcept SystemExit:\n    print('torch' in sys.modules)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--network" in found.stdout
    assert found.stdout.strip().endswith("False")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gqcn", "--data", "x"], "did you mean 'gqcnn'"),
        (["gqcnn", "--data", "x"], "--out"),
        (["gqcnn", "--data", "nowhere", "--out", "a.safetensors", "--device", "cpu"], "nowhere: no such folder"),
        (["gqcnn", "--data", "x", "--out", "a.pt"], "safetensors"),
        (["gqcnn", "--data", "x", "--out", "a.safetensors", "--network", "large"], "unknown network 'large'"),
        (["gqcnn", "--data", "x", "--out", "a.safetensors", "--device", "tpu9"], "--device tpu9"),
        (["gqcnn", "--data", "x", "--out", "a.safetensors", "--max-minutes", "-1"], "max-minutes"),
        (["gqcnn", "--data", "x", "--out", "a.safetensors", "--init", "b.safetensors"], "b.safetensors: no such"),
    ],
)
def test_bad_usage_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
