"""The 2F-85 in MuJoCo: two coupled jaws whose tips travel on the arc of :mod:`robot.gripper_geometry`."""

from __future__ import annotations

import functools
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from robot.gripper_geometry import (
    MAX_FORCE_N,
    PAD_LENGTH_M,
    PAD_THICKNESS_M,
    PAD_WIDTH_M,
    STROKE_M,
    TIP_FROM_FLANGE_CLOSED_M,
    TIP_FROM_FLANGE_OPEN_M,
    fingertip_advance_m,
)

FINGER_JOINTS = ("left_finger", "right_finger")
CARRIER_JOINT = "finger_carrier"
JAW_ACTUATOR = "jaws"
PALM_LENGTH_M = 0.092
JAW_STIFFNESS_N_M, JAW_DAMPING_NS_M = 40_000.0, 320.0

_DARK, _METAL, _RUBBER = (0.13, 0.13, 0.14, 1.0), (0.50, 0.51, 0.53, 1.0), (0.08, 0.08, 0.08, 1.0)
_PALM_KG, _CARRIER_KG, _FINGER_KG = 0.735, 0.030, 0.080
SOFTEST_JAW_TRAVEL_M = 0.004  # how far a finger may be "beyond closed": the rubber gives


@functools.cache
def advance_polynomial() -> NDArray[np.float64]:
    """(5,) coefficients of the tips' advance [m] as a quartic in the half opening [m], lowest order first."""
    half = np.linspace(0.0, STROKE_M / 2, 200)
    advance = [fingertip_advance_m(2 * h) for h in half]
    coefficients = np.array(np.polynomial.Polynomial.fit(half, advance, 4).convert().coef, dtype=np.float64)
    coefficients.setflags(write=False)
    return coefficients


def add_gripper(spec: Any, flange: Any, contype: int, conaffinity: int) -> None:
    """Mount the gripper on the body ``flange``: closing along its x axis, approach along its z axis."""
    bits = {"contype": contype, "conaffinity": conaffinity}
    gripper = flange.add_body(name="gripper", gravcomp=1.0)
    _box(gripper, "palm_flange", (0.0, 0.0, 0.0055), (0.0375, 0.0375, 0.0055), _METAL, 0.1, bits)
    _box(gripper, "palm", (0.0, 0.0, 0.011 + (PALM_LENGTH_M - 0.011) / 2), (0.042, 0.031, (PALM_LENGTH_M - 0.011) / 2),
         _DARK, _PALM_KG - 0.1, bits)  # fmt: skip
    carrier = gripper.add_body(name="finger_carrier", gravcomp=1.0, mass=_CARRIER_KG, inertia=[1e-5] * 3)
    carrier.explicitinertial = True
    travel = TIP_FROM_FLANGE_CLOSED_M - TIP_FROM_FLANGE_OPEN_M
    carrier.add_joint(name=CARRIER_JOINT, type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[0, 0, 1], armature=0.05,
                      range=[-0.002, travel + 0.002])  # fmt: skip
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _add_finger(carrier, side, sign, bits)
    _couple(spec)


def _add_finger(carrier: Any, side: str, sign: float, bits: dict[str, int]) -> None:
    finger = carrier.add_body(name=f"{side}_finger", gravcomp=1.0)
    finger.add_joint(name=f"{side}_finger", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=[sign, 0, 0], armature=0.2,
                     range=[-SOFTEST_JAW_TRAVEL_M, STROKE_M / 2 + 0.001])  # fmt: skip
    tip = TIP_FROM_FLANGE_OPEN_M
    half = (PAD_THICKNESS_M / 2, PAD_WIDTH_M / 2, PAD_LENGTH_M / 2)
    _box(finger, f"{side}_pad", (sign * half[0], 0.0, tip - half[2]), half, _RUBBER, 0.02, bits)
    # Behind the rubber, and starting above its lower end, comes the metal of the fingertip, then the links.
    _box(finger, f"{side}_fingertip", (sign * 0.012, 0.0, tip - 0.030), (0.004, 0.011, 0.020), _METAL, 0.02, bits)
    _box(finger, f"{side}_link", (sign * 0.014, 0.0, 0.090), (0.008, 0.0125, 0.022), _DARK, _FINGER_KG - 0.04, bits)


def _couple(spec: Any) -> None:
    stiff = {"solref": [0.004, 1.0], "solimp": [0.99, 0.9999, 0.001, 0.5, 2.0]}
    for name, coefficients in (
        (FINGER_JOINTS[1], np.array([0.0, 1.0, 0.0, 0.0, 0.0])),
        (CARRIER_JOINT, advance_polynomial()),
    ):
        data = np.zeros(mujoco.mjNEQDATA)
        data[:5] = coefficients
        spec.add_equality(
            name=f"{name}_follows", type=mujoco.mjtEq.mjEQ_JOINT, objtype=mujoco.mjtObj.mjOBJ_JOINT,
            name1=name, name2=FINGER_JOINTS[0], data=data, **stiff,
        )  # fmt: skip
    for first, second in (("gripper", "left_finger"), ("gripper", "right_finger")):
        spec.add_exclude(bodyname1=first, bodyname2=second)
    spec.add_actuator(
        name=JAW_ACTUATOR,
        target=FINGER_JOINTS[0],
        trntype=mujoco.mjtTrn.mjTRN_JOINT,
        gaintype=mujoco.mjtGain.mjGAIN_FIXED,
        biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        gainprm=[JAW_STIFFNESS_N_M] + [0.0] * 9,
        biasprm=[0.0, -JAW_STIFFNESS_N_M, -JAW_DAMPING_NS_M] + [0.0] * 7,
        forcelimited=True,
        forcerange=[-2 * MAX_FORCE_N, 2 * MAX_FORCE_N],
    )


def _box(
    body: Any,
    name: str,
    pos: tuple[float, ...],
    half: tuple[float, ...],
    rgba: tuple[float, ...],
    mass: float,
    bits: dict[str, int],
) -> None:
    body.add_geom(name=name, type=mujoco.mjtGeom.mjGEOM_BOX, pos=pos, size=half, rgba=rgba, mass=mass, **bits)
