"""What the doctor says of the machine: versions, weights, disk."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from cell.doctor import DoctorRequest, examine
from cell.doctor_command import is_well, write_json
from cell.doctoring.lines import Line, Status, broken, ok, warning
from cell.doctoring.machine import Machine, machine_parts
from cell.doctoring.parts import Examination
from detectors.gqcnn.weights_file import SHIPPED, card_path


def looked_at(machine: Machine) -> dict[str, Line]:
    examination = Examination()
    for part in machine_parts(machine):
        examination.begin(part)
    return {line.name: line for line in examination.lines()}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the shipped weights and their card; returns the weights file."""
    folder = tmp_path / "detectors" / "gqcnn" / "weights"
    folder.mkdir(parents=True)
    for path in (SHIPPED, card_path(SHIPPED)):
        shutil.copy(path, folder)
    return folder / SHIPPED.name


def weights_line(weights: Path) -> Line:
    return looked_at(Machine(weights=weights.parents[2]))["weights"]


def test_this_machine_is_well() -> None:
    lines = looked_at(Machine(free_bytes=lambda path: 10**11))
    assert {name: line.status for name, line in lines.items()} == dict.fromkeys(
        ("python", "packages", "weights", "disk"), Status.OK
    )
    assert f"ur-rtde {version('ur-rtde')}" in lines["packages"].found


def test_python_out_of_bounds() -> None:
    line = looked_at(Machine(python="3.9.1"))["python"]
    assert line.status is Status.BROKEN
    assert "3.9.1" in line.found


def test_package_out_of_bounds_is_named() -> None:
    line = looked_at(Machine(package_version=lambda name: "1.7.2" if name == "ur-rtde" else version(name)))["packages"]
    assert line.status is Status.BROKEN
    assert "ur-rtde 1.7.2" in line.found
    assert "pip install" in line.remedy


def test_missing_package_is_named() -> None:
    def version_of(name: str) -> str:
        if name == "mujoco":
            raise PackageNotFoundError(name)
        return version(name)

    line = looked_at(Machine(package_version=version_of))["packages"]
    assert (line.status, line.found) == (Status.BROKEN, "mujoco is not installed")


def test_without_a_project_file_the_installed_package_says_what_it_wants(tmp_path: Path) -> None:
    assert looked_at(Machine(project_file=tmp_path / "none"))["packages"].status is Status.OK


def test_whole_weights_are_well(weights: Path) -> None:
    assert weights_line(weights).status is Status.OK


def test_damaged_weights(weights: Path) -> None:
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    line = weights_line(weights)
    assert line.status is Status.BROKEN
    assert "not the one that gqcnn.card.md describes" in line.found
    assert "restore the file" in line.remedy


def test_missing_weights(weights: Path) -> None:
    weights.unlink()
    line = weights_line(weights)
    assert line.status is Status.BROKEN
    assert "no such weights file" in line.found


def test_no_weights_at_all(tmp_path: Path) -> None:
    assert looked_at(Machine(weights=tmp_path))["weights"].status is Status.BROKEN


def test_weights_without_a_card_cannot_be_vouched_for(weights: Path) -> None:
    card_path(weights).unlink()
    line = weights_line(weights)
    assert line.status is Status.WARNING
    assert weights.name in line.found


@pytest.mark.parametrize(("free", "status"), [(0, "broken"), (4e8, "broken"), (3e9, "warning"), (6e9, "ok")])
def test_room_on_the_disk(free: float, status: str) -> None:
    line = looked_at(Machine(free_bytes=lambda path: int(free)))["disk"]
    assert line.status.value == status
    assert ("disk full" in line.found) == (status == "broken")


def test_room_is_looked_for_where_runs_will_go(tmp_path: Path) -> None:
    asked: list[Path] = []

    def free(path: Path) -> int:
        asked.append(path)
        return 10**11

    looked_at(Machine(runs=tmp_path / "to" / "be" / "made", free_bytes=free))
    assert asked == [tmp_path]


def test_unreadable_disk_is_a_line_not_a_traceback() -> None:
    def free(path: Path) -> int:
        raise OSError("I/O error")

    line = looked_at(Machine(free_bytes=free))["disk"]
    assert line.status is Status.BROKEN
    assert "I/O error" in line.found


def test_bad_cell_file_is_a_line_and_the_machine_is_examined_all_the_same(tmp_path: Path) -> None:
    cell = tmp_path / "cell.yaml"
    cell.write_text("kind: simulated\ntable_hight_m: 1\n")
    lines = {line.name: line for line in examine(DoctorRequest(cell=cell))}
    assert lines["settings"].status is Status.BROKEN
    assert "table_hight_m" in lines["settings"].found
    assert lines["weights"].status is Status.OK


def test_json(tmp_path: Path) -> None:
    lines = (ok("a", "fine"), warning("b", "slow", "hurry"))
    write_json(tmp_path / "well.json", lines)
    assert json.loads((tmp_path / "well.json").read_text()) == {
        "ok": True,
        "lines": [
            {"name": "a", "status": "ok", "found": "fine", "remedy": ""},
            {"name": "b", "status": "warning", "found": "slow", "remedy": "hurry"},
        ],
    }
    assert not is_well((*lines, broken("c", "gone", "buy one")))
