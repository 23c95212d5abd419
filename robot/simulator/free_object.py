"""The object of the moment: it stays exactly where it was laid until something touches it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from robot.arm_body import OBJECT_BIT
from robot.geometry import Transform, transform
from robot.shapes import Vertices
from robot.simulator.cell_body import TABLE_TOP_M
from robot.simulator.contacts import Contacts
from robot.simulator.object_body import OBJECT_BODY, at_rest
from robot.simulator.referee import CarryWatch, Referee

_ASLEEP_AFTER_S = 0.2
_LOOK_EVERY_S = 0.02
_SLIPPERY = (1e-3, 1e-6, 1e-6)


class FreeObject:
    """Watches over the free body of one model.

    Asleep it costs no contacts with the table and does not creep; contact with the robot wakes it.
    """

    def __init__(
        self,
        model: Any,
        data: Any,
        contacts: Contacts,
        T_base_object: Transform,
        friction: float,
        vertices_object: Vertices,
    ) -> None:
        self._watch = CarryWatch(vertices_object)
        self._model, self._data, self._contacts = model, data, contacts
        joint = model.joint(OBJECT_BODY)
        self._qpos = slice(int(joint.qposadr[0]), int(joint.qposadr[0]) + 7)
        self._qvel = slice(int(joint.dofadr[0]), int(joint.dofadr[0]) + 6)
        self._geoms = np.flatnonzero(model.geom_bodyid == model.body(OBJECT_BODY).id)
        self._friction = (friction, *np.array(model.geom_friction[self._geoms[0], 1:]))
        self._still_s = self._unwatched_s = 0.0
        self.asleep = True
        self.lay(T_base_object)

    @property
    def T_base_object(self) -> Transform:
        """(4, 4) where it is."""
        qpos = self._data.qpos[self._qpos]
        return transform(Rotation.from_quat(qpos[[4, 5, 6, 3]]), qpos[:3])

    def lay(self, T_base_object: Transform) -> None:
        """Put it there, asleep."""
        quat = Rotation.from_matrix(T_base_object[:3, :3]).as_quat()[[3, 0, 1, 2]]
        self._resting = np.concatenate([T_base_object[:3, 3], quat])
        self._data.qpos[self._qpos] = self._resting
        self._sleep()

    def after_step(self) -> None:
        """Stay asleep, or wake up; called after every physics step."""
        if not self.asleep:
            return
        if self._data.ncon and self._contacts.robot_touches_object(self._data):
            self._set_contact_with_scene(True)
            self.asleep, self._still_s = False, 0.0
        else:
            self._data.qpos[self._qpos] = self._resting
            self._data.qvel[self._qvel] = 0.0

    def after_advance(self, duration_s: float) -> None:
        """Fall asleep when it has lain still for a while, untouched by the robot."""
        if self.asleep:
            return
        self._watched(duration_s)
        low = self._data.qpos[self._qpos.start + 2] < TABLE_TOP_M + 0.3
        still = low and at_rest(self._data.qvel[self._qvel])
        if not still or self._contacts.robot_touches_object(self._data) or not self._data.ncon:
            self._still_s = 0.0
            return
        self._still_s += duration_s
        if self._still_s > _ASLEEP_AFTER_S:
            self._resting = np.array(self._data.qpos[self._qpos])
            self._sleep()

    def jaws_open(self) -> None:
        """The jaws are told to open."""
        self._watch.jaws_open(self.T_base_object)

    def judge(self, name: str) -> Referee:
        """The truth about it now, and since it was laid."""
        return self._watch.judge(name, self.T_base_object, self._contacts.both_fingers_touch_object(self._data))

    def set_slippery(self, slippery: bool) -> None:
        """Take the friction between object and pads away, or give it back."""
        self._model.geom_friction[self._geoms] = _SLIPPERY if slippery else self._friction

    def _watched(self, duration_s: float) -> None:
        self._unwatched_s += duration_s
        if self._unwatched_s >= _LOOK_EVERY_S:
            touched = self._contacts.both_fingers_touch_object(self._data)
            self._watch.saw(self.T_base_object, touched, self._unwatched_s)
            self._unwatched_s = 0.0

    def _sleep(self) -> None:
        self._set_contact_with_scene(False)
        self._data.qvel[self._qvel] = 0.0
        self.asleep = True

    def _set_contact_with_scene(self, on: bool) -> None:
        self._model.geom_contype[self._geoms] = OBJECT_BIT if on else 0
