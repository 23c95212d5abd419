"""Who touches whom, and how hard, read from MuJoCo's contacts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.simulator.cell_body import OBSTACLE_BODY

_SCENE, _ARM, _GRIPPER, _OBJECT = 0, 1, 2, 3
_GRIPPER_BODIES = ("gripper", "finger_carrier", "left_finger", "right_finger")


class Contacts:
    """Reads the contacts of one compiled model."""

    def __init__(self, model: Any, object_body: str) -> None:
        names = [model.body(i).name for i in range(model.nbody)]
        kinds = np.full(model.nbody, _ARM)
        kinds[0] = _SCENE
        for i, name in enumerate(names):
            if name in _GRIPPER_BODIES:
                kinds[i] = _GRIPPER
            elif name == object_body:
                kinds[i] = _OBJECT
            elif name == OBSTACLE_BODY:
                kinds[i] = _SCENE
        self._kind = kinds[model.geom_bodyid]
        self._body = np.array(model.geom_bodyid)
        self._fingers = [model.body(name).id for name in ("left_finger", "right_finger")]
        self._flange = model.body("flange").id

    def robot_touches_object(self, data: Any) -> bool:
        """Any part of arm or gripper against the object."""
        kinds = self._kind[data.contact.geom]
        return bool(((kinds == _OBJECT).any(axis=1) & ((kinds == _ARM) | (kinds == _GRIPPER)).any(axis=1)).any())

    def both_fingers_touch_object(self, data: Any) -> bool:
        """Both fingers press against the object."""
        geoms = data.contact.geom[data.contact.efc_address >= 0]
        kinds, bodies = self._kind[geoms], self._body[geoms]
        touched = bodies[(kinds == _OBJECT).any(axis=1)]
        return all(bool((touched == finger).any()) for finger in self._fingers)

    def gripper_wrench(self, data: Any) -> NDArray[np.float64]:
        """(6,) force [N] and torque [Nm] of all contacts on the gripper, world axes, about the flange's origin."""
        wrench = np.zeros(6)
        if data.ncon == 0:
            return wrench
        contact = data.contact
        on_gripper = self._kind[contact.geom] == _GRIPPER
        address = contact.efc_address
        outside = np.flatnonzero((on_gripper[:, 0] != on_gripper[:, 1]) & (address >= 0))
        if not len(outside):
            return wrench
        # Normal and two tangential forces stand first; the contact's frame has its axes in rows; the force acts on
        # the second geom.
        local = data.efc_force[address[outside, None] + np.arange(3)] * np.where(on_gripper[outside, 1:], 1.0, -1.0)
        forces = np.einsum("ni,nij->nj", local, contact.frame[outside].reshape(-1, 3, 3))
        x, y, z = (contact.pos[outside] - data.xpos[self._flange]).T
        wrench[:3] = forces.sum(axis=0)
        wrench[3] = y @ forces[:, 2] - z @ forces[:, 1]
        wrench[4] = z @ forces[:, 0] - x @ forces[:, 2]
        wrench[5] = x @ forces[:, 1] - y @ forces[:, 0]
        return wrench


def robot_geoms(model: Any) -> NDArray[np.int64]:
    """Numbers of the geoms of arm and gripper; the same in every model of the cell."""
    first, last = model.body("base").id, model.body("right_finger").id
    return np.flatnonzero((model.geom_bodyid >= first) & (model.geom_bodyid <= last))
