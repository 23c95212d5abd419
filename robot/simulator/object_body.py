"""An object in MuJoCo, and the pose in which it comes to rest on the table."""

from __future__ import annotations

import zlib
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from robot.arm_body import ARM_BIT, OBJECT_BIT, SCENE_BIT
from robot.geometry import Transform, apply, transform
from robot.objects import ObjectSpec, Part
from robot.simulator.cell_body import TABLE_TOP_M, TIME_STEP_S

OBJECT_BODY = "object"
PLACE_CENTER_M, PLACE_SPREAD_M = (0.50, 0.0), 0.06

_TORSION_PER_FRICTION_M = 0.006  # of a rubber pad's contact patch
_TYPES = {"box": "BOX", "cylinder": "CYLINDER", "capsule": "CAPSULE", "ellipsoid": "ELLIPSOID", "sphere": "SPHERE"}
_SHAKE_S, _SETTLE_MAX_S, _REST_S = 0.4, 8.0, 0.1
_REST_M_S, _REST_RAD_S = 0.002, 0.02


def add_object(spec: Any, thing: ObjectSpec, parts: tuple[Part, ...]) -> None:
    """Add the object as a free body with one geom for every part.

    Its own friction counts against the pads (its geoms' priority is above the gripper's and below the table's).
    """
    body = spec.worldbody.add_body(name=OBJECT_BODY)
    body.add_freejoint(name=OBJECT_BODY)
    add_parts(spec, body, thing, parts, contype=OBJECT_BIT, conaffinity=ARM_BIT)
    spec.geom("table").friction = [thing.friction, 0.003, 0.0005]


def add_parts(
    spec: Any, body: Any, thing: ObjectSpec, parts: tuple[Part, ...], *, contype: int, conaffinity: int
) -> None:
    """Give ``body`` one geom for every part, the thing's mass spread over them; the body's frame is the object's."""
    weights = np.array([part.volume_m3 * part.relative_density for part in parts])
    for i, (part, mass) in enumerate(zip(parts, thing.mass_kg * weights / weights.sum(), strict=True)):
        T = part.T_object_part
        shape = _mesh(spec, f"{body.name}_part_{i}", part) if part.shape == "mesh" else {"size": _mujoco_size(part)}
        kind = "MESH" if part.shape == "mesh" else _TYPES[part.shape]
        body.add_geom(
            type=getattr(mujoco.mjtGeom, f"mjGEOM_{kind}"),
            pos=T[:3, 3],
            quat=Rotation.from_matrix(T[:3, :3]).as_quat()[[3, 0, 1, 2]],
            mass=float(mass),
            condim=4,
            priority=1,
            friction=[thing.friction, _TORSION_PER_FRICTION_M * thing.friction, 0.0001],
            solref=[0.008, 1.0],
            solimp=[0.95, 0.99, 0.001, 0.5, 2.0],
            contype=contype,
            conaffinity=conaffinity,
            **shape,
        )


def lowest_point_m(parts: tuple[Part, ...], T_base_object: Transform) -> float:
    """Height of the object's lowest point above the table [m]."""
    return min(float(apply(T_base_object, part.vertices_object)[:, 2].min()) for part in parts) - TABLE_TOP_M


class Placer:
    """Shakes one object under a box: where it rests depends on its name and a seed alone, bit for bit."""

    def __init__(self, thing: ObjectSpec, parts: tuple[Part, ...]) -> None:
        spec = mujoco.MjSpec()
        spec.option.timestep = TIME_STEP_S
        spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
        spec.worldbody.add_geom(
            name="table", type=mujoco.mjtGeom.mjGEOM_BOX, pos=[0, 0, TABLE_TOP_M - 0.02], size=[3, 3, 0.02],
            priority=2, condim=6, solref=[0.006, 1.0], contype=SCENE_BIT, conaffinity=OBJECT_BIT,
        )  # fmt: skip
        add_object(spec, thing, parts)
        self._name, self._parts = thing.name, parts
        self._model = spec.compile()
        vertices = np.vstack([part.vertices_object for part in parts])
        self._middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2

    def place(self, seed: int) -> Transform:
        """(4, 4) T_base_object at rest, the middle of the object within 6 cm of (0.50, 0.0) in x and y."""
        rng = np.random.default_rng([zlib.crc32(self._name.encode()), seed % 2**32])
        data = mujoco.MjData(self._model)
        orientation = Rotation.from_quat(rng.normal(size=4))
        T = transform(orientation, np.zeros(3))
        T[2, 3] = rng.uniform(0.01, 0.04) - lowest_point_m(self._parts, T)
        self._set(data, T)
        data.qvel[:] = np.concatenate([rng.normal(scale=0.1, size=2), [0.0], rng.normal(scale=2.0, size=3)])
        self._shake(data, rng)
        self._settle(data)
        T = transform(Rotation.from_quat(data.qpos[[4, 5, 6, 3]]), data.qpos[:3])
        wanted = np.array(PLACE_CENTER_M) + rng.uniform(-PLACE_SPREAD_M, PLACE_SPREAD_M, size=2)
        T[:2, 3] += wanted - apply(T, self._middle)[:2]
        return T

    def _set(self, data: Any, T: Transform) -> None:
        data.qpos[:3] = T[:3, 3]
        data.qpos[3:7] = Rotation.from_matrix(T[:3, :3]).as_quat()[[3, 0, 1, 2]]

    def _shake(self, data: Any, rng: np.random.Generator) -> None:
        """The box is pushed to and fro: seen from within it, gravity sways."""
        strength, phase = rng.uniform(1.0, 4.0), rng.uniform(0, 2 * np.pi, size=2)
        down = self._model.opt.gravity.copy()
        for step in range(round(_SHAKE_S / TIME_STEP_S)):
            sway = strength * np.sin(2 * np.pi * 5.0 * step * TIME_STEP_S + phase)
            self._model.opt.gravity[:] = [sway[0], sway[1], down[2]]
            mujoco.mj_step(self._model, data)
        self._model.opt.gravity[:] = down

    def _settle(self, data: Any) -> None:
        resting = 0
        for step in range(round(_SETTLE_MAX_S / TIME_STEP_S)):
            mujoco.mj_step(self._model, data)
            if step * TIME_STEP_S > _SETTLE_MAX_S / 2:
                data.qvel[:] *= 0.98  # what still rolls after four seconds has lost enough of our time
            resting = resting + 1 if at_rest(data.qvel) else 0
            if resting * TIME_STEP_S >= _REST_S:
                return


def at_rest(qvel: NDArray[np.float64]) -> bool:
    """Whether a free body with (6,) velocity is as good as still."""
    return bool(np.abs(qvel[:3]).max() < _REST_M_S and np.abs(qvel[3:6]).max() < _REST_RAD_S)


def _mujoco_size(part: Part) -> list[float]:
    """MuJoCo counts half sizes, and a capsule's straight part."""
    size = part.size_m
    if part.shape in ("box", "ellipsoid"):
        return [s / 2 for s in size]
    if part.shape == "sphere":
        return [size[0] / 2, 0.0, 0.0]
    if part.shape == "capsule":
        return [size[0] / 2, max(size[1] - size[0], 1e-6) / 2, 0.0]
    return [size[0] / 2, size[1] / 2, 0.0]


def _mesh(spec: Any, name: str, part: Part) -> dict[str, str]:
    spec.add_mesh(
        name=name, uservert=part.vertices.astype(np.float32).ravel(), userface=part.faces.astype(np.int32).ravel()
    )
    return {"meshname": name}
