"""The printed targets that the camera is measured by: a ChArUco board, and marks that stay on the table.

The board's frame is OpenCV's: origin at the pattern's first corner, x along the columns, y along the rows, z into
the plate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.errors import SettingsError, did_you_mean
from robot.geometry import Transform, transform
from robot.gripper_geometry import TIP_FROM_FLANGE_CLOSED_M

_DICTIONARIES = {"DICT_4X4_100": 100, "DICT_5X5_100": 100, "DICT_6X6_250": 250}
MARK_DICTIONARY = "DICT_4X4_50"
"""Of the marks on the table, another than any board's, so that the two cannot be taken for each other."""
MARK_SIDE_M = 0.040
GRIPPED_M = 0.025
"""How deep the plate stands between the fingers when the gripper holds the board."""


@dataclass(frozen=True, kw_only=True)
class BoardSettings:
    """A ChArUco board as it was printed.

    Attributes:
        columns, rows: squares in x and in y.
        square_m: side of a square, *measured after printing*: printers scale.
        marker_share: side of a marker as a share of the square's.
        margin_m: white border around the pattern.
        thickness_m: of the plate that the print is glued to.
        dictionary: name of OpenCV's marker dictionary.
    """

    columns: int = 8
    rows: int = 6
    square_m: float = 0.030
    marker_share: float = 22 / 30
    margin_m: float = 0.010
    thickness_m: float = 0.003
    dictionary: str = "DICT_5X5_100"

    def __post_init__(self) -> None:
        if min(self.columns, self.rows) < 3:
            raise SettingsError(f"board: columns and rows must be at least 3, got {self.columns} x {self.rows}")
        for name in ("square_m", "margin_m", "thickness_m"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"board.{name} must be above 0, got {value}")
        if self.square_m > 0.2:
            raise SettingsError(f"board.square_m is {self.square_m} m", "give metres: 30 mm are 0.030")
        if not 0.4 <= self.marker_share <= 0.9:
            raise SettingsError(f"board.marker_share must be in 0.4..0.9, got {self.marker_share}")
        if self.dictionary not in _DICTIONARIES:
            raise SettingsError(
                f"board.dictionary: unknown '{self.dictionary}'", did_you_mean(self.dictionary, _DICTIONARIES)
            )
        if self.columns * self.rows // 2 > _DICTIONARIES[self.dictionary]:
            squares = f"{self.columns} x {self.rows} squares"
            raise SettingsError(f"board: {self.dictionary} has too few markers for {squares}")

    @property
    def size_m(self) -> tuple[float, float]:
        """Width and height of the printed pattern without its white margin [m]."""
        return self.columns * self.square_m, self.rows * self.square_m

    @property
    def corners_m(self) -> NDArray[np.float64]:
        """(N, 3) the inner corners in the board's frame, in the order of their ids: row by row."""
        x, y = np.meshgrid(np.arange(1, self.columns), np.arange(1, self.rows))
        corners = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=-1)
        return np.asarray(corners * self.square_m, dtype=np.float64)

    def charuco(self) -> Any:
        """The ``cv2.aruco.CharucoBoard``, in metres."""
        import cv2

        dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, self.dictionary))
        size = (self.columns, self.rows)
        return cv2.aruco.CharucoBoard(size, self.square_m, self.square_m * self.marker_share, dictionary)

    def picture(self, pixels_per_m: float = 4000.0) -> NDArray[np.uint8]:
        """(H, W) the print with its margin; white is 255."""
        width, height = self.size_m
        size = round(width * pixels_per_m), round(height * pixels_per_m)
        pattern = self.charuco().generateImage(size, marginSize=0)
        return np.asarray(np.pad(pattern, round(self.margin_m * pixels_per_m), constant_values=255))


def T_flange_board(board: BoardSettings) -> Transform:
    """(4, 4) of the board in the gripper: the plate between the pads at the middle of its lower edge.

    The print looks along the flange's +x, the jaws' closing direction; its top points away from the fingers.
    """
    width, height = board.size_m
    lower_edge_m = TIP_FROM_FLANGE_CLOSED_M - GRIPPED_M
    rotation = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    return transform(rotation, [board.thickness_m / 2, -width / 2, lower_edge_m + board.margin_m + height])
