"""Looking at the board from one pose after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calibration.detection import BoardDetector
from calibration.views import View
from robot.frame import Frame
from robot.geometry import Transform


class Pose(Protocol):
    """Where to look from."""

    @property
    def q(self) -> NDArray[np.float64]:
        """(6,) joints [rad]."""
        ...


class Posture(Protocol):
    """What the arm says of itself."""

    @property
    def q(self) -> NDArray[np.float64]: ...

    @property
    def T_base_flange(self) -> Transform: ...


def take_views(
    poses: Sequence[Pose],
    go: Callable[[NDArray[np.float64]], None],
    posture: Callable[[], Posture],
    look: Callable[[], Frame],
    detector: BoardDetector,
    keep: Callable[[int, Frame, View | None], None],
) -> tuple[View, ...]:
    """Visit ``poses`` and return the views in which the board was found.

    Args:
        go: brings the arm to (6,) joints and to rest there.
        posture: the arm's state as its controller reports it, at rest.
        look: takes a new frame.
        keep: told of every pose: its number, counted from 1, its frame, and its view or None.
    """
    views = []
    for number, pose in enumerate(poses, start=1):
        go(pose.q)
        frame, at = look(), posture()
        view = None
        found = None if frame.color is None else detector.find(frame.color, frame.depth_m)
        if found is not None:
            ids, pixels, depth_m = found
            view = View(number, at.q, at.T_base_flange, ids, pixels, depth_m)
            views.append(view)
        keep(number, frame, view)
    return tuple(views)
