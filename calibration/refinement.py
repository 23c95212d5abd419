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
from calibration.small_motions import pixels_per_m, turning, turning_further
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
        points = _each(T_camera_boards[self.view], self.points_board_m * board_scale)
        return self.intrinsics.project(_in_front(points)) - self.pixels

    def steepness(self, T_parent_camera: Transform, T_other_board: Transform, board_scale: float) -> Array:
        """(2N, 13) how the misses change with a small motion of camera and board (see ``Fit``), and the scale."""
        T_corner_other = self.T_parent_others[self.view]
        R_camera_parent = T_parent_camera[:3, :3].T
        R_camera_other = R_camera_parent @ T_corner_other[:, :3, :3]
        points_other = apply(T_other_board, self.points_board_m * board_scale)
        points_parent = _each(T_corner_other, points_other)
        to_camera = np.broadcast_to(R_camera_parent, R_camera_other.shape)
        moves = [
            -to_camera,
            -to_camera @ turning(points_parent - T_parent_camera[:3, 3]),
            R_camera_other,
            R_camera_other @ turning(points_other - T_other_board[:3, 3]),
            R_camera_other @ (self.points_board_m @ T_other_board[:3, :3].T)[:, :, None],
        ]
        points_camera = _in_front(apply(invert(T_parent_camera), points_parent))
        return np.asarray(pixels_per_m(points_camera, self.intrinsics) @ np.concatenate(moves, axis=2)).reshape(-1, 13)

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
    unknowns = 13 if free_scale else 12
    for _ in range(2):  # the second round starts at the answer: its Jacobian is that of small motions about it
        problem = _Problem(observations, X, Z, scale, observations.arm_error(X, Z))
        found = least_squares(
            problem.misses,
            np.zeros(unknowns),
            problem.jacobian,
            loss="soft_l1",
            f_scale=ROBUST_PX,
            max_nfev=50,
            tr_solver="lsmr",  # "exact" decomposes matrices so large that threads fight for the cores
        )
        X, Z, scale = problem.after(found.x)
    return Fit(X, Z, scale, float(found.cost), _covariance(found.jac, found.fun, problem.arm.along(found.fun)))


@dataclass(frozen=True, eq=False)
class _Problem:
    """Steps (12,) or (13,) from a start: camera, board, and the board's scale."""

    observations: Observations
    T_parent_camera: Transform
    T_other_board: Transform
    board_scale: float
    arm: ArmError

    def after(self, step: Array) -> tuple[Transform, Transform, float]:
        X, Z = moved(self.T_parent_camera, step[:6]), moved(self.T_other_board, step[6:12])
        return X, Z, self.board_scale + float(step[12:].sum())

    def misses(self, step: Array) -> Array:
        return self.arm.taken_from(self.observations.misses_px(*self.after(step)).ravel())

    def jacobian(self, step: Array) -> Array:
        slopes = self.observations.steepness(*self.after(step))[:, : len(step)]
        for turn in (slice(3, 6), slice(9, 12)):
            slopes[:, turn] = slopes[:, turn] @ turning_further(step[turn])
        return self.arm.taken_from(slopes)


def moved(T: Transform, step: Array) -> Transform:
    """(4, 4) ``T`` after a motion of its (6,) translation [m] and rotation vector [rad], about its own origin."""
    return transform(Rotation.from_rotvec(step[3:]).as_matrix() @ T[:3, :3], T[:3, 3] + step[:3])


def _each(transforms: Array, points_m: Array) -> Array:
    """(N, 3) points, each through its own of (N, 4, 4)."""
    return np.asarray((transforms[:, :3, :3] @ points_m[:, :, None])[:, :, 0] + transforms[:, :3, 3])


def _in_front(points_camera: Array) -> Array:
    """The same (N, 3) points; those behind the camera, which no pixel shows, right before it."""
    return np.concatenate([points_camera[:, :2], np.maximum(points_camera[:, 2:], NEAREST_M)], axis=1)


def _covariance(jacobian: Array, misses_px: Array, along_px: Array) -> Array:
    """By the misses' own variance, or by that along the arm's ways, where the arm is worse than expected.

    1 m and 1 rad stand in where the views say nothing, so that it stays finite.
    """
    unknowns = jacobian.shape[1]
    variances = [float(np.square(m).sum()) / max(m.size - unknowns, 1) for m in (misses_px, along_px)]
    information = jacobian.T @ jacobian / max(*variances, 1e-12) + np.eye(unknowns)
    return np.asarray(np.linalg.inv(information))
