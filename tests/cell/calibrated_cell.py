"""Cell files of simulated cells that are calibrated: the calibration is made once for all tests of a session."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import yaml

from tests.cell.dry_runs import ROOT, run


def calibrated_cell(tmp_path_factory, cell_file: Path, changes: dict | None = None) -> Path:
    """Write ``cell_file``: the shipped cell with ``changes`` (nested), and with a calibration -> ``cell_file``."""
    description = yaml.safe_load((ROOT / "cell.yaml").read_text())
    description["calibration"]["folder"] = str(_calibration(tmp_path_factory))
    _merge(description, changes or {})
    cell_file.write_text(yaml.safe_dump(description))
    return cell_file


def _calibration(tmp_path_factory) -> Path:
    """The folder of the session's one calibration; whichever worker comes first makes it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "calibration"
    with (shared / "calibration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "calibration.yaml").exists():
            description = yaml.safe_load((ROOT / "cell.yaml").read_text())
            description["calibration"]["folder"] = str(folder)
            cell_file = shared / "calibrating.yaml"
            cell_file.write_text(yaml.safe_dump(description))
            code, printed = run("calibrate", "--dry-run", "--cell", cell_file, "--no-touch")
            assert code == 0, printed
    return folder


def _merge(into: dict, changes: dict) -> None:
    for key, value in changes.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value
