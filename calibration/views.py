"""What was seen from one pose of the arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.geometry import Transform


@dataclass(frozen=True, eq=False)
class View:
    """The board in one image.

    Attributes:
        number: counts from 1; names the view's image in the calibration directory.
        q: (6,) measured joints [rad].
        T_base_flange: (4, 4) where the controller says that the flange was.
        ids: (N,) the corners that were found, as indices into ``BoardSettings.corners_m``.
        pixels: (N, 2) where they were found, sub-pixel.
        depth_m: (N,) depth measured at the corners, 0 where unknown.
    """

    number: int
    q: NDArray[np.float64]
    T_base_flange: Transform
    ids: NDArray[np.int64]
    pixels: NDArray[np.float64]
    depth_m: NDArray[np.float64]
