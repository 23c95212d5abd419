"""Cell files: the shipped one loads, wrong ones are named."""

from __future__ import annotations

import pytest
import yaml

from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.errors import SettingsError


def changed(tmp_path, **changes):
    data = yaml.safe_load(DEFAULT_CELL_FILE.read_text()) | changes
    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_the_shipped_cell_describes_the_simulated_one():
    cell = load_cell(DEFAULT_CELL_FILE)
    assert cell.kind == "simulated"
    assert cell.calibration.camera_guess.transform[2, 3] - cell.table_height_m == pytest.approx(0.70)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tabel_height_m": 0.0}, "unknown key 'tabel_height_m'.*did you mean 'table_height_m'"),
        ({"kind": "real"}, "known: hardware, simulated"),
        ({"home_joints_rad": [0, 0, 0]}, "expected 6 values, got 3"),
        ({"table_height_m": 2.0}, "does not contain the table"),
        ({"grasp": {"force_n": 5}}, "force_n must lie in"),
        ({"grasp": {"table_clearance_m": float("nan")}}, "table_clearance_m: expected a finite number"),
        ({"home_joints_rad": [float("inf"), 0, 0, 0, 0, 0]}, "expected a finite number"),
        ({"home_joints_rad": [190, 0, 0, 0, 0, 0]}, "joint 1 at 190 rad is outside"),
        ({"detection": {"deadline_s": 0.0}}, "deadline_s must be positive"),
        ({"detection": {"floor": 0.6}}, "floor must be at least 0 and below 0.5"),
        ({"detection": {"timeout_s": 5.0}}, "unknown key 'timeout_s'.*known: deadline_s, floor"),
        ({"motion": {"joint_speed_rad_s": 99.0}}, "above the arm's limit"),
        ({"workspace": {"min_m": [0, 0, 0], "max_m": [1, 1, 0]}}, "must lie below"),
    ],
)
def test_wrong_settings_are_named(tmp_path, changes, message):
    with pytest.raises(SettingsError, match=message):
        load_cell(changed(tmp_path, **changes))
