"""An object's convex parts: given, found in an OBJ's groups, or made by decomposition and kept in a cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robot.errors import SettingsError
from robot.mesh_files import Mesh
from robot.objects import ObjectSpec, Part
from robot.shapes import Faces, Vertices, volume_m3

DECOMPOSITION_TIMEOUT_S = 90.0
_ALGORITHM = "coacd-2"  # part of the cache key: change it with the settings in decomposition.py
_HULL_TOLERANCE = 0.015  # how far below its hull a surface may lie and still count as convex, of its extent
_LEAST_TOLERANCE_M = 0.0005
_MOST_SAMPLES = 4000


def convex_parts(thing: ObjectSpec, tell: Callable[[str], None] = lambda _: None) -> tuple[Part, ...]:
    """The convex parts of an object; ``tell`` hears when a mesh is being decomposed, which takes seconds.

    Raises:
        SettingsError: the mesh cannot be decomposed.
    """
    if thing.mesh is None:
        return thing.primitives
    mesh = _merged(thing.mesh)
    groups = [_used(mesh.vertices, faces) for faces in mesh.groups]
    if all(is_convex(*group) for group in groups):
        hulls = groups
    elif is_convex(*_used(mesh.vertices, mesh.faces)):
        hulls = [_used(mesh.vertices, mesh.faces)]
    else:
        hulls = _decomposed(thing.name, mesh, tell)
    return tuple(hull_part(vertices, thing.color) for vertices, _ in hulls)


def hull_part(vertices: Vertices, color: tuple[float, float, float]) -> Part:
    """A part with the hull of ``vertices``, around its own middle."""
    from scipy.spatial import ConvexHull

    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    hull = ConvexHull(vertices - middle)
    points, faces = _used(vertices - middle, hull.simplices.astype(np.int64))
    a, b, c = (points[faces[:, i]] for i in range(3))
    outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), hull.equations[:, :3])
    faces = np.where((outward > 0)[:, None], faces, faces[:, ::-1])
    T = np.eye(4)
    T[:3, 3] = middle
    assert volume_m3(points, faces) > 0
    return Part("mesh", (), T, color, points, faces)


def is_convex(vertices: Vertices, faces: Faces) -> bool:
    """Whether closed triangles bound a convex solid: every face lies on the hull."""
    from scipy.spatial import ConvexHull, QhullError

    if not _is_closed(faces):
        return False
    try:
        hull = ConvexHull(vertices)
    except QhullError:
        return False  # flat
    corners = vertices[faces]
    edge_middles = [corners[:, [i, (i + 1) % 3]].mean(axis=1) for i in range(3)]
    samples = np.vstack([vertices, corners.mean(axis=1), *edge_middles])
    samples = samples[:: max(1, len(samples) // _MOST_SAMPLES)]
    tolerance = max(_HULL_TOLERANCE * float(np.ptp(vertices, axis=0).max()), _LEAST_TOLERANCE_M)
    return bool(_depth_below(hull.equations, samples).max() < tolerance)


def _is_closed(faces: Faces) -> bool:
    """Every edge belongs to exactly two triangles."""
    edges = np.sort(np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    return bool((counts == 2).all())


def _depth_below(equations: NDArray[np.float64], points: Vertices) -> NDArray[np.float64]:
    blocks = np.array_split(points, max(1, len(points) // 256))  # so that a fine mesh does not fill the memory
    return np.concatenate([-(block @ equations[:, :3].T + equations[:, 3]).max(axis=1) for block in blocks])


def _merged(mesh: Mesh) -> Mesh:
    """Vertices at one place become one vertex: exporters often write every triangle's own three."""
    rounded = np.round(mesh.vertices / 1e-6).astype(np.int64)
    _, first, index = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
    index = index.ravel()
    groups = []
    for faces in mesh.groups:
        merged = index[faces]
        proper = (merged[:, 0] != merged[:, 1]) & (merged[:, 1] != merged[:, 2]) & (merged[:, 2] != merged[:, 0])
        if proper.any():
            groups.append(merged[proper])
    return Mesh(mesh.vertices[first], tuple(groups))


def _used(vertices: Vertices, faces: Faces) -> tuple[Vertices, Faces]:
    kept, index = np.unique(faces, return_inverse=True)
    return vertices[kept], index.reshape(-1, 3)


def _decomposed(name: str, mesh: Mesh, tell: Callable[[str], None]) -> list[tuple[Vertices, Faces]]:
    digest = hashlib.sha256(_ALGORITHM.encode())
    digest.update(np.ascontiguousarray(mesh.vertices).tobytes())
    digest.update(np.ascontiguousarray(mesh.faces).tobytes())
    cached = _cache_directory() / f"{digest.hexdigest()[:32]}.npz"
    hulls = _load(cached)
    if hulls is None:
        tell(f"decomposing the mesh of '{name}' into convex parts (once)")
        with tempfile.TemporaryDirectory() as scratch:
            result = _run(name, mesh, Path(scratch))
            hulls = _load(result)
            if hulls is None:
                raise _failed(name, "no parts came out")
            _keep(result, cached)
    return hulls


def _run(name: str, mesh: Mesh, scratch: Path) -> Path:
    """In a process of its own, for it is native code without a time limit."""
    np.savez(scratch / "mesh.npz", vertices=mesh.vertices, faces=mesh.faces)
    command = [sys.executable, "-m", "robot.decomposition", str(scratch / "mesh.npz"), str(scratch / "parts.npz")]
    root = str(Path(__file__).resolve().parent.parent)
    try:
        done = subprocess.run(
            command,
            timeout=DECOMPOSITION_TIMEOUT_S,
            capture_output=True,
            text=True,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))),
        )
    except subprocess.TimeoutExpired:
        raise _failed(name, f"not finished after {DECOMPOSITION_TIMEOUT_S:g} s") from None
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise _failed(name, last)
    return scratch / "parts.npz"


def _failed(name: str, why: str) -> SettingsError:
    return SettingsError(
        f"the mesh of '{name}' could not be decomposed into convex parts: {why}",
        "simplify the mesh, or give its convex parts as groups ('o' lines) of an OBJ",
    )


def _cache_directory() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "grasp-cell" / "convex"


def _load(path: Path) -> list[tuple[Vertices, Faces]] | None:
    try:
        with np.load(path) as stored:
            count = int(stored["count"])
            return [(stored[f"vertices_{i}"], stored[f"faces_{i}"]) for i in range(count)] or None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not there, or torn: it is made again


def _keep(result: Path, cached: Path) -> None:
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as file:
            file.write(result.read_bytes())
        os.replace(file.name, cached)
    except OSError:
        pass  # a cache that cannot be written costs time only
