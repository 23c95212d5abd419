"""How good a calibration is, in metres, radians and pixels, each by its own name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from calibration.refinement import Fit, Observations, refine
from calibration.solving import SolverResult
from robot.calibration_board import BoardSettings
from robot.geometry import Transform, apply, invert, rotation_angle, transform

Seen = tuple[Transform, float]
"""The board by one view alone: (4, 4) T_camera_board, and the RMS of its reprojection [px]."""
LEAST_LEFT = 3
FITS_AS_WELL = 1.5


@dataclass(frozen=True)
class ViewResidual:
    """One view against the result.

    Attributes:
        number: of the view.
        corners: how many were found.
        left_out: why it was not believed; empty when it was.
        rms_px: reprojection of its corners by the result; None of a view that shows no board.
        off_m, off_rad: the board's centre as the view alone sees it, against where the result says it is; the angle.
        without_m, without_rad: how far the camera wanders when this view is left out; None of one that was not used.
    """

    number: int
    corners: int
    left_out: str = ""
    rms_px: float | None = None
    off_m: float | None = None
    off_rad: float | None = None
    without_m: float | None = None
    without_rad: float | None = None


@dataclass(frozen=True, kw_only=True)
class Quality:
    """The figures that the gate looks at; RMS over the views that were used.

    Attributes:
        views, used: how many views there were, and how many of them were believed.
        position_rms_m, angle_rms_rad: the board seen, against where the result says it is.
        reprojection_rms_px: of the corners.
        leave_one_out_m, leave_one_out_rad: how far the camera wanders at most when one view is left out; None where
            too few are left.
        turning_rad: RMS rotation about the second of the axes that the views turn about.
        solvers: how many of the closed-form solvers agree.
        solver_spread_m, solver_spread_rad: how far these are from the result at most; None where none agree.
        board_scale, board_scale_sigma: the print's size by the arm's travel, 1 is as set, and its standard deviation.
    """

    views: int
    used: int
    position_rms_m: float
    angle_rms_rad: float
    reprojection_rms_px: float
    leave_one_out_m: float | None
    leave_one_out_rad: float | None
    turning_rad: float
    solvers: int
    solver_spread_m: float | None
    solver_spread_rad: float | None
    board_scale: float
    board_scale_sigma: float


def view_residuals(
    observations: Observations,
    fit: Fit,
    used: NDArray[np.bool_],
    numbers: Sequence[int],
    seen: Sequence[Seen],
    board: BoardSettings,
) -> tuple[ViewResidual, ...]:
    """One row for every observed view; ``used`` (V,) says which of them made the fit."""
    rms_px = fit.view_rms_px(observations)
    center_m = board.corners_m.mean(axis=0)
    corners = np.bincount(observations.view, minlength=observations.count)
    expected = invert(fit.T_parent_camera) @ observations.T_parent_others @ fit.T_other_board
    kept = np.flatnonzero(used)
    rows = []
    for i, number in enumerate(numbers):
        off_m, off_rad = board_misses(expected[i], _nearer_of_two(observations, i, expected[i], seen[i]), center_m)
        without = _without(observations, kept, i, fit) if used[i] and len(kept) > LEAST_LEFT else (None, None)
        why = "" if used[i] else f"does not agree with the others: {rms_px[i]:.1f} pixels off"
        rows.append(ViewResidual(number, int(corners[i]), why, float(rms_px[i]), off_m, off_rad, *without))
    return tuple(rows)


def measure(
    fit: Fit,
    with_scale: Fit,
    solvers: Sequence[SolverResult],
    table: Sequence[ViewResidual],
    T_parent_others: NDArray[np.float64],
) -> Quality:
    """Sum up.

    Args:
        fit, with_scale: with the board's size as set, and left free.
        table: all views.
        T_parent_others: (U, 4, 4) of the views that were used.
    """
    used = [row for row in table if not row.left_out]
    agreeing = [r.T_parent_camera for r in solvers if not r.dropped and r.T_parent_camera is not None]
    apart = [_apart(T, fit.T_parent_camera) for T in agreeing]
    return Quality(
        views=len(table),
        used=len(used),
        position_rms_m=_rms([row.off_m for row in used]),
        angle_rms_rad=_rms([row.off_rad for row in used]),
        reprojection_rms_px=_rms([row.rms_px for row in used]),
        leave_one_out_m=_most([row.without_m for row in used]),
        leave_one_out_rad=_most([row.without_rad for row in used]),
        turning_rad=turning(T_parent_others),
        solvers=len(agreeing),
        solver_spread_m=_most([off_m for off_m, _ in apart]),
        solver_spread_rad=_most([off_rad for _, off_rad in apart]),
        board_scale=with_scale.board_scale,
        board_scale_sigma=float(np.sqrt(with_scale.covariance[12, 12])),
    )


def turning(T_parent_others: NDArray[np.float64]) -> float:
    """RMS rotation about the second principal axis of all relative rotations [rad]; 0 where all turn about one axis."""
    rotations = T_parent_others[:, :3, :3]
    pairs = list(combinations(range(len(rotations)), 2))
    if not pairs:
        return 0.0
    turns = Rotation.from_matrix([rotations[i] @ rotations[j].T for i, j in pairs]).as_rotvec()
    shares = np.linalg.eigvalsh(turns.T @ turns / len(turns))
    return float(np.sqrt(max(shares[1], 0.0)))


def board_misses(
    T_camera_board: Transform, T_camera_board_seen: Transform, center_m: NDArray[np.float64]
) -> tuple[float, float]:
    """Distance of the (3,) board's centre [m] and angle [rad] between two poses of it: two numbers, never one."""
    off_m = float(np.linalg.norm(apply(T_camera_board, center_m) - apply(T_camera_board_seen, center_m)))
    return off_m, rotation_angle(T_camera_board, T_camera_board_seen)


def _nearer_of_two(observations: Observations, view: int, T_camera_board: Transform, seen: Seen) -> Transform:
    """Of the two poses that a flat board's image has, the one nearer to ``T_camera_board``, unless it fits worse."""
    import cv2

    mine, K = observations.view == view, observations.intrinsics.matrix
    points, pixels = observations.points_board_m[mine], observations.pixels[mine]
    turn = Rotation.from_matrix(T_camera_board[:3, :3]).as_rotvec()
    turn, place = cv2.solvePnPRefineLM(points, pixels, K, None, turn, T_camera_board[:3, 3].copy())
    nearer = transform(Rotation.from_rotvec(np.ravel(turn)), np.ravel(place))
    misses = observations.intrinsics.project(apply(nearer, points)) - pixels
    fits = float(np.sqrt(np.square(misses).sum(axis=1).mean())) <= FITS_AS_WELL * seen[1]
    return nearer if fits and nearer[2, 3] > 0 else seen[0]


def _without(observations: Observations, kept: NDArray[np.int64], view: int, fit: Fit) -> tuple[float, float]:
    again = refine(observations.only(kept[kept != view]), fit.T_parent_camera, fit.T_other_board)
    return _apart(again.T_parent_camera, fit.T_parent_camera)


def _apart(T_a: Transform, T_b: Transform) -> tuple[float, float]:
    return float(np.linalg.norm(T_a[:3, 3] - T_b[:3, 3])), rotation_angle(T_a, T_b)


def _rms(values: Sequence[float | None]) -> float:
    return float(np.sqrt(np.mean([value**2 for value in values if value is not None])))


def _most(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None
