"""``calibrate`` from the command line to the files, on the simulated cell: what passes, is refused, is bumped."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import yaml

from calibration.result import read_calibration, read_views
from cell.calibrate_command import read_poses
from robot.errors import SettingsError
from tests.cell.dry_runs import ROOT, ledger, run

SUBMILLIMETRE, SMALL_ANGLE_DEG = 1.0, 0.15


def calibrated(tmp_path, *options, cell="cell.yaml", seed=1):
    """-> (exit code, what was printed, the figures, the folder)."""
    out, figures = tmp_path / "calibration", tmp_path / "figures.json"
    code, printed = run(
        *("calibrate", "--dry-run", "--cell", ROOT / cell, "--seed", seed, "--out", out, "--json", figures), *options
    )
    return code, printed, json.loads(figures.read_text()) if figures.exists() else {}, out


@pytest.mark.parametrize("cell", ["cell.yaml", "cell.wrist.yaml"])
def test_a_calibration_finds_the_camera_and_leaves_everything_in_its_folder(tmp_path, cell):
    code, printed, figures, out = calibrated(tmp_path, cell=cell)
    assert code == 0, printed
    assert figures["truth_error_mm"] <= SUBMILLIMETRE
    assert figures["truth_error_deg"] <= SMALL_ANGLE_DEG
    assert len(figures["touch_miss_mm"]) == 5
    assert max(figures["touch_miss_mm"]) < 2.0
    calibration = read_calibration(out)
    assert calibration.passed
    assert len(calibration.marks) >= 2
    views, _ = read_views(out)
    assert len(list((out / "images").glob("*.png"))) >= len(views) >= 15
    assert "passed" in (out / "report.html").read_text()


def test_a_fifth_of_spoiled_views_does_no_harm(tmp_path):
    code, printed, figures, _ = calibrated(tmp_path, "--spoil", 0.2, "--no-touch", seed=2)
    assert code == 0, printed
    assert figures["truth_error_mm"] <= 2.0
    assert figures["views_used"] == "16 of 20"


def test_a_board_printed_too_small_is_refused_with_its_size(tmp_path):
    code, printed, figures, _ = calibrated(tmp_path, "--print-scale", 0.97, "--no-touch", seed=3)
    assert code == 3
    assert "29.1" in printed
    assert "board.square_m" in printed
    assert not figures["passed"]


def test_three_views_are_refused(tmp_path):
    code, printed, _, _ = calibrated(tmp_path, "--views", 3, "--no-touch")
    assert code == 3
    assert "too few views" in printed


def test_poses_that_turn_about_one_axis_are_refused(tmp_path):
    """The wrist's last joint alone: the camera turns about the table's normal and nothing else."""
    home = yaml.safe_load((ROOT / "cell.wrist.yaml").read_text())["home_joints_rad"]
    poses = tmp_path / "poses.yaml"
    poses.write_text(yaml.safe_dump([[*home[:5], home[5] + turn] for turn in np.linspace(-0.35, 0.35, 10).tolist()]))
    code, printed, _, _ = calibrated(tmp_path, "--poses", poses, "--no-touch", cell="cell.wrist.yaml")
    assert code == 3
    assert "rotation diversity" in printed


def test_a_refused_calibration_leaves_the_good_one_alone(tmp_path):
    description = yaml.safe_load((ROOT / "cell.yaml").read_text())
    description["calibration"]["folder"] = "kept"
    (tmp_path / "cell.yaml").write_text(yaml.safe_dump(description))
    shutil.copytree(ROOT / "calibrations" / "simulated", tmp_path / "kept")
    (tmp_path / "kept" / "note").write_text("mine")
    code, printed = run("calibrate", "--dry-run", "--cell", tmp_path / "cell.yaml", "--views", 3, "--no-touch")
    assert code == 3, printed
    assert (tmp_path / "kept" / "note").read_text() == "mine"
    assert not read_calibration(tmp_path / "kept-refused").passed


def test_a_folder_that_holds_something_else_is_not_overwritten(tmp_path):
    (tmp_path / "calibration").mkdir()
    (tmp_path / "calibration" / "thesis.txt").write_text("mine")
    code, printed, _, out = calibrated(tmp_path)
    assert code == 2
    assert "no calibration" in printed
    assert (out / "thesis.txt").read_text() == "mine"


def test_poses_out_of_reach_are_left_out_and_named(tmp_path):
    home = yaml.safe_load((ROOT / "cell.yaml").read_text())["home_joints_rad"]
    poses = tmp_path / "poses.yaml"
    into_the_table = [home[0], -0.2, 0.3, *home[3:]]
    poses.write_text(yaml.safe_dump([home, into_the_table, home, home]))
    code, printed, _, _ = calibrated(tmp_path, "--poses", poses, "--no-touch")
    assert code == 3
    assert "pose 2 of 4 is left out: " in printed
    assert "pose 3 of 4" not in printed


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"move_m": 0.010}, 3, "the camera has moved by"),
        ({"move_m": 0.0, "turn_rad": 0.01745}, 3, "degrees since it was calibrated"),
        ({"move_m": 0.001}, 0, "success"),
    ],
)
def test_a_bumped_camera_keeps_the_run_from_starting(tmp_path, settings, code, words):
    faults = tmp_path / "faults.yaml"
    faults.write_text(yaml.safe_dump([{"fault": "camera_bumped", "trial": 1, "phase": "checking", **settings}]))
    found, printed = run("--trials", 1, "--seed", 3, "--faults", faults, "--out", tmp_path / "run")
    assert found == code, printed
    assert words in printed
    assert len(ledger(tmp_path / "run")) == (1 if code == 0 else 0)


def test_what_the_camera_did_not_see_stops_the_descent(tmp_path):
    """A glass block of 30 mm under a finger that comes down for a flat thing."""
    objects, faults = tmp_path / "flat.yaml", tmp_path / "faults.yaml"
    flat = {"shape": "box", "size_m": [0.03, 0.09, 0.018], "position_m": [0, 0, 0]}
    thing = {"name": "bar", "mass_kg": 0.1, "friction": 0.8, "primitives": [flat]}
    objects.write_text(yaml.safe_dump({"objects": [thing]}))
    faults.write_text(yaml.safe_dump([{"fault": "unseen_obstacle", "trial": 1, "phase": "approaching"}]))
    code, printed = run("--trials", 2, "--seed", 5, "--objects", objects, "--faults", faults, "--out", tmp_path / "run")
    assert code == 0, printed
    assert [r["outcome"] for r in ledger(tmp_path / "run")] == ["blocked", "success"]


@pytest.mark.parametrize("text", ["[]", "[[0, 0, 0]]", "poses: 3", "[[0, 0, 0, 0, 0, .nan]]", "[[a, b, c, d, e, f]]"])
def test_a_file_of_poses_that_is_none_is_named(tmp_path, text):
    path = tmp_path / "poses.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="six joint angles"):
        read_poses(path)
