"""Which arm postures collide: MuJoCo's collision detection on the arm, the gripper, the table and the keep-outs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import mujoco
import numpy as np
from numpy.typing import NDArray

from cell.settings import CellSettings
from robot.arm_body import ARM_BIT, SCENE_BIT, add_robot, set_posture
from robot.kinematics import ArmModel

_PLANE_SIZE_M = 3.0


@dataclass(frozen=True)
class CollisionChecker:
    """A kinematic model of the cell without objects. See :class:`cell.planning.CollisionCheck`.

    The table counts as endless: no part of the arm has any business below its top.
    """

    model: Any
    data: Any

    @classmethod
    def for_cell(cls, settings: CellSettings, arm: ArmModel) -> Self:
        """Build the model from what the cell file says stands where."""
        spec = mujoco.MjSpec()
        bits = {"contype": SCENE_BIT, "conaffinity": ARM_BIT}
        spec.worldbody.add_geom(
            name="table",
            type=mujoco.mjtGeom.mjGEOM_PLANE,
            pos=[0, 0, settings.table_height_m],
            size=[_PLANE_SIZE_M, _PLANE_SIZE_M, 0.1],
            **bits,
        )
        for i, box in enumerate(settings.keep_out):
            low, high = np.array(box.min_m), np.array(box.max_m)
            spec.worldbody.add_geom(
                name=f"keep-out {i + 1}",
                type=mujoco.mjtGeom.mjGEOM_BOX,
                pos=(low + high) / 2,
                size=(high - low) / 2,
                **bits,
            )
        add_robot(spec, arm)
        model = spec.compile()
        return cls(model, mujoco.MjData(model))

    def contact(self, q: NDArray[np.float64], width_m: float) -> str | None:
        """What meets what with the joints at (6,) ``q`` and the jaws ``width_m`` apart; None when nothing does."""
        set_posture(self.model, self.data, q, width_m)
        mujoco.mj_kinematics(self.model, self.data)
        mujoco.mj_collision(self.model, self.data)
        if self.data.ncon == 0:
            return None
        names = [self.model.geom(g).name.replace("_", " ") for g in self.data.contact[0].geom]
        return f"the arm's {names[1]} would meet the {names[0]}" if "table" in names[0] else " meets ".join(names)
