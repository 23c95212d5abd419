"""What is measured beside the camera's pose and kept with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.placement_settings import Vector3


@dataclass(frozen=True, eq=False)
class TableMark:
    """Where a mark on the table was when the camera was calibrated.

    Attributes:
        id: in ``robot.calibration_board.MARK_DICTIONARY``.
        corners_base_m: (4, 3) in the base frame, in OpenCV's order.
    """

    id: int
    corners_base_m: NDArray[np.float64]


@dataclass(frozen=True)
class DepthCheck:
    """The camera's depth against the board's: measured = ``scale`` * true + ``offset_m``.

    Attributes:
        rms_m: of what the line leaves.
        samples: corners with a depth that went into it.
    """

    scale: float
    offset_m: float
    rms_m: float
    samples: int


@dataclass(frozen=True)
class TouchMiss:
    """How far the tip of the closed fingers missed a corner of the board that it was sent to.

    Attributes:
        corner: index into ``BoardSettings.corners_m``.
        miss_m: tip minus corner, in base axes.
    """

    corner: int
    miss_m: Vector3
