"""The benchmark's camera: tilted by up to 70 degrees from the vertical, and so far away that it sees every thing.

The field of view shrinks where the tilt grows, so that every ray of the picture meets the table: there is no horizon,
and the farthest table that is seen lies less than six metres away.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from detectors.jacquardplus.settings import IMAGE_PX
from detectors.synthesis.viewing import Camera
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert, transform

Array = NDArray[np.float64]

LARGEST_TILT_RAD = math.radians(70.0)
_HALF_VIEW_RAD = (math.radians(11.0), math.radians(20.0))
_LOWEST_RAY_RAD = math.radians(82.0)  # from the vertical, at the upper edge of the picture
_NEAREST_M, _FARTHEST_M = 0.5, 2.0  # of what is aimed at
_SPARE = (1.0, 1.3)  # how much farther away than it must be to see everything
_AIM_M = 0.015
_MARGIN_PX = 6.0
_PRINCIPAL_PX = 6.0
_SENSOR_COARSER = (1.0, 1.75)  # as of the usual scenes
_BASELINE_M = (0.04, 0.09)


def tilt_rad(T_table_camera: Transform) -> float:
    """Angle between the vertical and where the camera looks."""
    return math.acos(min(max(-float(T_table_camera[2, 2]), -1.0), 1.0))


def draw_camera(tilt: float, points_m: Array, rng: np.random.Generator) -> Camera:
    """A camera that sees all of the points.

    Args:
        tilt: from the vertical [rad], 0 to 70 degrees.
        points_m: (V, 3) of the things, in the table's frame.
    """
    half = rng.uniform(_HALF_VIEW_RAD[0], min(_HALF_VIEW_RAD[1], _LOWEST_RAY_RAD - tilt))
    focal = IMAGE_PX / 2 / math.tan(half)
    cx, cy = ((IMAGE_PX - 1) / 2 + rng.uniform(-_PRINCIPAL_PX, _PRINCIPAL_PX, size=2)).tolist()
    # Image up is away from the viewer: the camera stands upright, wherever it stands about the table.
    turned = (
        Rotation.from_euler("z", rng.uniform(-np.pi, np.pi))
        * Rotation.from_euler("x", tilt)
        * Rotation.from_euler("x", np.pi)
    )
    aim = (points_m.min(axis=0) + points_m.max(axis=0)) / 2
    aim[:2] += rng.uniform(-_AIM_M, _AIM_M, size=2)
    at_aim = apply(invert(transform(turned, aim)), points_m)  # in a camera that sat where it aims
    room = IMAGE_PX / 2 - _MARGIN_PX - _PRINCIPAL_PX
    needed = float((focal * np.abs(at_aim[:, :2]).max(axis=1) / room - at_aim[:, 2]).max())
    distance = min(max(needed * rng.uniform(*_SPARE), _NEAREST_M), max(needed, _FARTHEST_M))
    return Camera(
        Intrinsics(focal, focal, cx, cy, IMAGE_PX, IMAGE_PX),
        transform(turned, aim - turned.as_matrix()[:, 2] * distance),
        float(rng.uniform(*_SENSOR_COARSER)),
        float(rng.uniform(*_BASELINE_M)),
    )
