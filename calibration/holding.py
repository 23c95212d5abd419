"""The check before every run: does the camera still stand where the calibration says?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calibration.camera_shift import CameraShift, camera_shift
from calibration.detection import BoardDetector
from calibration.marks import find_marks
from calibration.result import Calibration
from calibration.settings import HoldingSettings
from calibration.table_plane import TablePlane, find_table
from robot.errors import CameraError
from robot.frame import Frame, Intrinsics
from robot.geometry import Transform, apply, invert
from robot.placement_settings import BoxSettings

_EDGE_PX = 15.0
_MARK_MISS_PX = 3.0
_DRIFT_SHARE = 0.5  # of the limit, from which on the depth's error is worth a word


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What the check saw.

    Attributes:
        moved_m, turned_rad: of the camera, by what is known to lie on the table; None when none of it is in view.
        table_off_m: how much higher than set the depth image shows the table; None when it shows none.
        table_tilt_rad: of the table in the depth image.
        reasons: why the calibration does not hold, in words with figures and the remedy; empty when it does.
        remarks: what the operator ought to know all the same.
    """

    moved_m: float | None = None
    turned_rad: float | None = None
    table_off_m: float | None = None
    table_tilt_rad: float | None = None
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.reasons


class _Known(NamedTuple):
    """Points of known places that are in view: (N, 3) base [m], (N, 2) pixels, and what they belong to."""

    points_base_m: NDArray[np.float64]
    pixels: NDArray[np.float64]
    names: tuple[str, ...]


def check_holding(
    frame: Frame,
    calibration: Calibration,
    T_base_flange: Transform,
    table_height_m: float,
    workspace: BoxSettings,
    settings: HoldingSettings,
) -> Holding:
    """Compare what a frame shows with where the calibration puts it.

    Args:
        T_base_flange: where the controller says that the flange was.

    Raises:
        CameraError: the frame has no colour.
    """
    T_base_camera = calibration.T_base_camera(T_base_flange)
    table = find_table(frame, T_base_camera, table_height_m, workspace)
    known = _known_in_view(frame, calibration)
    shift = None
    if known is not None:
        shift = camera_shift(
            known.points_base_m, known.pixels, frame.intrinsics, T_base_camera,
            usual_move_m=settings.moved_m, usual_turn_rad=settings.turned_rad,
            up_base=None if table is None else table.normal_base, up_sigma_rad=settings.table_tilt_rad / 2,
        )  # fmt: skip
    off_m = None if table is None else table.height_m - table_height_m
    reasons = [
        *_shift_reasons(shift, known, settings),
        *_missing_reasons(known, calibration, T_base_camera, frame.intrinsics),
        *_table_reasons(table, off_m, shift, settings),
    ]
    return Holding(
        moved_m=None if shift is None else shift.moved_m,
        turned_rad=None if shift is None else shift.turned_rad,
        table_off_m=off_m,
        table_tilt_rad=None if table is None else table.tilt_rad,
        reasons=tuple(reasons),
        remarks=(*_blind_remarks(known), *_mark_remarks(shift, known), *_drift_remarks(off_m, shift, settings)),
    )


def _known_in_view(frame: Frame, calibration: Calibration) -> _Known | None:
    """The marks that lay on the table at the calibration; the board, if it lay there, when no mark is seen."""
    if frame.color is None:
        raise CameraError("a frame without colour came", "the check looks for marks in the colour image: enable it")
    found = find_marks(frame.color)
    marks = [mark for mark in calibration.marks if mark.id in found]
    if marks:
        return _Known(
            np.concatenate([mark.corners_base_m for mark in marks]),
            np.concatenate([found[mark.id] for mark in marks]),
            tuple(f"mark {mark.id}" for mark in marks for _ in range(4)),
        )
    board = BoardDetector(calibration.board).find(frame.color) if calibration.mount == "wrist" else None
    if board is None or calibration.T_other_board is None:
        return None
    points = apply(calibration.T_other_board, calibration.board.corners_m[board.ids])
    return _Known(points, board.pixels, ("the board",) * len(points))


def _shift_reasons(shift: CameraShift | None, known: _Known | None, settings: HoldingSettings) -> list[str]:
    if shift is None or known is None or _stands(shift, settings):
        return []
    return [
        f"the camera has moved by {_mm(shift.moved_m)} and turned by {_degrees(shift.turned_rad)} since it was "
        f"calibrated, by {_list(known.names)} (limits {_mm(settings.moved_m)}, {_degrees(settings.turned_rad)})"
    ]


def _missing_reasons(
    known: _Known | None, calibration: Calibration, T_base_camera: Transform, intrinsics: Intrinsics
) -> list[str]:
    """Marks that ought to be in view, of which not one is."""
    if known is not None:
        return []
    expected = [f"mark {m.id}" for m in calibration.marks if _in_view(m.corners_base_m, T_base_camera, intrinsics)]
    if not expected:
        return []
    return [f"{_list(expected)} ought to be in view and are not: covered, or moved, or the camera has moved far"]


def _in_view(points_base_m: NDArray[np.float64], T_base_camera: Transform, intrinsics: Intrinsics) -> bool:
    points = apply(invert(T_base_camera), points_base_m)
    if points[:, 2].min() <= 0:
        return False
    pixels = intrinsics.project(points)
    last = np.array([intrinsics.width - 1, intrinsics.height - 1])
    return bool(((pixels > _EDGE_PX) & (pixels < last - _EDGE_PX)).all())


def _table_reasons(
    table: TablePlane | None, off_m: float | None, shift: CameraShift | None, settings: HoldingSettings
) -> list[str]:
    if table is None or off_m is None:
        return ["the depth image does not show the table: is the lens covered, or the camera turned away?"]
    reasons = []
    if abs(off_m) > settings.table_off_m:
        cause = "; the marks are where they were: let the depth sensor warm up, and tare it"
        reasons.append(
            f"the depth image shows the table {_height(off_m)} than table_height_m (limit {_mm(settings.table_off_m)})"
            + (cause if _stands(shift, settings) else "")
        )
    if table.tilt_rad > settings.table_tilt_rad:
        limit = _degrees(settings.table_tilt_rad)
        reasons.append(f"the depth image shows the table tilted by {_degrees(table.tilt_rad)} (limit {limit})")
    return reasons


def _blind_remarks(known: _Known | None) -> list[str]:
    if known is not None:
        return []
    return [
        "no mark of known place is in view: that the camera was moved sideways, or turned about its line of sight, "
        "cannot be seen; leave marks on the table and calibrate again"
    ]


def _mark_remarks(shift: CameraShift | None, known: _Known | None) -> list[str]:
    """Single marks that do not lie as the others do."""
    if shift is None or known is None:
        return []
    names = np.array(known.names)
    wild = [name for name in dict.fromkeys(known.names) if shift.miss_px[names == name].mean() > _MARK_MISS_PX]
    if not wild:
        return []
    return [f"a mark was moved: {_list(wild)} not where the others say; put it back, or calibrate again"]


def _drift_remarks(off_m: float | None, shift: CameraShift | None, settings: HoldingSettings) -> list[str]:
    if off_m is None or not _DRIFT_SHARE * settings.table_off_m < abs(off_m) <= settings.table_off_m:
        return []
    cause = "the marks are where they were" if _stands(shift, settings) else "or the camera has moved"
    return [
        f"the camera's depth drifts: it shows the table {_height(off_m)} than table_height_m ({cause}); "
        "let it warm up, and tare it"
    ]


def _stands(shift: CameraShift | None, settings: HoldingSettings) -> bool:
    """Whether what is known to lie on the table says that the camera has not moved."""
    return shift is not None and shift.moved_m <= settings.moved_m and shift.turned_rad <= settings.turned_rad


def _height(off_m: float) -> str:
    return f"{_mm(abs(off_m))} {'higher' if off_m > 0 else 'lower'}"


def _mm(length_m: float) -> str:
    return f"{1e3 * length_m:.1f} mm"


def _degrees(angle_rad: float) -> str:
    return f"{math.degrees(angle_rad):.2f} degrees"


def _list(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))
