"""What people have hung, laid and held up in the cell: the camera and the calibration board."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robot.errors import SettingsError
from robot.geometry import Transform, apply
from robot.gripper_geometry import TIP_FROM_FLANGE_CLOSED_M
from robot.simulator.camera_place import CameraMount, CameraPlace
from robot.simulator.shown_board import ShownBoard
from robot.simulator.world import World


class Staging:
    """Camera and board of one world. On the simulation thread.

    Attributes:
        camera: where it hangs.
        board: what is shown to it, or None.
    """

    def __init__(self, world: World, mount: CameraMount | None = None) -> None:
        self._world = world
        self.camera = CameraPlace(mount or CameraMount())
        self.board: ShownBoard | None = None

    @property
    def T_base_color(self) -> Transform:
        """(4, 4) true pose of the colour sensor."""
        return self.camera.T_base_color(self._world.T_base_flange)

    @property
    def T_base_board(self) -> Transform | None:
        """(4, 4) true pose of the board, or None."""
        return None if self.board is None else self.board.T_base_board(self._world.T_base_flange)

    def tip_miss_m(self, corner: int) -> NDArray[np.float64]:
        """(3,) from the board's true ``corner`` to the tip of the closed fingers, base axes [m].

        Raises:
            SettingsError: no board is there, or it has no such corner.
        """
        T_base_board = self.T_base_board
        if self.board is None or T_base_board is None:
            raise SettingsError("there is no board to touch", "show one on the table first")
        corners = self.board.board.corners_m
        if not 0 <= corner < len(corners):
            raise SettingsError(f"the board has the corners 0..{len(corners) - 1}, not {corner}")
        tip = apply(self._world.T_base_flange, [0.0, 0.0, TIP_FROM_FLANGE_CLOSED_M])
        return np.asarray(tip - apply(T_base_board, corners[corner]))
