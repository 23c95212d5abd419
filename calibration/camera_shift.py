"""By how much a camera has moved, by points whose places are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert, pose_to_transform, rotation_angle

_PIXEL_SIGMA = 0.2


@dataclass(frozen=True, eq=False)
class CameraShift:
    """How the camera stands against where it should stand.

    Attributes:
        moved_m, turned_rad: of the camera.
        miss_px: (N,) how far each point is seen from where the moved camera would see it.
    """

    moved_m: float
    turned_rad: float
    miss_px: NDArray[np.float64]


def camera_shift(
    points_base_m: NDArray[np.float64],
    pixels: NDArray[np.float64],
    intrinsics: Intrinsics,
    T_base_camera: Transform,
    *,
    usual_move_m: float,
    usual_turn_rad: float,
    up_base: NDArray[np.float64] | None = None,
    up_sigma_rad: float = 1.0,
) -> CameraShift:
    """The least motion, in units of the usual ones, that explains where (N, 3) points are seen: (N, 2) ``pixels``.

    A few points on one side of the image cannot tell a tilt from a sideways move: what they leave open counts as not
    having happened, so that noise is not taken for a motion.

    Args:
        T_base_camera: where the camera should be.
        up_base: (3,) the table's normal as the depth image shows it from there; known to ``up_sigma_rad``.
    """
    usual = np.array([usual_move_m] * 3 + [usual_turn_rad] * 3)

    def moved(shift: NDArray[np.float64]) -> Transform:
        return T_base_camera @ pose_to_transform(shift * usual)

    def miss_px(shift: NDArray[np.float64]) -> NDArray[np.float64]:
        return intrinsics.project(apply(invert(moved(shift)), points_base_m)) - pixels

    def residuals(shift: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = [(miss_px(shift) / _PIXEL_SIGMA).ravel(), shift]
        if up_base is not None:
            turned = moved(shift)[:3, :3] @ T_base_camera[:3, :3].T @ up_base
            parts.append(turned[:2] / up_sigma_rad)
        return np.concatenate(parts)

    # A mark that was moved must not bend the answer, so misses are counted robustly. That has more than one valley:
    # one is sought from where the camera should be, one from where all points on average put it.
    starts = np.zeros(6), least_squares(residuals, np.zeros(6), method="lm").x
    found = [least_squares(residuals, start, loss="cauchy", f_scale=3.0) for start in starts]
    shift = min(found, key=lambda result: result.cost).x
    T_now = moved(shift)
    return CameraShift(
        moved_m=float(np.linalg.norm(T_now[:3, 3] - T_base_camera[:3, 3])),
        turned_rad=rotation_angle(T_base_camera, T_now),
        miss_px=np.linalg.norm(miss_px(shift), axis=1),
    )
