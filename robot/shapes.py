"""Convex shapes: triangles, volumes, and the boxes a ring is made of. Metres, full sizes, centred, axis along z."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vertices = NDArray[np.float64]
Faces = NDArray[np.int64]

SIZE_NAMES: dict[str, tuple[str, ...]] = {
    "box": ("length x", "width y", "height z"),
    "cylinder": ("diameter", "length"),
    "capsule": ("diameter", "overall length"),
    "ellipsoid": ("length x", "width y", "height z"),
    "sphere": ("diameter",),
    "ring": ("outer diameter", "inner diameter", "height"),
}
_RING_SEGMENTS = 16


def check_size(shape: str, size_m: Sequence[float]) -> None:
    """Raise ValueError where ``size_m`` does not describe a ``shape``."""
    names = SIZE_NAMES[shape]
    if len(size_m) != len(names):
        raise ValueError(f"size_m of a {shape} is [{', '.join(names)}], got {len(size_m)} values")
    if not all(math.isfinite(s) and s > 0 for s in size_m):
        raise ValueError(f"size_m of a {shape} must be positive, got {list(size_m)}")
    if shape == "capsule" and size_m[1] < size_m[0]:
        raise ValueError("a capsule's overall length includes both caps and cannot be below its diameter")
    if shape == "ring" and size_m[1] >= size_m[0]:
        raise ValueError("a ring's inner diameter must be smaller than its outer one")


def triangles(shape: str, size_m: Sequence[float], segments: int = 32) -> tuple[Vertices, Faces]:
    """(V, 3) vertices [m] and (F, 3) outward-facing triangles of a convex ``shape``."""
    if shape == "box":
        return _box(size_m)
    if shape == "cylinder":
        radius, half = size_m[0] / 2, size_m[1] / 2
        return _lathe([(0.0, -half), (radius, -half), (radius, half), (0.0, half)], segments)
    if shape == "sphere":
        return _lathe(_meridian(size_m[0] / 2, 0.0, segments), segments)
    if shape == "capsule":
        return _lathe(_meridian(size_m[0] / 2, (size_m[1] - size_m[0]) / 2, segments), segments)
    if shape == "ellipsoid":
        vertices, faces = _lathe(_meridian(1.0, 0.0, segments), segments)
        return vertices * (np.asarray(size_m) / 2), faces
    raise ValueError(f"no triangles for shape '{shape}'")


def volume_m3(vertices: Vertices, faces: Faces) -> float:
    """Volume enclosed by closed, outward-facing triangles [m^3]."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def ring_boxes(size_m: Sequence[float]) -> list[tuple[tuple[float, float, float], tuple[float, float, float], float]]:
    """The boxes that stand for a ring: (size_m, position_m, angle about z [rad]) of each."""
    outer, inner, height = size_m[0] / 2, size_m[1] / 2, size_m[2]
    length = 2 * outer * math.tan(math.pi / _RING_SEGMENTS)
    middle = (outer + inner) / 2
    angles = [2 * math.pi * i / _RING_SEGMENTS for i in range(_RING_SEGMENTS)]
    return [
        ((outer - inner, length, height), (middle * math.cos(angle), middle * math.sin(angle), 0.0), angle)
        for angle in angles
    ]


def _box(size_m: Sequence[float]) -> tuple[Vertices, Faces]:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
    faces = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    faces += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    return corners * (np.asarray(size_m) / 2), np.array(faces, dtype=np.int64)


def _meridian(radius: float, half_straight: float, segments: int) -> list[tuple[float, float]]:
    """(radius, z) from the south pole to the north pole of a sphere pulled apart by ``half_straight`` each way."""
    quarter = max(2, segments // 4)
    angles = [math.pi / 2 * i / quarter for i in range(quarter + 1)]
    south = [(radius * math.sin(a), -half_straight - radius * math.cos(a)) for a in angles]
    north = [(r, -z) for r, z in reversed(south)]
    return south + (north if half_straight > 0 else north[1:])


def _lathe(profile: Sequence[tuple[float, float]], segments: int) -> tuple[Vertices, Faces]:
    """Turn a profile, whose ends lie on the axis, about z."""
    turn = np.linspace(0.0, 2 * math.pi, segments, endpoint=False)
    rings = [np.column_stack([r * np.cos(turn), r * np.sin(turn), np.full(segments, z)]) for r, z in profile[1:-1]]
    vertices = np.vstack([[[0.0, 0.0, profile[0][1]]], *rings, [[0.0, 0.0, profile[-1][1]]]])
    i = np.arange(segments)
    j = (i + 1) % segments
    last = len(vertices) - 1
    faces = [np.column_stack([np.zeros_like(i), 1 + j, 1 + i])]
    for k in range(len(rings) - 1):
        low, high = 1 + k * segments, 1 + (k + 1) * segments
        faces += [np.column_stack([low + i, low + j, high + j]), np.column_stack([low + i, high + j, high + i])]
    top = 1 + (len(rings) - 1) * segments
    faces.append(np.column_stack([np.full_like(i, last), top + i, top + j]))
    return vertices, np.vstack(faces).astype(np.int64)
