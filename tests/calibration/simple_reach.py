"""A UR5 over a table, by points along its links: enough of a cell to choose poses in."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from robot.calibration_board import BoardSettings, T_flange_board
from robot.geometry import apply
from robot.kinematics import UR5, inverse, link_transforms

TABLE_M, CLEARANCE_M, LINK_RADIUS_M = -0.25, 0.03, 0.06
CAMERA_BOX = (np.array([0.44, -0.07, 0.43]), np.array([0.56, 0.07, 0.53]))


@dataclass
class SimpleReach:
    """See :class:`calibration.pose_selection.Reach`."""

    holds_board: bool
    calls: dict[str, int] = field(default_factory=lambda: {"postures": 0, "free": 0})

    def postures(self, T_base_flange: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        self.calls["postures"] += 1
        return [q for q in inverse(UR5, T_base_flange) if self._clear(q)]

    def free(self, q_from: NDArray[np.float64], q_to: NDArray[np.float64]) -> bool:
        self.calls["free"] += 1
        steps = max(2, int(np.ceil(np.abs(q_to - q_from).max() / 0.15)) + 1)
        return all(self._clear(q) for q in np.linspace(q_from, q_to, steps))

    def _clear(self, q: NDArray[np.float64]) -> bool:
        frames = link_transforms(UR5, q)
        joints = frames[:, :3, 3]
        links = np.concatenate([np.linspace(a, b, 5) for a, b in itertools.pairwise(joints)])
        tool = apply(frames[5], self._tool_points())
        margin = CLEARANCE_M + LINK_RADIUS_M
        if links[:, 2].min() < TABLE_M + margin or tool[:, 2].min() < TABLE_M + CLEARANCE_M:
            return False
        low, high = CAMERA_BOX
        return not (_in_box(links, low - margin, high + margin) or _in_box(tool, low - CLEARANCE_M, high + CLEARANCE_M))

    def _tool_points(self) -> NDArray[np.float64]:
        palm = np.array(list(itertools.product((-0.042, 0.042), (-0.0375, 0.0375), (0.0, 0.092))))
        tip = np.array(list(itertools.product((-0.02, 0.02), (-0.011, 0.011), (0.163,))))
        if not self.holds_board:
            return np.concatenate([palm, tip])
        board = BoardSettings()
        width, height = board.size_m
        edge = board.margin_m
        grid = itertools.product(np.linspace(-edge, width + edge, 5), np.linspace(-edge, height + edge, 5), (0.0,))
        return np.concatenate([palm, apply(T_flange_board(board), np.array(list(grid)))])


def _in_box(points: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> bool:
    return bool(((points >= low) & (points <= high)).all(axis=1).any())
