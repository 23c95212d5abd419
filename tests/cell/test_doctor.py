"""The doctor in a simulated cell, over the wires: well when it is well, and the right line broken when it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from calibration.quality import Quality
from calibration.result import Calibration, write
from cell.doctor import DoctorRequest, examine
from cell.doctoring.lines import Line, Status
from cell.doctoring.machine import Machine
from cell.settings import DEFAULT_CELL_FILE
from robot.arm import ArmSettings, UR5Arm
from robot.calibration_board import BoardSettings
from robot.dashboard import Dashboard
from robot.errors import SettingsError
from robot.gripper import GripperSettings, Robotiq2F85
from robot.simulator.lab_client import LabClient
from robot.simulator.process import SimulatedCell
from tests.cell import dry_runs

NOW = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
ROOM = Machine(free_bytes=lambda path: 10**11)
QUALITY = Quality(
    views=20, used=19, position_rms_m=0.0006, angle_rms_rad=0.001, reprojection_rms_px=0.1, leave_one_out_m=0.0003,
    leave_one_out_rad=0.0005, turning_rad=0.4, solvers=7, solver_spread_m=0.0005, solver_spread_rad=0.001,
    board_scale=1.0, board_scale_sigma=0.001,
)  # fmt: skip
CALIBRATION = Calibration(
    mount="fixed", T_parent_camera=np.eye(4), T_other_board=np.eye(4), covariance=np.eye(6) * 1e-8,
    board=BoardSettings(), quality=QUALITY, views=(), solvers=(), depth=None, reasons=(),
    made_at=(NOW - timedelta(days=3)).isoformat(),
    camera_serial="000000000001", robot_serial="2018352097", arm_model="UR5",
)  # fmt: skip


def write_cell(folder: Path, calibration: Calibration | None) -> Path:
    """The shipped cell file in a folder of its own, with this calibration beside it."""
    cell = folder / "cell.yaml"
    cell.write_text(DEFAULT_CELL_FILE.read_text())
    if calibration is not None:
        write(calibration, folder / "calibrations" / "simulated")
    return cell


@pytest.fixture(scope="module")
def served() -> Iterator[SimulatedCell]:
    with SimulatedCell.start() as simulator:
        yield simulator


@pytest.fixture
def lab(served: SimulatedCell) -> Iterator[LabClient]:
    """The hands in the served cell, whose gripper is active; all is put right afterwards."""
    gripper = Robotiq2F85(GripperSettings(address=served.address))
    with LabClient(served.address) as client:
        with gripper:
            gripper.activate()
        yield client
        client.clear_faults()
        with Dashboard(served.address) as dashboard:
            dashboard.unlock_protective_stop()
            if dashboard.robot_mode() != "RUNNING":
                dashboard.power_on()
                dashboard.release_brakes()


def findings(
    served: SimulatedCell, folder: Path, calibration: Calibration | None = CALIBRATION, machine: Machine = ROOM
) -> dict[str, Line]:
    request = DoctorRequest(cell=write_cell(folder, calibration), address=served.address, machine=machine, now=NOW)
    return {line.name: line for line in examine(request)}


def broken(lines: dict[str, Line]) -> list[str]:
    return [name for name, line in lines.items() if line.status is Status.BROKEN]


def test_healthy_cell_is_all_ok(served: SimulatedCell, lab: LabClient, tmp_path: Path) -> None:
    lines = findings(served, tmp_path)
    assert [line for line in lines.values() if line.status is not Status.OK] == []
    assert "PolyScope 3.15.8" in lines["controller"].found
    assert "000000000001" in lines["camera"].found
    assert "3.0 days old" in lines["calibration"].found
    assert "0.60 mm" in lines["calibration residuals"].found


@pytest.mark.parametrize(
    ("fault", "name", "words"),
    [
        ("dashboard_down", "controller", "dashboard down"),
        ("local_mode", "remote control", "local control"),
        ("protective_stop", "safety", "protective stop"),
        ("emergency_stop", "safety", "emergency stop"),
        ("safeguard_stop", "safety", "safeguard stop"),
        ("registers_in_use", "registers", "in use by another client"),
        ("rtde_silence", "RTDE rate", "silent"),
        ("gripper_inactive", "gripper", "gripper inactive"),
        ("gripper_fault", "gripper fault", "fault 0x"),
        ("gripper_silence", "gripper", "no whole answer"),
        ("camera_missing", "camera", "camera missing"),
        ("camera_silence", "camera", "gives no pictures"),
        ("frozen_frame", "camera frames", "frozen"),
        ("all_holes", "camera depth", "100% unknown"),
    ],
)
def test_each_fault_is_named_and_nothing_else_is_blamed(
    served: SimulatedCell, lab: LabClient, tmp_path: Path, fault: str, name: str, words: str
) -> None:
    lab.fault(fault, at_once=True)
    lines = findings(served, tmp_path)
    assert words in lines[name].found
    assert lines[name].remedy
    also = {"emergency_stop": ["power"], "gripper_fault": ["gripper"]}.get(fault, [])
    assert [other for other in broken(lines) if other not in also] == [name]


def test_controller_is_left_as_it_was(served: SimulatedCell, lab: LabClient, tmp_path: Path) -> None:
    before = lab.truth()
    findings(served, tmp_path)
    with Dashboard(served.address) as dashboard:
        assert dashboard.program_state() == "STOPPED"
    after = lab.truth()
    np.testing.assert_allclose(after["q"], before["q"], atol=1e-9)
    gripper = Robotiq2F85(GripperSettings(address=served.address))
    with gripper:
        assert gripper.state().activated


def test_running_program_is_told_of_and_goes_on(served: SimulatedCell, lab: LabClient, tmp_path: Path) -> None:
    with UR5Arm(ArmSettings(address=served.address)) as arm:
        lines = findings(served, tmp_path)
        assert arm.state().program_running
        arm.move_joints(arm.state().q, 0.5, 0.5)
    assert lines["program"].status is Status.WARNING
    assert "a program runs" in lines["program"].found
    assert broken(lines) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"made_at": (NOW - timedelta(days=4000)).isoformat()}, "calibration is too old: 4000 days"),
        ({"reasons": ("the residuals are 5 mm",)}, "did not pass its gate: the residuals are 5 mm"),
        ({"camera_serial": "7"}, "of the camera 7"),
        ({"mount": "wrist"}, "wrist"),
        ({"arm_model": "UR5e"}, "UR5e"),
        ({"robot_serial": "1"}, "made with the robot 1"),
    ],
)
def test_calibration_that_may_not_be_used(
    served: SimulatedCell, lab: LabClient, tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    lines = findings(served, tmp_path, replace(CALIBRATION, **changes))  # type: ignore[arg-type]
    assert broken(lines) == ["calibration"]
    assert words in lines["calibration"].found
    assert "calibrate" in lines["calibration"].remedy


def test_missing_calibration(served: SimulatedCell, lab: LabClient, tmp_path: Path) -> None:
    lines = findings(served, tmp_path, None)
    assert broken(lines) == ["calibration"]
    assert "no calibration" in lines["calibration"].found


def test_calibration_changed_by_hand(served: SimulatedCell, lab: LabClient, tmp_path: Path) -> None:
    cell = write_cell(tmp_path, CALIBRATION)
    path = tmp_path / "calibrations" / "simulated" / "calibration.yaml"
    path.write_text(path.read_text().replace("camera_serial: '000000000001'", "camera_serial: '2'"))
    lines = {line.name: line for line in examine(DoctorRequest(cell=cell, address=served.address, now=NOW))}
    assert "changed by hand" in lines["calibration"].found


def test_bad_residuals(served: SimulatedCell, lab: LabClient, tmp_path: Path) -> None:
    lines = findings(served, tmp_path, replace(CALIBRATION, quality=replace(QUALITY, position_rms_m=0.004)))
    assert broken(lines) == ["calibration residuals"]
    assert "4.00 mm" in lines["calibration residuals"].found


def test_full_disk_and_damaged_weights_are_seen_in_the_cell(
    served: SimulatedCell, lab: LabClient, tmp_path: Path
) -> None:
    folder = tmp_path / "gqcnn" / "weights"
    folder.mkdir(parents=True)
    (folder / "gqcnn.safetensors").write_bytes(b"damaged")
    (folder / "gqcnn.card.md").write_text(f"SHA-256: `{'0' * 64}`\n")
    lines = findings(served, tmp_path, machine=Machine(weights=tmp_path, free_bytes=lambda path: 10**8))
    assert broken(lines) == ["weights", "disk"]
    assert "disk full" in lines["disk"].found


def test_nobody_at_the_address(tmp_path: Path) -> None:
    request = DoctorRequest(cell=write_cell(tmp_path, CALIBRATION), address="127.99.99.99", machine=ROOM, now=NOW)
    lines = {line.name: line for line in examine(request)}
    assert broken(lines) == ["controller", "RTDE rate", "gripper", "camera"]
    assert lines["weights"].status is Status.OK


def test_command_starts_a_cell_of_its_own_and_ends_with_3_when_something_is_broken(tmp_path: Path) -> None:
    recent = replace(CALIBRATION, made_at=datetime.now().astimezone().isoformat())
    cell, out = write_cell(tmp_path, recent), tmp_path / "well.json"
    code, printed = dry_runs.run("doctor", "--dry-run", "--cell", cell, "--json", out)
    assert code == 0, printed
    assert json.loads(out.read_text())["ok"] is True
    code, printed = dry_runs.run("doctor", "--cell", cell, "--fault", "local_mode", "--fault", "all_holes")
    assert code == 3
    assert "Traceback" not in printed
    assert "local control" in printed
    assert "2 broken" in printed


def test_command_refuses_what_contradicts_itself(tmp_path: Path) -> None:
    cell = tmp_path / "cell.yaml"
    cell.write_text(DEFAULT_CELL_FILE.read_text().replace("kind: simulated", "kind: hardware"))
    for request in (
        DoctorRequest(cell=cell, address="127.0.0.1"),
        DoctorRequest(cell=cell, faults=("local_mode",)),
        DoctorRequest(address="127.0.0.1", faults=("local_mode",)),
        DoctorRequest(faults=("locale_mode",)),
    ):
        with pytest.raises(SettingsError):
            examine(request)
