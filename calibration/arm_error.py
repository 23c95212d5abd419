"""What of a view's misses may be the arm's fault.

An arm is not quite where it says it is. To fit the pixels as if it were would bend the camera's pose by several times
the arm's error: an error of the arm moves all corners of a view together, which no error of the image does. So each
view's misses are weighed by their full covariance, independent corners plus an arm that is off by a little.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.settings import Mount
from calibration.small_motions import pixels_per_m, turning
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert

CORNER_ERROR_PX = 0.15
ARM_ERROR_M = 0.0002
ARM_ERROR_RAD = math.radians(0.03)

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ArmError:
    """Six ways in which an error of the arm moves each view's corners.

    Attributes:
        ways: (2N, 6) one row per corner and axis of the image; each view's rows have orthonormal columns.
        shares: (V, 6) how much of a miss along each way is put down to the arm, 0 to 1.
        first: (V,) each view's first row.
    """

    ways: Array
    shares: Array
    first: NDArray[np.int64]

    def taken_from(self, misses_px: Array) -> Array:
        """(2N, ...) what is left of (2N, ...) misses; as noisy along the six ways as along all others."""
        rest = misses_px.copy()
        for first, last, shares in zip(self.first, [*self.first[1:], len(rest)], self.shares, strict=True):
            ways = self.ways[first:last]
            rest[first:last] -= (ways * shares) @ (ways.T @ rest[first:last])
        return rest

    def along(self, rest_px: Array) -> Array:
        """(V, 6) how far what is left, (2N,), goes along each way: as much as other noise if the arm is as expected."""
        return np.add.reduceat(self.ways * rest_px[:, None], self.first)


def arm_error(
    mount: Mount,
    T_parent_others: Array,
    view: NDArray[np.int64],
    points_other_m: Array,
    T_parent_camera: Transform,
    intrinsics: Intrinsics,
) -> ArmError:
    """For (N, 3) corners in the frame ``other`` that belong to the (N,) views, in order (see ``refinement``)."""
    T_corner = T_parent_others[view]
    points_parent = np.einsum("nij,nj->ni", T_corner[:, :3, :3], points_other_m) + T_corner[:, :3, 3]
    points_camera = apply(invert(T_parent_camera), points_parent)
    R_camera_parent = T_parent_camera[:3, :3].T
    if mount == "fixed":
        points_flange, R_camera_flange = points_other_m, R_camera_parent @ T_corner[:, :3, :3]
    else:
        points_flange, R_camera_flange = points_parent, np.broadcast_to(R_camera_parent, (len(view), 3, 3))
    shifts = R_camera_flange * ARM_ERROR_M
    turns = R_camera_flange @ turning(points_flange) * ARM_ERROR_RAD
    moves_px = pixels_per_m(points_camera, intrinsics) @ np.concatenate([shifts, turns], axis=2)  # (N, 2, 6)
    first = np.searchsorted(view, np.arange(len(T_parent_others)))
    ways, shares = [], []
    for moves in np.split(moves_px, first[1:]):
        axes, sizes_px, _ = np.linalg.svd(moves.reshape(-1, 6), full_matrices=False)
        ways.append(axes)
        shares.append(1.0 - CORNER_ERROR_PX / np.hypot(CORNER_ERROR_PX, sizes_px))
    return ArmError(np.concatenate(ways), np.array(shares), 2 * first)
