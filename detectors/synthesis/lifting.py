"""The physical label: close the jaws on a thing that lies on the table and lift it, in MuJoCo.

One model holds the table, the thing, what stands near it, and the 2F-85 on a vertical slide. The gripper never turns:
every grasp turns and shifts the thing instead, so that all grasps of a scene go through one batched call
(``mujoco.rollout``). The motion is the cell's: jaws close under limited force, then 12 cm straight up, then a hold.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import mujoco.rollout
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from detectors.synthesis.grasp_frames import TableGrasps
from robot.arm_body import ARM_BIT, OBJECT_BIT, SCENE_BIT
from robot.geometry import Transform, apply
from robot.gripper_body import (
    CARRIER_JOINT,
    FINGER_JOINTS,
    JAW_ACTUATOR,
    JAW_DAMPING_NS_M,
    JAW_STIFFNESS_N_M,
    add_gripper,
    advance_polynomial,
)
from robot.objects import ObjectSpec
from robot.simulator.object_body import OBJECT_BODY, add_object, add_parts

Array = NDArray[np.float64]

FRICTION_FACTORS = (0.7, 1.0, 1.3)
GRIP_FORCE_N = 60.0
LIFT_M, LIFTED_M = 0.12, 0.020  # as the cell lifts, and as its referee counts
STEP_S = 0.002

_SLIDE, _NEIGHBOURS = "slide", "neighbours"
_CLOSE_S, _LIFT_S, _HOLD_S = 0.32, 0.50, 0.14
_HALF_WAY_S = 0.30  # of the lift: what has stayed behind by then is not carried on
_SHUT_M_S = 0.002  # fingers slower than this have closed
_FINGER_SPEED_M_S = 0.075
_START_GAP_M = 0.0015  # the jaws start closing this far from the first contact: what comes before moves nothing
_SLIDE_STIFFNESS_N_M, _SLIDE_DAMPING_NS_M = 3.0e5, 2.4e3
_EMPTY_M = 0.0008  # jaws that have closed further than this hold nothing
_IMMOVABLE_KG = 2000.0


@dataclass(frozen=True, eq=False)
class Lying:
    """A thing that lies on the table: what it is, and (4, 4) where."""

    spec: ObjectSpec
    T_table_object: Transform

    def vertices_table(self) -> Array:
        """(V, 3) all vertices of its parts in the table's frame."""
        return apply(self.T_table_object, np.vstack([part.vertices_object for part in self.spec.primitives]))


@dataclass(frozen=True, eq=False)
class Lifts:
    """What came of each grasp, arrays (N,).

    Attributes:
        lifted: the thing hung clear of the table at the end.
        width_m: the jaws' opening when they had closed.
    """

    lifted: NDArray[np.bool_]
    width_m: Array


class LiftBench:
    """Lifts one thing again and again."""

    def __init__(self, target: Lying, neighbours: Sequence[Lying] = ()) -> None:
        self._target = target
        self._vertices = np.vstack([part.vertices_object for part in target.spec.primitives])
        self._model = _build(target, neighbours)
        self._models = [_with_friction(self._model, factor) for factor in FRICTION_FACTORS]
        self._data = mujoco.MjData(self._model)
        self._has_neighbours = bool(neighbours)
        self._state_size = mujoco.mj_stateSize(self._model, mujoco.mjtState.mjSTATE_FULLPHYSICS)

    def lift(self, grasps: TableGrasps, first_contact_m: Array, friction_index: NDArray[np.integer]) -> Lifts:
        """Carry out (N,) grasps.

        Args:
            grasps: in the table's frame; the way down is taken to be free.
            first_contact_m: (N,) half opening at which the first pad meets the thing; closing starts just outside.
            friction_index: (N,) which of ``FRICTION_FACTORS`` holds.
        """
        count = len(grasps)
        if not count:
            return Lifts(np.zeros(0, dtype=bool), np.zeros(0))
        half = np.minimum(grasps.width_m / 2, np.maximum(first_contact_m, 0.0) + _START_GAP_M)
        state = self._initial_states(grasps, half)
        closing, lifting = self._closing(grasps, half), self._lifting(grasps)
        middle, high = closing.shape[1] // 2, round(_HALF_WAY_S / STEP_S)
        # Most grasps need only half of the time to close, and half of the lift to fail.
        everything = np.ones(count, dtype=bool)
        self._run(state, everything, closing[:, :middle], friction_index)
        self._run(state, self._finger_speed(state) > _SHUT_M_S, closing[:, middle:], friction_index)
        widths = np.maximum(2 * state[:, 1 + self._joint(FINGER_JOINTS[0])], 0.0)
        up = widths > _EMPTY_M
        self._run(state, up, lifting[:, :high], friction_index)
        up &= self._lowest_m(state) > LIFTED_M
        self._run(state, up, lifting[:, high:], friction_index)
        return Lifts(up & (self._lowest_m(state) > LIFTED_M), widths)

    def _run(
        self, states: Array, which: NDArray[np.bool_], controls: Array, friction_index: NDArray[np.integer]
    ) -> None:
        """Let time pass for those states (N, ...), in place, that ``which`` (N,) chooses."""
        rows = np.flatnonzero(which)
        if len(rows):
            models = [self._models[i] for i in friction_index[rows]]
            rolled, _ = mujoco.rollout.rollout(models, self._data, states[rows], np.ascontiguousarray(controls[rows]))
            states[rows] = rolled[:, -1, :]

    def _finger_speed(self, states: Array) -> Array:
        address = int(self._model.joint(FINGER_JOINTS[0]).dofadr[0])
        return np.abs(states[:, 1 + self._model.nq + address])

    def _initial_states(self, grasps: TableGrasps, half_m: Array) -> Array:
        nq = self._model.nq
        states = np.zeros((len(grasps), self._state_size))
        qpos = states[:, 1 : 1 + nq]
        qpos[:, self._joint(_SLIDE)] = grasps.flange_m
        for name in FINGER_JOINTS:
            qpos[:, self._joint(name)] = half_m
        qpos[:, self._joint(CARRIER_JOINT)] = np.polynomial.polynomial.polyval(half_m, advance_polynomial())
        T_grasp_table = _planar_inverse(grasps)
        self._put(qpos, OBJECT_BODY, T_grasp_table @ self._target.T_table_object)
        if self._has_neighbours:
            self._put(qpos, _NEIGHBOURS, T_grasp_table)
        return states

    def _put(self, qpos: Array, joint: str, T: Array) -> None:
        start = self._joint(joint)
        qpos[:, start : start + 3] = T[:, :3, 3]
        qpos[:, start + 3 : start + 7] = Rotation.from_matrix(T[:, :3, :3]).as_quat()[:, [3, 0, 1, 2]]

    def _closing(self, grasps: TableGrasps, half_m: Array) -> Array:
        steps = round(_CLOSE_S / STEP_S)
        control = np.zeros((len(grasps), steps, self._model.nu))
        lead = 2 * GRIP_FORCE_N / JAW_STIFFNESS_N_M
        way = _FINGER_SPEED_M_S * STEP_S * np.arange(1, steps + 1)
        reference = np.maximum(half_m[:, None] - way, -lead)
        moving = reference > -lead
        control[:, :, self._jaws] = reference - moving * _FINGER_SPEED_M_S * JAW_DAMPING_NS_M / JAW_STIFFNESS_N_M
        control[:, :, self._lift] = grasps.flange_m[:, None]
        return control

    def _lifting(self, grasps: TableGrasps) -> Array:
        moving, holding = round(_LIFT_S / STEP_S), round(_HOLD_S / STEP_S)
        share = np.arange(1, moving + 1) / moving
        rise = np.concatenate([share**2 * (3 - 2 * share), np.ones(holding)]) * LIFT_M
        speed = np.gradient(rise, STEP_S)
        control = np.zeros((len(grasps), moving + holding, self._model.nu))
        control[:, :, self._jaws] = -2 * GRIP_FORCE_N / JAW_STIFFNESS_N_M
        control[:, :, self._lift] = grasps.flange_m[:, None] + rise + speed * _SLIDE_DAMPING_NS_M / _SLIDE_STIFFNESS_N_M
        return control

    def _lowest_m(self, states: Array) -> Array:
        start = 1 + self._joint(OBJECT_BODY)
        position, quaternion = states[:, start : start + 3], states[:, start + 3 : start + 7]
        up = Rotation.from_quat(quaternion[:, [1, 2, 3, 0]]).as_matrix()[:, 2, :]
        lowest = position[:, 2] + (up @ self._vertices.T).min(axis=1)
        return np.where(np.isfinite(lowest), lowest, -np.inf)

    def _joint(self, name: str) -> int:
        return int(self._model.joint(name).qposadr[0])

    @property
    def _jaws(self) -> int:
        return int(self._model.actuator(JAW_ACTUATOR).id)

    @property
    def _lift(self) -> int:
        return int(self._model.actuator(_SLIDE).id)


def _planar_inverse(grasps: TableGrasps) -> Array:
    """(N, 4, 4) table -> grasp frame: its origin below the grasp on the table, x along the closing direction."""
    cosine, sine = np.cos(grasps.yaw_rad), np.sin(grasps.yaw_rad)
    x, y = grasps.centre_m[:, 0], grasps.centre_m[:, 1]
    T = np.tile(np.eye(4), (len(grasps), 1, 1))
    T[:, 0, 0], T[:, 0, 1] = cosine, sine
    T[:, 1, 0], T[:, 1, 1] = -sine, cosine
    T[:, 0, 3] = -(cosine * x + sine * y)
    T[:, 1, 3] = -(-sine * x + cosine * y)
    return T


def _build(target: Lying, neighbours: Sequence[Lying]) -> Any:
    spec = table_spec()
    spec.compiler.degree = False
    # The flange looks down: its z axis is the table's -z, its x axis the closing direction.
    flange = spec.worldbody.add_body(name="flange", quat=[0.0, 1.0, 0.0, 0.0], gravcomp=1.0)
    flange.add_joint(name=_SLIDE, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0, 0, -1])
    add_gripper(spec, flange, ARM_BIT, ARM_BIT)
    spec.add_actuator(
        name=_SLIDE, target=_SLIDE, trntype=mujoco.mjtTrn.mjTRN_JOINT,
        gaintype=mujoco.mjtGain.mjGAIN_FIXED, biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        gainprm=[_SLIDE_STIFFNESS_N_M] + [0.0] * 9,
        biasprm=[0.0, -_SLIDE_STIFFNESS_N_M, -_SLIDE_DAMPING_NS_M] + [0.0] * 7,
    )  # fmt: skip
    jaws = spec.actuator(JAW_ACTUATOR)
    jaws.forcerange = [-2 * GRIP_FORCE_N, 2 * GRIP_FORCE_N]
    add_object(spec, target.spec, target.spec.primitives)
    if neighbours:
        _add_neighbours(spec, neighbours)
    return spec.compile()


def _add_neighbours(spec: Any, neighbours: Sequence[Lying]) -> None:
    """One immovable body of everything around; its frame is the table's. It meets gripper and target, not the table."""
    body = spec.worldbody.add_body(
        name=_NEIGHBOURS, gravcomp=1.0, mass=_IMMOVABLE_KG, inertia=[_IMMOVABLE_KG] * 3, explicitinertial=True
    )
    body.add_freejoint(name=_NEIGHBOURS)
    for index, lying in enumerate(neighbours):
        holder = body.add_body(name=f"neighbour_{index}", gravcomp=1.0)
        T = lying.T_table_object
        holder.pos = T[:3, 3]
        holder.quat = Rotation.from_matrix(T[:3, :3]).as_quat()[[3, 0, 1, 2]]
        add_parts(spec, holder, lying.spec, lying.spec.primitives, contype=0, conaffinity=ARM_BIT | OBJECT_BIT)


def table_spec() -> Any:
    """An ``mujoco.MjSpec`` with the table alone, its top at z = 0, and the simulator's physics settings."""
    mujoco.set_mju_user_warning(_ignore)  # what breaks down counts as not lifted; by default a file is left behind
    spec = mujoco.MjSpec()
    spec.option.timestep = STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10.0
    spec.option.iterations = 30
    spec.worldbody.add_geom(
        name="table", type=mujoco.mjtGeom.mjGEOM_BOX, pos=[0, 0, -0.02], size=[3, 3, 0.02], priority=2, condim=6,
        friction=[0.5, 0.003, 0.0005], solref=[0.006, 1.0], contype=SCENE_BIT, conaffinity=ARM_BIT | OBJECT_BIT,
    )  # fmt: skip
    return spec


def _ignore(_: str) -> None:
    """A warning of MuJoCo's."""


def _with_friction(model: Any, factor: float) -> Any:
    changed = copy.copy(model)
    geoms = changed.geom_bodyid == changed.body(OBJECT_BODY).id
    changed.geom_friction[geoms, :2] *= factor
    return changed
