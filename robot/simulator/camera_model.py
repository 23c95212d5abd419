"""The simulated camera's sensors: a D435-like stereo pair, and a colour sensor beside it."""

from __future__ import annotations

import numpy as np

from robot.frame import Intrinsics
from robot.geometry import Transform, transform

WIDTH, HEIGHT = 640, 480
COLOR = Intrinsics(615.0, 615.0, 321.5, 239.5, WIDTH, HEIGHT)
DEPTH = Intrinsics(387.0, 387.0, 319.5, 238.5, WIDTH, HEIGHT)
DEPTH_UNIT_M = 0.001
BASELINE_M = 0.050
"""From the left imager, which is the depth sensor, to the right one, along +x of the depth sensor."""
NEAREST_M, FARTHEST_M = 0.17, 4.0


def T_color_depth() -> Transform:
    """(4, 4): the depth sensor sits 15 mm to the colour sensor's left."""
    return transform(np.eye(3), [-0.015, 0.0, 0.0])
