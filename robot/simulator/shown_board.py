"""The calibration board in the operator's hands: on the table, or held by the gripper."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from robot.calibration_board import GRIPPED_M, BoardSettings, T_flange_board
from robot.errors import SettingsError, did_you_mean
from robot.geometry import Transform, transform
from robot.gripper_geometry import TIP_FROM_FLANGE_CLOSED_M
from robot.simulator.camera_place import random_direction
from robot.simulator.cell_body import TABLE_TOP_M

PLACES = ("none", "table", "gripper")
BoardPlace = Literal["none", "table", "gripper"]

_MIDDLE_M = (0.50, 0.0)
_ON_TABLE_M, _ON_TABLE_RAD = 0.015, math.radians(8.0)
_IN_GRIPPER_M, _IN_GRIPPER_RAD = 0.003, math.radians(2.0)


@dataclass(frozen=True, kw_only=True)
class ShownBoard:
    """A board that the camera can see.

    Attributes:
        held: True in the gripper, False on the table.
        board: as it really came out of the printer.
        T_parent_board: (4, 4) in the flange's frame when held, else in the base's.
    """

    held: bool
    board: BoardSettings
    T_parent_board: Transform

    def T_base_board(self, T_base_flange: Transform) -> Transform:
        """(4, 4) where it is while the flange is at ``T_base_flange``."""
        return T_base_flange @ self.T_parent_board if self.held else self.T_parent_board


def put_up(where: str, board: BoardSettings, scale: float, seed: int) -> ShownBoard | None:
    """Bring a board, as an operator does: nearly where it belongs.

    Args:
        where: one of ``PLACES``.
        scale: how much larger the whole print came out than ``board`` says.
        seed: where exactly. On the table within 15 mm and 8 degrees of the workspace's middle, print up; in the
            gripper within 3 mm and 2 degrees of ``T_flange_board``, turned about where the pads hold it.

    Raises:
        SettingsError: no such place, or a scale that no printer has.
    """
    if where not in PLACES:
        raise SettingsError(f"unknown place '{where}'", did_you_mean(where, PLACES))
    if where == "none":
        return None
    if not 0.5 <= scale <= 2.0:
        raise SettingsError(f"scale must be in 0.5..2, got {scale}")
    printed = replace(board, square_m=board.square_m * scale, margin_m=board.margin_m * scale)
    rng = np.random.default_rng([PLACES.index(where), seed % 2**32])
    place = _in_gripper(printed, rng) if where == "gripper" else _on_table(printed, rng)
    return ShownBoard(held=where == "gripper", board=printed, T_parent_board=place)


def _on_table(board: BoardSettings, rng: np.random.Generator) -> Transform:
    """Lying print up, its x axis roughly along the fixed camera's."""
    width, height = board.size_m
    off_m = rng.uniform(0.0, _ON_TABLE_M) * np.exp(1j * rng.uniform(0.0, 2 * math.pi))
    turn = Rotation.from_euler("z", rng.uniform(-_ON_TABLE_RAD, _ON_TABLE_RAD))
    rotation = turn.as_matrix() @ [[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]]
    middle = [_MIDDLE_M[0] + off_m.real, _MIDDLE_M[1] + off_m.imag, TABLE_TOP_M + board.thickness_m]
    return transform(rotation, middle - rotation @ [width / 2, height / 2, 0.0])


def _in_gripper(board: BoardSettings, rng: np.random.Generator) -> Transform:
    pads = transform(np.eye(3), [0.0, 0.0, TIP_FROM_FLANGE_CLOSED_M - GRIPPED_M])
    turn = Rotation.from_rotvec(rng.uniform(0.0, _IN_GRIPPER_RAD) * random_direction(rng))
    slip = transform(turn, rng.uniform(0.0, _IN_GRIPPER_M) * random_direction(rng))
    pads_back = transform(np.eye(3), -pads[:3, 3])
    return pads @ slip @ pads_back @ T_flange_board(board)
