"""Which corners and which views are believed.

A corner is thrown out when it is more than ``WILD_CORNER_PX`` from where the flat board has it, by the other corners of
its view; where more than ``MOST_WILD`` of them are, the view is not the board and stays as it is, to be thrown out.

A view is thrown out when the RMS of its corners' reprojection is above ``OUTLIER_PX`` and above ``OUTLIER_TIMES`` the
median of the views that are kept. The board's size is left free meanwhile: a misprint makes no view an outlier.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.refinement import Fit, Observations, refine
from calibration.solving import board_by_view, hand_eye, is_plausible, mean_pose
from calibration.views import View
from robot.calibration_board import BoardSettings
from robot.geometry import Transform

WILD_CORNER_PX = 2.0
MOST_WILD = 0.3
OUTLIER_PX = 1.0
OUTLIER_TIMES = 3.0
DRAWS = 150
DRAWN_VIEWS = 5
TRUSTED_SHARE = 0.6
REFINED_STARTS = 4
MOST_ROUNDS = 10
LEAST_VIEWS = 3
LEAST_TO_DOUBT = 8

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Selection:
    """The views that agree.

    Attributes:
        used: (V,) True for the views that are kept, at least ``LEAST_VIEWS``.
        fit: of those, with the board's size left free.
    """

    used: NDArray[np.bool_]
    fit: Fit


def select(
    observations: Observations,
    T_camera_boards: Sequence[Transform],
    T_parent_camera_guess: Transform,
    rng: np.random.Generator,
) -> Selection:
    """Find the views that agree with each other, even where up to a third of them do not.

    Solvers see a few views drawn at random; what they say is scored by the best ``TRUSTED_SHARE`` of all views, so
    that spoiled ones have no say. From the best, fitting and throwing out take turns until nothing changes.

    Args:
        T_camera_boards: (4, 4) each, where each view alone has the board.
        T_parent_camera_guess: tried as well, for views that no solver can work with.
    """
    drawn = _drawn(observations, T_camera_boards, rng)
    starts = [*drawn, *_guessed(observations, T_camera_boards, T_parent_camera_guess)]
    starts.sort(key=lambda start: _score(observations.view_rms_px(observations.misses_px(*start))))
    fits = [_fit_trusted(observations, *start) for start in starts[:REFINED_STARTS]]
    fit = min(fits, key=lambda fit: _score(fit.view_rms_px(observations)))
    used = _kept(fit.view_rms_px(observations), _trusted(fit.view_rms_px(observations)))
    for _ in range(MOST_ROUNDS):
        kept = np.flatnonzero(used)
        fit = refine(
            observations.only(kept),
            fit.T_parent_camera,
            fit.T_other_board,
            board_scale=fit.board_scale,
            free_scale=True,
        )
        before, used = used, _kept(fit.view_rms_px(observations), kept)
        if np.array_equal(used, before):
            break
    return Selection(before, fit)


def without_wild_corners(view: View, board: BoardSettings) -> View:
    """The view without the corners that do not lie on the board as the others have it."""
    import cv2

    if len(view.ids) < LEAST_TO_DOUBT:
        return view
    _, believed = cv2.findHomography(board.corners_m[view.ids, :2], view.pixels, cv2.RANSAC, WILD_CORNER_PX)
    if believed is None or np.mean(believed) < 1.0 - MOST_WILD:
        return view
    kept = np.flatnonzero(believed)
    return replace(view, ids=view.ids[kept], pixels=view.pixels[kept], depth_m=view.depth_m[kept])


def outlier_limit_px(kept_rms_px: NDArray[np.float64]) -> float:
    """RMS above which a view is thrown out, from those of the views that are kept [pixels]."""
    return max(OUTLIER_PX, OUTLIER_TIMES * float(np.median(kept_rms_px)))


def _kept(rms_px: NDArray[np.float64], trusted: Indices) -> NDArray[np.bool_]:
    used = rms_px <= outlier_limit_px(rms_px[trusted])
    used[np.argsort(rms_px)[:LEAST_VIEWS]] = True
    return np.asarray(used)


def _trusted(rms_px: NDArray[np.float64]) -> Indices:
    """The views that fit best; all where there are too few to leave one out."""
    count = max(math.ceil(TRUSTED_SHARE * len(rms_px)), LEAST_VIEWS + 1)
    return np.asarray(np.argsort(rms_px)[:count])


def _score(rms_px: NDArray[np.float64]) -> float:
    return float(np.square(rms_px[_trusted(rms_px)]).sum())


def _fit_trusted(observations: Observations, T_parent_camera: Transform, T_other_board: Transform) -> Fit:
    trusted = _trusted(observations.view_rms_px(observations.misses_px(T_parent_camera, T_other_board)))
    return refine(observations.only(trusted), T_parent_camera, T_other_board, free_scale=True)


def _drawn(
    observations: Observations, T_camera_boards: Sequence[Transform], rng: np.random.Generator
) -> Iterator[tuple[Transform, Transform]]:
    import cv2

    for _ in range(DRAWS):
        drawn = rng.choice(observations.count, min(DRAWN_VIEWS, observations.count), replace=False)
        arm, seen = list(observations.T_parent_others[drawn]), [T_camera_boards[i] for i in drawn]
        try:
            T_parent_camera = hand_eye(arm, seen, "PARK")
        except cv2.error:
            continue
        if is_plausible(T_parent_camera):
            by_view = [board_by_view(T_parent_camera, *pair) for pair in zip(arm, seen, strict=True)]
            yield T_parent_camera, mean_pose(by_view)


def _guessed(
    observations: Observations, T_camera_boards: Sequence[Transform], T_parent_camera: Transform
) -> Iterator[tuple[Transform, Transform]]:
    for arm, seen in zip(observations.T_parent_others, T_camera_boards, strict=True):
        yield T_parent_camera, board_by_view(T_parent_camera, arm, seen)
