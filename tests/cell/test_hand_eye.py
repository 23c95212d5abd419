"""Which calibrations are accepted, and what a look at the table says about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from calibration.errors import CalibrationError
from calibration.result import read_calibration
from cell.hand_eye import HandEye, refusals, require_known_kinematics
from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.errors import DeviceError

CELL = load_cell(DEFAULT_CELL_FILE)
SHIPPED = read_calibration(HandEye(CELL, print).folder)
MADE_AT = datetime.fromisoformat(SHIPPED.made_at)


def test_the_shipped_calibration_is_accepted():
    assert refusals(SHIPPED, CELL, SHIPPED.camera_serial, SHIPPED.robot_serial, MADE_AT + timedelta(days=1)) == []
    assert refusals(SHIPPED, CELL, "", "", MADE_AT + timedelta(days=1)) == []  # neither device says which it is


@pytest.mark.parametrize(
    ("change", "serial", "days", "words"),
    [
        ({"reasons": ("too few views",)}, None, 1, "did not pass its gate: too few views"),
        ({"mount": "wrist"}, None, 1, "of a wrist camera, the cell file says fixed"),
        ({"arm_model": "UR5e"}, None, 1, "made with a UR5e"),
        ({}, "123", 1, "this one is 123"),
        ({}, None, 4000, "too old: 4000 days, at most 3650"),
        ({"robot_serial": "7"}, None, 1, "made with the robot 7, this one is"),
    ],
)
def test_what_may_not_be_used_is_refused_with_its_reason(change, serial, days, words):
    calibration = replace(SHIPPED, **change)
    serials = (serial or SHIPPED.camera_serial, SHIPPED.robot_serial)
    (reason,) = refusals(calibration, CELL, *serials, MADE_AT + timedelta(days=days))
    assert words in reason


def test_nobody_learns_where_the_camera_is_before_a_calibration_is_accepted():
    with pytest.raises(CalibrationError, match="no calibration was accepted"):
        HandEye(CELL, print).T_base_camera(SHIPPED.T_parent_camera)


def test_a_missing_calibration_is_refused_with_the_remedy(tmp_path):
    nowhere = replace(CELL, calibration=replace(CELL.calibration, folder=str(tmp_path)))
    hand_eye = HandEye(nowhere, print)
    assert hand_eye.missing
    with pytest.raises(CalibrationError, match=r"run_cell\.py calibrate"):
        hand_eye.accept("", "")


@pytest.mark.parametrize(("off_m", "remark"), [(0.0005, False), (0.002, True)])
def test_a_factory_calibration_that_differs_is_remarked(off_m, remark):
    assert (require_known_kinematics(off_m) is not None) is remark


@pytest.mark.parametrize("off_m", [0.08, float("nan")])
def test_another_arm_than_the_cell_file_says_is_refused(off_m):
    with pytest.raises(DeviceError, match="arm_model"):
        require_known_kinematics(off_m)
