"""A calibration in figures and words for people: millimetres and degrees."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from calibration.depth_check import depth_remarks
from robot.geometry import transform_to_pose

if TYPE_CHECKING:
    from calibration.result import Calibration

_DEGREES = 180.0 / math.pi
_MM = 1e3


def summarise(calibration: Calibration) -> dict[str, Any]:
    """Where the camera is, how well that is known, and by what; the unit stands in each key."""
    q, depth = calibration.quality, calibration.depth
    pose, sigmas = transform_to_pose(calibration.T_parent_camera), np.sqrt(np.diag(calibration.covariance))
    return {
        "verdict": "passed" if calibration.passed else "refused",
        "reasons": list(calibration.reasons),
        "camera_in": "base" if calibration.mount == "fixed" else "flange",
        "camera_position_mm": _several(pose[:3], _MM),
        "camera_rotation_vector_deg": _several(pose[3:], _DEGREES),
        "camera_position_sigma_mm": _several(sigmas[:3], _MM),
        "camera_rotation_sigma_deg": _several(sigmas[3:], _DEGREES),
        "views_used": f"{q.used} of {q.views}",
        "position_rms_mm": _one(q.position_rms_m, _MM),
        "angle_rms_deg": _one(q.angle_rms_rad, _DEGREES),
        "reprojection_rms_px": _one(q.reprojection_rms_px, 1.0),
        "leave_one_out_mm": _one(q.leave_one_out_m, _MM),
        "leave_one_out_deg": _one(q.leave_one_out_rad, _DEGREES),
        "turning_deg": _one(q.turning_rad, _DEGREES),
        "solvers_agreeing": f"{q.solvers} of {len(calibration.solvers)}",
        "solver_spread_mm": _one(q.solver_spread_m, _MM),
        "solver_spread_deg": _one(q.solver_spread_rad, _DEGREES),
        "square_set_mm": _one(calibration.board.square_m, _MM),
        "square_seems_mm": _one(calibration.board.square_m * q.board_scale, _MM),
        "depth_scale": _one(None if depth is None else depth.scale, 1.0),
        "depth_offset_mm": _one(None if depth is None else depth.offset_m, _MM),
        "touch_miss_mm": [_one(math.hypot(*touch.miss_m), _MM) for touch in calibration.touch],
    }


def in_words(calibration: Calibration) -> str:
    """Verdict and figures, several lines."""
    q = calibration.quality
    rms = f"{_mm(q.position_rms_m)} and {_degrees(q.angle_rms_rad)} RMS, {q.reprojection_rms_px:.2f} pixels"
    lines = [
        "the calibration passed" if calibration.passed else "the calibration is refused:",
        *(f"  {reason}" for reason in calibration.reasons),
        f"residuals: {rms}, {q.used} of {q.views} views used",
        f"leaving out one view: the camera moves by up to {_mm(q.leave_one_out_m)}, {_degrees(q.leave_one_out_rad)}",
        f"rotation diversity: {_degrees(q.turning_rad)} about the second axis",
        f"solvers: {q.solvers} of {len(calibration.solvers)} agree, up to {_mm(q.solver_spread_m)} from the result",
        f"board: its squares seem to be {_mm(calibration.board.square_m * q.board_scale)}",
        *(f"depth: {remark}" for remark in depth_remarks(calibration.depth)),
        *(f"touch: corner {touch.corner} missed by {_mm(math.hypot(*touch.miss_m))}" for touch in calibration.touch),
    ]
    return "\n".join(lines)


def _one(value: float | None, factor: float) -> float | None:
    return None if value is None else round(float(value) * factor, 4)


def _several(values: ArrayLike, factor: float) -> list[float]:
    return [round(float(value) * factor, 4) for value in np.ravel(np.asarray(values))]


def _mm(length_m: float | None) -> str:
    return "(unknown)" if length_m is None else f"{length_m * _MM:.2f} mm"


def _degrees(angle_rad: float | None) -> str:
    return "(unknown)" if angle_rad is None else f"{angle_rad * _DEGREES:.3f} degrees"
