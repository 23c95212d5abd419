"""The one physical world of the simulated cell. Only the simulation thread may touch it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from robot.arm_body import set_posture
from robot.convex_parts import convex_parts
from robot.errors import SettingsError, did_you_mean
from robot.geometry import Transform
from robot.gripper_geometry import STROKE_M
from robot.kinematics import ArmModel, forward
from robot.objects import ObjectSpec, Part
from robot.simulator.arm_servo import ArmServo
from robot.simulator.cell_body import FLOOR_M, HOME_RAD, PARKED_M, TIME_STEP_S, build_cell_spec
from robot.simulator.contacts import Contacts
from robot.simulator.free_object import FreeObject
from robot.simulator.interfaces import Vector6
from robot.simulator.jaws import JawMotion, JawServo, JawState
from robot.simulator.object_body import OBJECT_BODY, Placer, add_object
from robot.simulator.referee import LIFTED_M, Referee

__all__ = ["LIFTED_M", "Device", "Referee", "Thing", "World"]

_BLOWN_UP = [int(w) for w in (mujoco.mjtWarning.mjWARN_BADQPOS, mujoco.mjtWarning.mjWARN_BADQVEL,
                              mujoco.mjtWarning.mjWARN_BADQACC)]  # fmt: skip
_ON_THE_FLOOR: Transform = np.array(
    [[1, 0, 0, 1.6], [0, 1, 0, 0.9], [0, 0, 1, FLOOR_M + 0.15], [0, 0, 0, 1]], dtype=float
)
_ROBOT_DOFS = 9  # six joints, the carrier, two fingers; the object's free joint comes after them


class Device(Protocol):
    """Something beside the arm that acts in simulated time, such as the gripper's activation."""

    @property
    def busy(self) -> bool:
        """Whether it is at work on something."""
        ...

    def tick(self, period_s: float) -> None:
        """Called at the end of every ``World.advance``."""
        ...


@dataclass(frozen=True, eq=False)
class Thing:
    """An object of the set, ready for physics."""

    spec: ObjectSpec
    parts: tuple[Part, ...]
    placer: Placer


def _ignore(_: str) -> None:
    """A warning of MuJoCo's."""


class World:
    """Implements :class:`robot.simulator.interfaces.ArmWorld`. Frame: the robot's base = MuJoCo's world, z up."""

    def __init__(self, arm: ArmModel, objects: tuple[ObjectSpec, ...], tell: Callable[[str], None]) -> None:
        """``tell`` hears of anything slow, such as the decomposition of a mesh."""
        mujoco.set_mju_user_warning(_ignore)  # advance() looks for them; by default they go into a file where we are
        self.arm = arm
        self.changes = 0
        self._objects: Mapping[str, ObjectSpec] = {thing.name: thing for thing in objects}
        self._tell = tell
        self._things: dict[str, Thing] = {}
        self._models: dict[str | None, Any] = {}
        self._devices: list[Device] = []
        self._time_s = 0.0
        self._losing = False
        self._servo, self._jaws = ArmServo(HOME_RAD), JawServo(STROKE_M)
        self._thing: Thing | None = None
        self._free: FreeObject | None = None
        self._model = self._compiled(None)
        self._data = mujoco.MjData(self._model)
        set_posture(self._model, self._data, HOME_RAD, STROKE_M)
        self._enter()

    # ------------------------------------------------------------------ the arm

    @property
    def time_s(self) -> float:
        """Simulated time [s]."""
        return self._time_s

    @property
    def q(self) -> Vector6:
        """(6,) measured joint angles [rad]."""
        return np.array(self._data.qpos[:6])

    @property
    def qd(self) -> Vector6:
        """(6,) measured joint velocities [rad/s]."""
        return np.array(self._data.qvel[:6])

    @property
    def T_base_flange(self) -> Transform:
        """(4, 4) by the measured joint angles."""
        return forward(self.arm, self.q)

    @property
    def joint_torque(self) -> Vector6:
        """(6,) motor torques [Nm], what carries the arm's own weight included."""
        return np.array(self._data.actuator_force[:6] + self._data.qfrc_gravcomp[:6])

    def flange_wrench(self) -> Vector6:
        """(6,) contact force [N] and torque [Nm] on the gripper, base axes, about the flange."""
        return self._contacts.gripper_wrench(self._data)

    def set_arm_target(self, q: Vector6, qd: Vector6) -> None:
        """Where the joint servos should be at the end of the next ``advance``, and how fast."""
        self._servo.aim(q, qd)

    def advance(self, duration_s: float) -> None:
        """Step the physics; the servo target moves linearly from the previous one over ``duration_s``."""
        steps = max(1, round(duration_s / TIME_STEP_S))
        model, data, jaws, free = self._model, self._data, self._jaws, self._free
        before = np.array(data.qpos)
        for command in self._servo.plan(duration_s, steps):
            data.ctrl[:6] = command
            jaws.before_step(TIME_STEP_S)
            mujoco.mj_step(model, data)
            jaws.after_step(TIME_STEP_S)
            if free is not None:
                free.after_step()
        self._time_s += steps * TIME_STEP_S
        self.changes += 1
        if data.warning.number[_BLOWN_UP].any():
            self._recover(before)
        if free is not None:
            free.after_advance(duration_s)
        if self._losing and jaws.opened:
            self._set_losing(False)
        for device in self._devices:
            device.tick(duration_s)

    @property
    def busy(self) -> bool:
        """True while the jaws move or a device is at work."""
        return self.jaws.motion is JawMotion.MOVING or any(device.busy for device in self._devices)

    # ------------------------------------------------------------------ the gripper

    @property
    def jaws(self) -> JawState:
        """What the jaws do."""
        return self._jaws.state

    def stop_jaws_at(self, width_m: float) -> None:
        """A plate between the pads keeps them ``width_m`` apart; 0 takes it out."""
        self._jaws.stop_at(width_m)

    @property
    def jaws_were_closed(self) -> bool:
        """Whether the last command closed the jaws, wholly or in part."""
        return self._jaws.closing

    def command_jaws(self, width_m: float, speed_m_s: float, force_n: float) -> None:
        """Move the jaws; speed of the opening [m/s] and force at each pad [N] are clamped to the 2F-85's."""
        if self._free is not None and width_m > self.jaws.width_m:
            self._free.jaws_open()
        self._jaws.command(width_m, speed_m_s, force_n)

    def halt_jaws(self) -> None:
        """Stop the jaws where they are."""
        self._jaws.halt()

    def attach_device(self, device: Device) -> None:
        """Have ``device`` ticked at the end of every ``advance``."""
        self._devices.append(device)

    def lose_object(self) -> None:
        """The pads lose all friction until the jaws have been opened."""
        self._set_losing(True)

    # ------------------------------------------------------------------ the operator

    @property
    def object_names(self) -> tuple[str, ...]:
        """Of the object set, in its order."""
        return tuple(self._objects)

    def prepare(self, name: str) -> Thing:
        """The object's convex parts and placer, made at the first call.

        Raises:
            SettingsError: there is no such object, or its mesh cannot be decomposed.
        """
        if name not in self._objects:
            raise SettingsError(f"unknown object '{name}'", did_you_mean(name, self._objects))
        if name not in self._things:
            spec = self._objects[name]
            parts = convex_parts(spec, self._tell)
            self._things[name] = Thing(spec, parts, Placer(spec, parts))
        return self._things[name]

    def place(self, name: str, seed: int) -> Transform:
        """Put the object, alone, where (name, seed) say; returns T_base_object. Raises SettingsError."""
        thing = self.prepare(name)
        T_base_object = thing.placer.place(seed)
        self._change_to(thing)
        vertices = np.vstack([part.vertices_object for part in thing.parts])
        self._free = FreeObject(self._model, self._data, self._contacts, T_base_object, thing.spec.friction, vertices)
        self._set_losing(False)
        mujoco.mj_forward(self._model, self._data)
        return T_base_object

    def clear_table(self) -> None:
        """Take the object away."""
        self._change_to(None)
        self._losing = False

    @property
    def thing(self) -> Thing | None:
        """The object that is there."""
        return self._thing

    @property
    def T_base_object(self) -> Transform | None:
        """(4, 4), or None on an empty table."""
        return None if self._free is None else self._free.T_base_object

    def referee(self) -> Referee:
        """Judge by the physics, by what is and by what was since the placing."""
        if self._thing is None or self._free is None:
            return Referee("", False, False, 0.0)
        return self._free.judge(self._thing.spec.name)

    def stand_obstacle(self, T_base_obstacle: Transform | None) -> None:
        """Put the block that no camera sees there; None takes it away, as does every change of the object."""
        T = np.eye(4) if T_base_obstacle is None else T_base_obstacle
        self._data.mocap_pos[0] = PARKED_M if T_base_obstacle is None else T[:3, 3]
        self._data.mocap_quat[0] = Rotation.from_matrix(T[:3, :3]).as_quat()[[3, 0, 1, 2]]

    # ------------------------------------------------------------------ for the camera

    @property
    def model(self) -> Any:
        """The compiled MuJoCo model at present; do not change it."""
        return self._model

    def geom_poses(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(G, 3) positions and (G, 3, 3) orientations of all geoms, up to date."""
        mujoco.mj_kinematics(self._model, self._data)
        return np.array(self._data.geom_xpos), np.array(self._data.geom_xmat).reshape(-1, 3, 3)

    # ------------------------------------------------------------------ inside

    def _compiled(self, thing: Thing | None) -> Any:
        name = thing.spec.name if thing else None
        if name not in self._models:
            spec = build_cell_spec(self.arm)
            if thing is not None:
                add_object(spec, thing.spec, thing.parts)
            self._models[name] = spec.compile()
        return self._models[name]

    def _change_to(self, thing: Thing | None) -> None:
        """Go on in a model with this object; arm and jaws keep their state."""
        before = self._data
        self._model = self._compiled(thing)
        self._data = mujoco.MjData(self._model)
        self._data.qpos[:_ROBOT_DOFS] = before.qpos[:_ROBOT_DOFS]
        self._data.qvel[:_ROBOT_DOFS] = before.qvel[:_ROBOT_DOFS]
        self._data.ctrl[:] = before.ctrl
        self._thing, self._free = thing, None
        self._enter()

    def _enter(self) -> None:
        self._contacts = Contacts(self._model, OBJECT_BODY)
        self._servo.attach(self._model, self._data)
        self._jaws.attach(self._model, self._data)
        self.changes += 1
        mujoco.mj_forward(self._model, self._data)

    def _recover(self, qpos: NDArray[np.float64]) -> None:
        """The solver lost the object's motion (deeply wedged between jaws and table): it lies on the floor now."""
        self._tell("the physics broke down: the object has been thrown off the table")
        mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[:_ROBOT_DOFS] = qpos[:_ROBOT_DOFS]
        if self._free is not None:
            self._free.lay(_ON_THE_FLOOR)
        self._jaws.halt()
        mujoco.mj_forward(self._model, self._data)

    def _set_losing(self, losing: bool) -> None:
        self._losing = losing
        if self._free is not None:
            self._free.set_slippery(losing)
