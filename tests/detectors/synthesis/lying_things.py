"""Simple things on the table, and grasps of them: the truth is plain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from detectors.synthesis.grasp_frames import TableGrasps
from detectors.synthesis.lifting import Lying
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.viewing import Triangles, triangles_of
from robot.geometry import apply, transform
from robot.objects import ObjectSpec, Part
from robot.shapes import triangles


def part(shape: str, size_m: Sequence[float], at_m: ArrayLike = (0.0, 0.0, 0.0), rpy: ArrayLike = (0, 0, 0)) -> Part:
    """One primitive in its thing's frame, turned by roll, pitch and yaw [rad]."""
    T = transform(Rotation.from_euler("xyz", rpy), at_m)
    return Part(shape, tuple(size_m), T, (0.6, 0.5, 0.4), *triangles(shape, tuple(size_m)))


def thing(*parts: Part, mass_kg: float = 0.2, friction: float = 0.5, name: str = "thing") -> ObjectSpec:
    """A thing of these parts."""
    return ObjectSpec(name, mass_kg, friction, primitives=parts)


def box(*size_m: float, mass_kg: float = 0.2, friction: float = 0.5) -> ObjectSpec:
    """A cuboid."""
    return thing(part("box", size_m), mass_kg=mass_kg, friction=friction)


def laid(spec: ObjectSpec, x_m: float = 0.0, y_m: float = 0.0, yaw: float = 0.0) -> Lying:
    """Upright as it was made, its lowest point on the table."""
    lowest = min(float(p.vertices_object[:, 2].min()) for p in spec.primitives)
    return Lying(spec, transform(Rotation.from_euler("z", yaw), [x_m, y_m, -lowest]))


def rays(*scene: Lying) -> tuple[RayCaster, Triangles]:
    """The triangles of a scene, and rays into them."""
    gathered = triangles_of(scene)
    return RayCaster(gathered.vertices, gathered.faces), gathered


def grasp(x_m: float, y_m: float, z_m: float, yaw: float, width_m: float) -> TableGrasps:
    """One grasp."""
    return TableGrasps(np.array([[x_m, y_m, z_m]]), np.array([yaw]), np.array([width_m]))


def grasps(*rows: Sequence[float]) -> TableGrasps:
    """Several, each (x, y, z, yaw, width)."""
    table = np.array(rows, dtype=float)
    return TableGrasps(table[:, :3].copy(), table[:, 3].copy(), table[:, 4].copy())


def moved_scene(scene: Sequence[Lying], T_table_place: NDArray[np.float64]) -> list[Lying]:
    """The whole scene somewhere else on the table."""
    return [Lying(lying.spec, T_table_place @ lying.T_table_object) for lying in scene]


def moved_grasps(several: TableGrasps, T_table_place: NDArray[np.float64]) -> TableGrasps:
    """The grasps that go with :func:`moved_scene`."""
    turn = float(np.arctan2(T_table_place[1, 0], T_table_place[0, 0]))
    return TableGrasps(apply(T_table_place, several.centre_m), several.yaw_rad + turn, several.width_m)


def somewhere(rng: np.random.Generator) -> NDArray[np.float64]:
    """A planar motion of the table's top."""
    return transform(Rotation.from_euler("z", rng.uniform(-np.pi, np.pi)), [*rng.uniform(-0.3, 0.3, 2), 0.0])
