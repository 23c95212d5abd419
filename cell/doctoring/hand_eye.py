"""The calibration: there, passed, of this cell, young enough; and how good it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cell.doctoring.lines import Facts, Line, broken, ok
from cell.doctoring.parts import Part
from cell.settings import CellSettings

_CALIBRATE = "calibrate: run_cell.py calibrate"


def calibration_part(settings: CellSettings, facts: Facts, now: datetime) -> Part:
    """What the calibration's folder says, against the serial numbers in ``facts`` where they are known."""
    return Part(("calibration", "calibration residuals"), lambda: _calibration(settings, facts, now))


def _calibration(settings: CellSettings, facts: Facts, now: datetime) -> Iterator[Line]:
    from calibration.result import read_calibration
    from cell.hand_eye import age_of, refusals

    calibration = read_calibration(Path(settings.calibration.folder))
    problems = refusals(calibration, settings, facts.camera_serial, facts.robot_serial, now)
    words = f"{calibration.mount} camera {calibration.camera_serial}, {age_of(calibration, now):.1f} days old"
    if problems:
        yield broken("calibration", "; ".join(problems), _CALIBRATE)
    else:
        yield ok("calibration", words)
    quality, gate = calibration.quality, settings.calibration.gate
    rms_m, rms_rad = quality.position_rms_m, quality.angle_rms_rad
    words = f"{rms_m * 1e3:.2f} mm and {math.degrees(rms_rad):.3f} degrees RMS"
    limits = f"{gate.position_rms_m * 1e3:g} mm and {math.degrees(gate.angle_rms_rad):.2g} degrees"
    if not (rms_m <= gate.position_rms_m and rms_rad <= gate.angle_rms_rad):
        yield broken("calibration residuals", f"{words}, at most {limits} are allowed", _CALIBRATE)
    else:
        yield ok("calibration residuals", f"{words} ({limits} allowed)")
