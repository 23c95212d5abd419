"""The command ``detectors.evaluate``: what it refuses, and what it writes."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from detectors import evaluate
from detectors.dexnet.tensors import GraspTensors
from detectors.dexnet.writing import write_tensors
from detectors.gqcnn.network import NetworkConfig, build_network
from detectors.gqcnn.weights import save_weights
from robot.child_process import PROJECT_ROOT

OBJECTS = (19, 29, 39)  # test things, by their last digit


@pytest.fixture
def weights(tmp_path):
    """A network of the right shape that has learnt nothing: the command is tried here, not its figures."""
    path = tmp_path / "untrained.safetensors"
    save_weights(path, build_network(NetworkConfig("small")), {})
    return path


def tensors(count: int, objects: tuple[int, ...]) -> GraspTensors:
    rng = np.random.default_rng(0)
    poses = np.zeros((count, 7), np.float32)
    poses[:, 2] = 0.7
    return GraspTensors(
        crops_m=rng.uniform(0.6, 0.7, (count, 32, 32)).astype(np.float32),
        hand_poses=poses,
        width_m=np.full(count, 0.05, np.float32),
        robust_ferrari_canny=rng.choice([0.0, 0.01], count).astype(np.float32),
        object_label=rng.choice(objects, count),
        physical_success=rng.choice([0.0, 1.0], count).astype(np.float32),
    )


def refusal(capsys, *arguments) -> str:
    assert evaluate.main([str(argument) for argument in arguments]) == 2
    err = capsys.readouterr().err.strip()
    assert len(err.splitlines()) == 1, err
    return err


def own_folder(folder, objects):
    write_tensors(folder, 0, tensors(200, objects))
    (folder / "dataset.yaml").write_text("scenes: 5\nseed: 0\n", encoding="utf-8")
    return folder


def test_the_classifier_is_judged_on_held_out_objects(tmp_path, weights, capsys):
    folder = own_folder(tmp_path / "set", (*OBJECTS, 10, 20))
    assert evaluate.main(["gqcnn", "--dataset", "dexnet", "--path", str(folder), "--weights", str(weights),
                          "--json", "-"]) == 0  # fmt: skip
    answer = json.loads(capsys.readouterr().out)
    assert answer["classifier"]["objects"] == len(OBJECTS)
    assert answer["classifier"]["grasps"] == int(np.isin(tensors(200, (*OBJECTS, 10, 20)).object_label, OBJECTS).sum())
    assert answer["rectangle"] == {"0.25": None, "0.30": None}
    assert answer["physical_success"] is None


def test_no_held_out_grasps_is_an_error(tmp_path, weights, capsys):
    folder = own_folder(tmp_path / "set", (10, 20))
    said = refusal(capsys, "gqcnn", "--dataset", "dexnet", "--path", folder, "--weights", weights)
    assert "test" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gqcn", "--dataset", "dexnet", "--path", "x"), "did you mean 'gqcnn'"),
        (("antipodal", "--dataset", "dexnet", "--path", "x"), "only gqcnn's network"),
        (("gqcnn", "--dataset", "cornell", "--path", "x"), "invalid choice"),
        (("gqcnn", "--dataset", "dexnet", "--path", "x", "--weights", "gone.safetensors"), "x"),
        (("gqcnn", "--dataset", "dexnet", "--path", "x", "--json", "/nowhere/at/all.json"), "cannot be written"),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(capsys, arguments, words):
    assert words in refusal(capsys, *arguments)


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom detectors.evaluate import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'mujoco', 'cv2', 'open3d') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT_ROOT, timeout=60)
    assert "--dataset" in done.stdout
    assert done.stderr.strip() == "[]"
