"""What goes wrong with a calibration."""

from __future__ import annotations

from robot.errors import CellError


class CalibrationError(CellError):
    """There is no calibration that could be used, or none can be computed."""
