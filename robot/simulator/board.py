"""The printed calibration board: a ChArUco pattern on a thin plate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.geometry import Transform, transform
from robot.simulator.cell_body import TABLE_TOP_M


@dataclass(frozen=True)
class BoardSpec:
    """A ChArUco board: squares in x and y, their sides [m], and its plate.

    The pattern's frame is OpenCV's: origin at the pattern's first corner, x along the columns, y along the rows,
    z into the plate.
    """

    columns: int = 8
    rows: int = 6
    square_m: float = 0.030
    marker_m: float = 0.022
    margin_m: float = 0.010
    thickness_m: float = 0.003
    dictionary: str = "DICT_5X5_100"

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of the printed pattern without its white margin [m]."""
        return self.columns * self.square_m, self.rows * self.square_m

    def charuco(self) -> Any:
        """The ``cv2.aruco.CharucoBoard``, in metres."""
        import cv2

        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))
        return cv2.aruco.CharucoBoard((self.columns, self.rows), self.square_m, self.marker_m, dictionary)

    def picture(self, pixels_per_m: float = 4000.0) -> NDArray[np.uint8]:
        """(H, W) the print with its margin, white on 255."""
        width, height = self.size_m
        margin = round(self.margin_m * pixels_per_m)
        size = round(width * pixels_per_m), round(height * pixels_per_m)
        pattern = self.charuco().generateImage(size, marginSize=0)
        return np.asarray(np.pad(pattern, margin, constant_values=255))


BOARD = BoardSpec()


def T_base_board() -> Transform:
    """(4, 4) of the board lying under the camera, its pattern's x axis along the camera's."""
    width, height = BOARD.size_m
    rotation = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
    center = np.array([0.50, 0.0, TABLE_TOP_M + BOARD.thickness_m])
    return transform(rotation, center - rotation @ [width / 2, height / 2, 0.0])
