"""The calibration that a run goes by: accepted once, and held against every look at the table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from calibration.errors import CalibrationError
from calibration.holding import Holding, check_holding
from calibration.result import Calibration, read_calibration
from cell.settings import CellSettings
from robot.arm_state import ArmState
from robot.errors import CameraError, DeviceError
from robot.frame import Frame
from robot.geometry import Transform
from robot.kinematics import ArmModel, forward

_REMEDY = "calibrate: run_cell.py calibrate"
_SECONDS_A_DAY = 86400.0


class CameraMoved(CameraError):
    """The camera is not where it was calibrated."""


class HandEye:
    """Knows where the camera is, once a calibration has been accepted; before that nobody learns it.

    Args:
        settings: the cell.
        announce: told of what is worth a remark but does not stop a run.
        now: the present, with its time zone.
    """

    def __init__(
        self,
        settings: CellSettings,
        announce: Callable[[str], None],
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._settings = settings
        self._announce = announce
        self._now = now
        self._calibration: Calibration | None = None
        self._remarked: set[str] = set()

    @property
    def folder(self) -> Path:
        """Where the calibration is kept."""
        return Path(self._settings.calibration.folder)

    @property
    def missing(self) -> bool:
        """Whether there is no calibration at all."""
        return not (self.folder / "calibration.yaml").exists()

    @property
    def calibration(self) -> Calibration:
        """What was accepted.

        Raises:
            CalibrationError: nothing was.
        """
        if self._calibration is None:
            raise CalibrationError("the camera's place is not known: no calibration was accepted", _REMEDY)
        return self._calibration

    def T_base_camera(self, T_base_flange: Transform) -> Transform:
        """Where the camera is when the flange is there. Raises CalibrationError without an accepted calibration."""
        return self.calibration.T_base_camera(T_base_flange)

    def accept(self, camera_serial: str, robot_serial: str) -> Calibration:
        """Read the calibration and take it, if it passed its gate and belongs to this cell as it stands.

        Raises:
            CalibrationError: it may not be used; the message says why and what to do.
        """
        calibration = read_calibration(self.folder)
        problems = refusals(calibration, self._settings, camera_serial, robot_serial, self._now())
        if problems:
            raise CalibrationError(f"{self.folder}: {'; '.join(problems)}", _REMEDY)
        self._calibration = calibration
        return calibration

    def look(self, frame: Frame, T_base_flange: Transform) -> Holding:
        """What ``frame`` says about whether the calibration still holds."""
        settings = self._settings
        return check_holding(
            frame,
            self.calibration,
            T_base_flange,
            settings.table_height_m,
            settings.workspace,
            settings.calibration.holding,
        )

    def require_holding(self, frame: Frame, T_base_flange: Transform) -> None:
        """Hold the calibration against a look at the table.

        Raises:
            CameraMoved: it does not hold; the message says what was seen.
        """
        holding = self.look(frame, T_base_flange)
        for remark in holding.remarks:
            kind = remark.split(":")[0]
            if kind not in self._remarked:
                self._remarked.add(kind)
                self._announce(remark)
        if holding.reasons:
            raise CameraMoved(
                "; ".join(holding.reasons), "put the camera back and fasten it, or calibrate: run_cell.py calibrate"
            )


def refusals(
    calibration: Calibration, settings: CellSettings, camera_serial: str, robot_serial: str, now: datetime
) -> list[str]:
    """Why ``calibration`` may not be used in this cell, in words; empty when it may. Empty serials are not known."""
    wanted, problems = settings.calibration, []
    if not calibration.passed:
        problems.append("the calibration did not pass its gate: " + "; ".join(calibration.reasons))
    if calibration.mount != wanted.mount:
        problems.append(f"it is of a {calibration.mount} camera, the cell file says {wanted.mount}")
    if calibration.arm_model != settings.arm_model:
        problems.append(f"it was made with a {calibration.arm_model}, the cell file says {settings.arm_model}")
    if camera_serial and calibration.camera_serial != camera_serial:
        problems.append(f"it is of the camera {calibration.camera_serial}, this one is {camera_serial}")
    if robot_serial and calibration.robot_serial not in ("", robot_serial):
        problems.append(f"it was made with the robot {calibration.robot_serial}, this one is {robot_serial}")
    age_days = age_of(calibration, now)
    if age_days > wanted.max_age_days:
        problems.append(f"the calibration is too old: {age_days:.4g} days, at most {wanted.max_age_days:g} are allowed")
    return problems


def age_of(calibration: Calibration, now: datetime) -> float:
    """How old it is [days]."""
    made_at = datetime.fromisoformat(calibration.made_at)
    if made_at.tzinfo is None:
        made_at = made_at.astimezone()
    return (now - made_at).total_seconds() / _SECONDS_A_DAY


def compare_kinematics(state: ArmState, model: ArmModel) -> str | None:
    """Compare the controller's forward kinematics with ours. Returns and raises as ``require_known_kinematics``."""
    ours = forward(model, state.q)
    return require_known_kinematics(float(np.linalg.norm(state.T_base_flange[:3, 3] - ours[:3, 3])))


def require_known_kinematics(off_m: float) -> str | None:
    """Judge how far the controller's flange is from ours, by the same joints.

    Returns:
        a remark, or None where the two agree.

    Raises:
        DeviceError: they differ so much that a planned way is not the way taken.
    """
    words = f"the controller's model of the arm and ours differ by {off_m * 1e3:.1f} mm at the tool"
    if not off_m <= KINEMATICS_BROKEN_M:
        raise DeviceError(words, "is arm_model in the cell file right, and is the TCP on the controller untouched?")
    if off_m > KINEMATICS_WARN_M:
        return words + " (its factory calibration): plans allow for less clearance than they say"
    return None


KINEMATICS_WARN_M, KINEMATICS_BROKEN_M = 0.001, 0.010
