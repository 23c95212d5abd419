"""Finds the board in an image, and where it stands before the camera."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robot.calibration_board import BoardSettings
from robot.frame import MIN_DEPTH_M, Intrinsics
from robot.geometry import Transform, apply, transform

LEAST_CORNERS = 6
_DEPTH_REACH_PX = 2
_LEAST_KNOWN = 0.4


class BoardSeen(NamedTuple):
    """The board's corners in one image.

    Attributes:
        ids: (N,) indices into ``BoardSettings.corners_m``.
        pixels: (N, 2) sub-pixel places (u, v).
        depth_m: (N,) measured depth there, 0 where unknown.
    """

    ids: NDArray[np.int64]
    pixels: NDArray[np.float64]
    depth_m: NDArray[np.float64]


class BoardDetector:
    """Looks for one board."""

    def __init__(self, board: BoardSettings) -> None:
        self._board = board
        self._detector: Any = None

    def find(self, color: NDArray[np.uint8], depth_m: NDArray[np.float32] | None = None) -> BoardSeen | None:
        """The corners in a (H, W, 3) RGB image, with their depths from the (H, W) depth image aligned to it [m].

        ``None``: the board is not seen, or too little of it to tell its pose.
        """
        import cv2

        if self._detector is None:
            self._detector = cv2.aruco.CharucoDetector(self._board.charuco())
        corners, ids, _, _ = self._detector.detectBoard(cv2.cvtColor(np.ascontiguousarray(color), cv2.COLOR_RGB2GRAY))
        if ids is None:
            return None
        found = np.asarray(ids, dtype=np.int64).ravel()
        if not spans_a_plane(self._board.corners_m[found], self._board.square_m):
            return None
        pixels = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
        depths = np.zeros(len(found)) if depth_m is None else depth_at(depth_m, pixels)
        return BoardSeen(found, pixels, depths)


def spans_a_plane(points_m: NDArray[np.float64], square_m: float) -> bool:
    """Whether the (N, 3) corners are enough, and far enough from lying on one line, to tell the board's pose."""
    if len(points_m) < LEAST_CORNERS:
        return False
    spread_m = np.linalg.svd(points_m - points_m.mean(axis=0), compute_uv=False) / np.sqrt(len(points_m))
    return bool(spread_m[1] > 0.4 * square_m)


def depth_at(depth_m: NDArray[np.float32], pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) median of the known depths around each of (N, 2) pixels; 0 where too few are known [m]."""
    height, width = depth_m.shape
    reach = range(-_DEPTH_REACH_PX, _DEPTH_REACH_PX + 1)
    du, dv = (offsets.ravel() for offsets in np.meshgrid(reach, reach))
    u = np.rint(pixels[:, :1]).astype(np.int64) + du
    v = np.rint(pixels[:, 1:]).astype(np.int64) + dv
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    values = depth_m[v.clip(0, height - 1), u.clip(0, width - 1)].astype(np.float64)
    known = inside & (values > MIN_DEPTH_M)
    enough = known.mean(axis=1) >= _LEAST_KNOWN
    medians = np.zeros(len(pixels))
    if enough.any():
        medians[enough] = np.nanmedian(np.where(known, values, np.nan)[enough], axis=1)
    return medians


def board_pose(
    ids: NDArray[np.int64], pixels: NDArray[np.float64], intrinsics: Intrinsics, board: BoardSettings
) -> tuple[Transform, float] | None:
    """Where the board stands by its corners alone: (4, 4) ``T_camera_board`` and the RMS of the reprojection [px].

    A flat target seen from afar fits two poses almost equally well; both are refined and the better one is taken.
    A target seen exactly from the front has but one, and the two-pose method no answer: another one stands beside it.
    ``None``: too few corners, or no pose before the camera fits them.
    """
    import cv2

    points = board.corners_m[ids]
    if not spans_a_plane(points, board.square_m):
        return None
    K = intrinsics.matrix
    try:
        starts = [
            (turn, place)
            for method in (cv2.SOLVEPNP_IPPE, cv2.SOLVEPNP_SQPNP)
            for turn, place in zip(*cv2.solvePnPGeneric(points, pixels, K, None, flags=method)[1:3], strict=True)
            if np.isfinite([turn, place]).all()
        ]
        refined = [cv2.solvePnPRefineLM(points, pixels, K, None, turn, place) for turn, place in starts]
    except cv2.error:  # shuffled corners: no plane maps to them
        return None
    fits = []
    for turn, place in refined:
        T_camera_board = transform(cv2.Rodrigues(turn)[0], place.ravel())
        seen = apply(T_camera_board, points)
        if np.isfinite(seen).all() and seen[:, 2].min() > 0:
            miss_px = intrinsics.project(seen) - pixels
            fits.append((float(np.sqrt(np.square(miss_px).sum(axis=1).mean())), T_camera_board))
    if not fits:
        return None
    rms_px, T_camera_board = min(fits, key=lambda fit: fit[0])
    return T_camera_board, rms_px
