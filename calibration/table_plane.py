"""The table as the depth image shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.frame import Frame
from robot.geometry import Transform, apply
from robot.placement_settings import BoxSettings

AROUND_M = 0.10
"""How far beyond the workspace's sides the table is looked at as well."""
SEARCH_M = 0.15
"""How far above and below its place the table is looked for."""
_STRIDE = 4
_LEAST_POINTS = 300
_LEAST_SHARE = 0.35
_BIN_M = 0.010
_REACHES_M = (0.040, 0.040, 0.025, 0.025, 0.015, 0.015, 0.010, 0.010, 0.010)


@dataclass(frozen=True, eq=False)
class TablePlane:
    """A plane through what most of the depth image shows around the table's height.

    Attributes:
        height_m: of the plane in the middle of the workspace, base frame.
        normal_base: (3,) unit normal, upwards.
    """

    height_m: float
    normal_base: NDArray[np.float64]

    @property
    def tilt_rad(self) -> float:
        """Angle between the normal and the base's z."""
        return math.atan2(math.hypot(*self.normal_base[:2]), self.normal_base[2])


def find_table(
    frame: Frame, T_base_camera: Transform, table_height_m: float, workspace: BoxSettings
) -> TablePlane | None:
    """The table's plane by the depth within the workspace and around it, whatever stands on the table.

    ``None``: too little depth there, or no plane that a good part of it lies on.
    """
    points = _points_base(frame, T_base_camera)
    low, high = np.array(workspace.min_m[:2]) - AROUND_M, np.array(workspace.max_m[:2]) + AROUND_M
    middle = (low + high) / 2
    near = ((points[:, :2] >= low) & (points[:, :2] <= high)).all(axis=1)
    near &= np.abs(points[:, 2] - table_height_m) < SEARCH_M
    points = points[near]
    if len(points) < _LEAST_POINTS:
        return None
    A = np.column_stack([points[:, :2] - middle, np.ones(len(points))])
    z = points[:, 2] - table_height_m
    plane = np.array([0.0, 0.0, _most_common(z)])
    for reach_m in _REACHES_M:  # Tukey's weights, ever stricter: first find the table, then leave out what stands on it
        weights = np.square(np.clip(1.0 - np.square((z - A @ plane) / reach_m), 0.0, None))
        if np.count_nonzero(weights) < _LEAST_SHARE * len(z):
            return None
        plane = np.linalg.lstsq(A * np.sqrt(weights)[:, None], z * np.sqrt(weights), rcond=None)[0]
    normal = np.array([-plane[0], -plane[1], 1.0])
    return TablePlane(float(table_height_m + plane[2]), normal / np.linalg.norm(normal))


def _points_base(frame: Frame, T_base_camera: Transform) -> NDArray[np.float64]:
    """(N, 3) a thinned cloud of what was measured, in the base frame."""
    v, u = np.mgrid[0 : frame.intrinsics.height : _STRIDE, 0 : frame.intrinsics.width : _STRIDE]
    known = frame.valid[::_STRIDE, ::_STRIDE]
    depth_m = frame.depth_m[::_STRIDE, ::_STRIDE][known]
    return apply(T_base_camera, frame.intrinsics.deproject(u[known], v[known], depth_m))


def _most_common(values_m: NDArray[np.float64]) -> float:
    """Middle of the fullest stretch, two bins wide."""
    counts, edges = np.histogram(values_m, bins=np.arange(-SEARCH_M, SEARCH_M + _BIN_M, _BIN_M))
    fullest = int(np.argmax(counts[:-1] + counts[1:]))
    return float(edges[fullest + 1])
