"""Bad input ends with exit 2 or 3 and one clear line; help answers at once."""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from cell import run_command
from cell.command_line import leave, main
from cell.settings import DEFAULT_CELL_FILE, CellSettings
from detectors import registry
from robot.strict_yaml import build

ROOT = Path(__file__).resolve().parents[2]


def refusal(capsys, *argv):
    """Exit code and the one line on stderr."""
    code = main([str(a) for a in argv])
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return code, lines[0]


def modules_after_help(modules):
    code = f"""
import sys
sys.argv = ['run_cell.py', '--help']
from cell.command_line import main
try:
    main(['--help'])
except SystemExit:
    pass
print([m for m in {modules!r} if m in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert "--detector" in done.stdout
    return done.stderr.strip()


def test_help_imports_nothing_heavy():
    heavy = ["torch", "open3d", "mujoco", "cv2", "scipy", "pyrealsense2", "rtde_control", "rich", "numpy"]
    assert modules_after_help(heavy) == "[]"


def test_unknown_detector_lists_the_names(capsys, tmp_path):
    code, line = refusal(capsys, "--detector", "antipodl", "--out", tmp_path / "run")
    assert code == 2
    assert "did you mean 'antipodal'" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--trials", "0"], "give at least 1"),
        (["--trials", "many"], "invalid int value"),
        (["--trials", "99999999999"], "give at most"),
        (["--seed", "-5"], "give at least 0"),
        (["detect", "--detector", "antipodal", "--depth", "x", "--intrinsics", "y", "--seed", "-1"], "at least 0"),
        (["--cell", "nowhere.yaml"], "no such file"),
        (["--objects", "nowhere.yaml"], "no such file"),
        (["--speed", "-1"], "--speed"),
        (["--resume", "nowhere"], "no such run directory"),
        (["--faults", "nowhere.yaml"], "no such file"),
        (["--protocol", "depiere2021"], "did you mean 'depierre2021'? known: depierre2021, household"),
        (["--protocol", "nowhere.yaml"], "no such file"),
        (["fly"], "invalid choice: 'fly'"),
        (["--detecter", "antipodal"], "unrecognized arguments"),
        (["report", "nowhere"], "no such run directory"),
    ],
)
def test_bad_usage_is_exit_2_and_one_line(capsys, argv, says):
    code, line = refusal(capsys, *argv)
    assert code == 2
    assert says in line


def test_an_unknown_key_suggests_the_near_one(capsys, tmp_path):
    cell = tmp_path / "cell.yaml"
    cell.write_text(DEFAULT_CELL_FILE.read_text().replace("table_height_m", "tabel_height_m"))
    code, line = refusal(capsys, "--cell", cell, "--out", tmp_path / "run")
    assert code == 2
    assert "tabel_height_m" in line
    assert "did you mean 'table_height_m'" in line


def test_a_malformed_cell_file_names_the_line(capsys, tmp_path):
    cell = tmp_path / "cell.yaml"
    cell.write_text("kind: simulated\nworkspace: {min_m: [0,\n")
    code, line = refusal(capsys, "--cell", cell, "--out", tmp_path / "run")
    assert code == 2
    assert "not valid YAML" in line


def test_unwritable_output(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    code, line = refusal(capsys, "--out", tmp_path / "file" / "run", "--trials", "1")
    assert code == 2
    assert "--out" in line


def test_a_used_directory_is_not_overwritten(capsys, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    code, line = refusal(capsys, "--out", tmp_path, "--trials", "1")
    assert code == 2
    assert "not empty" in line


def test_faults_are_checked_by_name(capsys, tmp_path):
    faults = tmp_path / "faults.yaml"
    faults.write_text(yaml.safe_dump([{"fault": "protectve_stop", "trial": 1, "phase": "lifting"}]))
    code, line = refusal(capsys, "--faults", faults, "--out", tmp_path / "run")
    assert code == 2
    assert "did you mean 'protective_stop'" in line


def write_depth(tmp_path, depth):
    np.save(tmp_path / "depth.npy", depth.astype(np.float32))
    intrinsics = {"fx": 600.0, "fy": 600.0, "cx": 320.0, "cy": 240.0, "width": 640, "height": 480}
    (tmp_path / "k.json").write_text(json.dumps(intrinsics))
    return ["--depth", tmp_path / "depth.npy", "--intrinsics", tmp_path / "k.json"]


@pytest.mark.parametrize(
    ("depth", "says"),
    [
        (np.full((480, 640, 3), 0.7), "shape"),
        (np.full((240, 320), 0.7), "shape"),
        (np.zeros((480, 640)), "valid"),
        (np.full((480, 640), 700.0), "millimetres"),
    ],
)
def test_detect_refuses_depth_it_cannot_mean(capsys, tmp_path, depth, says):
    code, line = refusal(capsys, "detect", "--detector", "antipodal", *write_depth(tmp_path, depth))
    assert code == 2
    assert says in line


def test_detect_refuses_intrinsics_without_fx(capsys, tmp_path):
    arguments = write_depth(tmp_path, np.full((480, 640), 0.7))
    (tmp_path / "k.json").write_text(json.dumps({"fy": 600.0, "cx": 1, "cy": 1, "width": 640, "height": 480}))
    code, line = refusal(capsys, "detect", "--detector", "antipodal", *arguments)
    assert code == 2
    assert "fx" in line


def test_missing_weights_are_named_before_anything_is_made(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("detectors.gqcnn.weights_file.SHIPPED", tmp_path / "gone.safetensors")
    assert main(["--detector", "gqcnn", "--trials", "1", "--out", str(tmp_path / "run")]) == 3
    message = capsys.readouterr().err
    assert "gone.safetensors" in message
    assert "python -m detectors.train gqcnn" in message
    assert not (tmp_path / "run").exists()


def prepared(*argv):
    """The run that a command line asks for, with nothing started."""
    parser = argparse.ArgumentParser()
    run_command.add_arguments(parser)
    request, directory, _ = run_command.prepare(parser.parse_args([str(a) for a in argv]), None)
    return request, directory


def test_each_detector_has_its_own_fallback_unless_one_is_named(tmp_path, monkeypatch):
    request, _ = prepared("--out", tmp_path / "default")
    assert (request.detector, request.fallback) == ("gqstn", "gqcnn")
    plain = "--detector", "antipodal"
    assert prepared("--out", tmp_path / "plain", *plain)[0].fallback == "none"
    monkeypatch.setattr(registry, "DEFAULT_FALLBACK", {"antipodal": "gqcnn"})
    request, directory = prepared("--out", tmp_path / "run", *plain, "--trials", "3")
    assert request.fallback == directory.run_info["fallback"] == "gqcnn"
    assert prepared("--out", tmp_path / "other", *plain, "--fallback", "gqcnn-1000")[0].fallback == "gqcnn-1000"
    assert prepared("--out", tmp_path / "declined", *plain, "--fallback", "none")[0].fallback == "none"


def test_a_resumed_run_keeps_its_fallback(tmp_path, monkeypatch, capsys):
    prepared("--out", tmp_path / "run", "--fallback", "gqcnn")
    monkeypatch.setattr(registry, "DEFAULT_FALLBACK", {"gqstn": "gqcnn-1000"})
    assert prepared("--resume", tmp_path / "run")[0].fallback == "gqcnn"
    code, line = refusal(capsys, "--resume", tmp_path / "run", "--fallback", "none")
    assert code == 2
    assert "fallback: asked for 'none', the run has 'gqcnn'" in line
    monkeypatch.setattr("detectors.gqcnn.weights_file.SHIPPED", tmp_path / "gone.safetensors")
    code, line = refusal(capsys, "--resume", tmp_path / "run")
    assert code == 3
    assert "gone.safetensors" in line


HASHES = ("robustness_weights_sha256", "detector_weights_sha256", "fallback_weights_sha256")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Weights of gqcnn and gqstn, without cards, in the place of those that ship."""
    files = {}
    for name in ("gqcnn", "gqstn"):
        files[name] = tmp_path / f"{name}.safetensors"
        files[name].write_text(f"of {name}")
        monkeypatch.setattr(f"detectors.{name}.weights_file.SHIPPED", files[name])
    return files


def sha256_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_run_names_the_weights_of_all_its_networks(tmp_path, shipped):
    gqcnn, gqstn = (sha256_of(shipped[name]) for name in ("gqcnn", "gqstn"))
    for options, expected in (
        (("--detector", "gqstn"), (gqcnn, gqstn, gqcnn)),
        (("--detector", "gqcnn-1000", "--fallback", "gqstn"), (gqcnn, gqcnn, gqstn)),
        (("--detector", "antipodal"), (gqcnn, "none", "none")),
    ):
        out = tmp_path / "-".join(options)
        prepared("--out", out, *options)
        written = yaml.safe_load((out / "run.yaml").read_text())
        assert tuple(written[key] for key in HASHES) == expected


@pytest.mark.parametrize(
    ("options", "changed", "key"),
    [
        (("--detector", "antipodal"), "gqcnn", "robustness_weights_sha256"),
        (("--detector", "gqstn", "--fallback", "none"), "gqstn", "detector_weights_sha256"),
        (("--detector", "antipodal", "--fallback", "gqstn"), "gqstn", "fallback_weights_sha256"),
    ],
)
def test_a_run_is_not_resumed_with_other_weights(tmp_path, shipped, capsys, options, changed, key):
    prepared("--out", tmp_path / "run", *options)
    before = shipped[changed].read_bytes()
    shipped[changed].write_text("trained anew")
    code, line = refusal(capsys, "--resume", tmp_path / "run")
    assert code == 2
    assert f"begun with other weights ({key})" in line
    assert "--out" in line
    shipped[changed].write_bytes(before)
    prepared("--resume", tmp_path / "run")


def test_a_run_is_resumed_where_only_weights_changed_that_it_does_not_use(tmp_path, shipped):
    prepared("--out", tmp_path / "run", "--detector", "antipodal", "--fallback", "gqcnn")
    shipped["gqstn"].write_text("trained anew")
    prepared("--resume", tmp_path / "run")


def test_a_run_of_before_weights_were_noted_can_be_resumed(tmp_path, shipped):
    _, directory = prepared("--out", tmp_path / "run", "--detector", "gqstn")
    info = {name: value for name, value in directory.run_info.items() if name not in HASHES}
    (tmp_path / "run" / "run.yaml").write_text(yaml.safe_dump(info))
    prepared("--resume", tmp_path / "run")


def test_a_run_of_before_the_deadline_can_be_resumed(tmp_path):
    _, directory = prepared("--out", tmp_path / "run")
    info = dict(directory.run_info)
    info["cell"] = {name: value for name, value in info["cell"].items() if name != "detection"}
    (tmp_path / "run" / "run.yaml").write_text(yaml.safe_dump(info))
    request, _ = prepared("--resume", tmp_path / "run")
    assert build(CellSettings, request.cell, "run.yaml").detection.deadline_s == 10.0


def test_without_a_protocol_a_run_is_the_households(tmp_path):
    request, directory = prepared("--out", tmp_path / "run")
    assert (request.protocol["name"], request.trials, len(request.objects)) == ("household", 60, 12)
    assert directory.run_info["protocol"]["criterion"] == "held_after_shake"


def test_a_protocol_brings_objects_and_trials_which_options_override(tmp_path):
    request, _ = prepared("--protocol", "depierre2021", "--out", tmp_path / "run")
    assert (request.protocol["criterion"], request.trials, len(request.objects)) == ("put_back", 100, 25)
    household = ROOT / "robot" / "household12.yaml"
    own = ("--trials", "7", "--objects", household)
    request, _ = prepared("--protocol", "depierre2021", *own, "--out", tmp_path / "other")
    assert (request.protocol["criterion"], request.trials, len(request.objects)) == ("put_back", 7, 12)


def test_a_resumed_run_keeps_its_protocol(tmp_path, capsys):
    prepared("--protocol", "depierre2021", "--out", tmp_path / "run")
    request, _ = prepared("--resume", tmp_path / "run")
    assert request.protocol["name"] == "depierre2021"
    request, _ = prepared("--resume", tmp_path / "run", "--protocol", "depierre2021")
    code, line = refusal(capsys, "--resume", tmp_path / "run", "--protocol", "household")
    assert code == 2
    assert "protocol.criterion: asked for 'held_after_shake', the run has 'put_back'" in line


def test_a_run_of_before_protocols_is_resumed_as_the_households(tmp_path, capsys):
    _, directory = prepared("--out", tmp_path / "run")
    info = {name: value for name, value in directory.run_info.items() if name != "protocol"}
    (tmp_path / "run" / "run.yaml").write_text(yaml.safe_dump(info))
    request, _ = prepared("--resume", tmp_path / "run", "--protocol", "household")
    assert request.protocol["name"] == "household"
    code, line = refusal(capsys, "--resume", tmp_path / "run", "--protocol", "depierre2021")
    assert code == 2
    assert "the run has 'held_after_shake'" in line


def test_a_cell_too_small_for_a_protocol_is_refused_at_once(tmp_path, capsys):
    cell = yaml.safe_load(DEFAULT_CELL_FILE.read_text())
    cell["workspace"] = {"min_m": [0.45, -0.1, -0.25], "max_m": [0.55, 0.1, 0.25]}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(cell))
    options = ("--cell", tmp_path / "small.yaml", "--out", tmp_path / "run")
    code, line = refusal(capsys, "--protocol", "depierre2021", *options)
    assert code == 2
    assert "carries every object 0.2 m away, the workspace of this cell has room for 0.11 m" in line
    assert not (tmp_path / "run").exists()
    prepared(*options)


def test_an_unknown_fallback_is_refused(capsys, tmp_path):
    code, line = refusal(capsys, "--fallback", "gqcn", "--out", tmp_path / "run")
    assert code == 2
    assert "did you mean 'gqcnn'" in line


LEAVING = """
import time
from cell.command_line import leave
from detectors.watched import DetectorTimeout, WatchedDetector

class Hanging:
    name = "hanging"
    def detect(self, frame, **asked):
        while True:
            time.sleep(60)

try:
    WatchedDetector(Hanging(), 0.05).detect(None)
except DetectorTimeout:
    print("late", end="")
leave(5)
"""


def test_the_program_leaves_with_its_exit_code_though_a_detector_hangs():
    done = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (5, "late", "")


def test_the_program_leaves_as_ever_where_nobody_is_at_work():
    with pytest.raises(SystemExit) as end:
        leave(3)
    assert end.value.code == 3
