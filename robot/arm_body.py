"""The UR arm and its gripper as MuJoCo bodies: for the planner's collision checks and for the simulator's physics.

World frame = the robot's base frame as its controller reports it, z up. The joints are those of the
Denavit-Hartenberg table, in order and zero.
"""

from __future__ import annotations

import itertools
from typing import Any

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from robot.gripper_body import CARRIER_JOINT, FINGER_JOINTS, add_gripper, advance_polynomial
from robot.gripper_geometry import STROKE_M
from robot.kinematics import ArmModel

JOINTS = ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")

# Who may touch whom: bits of MuJoCo's contype and conaffinity.
ARM_BIT, SCENE_BIT, OBJECT_BIT = 1, 2, 4

_MASS_KG = (3.70, 8.39, 2.33, 1.22, 1.22, 0.19)
_ARMATURE = (1.5, 1.5, 1.0, 0.25, 0.25, 0.25)  # rotors behind a 1:100 gear
_STIFFNESS_NM = (40_000.0, 40_000.0, 25_000.0, 5_000.0, 5_000.0, 4_000.0)
_DAMPING_NMS = (900.0, 900.0, 500.0, 80.0, 80.0, 60.0)
_GREY, _BLUE = (0.70, 0.71, 0.73, 1.0), (0.36, 0.51, 0.66, 1.0)


def add_robot(spec: Any, model: ArmModel) -> None:
    """Arm and gripper on the world's origin; their geoms collide with each other and with SCENE_BIT and OBJECT_BIT."""
    spec.compiler.degree = False
    add_gripper(spec, _add_arm(spec, model), ARM_BIT, ARM_BIT)


def set_posture(model: Any, data: Any, q: ArrayLike, width_m: float) -> None:
    """Put the joints at (6,) ``q`` [rad] and the jaws ``width_m`` apart; velocities become zero."""
    addresses = arm_addresses(model)
    data.qpos[addresses] = np.asarray(q, dtype=np.float64)
    half = min(max(width_m, 0.0), STROKE_M) / 2
    for name in FINGER_JOINTS:
        data.qpos[model.joint(name).qposadr[0]] = half
    data.qpos[model.joint(CARRIER_JOINT).qposadr[0]] = np.polynomial.polynomial.polyval(half, advance_polynomial())
    data.qvel[:] = 0.0


def arm_addresses(model: Any) -> NDArray[np.int64]:
    """(6,) where the arm's joints stand in ``qpos``; they stand at the same places in ``qvel``."""
    return np.array([model.joint(name).qposadr[0] for name in JOINTS])


def _add_arm(spec: Any, model: ArmModel) -> Any:
    offsets = _side_offsets(model)
    base = spec.worldbody.add_body(name="base")
    _capsule(base, "base", (0, 0, 0.0), (0, 0, 0.04), 0.075, _GREY, 4.0, cylinder=True)
    names = ("shoulder", "upper_arm", "forearm", "wrist_1", "wrist_2", "wrist_3")
    body, bodies = base, []
    pos, quat = [0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]
    for i, name in enumerate(names):
        body = body.add_body(name=name, pos=pos, quat=quat, gravcomp=1.0)
        body.add_joint(
            name=JOINTS[i], type=mujoco.mjtJoint.mjJNT_HINGE, axis=[0, 0, 1], armature=_ARMATURE[i],
            limited=True, range=[model.position_min_rad[i], model.position_max_rad[i]],
        )  # fmt: skip
        pos = [model.a[i], 0.0, model.d[i]]
        quat = [np.cos(model.alpha[i] / 2), np.sin(model.alpha[i] / 2), 0.0, 0.0]
        bodies.append(body)
    _add_links(bodies, model, offsets)
    _exclude_neighbours(spec, ("base", *names, "gripper"))
    _add_servos(spec, model)
    return body.add_body(name="flange", pos=pos, quat=quat, gravcomp=1.0)


def _side_offsets(model: ArmModel) -> tuple[float, float]:
    """How far upper arm and forearm stand beside the plane through the shoulder's axis [m]."""
    return (0.138, 0.007) if model.name == "UR5e" else (0.13585, 0.01615)


def _add_links(bodies: list[Any], model: ArmModel, offsets: tuple[float, float]) -> None:
    upper, fore = offsets
    shoulder, upper_arm, forearm, wrist_1, wrist_2, wrist_3 = bodies
    m, d, a = _MASS_KG, model.d, model.a
    _capsule(shoulder, "shoulder", (0, 0, 0.05), (0, 0, d[0] + 0.045), 0.060, _GREY, m[0], cylinder=True)
    _capsule(upper_arm, "shoulder_cap", (0, 0, 0.03), (0, 0, upper + 0.055), 0.059, _BLUE, m[1] * 0.4, cylinder=True)
    _capsule(upper_arm, "upper_arm", (0, 0, upper), (a[1], 0, upper), 0.050, _GREY, m[1] * 0.6)
    _capsule(forearm, "elbow_cap", (0, 0, fore - 0.03), (0, 0, upper + 0.05), 0.052, _BLUE, m[2] * 0.4, cylinder=True)
    _capsule(forearm, "forearm", (0, 0, fore), (a[2], 0, fore), 0.040, _GREY, m[2] * 0.6)
    _capsule(wrist_1, "wrist_1", (0, 0, fore - 0.02), (0, 0, d[3] + 0.045), 0.042, _BLUE, m[3], cylinder=True)
    _capsule(wrist_2, "wrist_2", (0, 0, -0.045), (0, 0, d[4] + 0.042), 0.040, _BLUE, m[4], cylinder=True)
    _capsule(wrist_3, "wrist_3", (0, 0, d[5] - 0.042), (0, 0, d[5]), 0.0375, _GREY, m[5], cylinder=True)


def _exclude_neighbours(spec: Any, chain: tuple[str, ...]) -> None:
    """Neighbours overlap at their joint, and the wrist's next-but-ones always touch."""
    pairs = list(itertools.pairwise(chain)) + list(zip(chain[3:], chain[5:], strict=False))
    pairs.append(("base", "upper_arm"))
    for first, second in pairs:
        spec.add_exclude(bodyname1=first, bodyname2=second)


def _add_servos(spec: Any, model: ArmModel) -> None:
    for i, name in enumerate(JOINTS):
        spec.add_actuator(
            name=name,
            target=name,
            trntype=mujoco.mjtTrn.mjTRN_JOINT,
            gaintype=mujoco.mjtGain.mjGAIN_FIXED,
            biastype=mujoco.mjtBias.mjBIAS_AFFINE,
            gainprm=[_STIFFNESS_NM[i]] + [0.0] * 9,
            biasprm=[0.0, -_STIFFNESS_NM[i], -_DAMPING_NMS[i]] + [0.0] * 7,
            forcelimited=True,
            forcerange=[-model.torque_max_nm[i], model.torque_max_nm[i]],
        )


def _capsule(
    body: Any,
    name: str,
    start: tuple[float, ...],
    end: tuple[float, ...],
    radius: float,
    rgba: tuple[float, ...],
    mass: float,
    cylinder: bool = False,
) -> None:
    kind = mujoco.mjtGeom.mjGEOM_CYLINDER if cylinder else mujoco.mjtGeom.mjGEOM_CAPSULE
    body.add_geom(
        name=name, type=kind, fromto=[*start, *end], size=[radius, 0, 0], rgba=rgba, mass=mass,
        contype=ARM_BIT, conaffinity=ARM_BIT,
    )  # fmt: skip
