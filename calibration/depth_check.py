"""Whether the camera's depth agrees with the board: stereo cameras drift by millimetres, and by percents when hot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from calibration.records import DepthCheck
from calibration.views import View
from robot.calibration_board import BoardSettings
from robot.geometry import Transform, apply

DISTANCES_M, LIMIT_M = (0.4, 0.7), 0.003
"""Where the cell works, and by how much the depth may be off there before it is worth a remark."""
_LEAST_SAMPLES = 30
_ROUNDS = 10
_NOISE_M = 0.001  # below this, misses are not weighed down
_SCALE_SIGMA, _OFFSET_SIGMA_M = 0.01, 0.01
_SIGMA_VIEW_M = 0.001  # corners of one view share their error


def check_depth(
    views: Sequence[View], T_camera_boards: Sequence[Transform | None], board: BoardSettings
) -> DepthCheck | None:
    """Compare the depths measured at the corners with where the corners are, in all views.

    Args:
        T_camera_boards: the board's pose for every view, by PnP or by the result; None where there is none.

    Returns:
        None when too few corners have a depth.
    """
    pairs = [
        np.stack([apply(T, board.corners_m[view.ids])[:, 2], view.depth_m], axis=-1)[view.depth_m > 0]
        for view, T in zip(views, T_camera_boards, strict=True)
        if T is not None
    ]
    true_m, measured_m = np.concatenate([np.zeros((0, 2)), *pairs]).T
    if len(true_m) < _LEAST_SAMPLES:
        return None
    shares = np.concatenate([np.full(len(p), 1.0 / len(p)) for p in pairs if len(p)])
    (stretch, offset_m), weights = _robust_line(true_m, measured_m - true_m, shares)
    rest_m = measured_m - true_m * (1.0 + stretch) - offset_m
    rms_m = float(np.sqrt(np.average(np.square(rest_m), weights=weights)))
    return DepthCheck(float(1.0 + stretch), float(offset_m), rms_m, len(true_m))


def depth_remarks(check: DepthCheck | None) -> tuple[str, ...]:
    """What the operator ought to know, with the remedy; empty when the depth is right."""
    if check is None:
        return ("too few corners of the board had a depth: its scale and offset were not checked",)
    stretch = check.scale - 1.0
    # Scale and offset are hard to tell apart; what they come to where the cell works is known well.
    distance_m = max(DISTANCES_M, key=lambda z: abs(stretch * z + check.offset_m))
    error_m = stretch * distance_m + check.offset_m
    if abs(error_m) <= LIMIT_M:
        return ()
    remedy = (
        "measure board.square_m again; if it is right, run the camera's on-chip calibration"
        if abs(stretch) * distance_m > abs(check.offset_m)
        else "let the camera warm up, then tare it"
    )
    return (
        f"the camera's depth is {1e3 * abs(error_m):.1f} mm too {'long' if error_m > 0 else 'short'} at {distance_m} m "
        f"(scale {check.scale:.4f}, offset {1e3 * check.offset_m:+.1f} mm): {remedy}",
    )


def _robust_line(
    x: NDArray[np.float64], y: NDArray[np.float64], shares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(2,) slope and level of y over x that a minority of wild values does not move, and (N,) the weights they got.

    Over the short span of distances in a calibration slope and level are hard to tell apart, so both are drawn to
    zero as strongly as a camera's usual error suggests.
    """
    A = np.stack([x, np.ones_like(x)], axis=-1)
    prior = np.diag([_SCALE_SIGMA**-2, _OFFSET_SIGMA_M**-2])
    line = np.array([0.0, np.median(y)])
    robust = np.ones_like(y)
    for _ in range(_ROUNDS):
        miss = y - A @ line
        spread = max(1.4826 * float(np.median(np.abs(miss))), _NOISE_M)
        robust = np.square(np.clip(1.0 - np.square(miss / (4.0 * spread)), 0.0, None))
        weights = robust * shares / _SIGMA_VIEW_M**2
        line = np.linalg.solve(A.T @ (weights[:, None] * A) + prior, A.T @ (weights * y))
    return line, robust
