"""Finds the marks that stay on the table, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from calibration.records import TableMark
from robot.calibration_board import MARK_DICTIONARY
from robot.frame import Intrinsics
from robot.geometry import Transform

MarkCorners = Mapping[int, NDArray[np.float64]]
"""By the marks' ids: (4, 2) sub-pixel corners in OpenCV's order."""


def find_marks(color: NDArray[np.uint8]) -> dict[int, NDArray[np.float64]]:
    """The marks in a (H, W, 3) RGB image; an id that is seen twice tells nothing and is left out."""
    import cv2

    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARK_DICTIONARY))
    detector = cv2.aruco.ArucoDetector(dictionary, parameters)
    corners, ids, _ = detector.detectMarkers(cv2.cvtColor(np.ascontiguousarray(color), cv2.COLOR_RGB2GRAY))
    numbers = [] if ids is None else [int(i) for i in np.asarray(ids).ravel()]
    return {
        number: np.asarray(pixels, dtype=np.float64).reshape(4, 2)
        for number, pixels in zip(numbers, corners, strict=True)
        if numbers.count(number) == 1
    }


def locate_marks(
    found: MarkCorners, intrinsics: Intrinsics, T_base_camera: Transform, table_height_m: float
) -> tuple[TableMark, ...]:
    """Where the marks lie: their corners' rays meet the table's plane. Marks above the horizon are left out."""
    marks = []
    for number, pixels in sorted(found.items()):
        rays = intrinsics.deproject(pixels[:, 0], pixels[:, 1], np.ones(4)) @ T_base_camera[:3, :3].T
        if rays[:, 2].max() < 0:
            along = (table_height_m - T_base_camera[2, 3]) / rays[:, 2:]
            marks.append(TableMark(number, T_base_camera[:3, 3] + along * rays))
    return tuple(marks)
