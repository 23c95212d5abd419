"""Verification by touch: the tip of the closed fingers goes to five corners of the board on the table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from calibration.records import TouchMiss
from cell.motion import Motion
from cell.operator import Operator
from cell.planning import PlanRefused
from robot.calibration_board import BoardSettings

HOVER_M = 0.002
"""The tip stops this far above the board: near enough to see a miss, far enough not to bend the plate."""


def touch_corners(
    motion: Motion,
    operator: Operator,
    board: BoardSettings,
    corners_base_m: NDArray[np.float64],
    announce: Callable[[str], None],
) -> tuple[TouchMiss, ...]:
    """Bring the tip to some of (N, 3) ``corners_base_m`` and ask by how far it misses; what cannot be reached is told.

    Raises:
        DeviceError: as the motions.
    """
    hover_m = max(HOVER_M, motion.settings.grasp.table_clearance_m - board.thickness_m + HOVER_M)
    misses: list[TouchMiss] = []
    for corner in _touched(board.columns, board.rows):
        try:
            motion.point_at(corners_base_m[corner] + [0.0, 0.0, hover_m])
        except PlanRefused as refusal:
            announce(f"corner {corner} cannot be touched: {refusal.reason}")
            continue
        miss = TouchMiss(corner, operator.measure_miss(corner, hover_m))
        motion.rise()
        misses.append(miss)
        announce(f"touched corner {corner}: {np.linalg.norm(miss.miss_m) * 1e3:.1f} mm beside it")
    return tuple(misses)


def _touched(columns: int, rows: int) -> tuple[int, ...]:
    """The four outermost inner corners and one in the middle."""
    across, down = columns - 1, rows - 1
    return 0, across - 1, (down // 2) * across + across // 2, (down - 1) * across, down * across - 1
