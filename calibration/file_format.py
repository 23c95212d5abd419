"""What stands in ``calibration.yaml`` and ``views.json``, key by key, and how it is told whether it was changed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibration.quality import Quality, ViewResidual
from calibration.records import DepthCheck, TouchMiss
from calibration.settings import Mount
from robot.calibration_board import BoardSettings
from robot.frame import Intrinsics
from robot.placement_settings import Vector3

DIGITS = 12
UNSEALED = ("made_at", "sha256")
"""Left out of the hash: the same calibration has the same hash whenever it was made."""

Row4 = tuple[float, float, float, float]
Matrix4 = tuple[Row4, Row4, Row4, Row4]
Row6 = tuple[float, float, float, float, float, float]
Matrix6 = tuple[Row6, Row6, Row6, Row6, Row6, Row6]


@dataclass(frozen=True, kw_only=True)
class SolverEntry:
    """``solving.SolverResult``, as a file has it."""

    name: str
    T_parent_camera: Matrix4 | None
    T_other_board: Matrix4 | None
    dropped: str


@dataclass(frozen=True, kw_only=True)
class MarkEntry:
    """``records.TableMark``, as a file has it."""

    id: int
    corners_base_m: tuple[Vector3, Vector3, Vector3, Vector3]


@dataclass(frozen=True, kw_only=True)
class CalibrationEntry:
    """``result.Calibration``, as a file has it, under a summary for people."""

    summary: dict[str, Any]
    mount: Mount
    T_parent_camera: Matrix4
    T_other_board: Matrix4
    covariance: Matrix6
    reasons: tuple[str, ...]
    board: BoardSettings
    quality: Quality
    depth: DepthCheck | None
    touch: tuple[TouchMiss, ...]
    marks: tuple[MarkEntry, ...]
    camera_serial: str
    robot_serial: str
    arm_model: str
    solvers: tuple[SolverEntry, ...]
    views: tuple[ViewResidual, ...]
    made_at: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ViewEntry:
    """``views.View``, as a file has it."""

    number: int
    q: Row6
    T_base_flange: Matrix4
    ids: tuple[int, ...]
    pixels: tuple[tuple[float, float], ...]
    depth_m: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ViewsEntry:
    """All views of a calibration."""

    intrinsics: Intrinsics
    views: tuple[ViewEntry, ...]


def plain(value: Any) -> Any:
    """Dataclasses and arrays as mappings, lists, strings and numbers; what is in arrays to ``DIGITS`` digits."""
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist())
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") + 0.0 if isinstance(value, float) else value  # + 0.0: no minus nought


def digest(content: dict[str, Any]) -> str:
    """SHA-256 over everything in ``content`` but ``UNSEALED``."""
    sealed = {key: value for key, value in content.items() if key not in UNSEALED}
    return hashlib.sha256(json.dumps(sealed, sort_keys=True, default=str).encode()).hexdigest()
