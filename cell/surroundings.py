"""What stands around the arm and in its jaws beside what the cell file says; it changes from trial to trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cell.seen_scene import SeenScene
from robot.calibration_board import BoardSettings, T_flange_board
from robot.geometry import Transform, invert, transform
from robot.gripper_geometry import STROKE_M, TIP_FROM_FLANGE_CLOSED_M

T_FLANGE_TCP: Transform = transform(np.eye(3), [0.0, 0.0, TIP_FROM_FLANGE_CLOSED_M])
SPARED_SIDE_M, SPARED_BELOW_M = 0.003, 0.005
"""By how much a held object counts as smaller than it was seen; below, because it stood on the table."""
_THINNEST_M = 0.001


@dataclass(frozen=True, eq=False)
class HeldBox:
    """A box around what the gripper holds.

    Attributes:
        T_tcp_box: (4, 4) of the box's middle in the frame of the tool centre point.
        half_m: (3,) half its sides.
    """

    T_tcp_box: Transform
    half_m: NDArray[np.float64]

    @classmethod
    def of_board(cls, board: BoardSettings, T_flange_held: Transform | None = None) -> Self:
        """The calibration board in the gripper; ``T_flange_held`` of None: gripped as it should be."""
        size_m = np.array([*board.size_m, board.thickness_m])
        half_m = size_m / 2 + [board.margin_m, board.margin_m, 0.0]
        T_board_box = transform(np.eye(3), size_m / 2)
        T_flange = T_flange_board(board) if T_flange_held is None else T_flange_held
        return cls(invert(T_FLANGE_TCP) @ T_flange @ T_board_box, half_m)

    @property
    def below_tcp_m(self) -> float:
        """How far it reaches beyond the tool centre point, along the tool's axis."""
        return max(float(self.T_tcp_box[2, 3] + np.abs(self.T_tcp_box[2, :3]) @ self.half_m), 0.0)


@dataclass(frozen=True, eq=False)
class Surroundings:
    """What the collision checks know beside the cell file.

    Attributes:
        seen: what the camera saw on the table; None: nothing was looked at, or it is not true any more.
        held: what the jaws hold.
        width_m: how far the jaws are apart.
    """

    seen: SeenScene | None = None
    held: HeldBox | None = None
    width_m: float = STROKE_M

    def carrying(self, T_base_grasp: Transform, width_m: float) -> Surroundings:
        """What stands around once the jaws have closed with the tool centre point at (4, 4) ``T_base_grasp``.

        What was seen between the jaws is held then, and does not stand on the table any more.
        """
        lump = None if self.seen is None else self.seen.lump_between_jaws(T_base_grasp, width_m)
        if self.seen is None or lump is None:
            return Surroundings(self.seen, None, width_m)
        half_m = np.array([*(lump.sides_m / 2 - SPARED_SIDE_M), (lump.height_m - SPARED_BELOW_M) / 2])
        T_base_box = lump.T_base_foot.copy()
        T_base_box[2, 3] += (lump.height_m + SPARED_BELOW_M) / 2
        held = HeldBox(invert(T_base_grasp) @ T_base_box, np.maximum(half_m, _THINNEST_M))
        return Surroundings(self.seen.without(lump), held, width_m)
