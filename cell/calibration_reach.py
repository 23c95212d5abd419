"""Where the arm can hold still for the camera's calibration, and how it gets from one such place to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cell.collision import CAMERA_HALF_M, CollisionChecker, camera_box
from cell.detour import find_detour
from cell.planning import SPARE_M, postures
from cell.settings import CellSettings
from cell.surroundings import HeldBox, Surroundings
from cell.sweeping import Excused, PlanRefused, Sweep
from robot.errors import ArmError
from robot.geometry import Transform
from robot.gripper_geometry import STROKE_M
from robot.kinematics import ArmModel
from robot.placement_settings import BoxSettings

CAMERA_MARGIN_M = 0.05
"""The camera may be this far from where the tape measure says."""

Joints = NDArray[np.float64]


@dataclass(frozen=True)
class CalibrationReach:
    """Implements :class:`calibration.pose_selection.Reach` for a cell.

    Attributes:
        sweep: checks ways, with the board in the gripper where the camera is fixed.
    """

    sweep: Sweep

    @classmethod
    def for_cell(cls, settings: CellSettings, model: ArmModel) -> Self:
        """From the cell file: a fixed camera is kept out of with a margin, and its board is in the jaws."""
        wanted = settings.calibration
        around = Surroundings(width_m=STROKE_M)
        if wanted.mount == "fixed":
            T_flange_board = None if wanted.board_guess is None else wanted.board_guess.transform
            around = Surroundings(None, HeldBox.of_board(wanted.board, T_flange_board), wanted.board.thickness_m)
            settings = replace(settings, keep_out=(*settings.keep_out, _around_camera(wanted.camera_guess.transform)))
        checker = CollisionChecker.for_cell(settings, model, around)
        return cls(Sweep(settings, model, checker, around.width_m, SPARE_M))

    def postures(self, T_base_flange: Transform) -> list[Joints]:
        """Joint solutions (6,) within all limits and free of collisions, the nearest to home first; may be empty."""
        return [q for q in postures(self.sweep.model, T_base_flange, self._q_home) if self._stands(q)]

    def free(self, q_from: Joints, q_to: Joints) -> bool:
        """Whether the joint move between two (6,) configurations is free."""
        return self._passes((q_from, q_to), {})

    def way(self, q_from: Joints, q_to: Joints) -> tuple[Joints, ...]:
        """(6,) stops of joint moves from ``q_from``, of which the last is ``q_to``: direct, by home, or by a detour.

        Raises:
            ArmError: no free way was found.
        """
        excused = self.sweep.excuses(q_from)
        for stops in ((q_to,), (self._q_home, q_to)):
            if self._passes((q_from, *stops), excused):
                return stops
        detour = find_detour(
            lambda a, b: self._passes((a, b), excused if a is q_from else {}), q_from, q_to, np.random.default_rng(0)
        )
        if detour is None:
            raise ArmError("there is no safe way to the next pose", "move the arm home by hand, and look at keep_out")
        return detour

    @property
    def _q_home(self) -> Joints:
        return np.array(self.sweep.settings.home_joints_rad)

    def _stands(self, q: Joints) -> bool:
        try:
            self.sweep.require(q, {})
        except PlanRefused:
            return False
        return True

    def _passes(self, stops: tuple[Joints, ...], excused: Excused) -> bool:
        try:
            for q, q_next in pairwise(stops):
                excused = self.sweep.joint_move(q, q_next, excused)
        except PlanRefused:
            return False
        return True


def _around_camera(T_base_camera: Transform) -> BoxSettings:
    T_base_box = camera_box(T_base_camera)
    half_m = np.abs(T_base_box[:3, :3]) @ CAMERA_HALF_M + CAMERA_MARGIN_M
    low, high = (T_base_box[:3, 3] - half_m).tolist(), (T_base_box[:3, 3] + half_m).tolist()
    return BoxSettings(min_m=tuple(low), max_m=tuple(high))
