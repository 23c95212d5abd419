"""Reading OBJ and STL files: triangles, and in an OBJ the groups they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robot.errors import SettingsError
from robot.shapes import Faces, Vertices

LARGEST_EXTENT_M = 1.0
SMALLEST_EXTENT_M = 0.002


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in metres.

    Attributes:
        vertices: (V, 3) [m].
        groups: one (F, 3) array of vertex indices for every non-empty ``o`` or ``g`` group of an OBJ; one for an STL.
    """

    vertices: Vertices
    groups: tuple[Faces, ...]

    @property
    def faces(self) -> Faces:
        """(F, 3) vertex indices of all groups."""
        return np.vstack(self.groups)


def read_mesh(path: Path, where: str) -> Mesh:
    """Read an OBJ or STL file; ``where`` names the entry in messages.

    Raises:
        SettingsError: missing, unreadable, of another format, without triangles, or not in metres.
    """
    readers = {".obj": _read_obj, ".stl": _read_stl}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SettingsError(f"{where}: mesh '{path}' is neither OBJ nor STL", "convert it to OBJ, in metres")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        hint = "its path counts from the object set's file"
        raise SettingsError(f"{where}: mesh '{path}' does not exist", hint) from None
    except OSError as error:
        raise SettingsError(f"{where}: mesh '{path}' cannot be read: {error.strerror}") from None
    try:
        mesh = reader(data)
    except (ValueError, IndexError) as error:
        kind = path.suffix[1:].upper()
        raise SettingsError(f"{where}: mesh '{path}' is not a readable {kind} file: {error}") from None
    _check(mesh, path, where)
    return mesh


def _check(mesh: Mesh, path: Path, where: str) -> None:
    if not mesh.groups:
        raise SettingsError(f"{where}: mesh '{path}' is empty: it has no faces")
    used = mesh.vertices[np.unique(mesh.faces)]
    if not np.isfinite(used).all():
        raise SettingsError(f"{where}: mesh '{path}' has vertices that are not finite numbers")
    extent = float(np.ptp(used, axis=0).max())
    if extent > LARGEST_EXTENT_M:
        raise SettingsError(
            f"{where}: mesh '{path}' is {extent:.4g} m long: it seems to be in millimetres",
            "meshes must be in metres: scale it by 0.001",
        )
    if extent < SMALLEST_EXTENT_M:
        raise SettingsError(f"{where}: mesh '{path}' is only {extent:.2g} m long", "meshes must be in metres")


def _read_obj(data: bytes) -> Mesh:
    vertices: list[list[float]] = []
    groups: list[list[tuple[int, int, int]]] = [[]]
    for number, line in enumerate(data.decode("utf-8", errors="strict").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            if words[0] == "v":
                vertices.append([float(w) for w in words[1:4]])
                if len(vertices[-1]) != 3:
                    raise ValueError("a vertex needs three numbers")
            elif words[0] in ("o", "g"):
                groups.append([])
            elif words[0] == "f":
                groups[-1].extend(_polygon(words[1:], len(vertices)))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    faces = tuple(np.array(g, dtype=np.int64) for g in groups if g)
    highest = max((int(f.max()) for f in faces), default=-1)
    if highest >= len(vertices):
        raise ValueError(f"a face names vertex {highest + 1}, there are {len(vertices)}")
    return Mesh(np.array(vertices, dtype=np.float64).reshape(-1, 3), faces)


def _polygon(words: list[str], vertex_count: int) -> list[tuple[int, int, int]]:
    corners = []
    for word in words:
        index = int(word.split("/")[0])
        corner = index - 1 if index > 0 else vertex_count + index
        if index == 0 or corner < 0:
            raise ValueError(f"'{word}' names no vertex")
        corners.append(corner)
    if len(corners) < 3:
        raise ValueError("a face needs three vertices")
    return [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]


def _read_stl(data: bytes) -> Mesh:
    count = int.from_bytes(data[80:84], "little") if len(data) >= 84 else -1
    if len(data) == 84 + 50 * count:
        records = np.frombuffer(data, dtype=np.dtype("(3,)<f4, (3,3)<f4, <u2"), offset=84)
        corners = records["f1"].reshape(-1, 3).astype(np.float64)
    elif data.lstrip()[:5].lower() == b"solid":
        words = data.decode("utf-8", errors="strict").split()
        starts = [i for i, w in enumerate(words) if w == "vertex"]
        corners = np.array([[float(w) for w in words[i + 1 : i + 4]] for i in starts], dtype=np.float64).reshape(-1, 3)
        if len(corners) % 3:
            raise ValueError("it ends in the middle of a facet")
    else:
        raise ValueError("its length does not fit its number of facets")
    if not len(corners):
        return Mesh(np.zeros((0, 3)), ())
    vertices, index = np.unique(corners, axis=0, return_inverse=True)
    return Mesh(vertices, (index.reshape(-1, 3).astype(np.int64),))
