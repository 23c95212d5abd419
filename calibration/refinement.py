"""Camera and board refined together, on what the image shows: how far each corner is from where it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from calibration.arm_error import ArmError, arm_error
from calibration.settings import Mount
from calibration.solving import parent_from_other
from calibration.views import View
from robot.calibration_board import BoardSettings
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert, transform

ROBUST_PX = 1.0
"""Beyond this a corner's pull grows no more (soft L1)."""
NEAREST_M = 0.01

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Observations:
    """All corners of all views in one row.

    Attributes:
        T_parent_others: (V, 4, 4) where the arm was (see ``solving``).
        view: (N,) each corner's view, as an index into ``T_parent_others``.
        points_board_m: (N, 3) the corners on the board as it is set.
        pixels: (N, 2) where they were seen.
    """

    mount: Mount
    T_parent_others: Array
    view: NDArray[np.int64]
    points_board_m: Array
    pixels: Array
    intrinsics: Intrinsics

    @property
    def count(self) -> int:
        """V, the number of views."""
        return len(self.T_parent_others)

    def only(self, views: Sequence[int] | NDArray[np.int64]) -> Observations:
        """Those of some views, by their indices."""
        places = np.flatnonzero(np.isin(self.view, views))
        kept = np.unique(self.view[places])
        view = np.searchsorted(kept, self.view[places])
        return Observations(
            self.mount,
            self.T_parent_others[kept],
            view,
            self.points_board_m[places],
            self.pixels[places],
            self.intrinsics,
        )

    def misses_px(self, T_parent_camera: Transform, T_other_board: Transform, board_scale: float = 1.0) -> Array:
        """(N, 2) where the corners should be, minus where they were seen [pixels]."""
        T_camera_boards = invert(T_parent_camera) @ self.T_parent_others @ T_other_board
        rotations, shifts = T_camera_boards[self.view, :3, :3], T_camera_boards[self.view, :3, 3]
        points = np.einsum("nij,nj->ni", rotations, self.points_board_m * board_scale) + shifts
        points[:, 2] = np.maximum(points[:, 2], NEAREST_M)
        return self.intrinsics.project(points) - self.pixels

    def arm_error(self, T_parent_camera: Transform, T_other_board: Transform) -> ArmError:
        """What an error of the arm does to the misses."""
        points_other_m = apply(T_other_board, self.points_board_m)
        return arm_error(self.mount, self.T_parent_others, self.view, points_other_m, T_parent_camera, self.intrinsics)

    def view_rms_px(self, misses_px: Array) -> Array:
        """(V,) root mean square length of each view's (N, 2) misses [pixels]."""
        squares = np.bincount(self.view, np.square(misses_px).sum(axis=1), self.count)
        return np.asarray(np.sqrt(squares / np.bincount(self.view, minlength=self.count)))


@dataclass(frozen=True, eq=False)
class Fit:
    """Camera and board that fit the observations best.

    Attributes:
        board_scale: how much larger the print is than it is set; 1 where that was not asked.
        cost: half the sum of the squared misses, less what may be the arm's fault, robustly counted [pixels^2].
        covariance: (12, 12), (13, 13) with the board's scale: camera, then board, each translation [m] and rotation
            vector [rad] of a small motion in the axes of ``parent`` and ``other``.
    """

    T_parent_camera: Transform
    T_other_board: Transform
    board_scale: float
    cost: float
    covariance: Array

    def view_rms_px(self, observations: Observations) -> Array:
        """(V,) of other or the same observations."""
        misses = observations.misses_px(self.T_parent_camera, self.T_other_board, self.board_scale)
        return observations.view_rms_px(misses)


def observe(views: Sequence[View], mount: Mount, board: BoardSettings, intrinsics: Intrinsics) -> Observations:
    """Lay the views' corners in one row."""
    return Observations(
        mount=mount,
        T_parent_others=np.array([parent_from_other(view, mount) for view in views]),
        view=np.repeat(np.arange(len(views)), [len(view.ids) for view in views]),
        points_board_m=board.corners_m[np.concatenate([view.ids for view in views])],
        pixels=np.concatenate([view.pixels for view in views]),
        intrinsics=intrinsics,
    )


def refine(
    observations: Observations,
    T_parent_camera: Transform,
    T_other_board: Transform,
    *,
    board_scale: float = 1.0,
    free_scale: bool = False,
) -> Fit:
    """The nearest best fit; ``free_scale`` asks for the board's size as well.

    What the views say nothing about stays as it is.
    """
    X, Z, scale = T_parent_camera, T_other_board, board_scale
    for _ in range(2):  # the second round starts at the answer: its Jacobian is that of small motions about it
        arm = observations.arm_error(X, Z)

        def misses(step: Array, X: Transform = X, Z: Transform = Z, scale: float = scale, arm: ArmError = arm) -> Array:
            grown = scale + step[12] if free_scale else scale
            return arm.taken_from(observations.misses_px(moved(X, step[:6]), moved(Z, step[6:12]), grown).ravel())

        found = least_squares(misses, np.zeros(12 + free_scale), loss="soft_l1", f_scale=ROBUST_PX, max_nfev=50)
        X, Z = moved(X, found.x[:6]), moved(Z, found.x[6:12])
        scale = scale + float(found.x[12]) if free_scale else scale
    return Fit(X, Z, scale, float(found.cost), _covariance(found.jac, float(found.cost)))


def moved(T: Transform, step: Array) -> Transform:
    """(4, 4) ``T`` after a motion of its (6,) translation [m] and rotation vector [rad], about its own origin."""
    return transform(Rotation.from_rotvec(step[3:]).as_matrix() @ T[:3, :3], T[:3, 3] + step[:3])


def _covariance(jacobian: Array, cost: float) -> Array:
    """By the misses' own variance; 1 m and 1 rad stand in where the views say nothing, so that it stays finite."""
    misses, unknowns = jacobian.shape
    variance = max(2.0 * cost / max(misses - unknowns, 1), 1e-12)
    information = jacobian.T @ jacobian / variance + np.eye(unknowns)
    return np.asarray(np.linalg.inv(information))
