"""The cell file's words on calibration: where the camera roughly is, by what it is measured, when it is good enough."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from robot.calibration_board import BoardSettings
from robot.errors import SettingsError
from robot.placement_settings import PoseSettings

Mount = Literal["fixed", "wrist"]


@dataclass(frozen=True, kw_only=True)
class GateSettings:
    """What a calibration must reach before the arm moves towards an object.

    Attributes:
        position_rms_m, angle_rms_rad: how far, over all views, the board is seen from where the result says it is.
        least_views: fewer usable views than this are no calibration.
        least_turning_rad: rotation about the second of the axes that the views turn about (``diversity``).
        board_scale_error: how far the board's size, as the arm's travel measures it, may be from ``square_m`` (share).
        most_outliers: share of the views that may be thrown out.
        leave_one_out_m: how far the camera's place may wander when any one view is left out.
        touch_m: how far the fingertip may miss any of the board's corners, where it was verified by touch.
    """

    position_rms_m: float = 0.002
    angle_rms_rad: float = math.radians(0.3)
    least_views: int = 8
    least_turning_rad: float = math.radians(8.0)
    board_scale_error: float = 0.01
    most_outliers: float = 0.4
    leave_one_out_m: float = 0.002
    touch_m: float = 0.004


@dataclass(frozen=True, kw_only=True)
class HoldingSettings:
    """When the check before a run says that a calibration does not hold any more.

    Attributes:
        moved_m, turned_rad: of the camera, by the marks on the table (or the board).
        table_off_m, table_tilt_rad: of the table's plane as the depth image shows it, against the robot's.
    """

    moved_m: float = 0.004
    turned_rad: float = math.radians(0.4)
    table_off_m: float = 0.006
    table_tilt_rad: float = math.radians(0.6)


@dataclass(frozen=True, kw_only=True)
class CalibrationSettings:
    """How the camera is mounted and calibrated.

    Attributes:
        mount: ``fixed`` beside the table (the board is held by the gripper) or ``wrist`` (the board lies on the table).
        folder: where the calibration is kept; relative to the cell file.
        camera_guess: T_base_camera (fixed) or T_flange_camera (wrist) by tape measure, to some 3 cm and 10 degrees.
        board_guess: where the board is: T_flange_board (fixed; None: gripped at the middle of its lower edge) or
            T_base_board (wrist; None: flat in the middle of the workspace).
        board: the print.
        views: how many poses are looked from.
        max_age_days: an older calibration is not used.
        gate, holding: what it must reach, and when it does not hold any more.
    """

    mount: Mount = "fixed"
    folder: str
    camera_guess: PoseSettings
    board_guess: PoseSettings | None = None
    board: BoardSettings = field(default_factory=BoardSettings)
    views: int = 20
    max_age_days: float = 90.0
    gate: GateSettings = field(default_factory=GateSettings)
    holding: HoldingSettings = field(default_factory=HoldingSettings)

    def __post_init__(self) -> None:
        if self.views < 3:
            raise SettingsError(f"calibration.views must be at least 3, got {self.views}")
        if self.max_age_days <= 0:
            raise SettingsError(f"calibration.max_age_days must be above 0, got {self.max_age_days}")
