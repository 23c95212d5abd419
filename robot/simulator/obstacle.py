"""A small block that the camera does not see: it stands under a fingertip when the fingers come down to the table."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from robot.geometry import apply, transform
from robot.gripper_geometry import PAD_THICKNESS_M, tip_from_flange_m
from robot.kinematics import jacobian
from robot.simulator.cell_body import OBSTACLE_SIDE_M, TABLE_TOP_M
from robot.simulator.world import World

_BELOW_M = 0.080  # the fingertips' height above the table from which on it appears
_CLEAR_M = 0.010  # of the block's top, so that it never appears inside a finger
_OUTWARD_M = 0.008  # from the middle of the pad, so that it does not stand in the object between the pads
_DOWN_M_S = 0.002


class UnseenObstacle:
    """Waits for the fingers to come down, then stands in their way until it is taken away. On the simulation thread."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.waiting = False

    def expect(self) -> None:
        """Appear when the fingers next come down to the table."""
        self.waiting = True

    def appear(self) -> None:
        """Stand under the first finger now, wherever it is; wait for the fingers where they are too low for that."""
        self.waiting = True
        if self._tip_height_m() > OBSTACLE_SIDE_M + _CLEAR_M:
            self._stand()

    def remove(self) -> None:
        """Take it away, and do not wait any more."""
        self.waiting = False
        self.clear_away()

    def clear_away(self) -> None:
        """Take it away, where it stands; one that still waits goes on waiting."""
        self._world.stand_obstacle(None)

    def tick(self) -> None:
        """Simulated time has passed."""
        if self.waiting and OBSTACLE_SIDE_M + _CLEAR_M < self._tip_height_m() < _BELOW_M:
            twist = jacobian(self._world.arm, self._world.q) @ self._world.qd
            if twist[2] < -_DOWN_M_S:
                self._stand()

    def _tip_height_m(self) -> float:
        """Of the point between the fingertips above the table."""
        tip = apply(self._world.T_base_flange, [0.0, 0.0, tip_from_flange_m(self._world.jaws.width_m)])
        return float(tip[2]) - TABLE_TOP_M

    def _stand(self) -> None:
        self.waiting = False
        T, width_m = self._world.T_base_flange, self._world.jaws.width_m
        beside_m = width_m / 2 + PAD_THICKNESS_M / 2 + _OUTWARD_M
        x, y, _ = apply(T, [beside_m, 0.0, tip_from_flange_m(width_m)])
        along = Rotation.from_euler("z", np.arctan2(T[1, 0], T[0, 0]))
        self._world.stand_obstacle(transform(along, [x, y, TABLE_TOP_M + OBSTACLE_SIDE_M / 2]))
