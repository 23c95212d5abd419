"""Whether a calibration is good enough for an arm to move by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from calibration.quality import Quality
from calibration.settings import GateSettings
from robot.calibration_board import BoardSettings

LEAST_TOUCHES = 3


def judge(quality: Quality, gate: GateSettings, board: BoardSettings) -> tuple[str, ...]:
    """Why not, in words with figure, limit and remedy, the most telling cause first; empty when it is."""
    q, reasons = quality, []
    if q.turning_rad < gate.least_turning_rad:
        reasons.append(
            f"the views lack rotation diversity: {_degrees(q.turning_rad)} about their second axis, at least "
            f"{_degrees(gate.least_turning_rad)} are needed: tilt the flange about different axes between the views"
        )
    elif abs(q.board_scale - 1.0) > gate.board_scale_error:
        reasons.append(
            f"the board's squares seem to be {q.board_scale * board.square_m * 1e3:.2f} mm, not "
            f"{board.square_m * 1e3:.2f} mm, by the arm's travel: measure the print and set calibration.board.square_m"
        )
    if q.used < gate.least_views:
        reasons.append(
            f"too few views: {q.used} usable ones, at least {gate.least_views} are needed: "
            "see that the board is in view, well lit and not blurred"
        )
    if q.views - q.used > gate.most_outliers * q.views:
        reasons.append(
            f"{q.views - q.used} of {q.views} views do not agree with the others, at most {gate.most_outliers:.0%} "
            "may: fasten the board, and let the arm come to rest before each image"
        )
    if q.position_rms_m > gate.position_rms_m or q.angle_rms_rad > gate.angle_rms_rad:
        reasons.append(
            f"the board is seen {_mm(q.position_rms_m)} and {_degrees(q.angle_rms_rad)} RMS from where it should be, "
            f"limits {_mm(gate.position_rms_m)} and {_degrees(gate.angle_rms_rad)}: fasten the camera and the board"
        )
    if q.leave_one_out_m is not None and q.leave_one_out_m > gate.leave_one_out_m:
        reasons.append(
            f"the camera's place wanders by {_mm(q.leave_one_out_m)} when one view is left out, at most "
            f"{_mm(gate.leave_one_out_m)} are allowed: take more views (--views)"
        )
    return tuple(reasons)


def judge_marks(marks: int) -> tuple[str, ...]:
    """Why not, by how many marks on the table the calibration can be held against later."""
    if marks:
        return ()
    return (
        "no mark on the table is in view from home, and without one it would not be noticed that the camera is moved "
        "sideways or turned: lay at least two of the marks of robot/calibration_board.py beside the workspace",
    )


def judge_touch(misses_m: Sequence[float], gate: GateSettings) -> tuple[str, ...]:
    """Why not, by how far the fingertip missed the board's corners [m]."""
    if len(misses_m) < LEAST_TOUCHES:
        return (
            f"the fingertip could go to {len(misses_m)} corners only, {LEAST_TOUCHES} are the least: lay the board "
            "where the arm reaches all of it, or leave the touching out with --no-touch",
        )
    worst_m = float(np.max(misses_m))
    if not worst_m <= gate.touch_m:
        return (
            f"the fingertip missed a corner of the board by {_mm(worst_m)}, limit {_mm(gate.touch_m)}: is the tool as "
            "long as the cell file says, and the arm the one that was calibrated at the factory?",
        )
    return ()


def _mm(length_m: float) -> str:
    return f"{length_m * 1e3:.2f} mm"


def _degrees(angle_rad: float) -> str:
    return f"{math.degrees(angle_rad):.2f} degrees"
