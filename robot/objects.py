"""Object sets: the things to be grasped, read from YAML.

An object set is a mapping with one key, ``objects``, a list of entries::

    objects:
      - name: mug                    # unique within the file
        mass_kg: 0.3
        friction: 0.5                # Coulomb coefficient between this object and the finger pads (and the table)
        color: [0.9, 0.9, 0.9]       # optional, RGB in 0..1
        mesh: meshes/mug.obj         # OBJ or STL in metres, path relative to this file
      - name: marker
        mass_kg: 0.02
        friction: 0.5
        primitives:                  # instead of a mesh
          - {shape: cylinder, size_m: [0.018, 0.12], position_m: [0, 0, 0], rpy_deg: [0, 90, 0], color: [0, 0, 0.8]}

``size_m`` gives full sizes: box and ellipsoid [x, y, z]; sphere [diameter]; cylinder [diameter, length] and
capsule [diameter, overall length], both along z; ring [outer diameter, inner diameter, height], a hollow cylinder
along z that is built of 16 boxes. ``rpy_deg`` turns about the fixed axes x, then y, then z.
The mass is spread over the volume of the parts, by their ``relative_density`` (1 unless given).
An OBJ whose ``o`` or ``g`` groups are each closed and convex is used as such; any other mesh is decomposed into convex
parts when the simulator first needs it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.spatial.transform import Rotation

from robot.errors import SettingsError
from robot.geometry import Transform, apply, transform
from robot.mesh_files import LARGEST_EXTENT_M, Mesh, read_mesh
from robot.object_sets import OBJECT_SETS
from robot.shapes import Faces, Vertices, check_size, ring_boxes, triangles, volume_m3
from robot.strict_yaml import build, read_yaml

HOUSEHOLD_12 = OBJECT_SETS["household12"]

Shape = Literal["box", "cylinder", "capsule", "ellipsoid", "sphere", "ring"]
Color = tuple[float, float, float]
_RANGES = {"mass_kg": (1e-4, 50.0), "friction": (0.01, 5.0)}
SMALLEST_EXTENT_M = 0.001
_GREY: Color = (0.62, 0.60, 0.57)


@dataclass(frozen=True, eq=False)
class Part:
    """One convex part of an object, in the object's frame.

    Attributes:
        shape: ``box``, ``cylinder``, ``capsule``, ``ellipsoid``, ``sphere`` or ``mesh``.
        size_m: full sizes as in the file; empty for a mesh.
        T_object_part: (4, 4).
        color: RGB in 0..1.
        vertices, faces: triangles in the part's own frame [m].
        relative_density: against the object's other parts.
    """

    shape: str
    size_m: tuple[float, ...]
    T_object_part: Transform
    color: Color
    vertices: Vertices
    faces: Faces
    relative_density: float = 1.0

    @property
    def volume_m3(self) -> float:
        """Volume of the triangles [m^3]."""
        return volume_m3(self.vertices, self.faces)

    @property
    def vertices_object(self) -> Vertices:
        """(V, 3) vertices in the object's frame [m]."""
        return apply(self.T_object_part, self.vertices)


@dataclass(frozen=True, eq=False)
class ObjectSpec:
    """One thing of an object set.

    Attributes:
        name: unique in its set.
        mass_kg, friction: positive.
        color: RGB of a mesh.
        primitives: convex parts; empty where ``mesh`` is given.
        mesh: triangles of a mesh, its bounding box centred on the origin; see :func:`robot.convex_parts.convex_parts`.
    """

    name: str
    mass_kg: float
    friction: float
    color: Color = _GREY
    primitives: tuple[Part, ...] = ()
    mesh: Mesh | None = None


@dataclass(frozen=True, kw_only=True)
class _PrimitiveEntry:
    shape: Shape
    size_m: tuple[float, ...]
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rpy_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    color: Color | None = None
    relative_density: float = 1.0

    def __post_init__(self) -> None:
        check_size(self.shape, self.size_m)
        if not (math.isfinite(self.relative_density) and self.relative_density > 0):
            raise ValueError(f"relative_density must be positive, got {self.relative_density}")
        _check_color(self.color)
        if not all(map(math.isfinite, (*self.position_m, *self.rpy_deg))):
            raise ValueError("position_m and rpy_deg must be finite")


@dataclass(frozen=True, kw_only=True)
class _ObjectEntry:
    name: str
    mass_kg: float
    friction: float
    color: Color | None = None
    mesh: str | None = None
    primitives: tuple[_PrimitiveEntry, ...] | None = None

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("name must not be empty")
        for key in ("mass_kg", "friction"):
            value = getattr(self, key)
            least, most = _RANGES[key]
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{key} must be positive, got {value}")
            if not least <= value <= most:
                raise ValueError(f"{key} must lie in {least:g}..{most:g}, got {value:g}")
        _check_color(self.color)
        if (self.mesh is None) == (self.primitives is None):
            raise ValueError("give either mesh or primitives")
        if self.primitives is not None and not self.primitives:
            raise ValueError("primitives is empty")


def load_objects(path: Path) -> tuple[ObjectSpec, ...]:
    """Read an object set; meshes are read and checked, but not yet decomposed.

    Raises:
        SettingsError: anything wrong with the file or an entry; the message names both.
    """
    data = read_yaml(path)
    if not isinstance(data, dict) or set(data) != {"objects"} or not isinstance(data["objects"], list):
        raise SettingsError(f"{path}: expected a mapping with the one key 'objects', a list of objects")
    if not data["objects"]:
        raise SettingsError(f"{path}: has no objects", "list at least one under 'objects'")
    specs: list[ObjectSpec] = []
    for i, item in enumerate(data["objects"]):
        where = f"{path}: objects[{i}]"
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            where += f" '{item['name']}'"
        spec = _object_spec(build(_ObjectEntry, item, where), path, where)
        if any(other.name == spec.name for other in specs):
            raise SettingsError(f"{where}: the name '{spec.name}' is used twice")
        specs.append(spec)
    return tuple(specs)


def _object_spec(entry: _ObjectEntry, path: Path, where: str) -> ObjectSpec:
    color = entry.color or _GREY
    if entry.mesh is not None:
        mesh = _centred(read_mesh(path.resolve().parent / entry.mesh, where))
        _check_extents(mesh.vertices[np.unique(mesh.faces)], where)
        return ObjectSpec(entry.name, entry.mass_kg, entry.friction, color, mesh=mesh)
    parts = tuple(part for primitive in entry.primitives or () for part in _parts(primitive, color))
    _check_extents(np.vstack([p.vertices_object for p in parts]), where)
    extent = float(np.ptp(np.vstack([p.vertices_object for p in parts]), axis=0).max())
    if extent > LARGEST_EXTENT_M:
        raise SettingsError(f"{where}: is {extent:.4g} m long", "sizes and positions are in metres")
    return ObjectSpec(entry.name, entry.mass_kg, entry.friction, color, primitives=parts)


def _check_extents(vertices_object: Vertices, where: str) -> None:
    """Raise SettingsError for a thing without thickness along any of its principal axes."""
    axes = np.linalg.svd(vertices_object - vertices_object.mean(axis=0), full_matrices=False)[2]
    thinnest = float(np.ptp(vertices_object @ axes.T, axis=0).min())
    if thinnest < SMALLEST_EXTENT_M:
        raise SettingsError(
            f"{where}: is only {thinnest * 1e3:.3g} mm thick", "sizes are in metres; a body needs at least 1 mm"
        )


def _parts(entry: _PrimitiveEntry, default_color: Color) -> list[Part]:
    T = transform(Rotation.from_euler("xyz", entry.rpy_deg, degrees=True), entry.position_m)
    color = entry.color or default_color
    if entry.shape == "ring":
        return [
            _part("box", size, T @ transform(Rotation.from_euler("z", angle), position), color, entry.relative_density)
            for size, position, angle in ring_boxes(entry.size_m)
        ]
    return [_part(entry.shape, entry.size_m, T, color, entry.relative_density)]


def _part(shape: str, size_m: tuple[float, ...], T_object_part: Transform, color: Color, density: float) -> Part:
    return Part(shape, tuple(size_m), T_object_part, color, *triangles(shape, size_m), density)


def _centred(mesh: Mesh) -> Mesh:
    used = mesh.vertices[np.unique(mesh.faces)]
    return Mesh(mesh.vertices - (used.min(axis=0) + used.max(axis=0)) / 2, mesh.groups)


def _check_color(color: Color | None) -> None:
    if color is not None and not all(0.0 <= c <= 1.0 for c in color):
        raise ValueError(f"color is RGB in 0..1, got {list(color)}")
