"""The building blocks of the families: convex pieces of a thing, how they stretch, and the dice they are drawn with.

Metres, in the thing's frame; a cylinder's and a capsule's axis is its own z. Everything is a plain function of what the
dice said, and :func:`part` rounds it, so that the last bits of a machine's sine cannot change a thing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robot.convex_parts import hull_part
from robot.objects import Color, Part
from robot.shapes import Faces, Vertices, triangles

Matrix = NDArray[np.float64]
Point = tuple[float, float, float]
_Item = TypeVar("_Item")

ORIGIN: Point = (0.0, 0.0, 0.0)
UPRIGHT: Matrix = np.eye(3)
ALONG_X: Matrix = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])  # own z lies along x
ALONG_Y: Matrix = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # own z lies along y
METAL = 4.0  # density against the plastic or wood of the same thing
THINNEST_M = 0.003

_GRID_DIGITS, _ROTATION_DIGITS = 6, 12  # a micrometre; far coarser than rounding errors, far finer than matters
_ROUND_TOLERANCE = 0.03  # a section may be stretched this unevenly and still count as a circle
_SEGMENTS, _SMALL_SEGMENTS, _SMALL_M = 32, 16, 0.03
_HULL_SEGMENTS = 24  # of a cylinder that is stretched into a hull: 48 vertices


class Dice:
    """Draws built on ``Generator.random`` alone, whose stream numpy has never changed."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def between(self, low: float, high: float) -> float:
        """Uniform."""
        return low + (high - low) * float(self._rng.random())

    def log_between(self, low: float, high: float) -> float:
        """Uniform in the logarithm."""
        return low * math.exp(math.log(high / low) * float(self._rng.random()))

    def whole(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int((high - low + 1) * float(self._rng.random()))

    def chance(self, probability: float) -> bool:
        """True as often as ``probability``."""
        return float(self._rng.random()) < probability

    def pick(self, items: Sequence[_Item]) -> _Item:
        """One of them."""
        return items[self.whole(0, len(items) - 1)]

    def direction(self) -> Matrix:
        """(3,) unit vector, uniform on the sphere."""
        height, turn = self.between(-1.0, 1.0), self.between(0.0, 2.0 * math.pi)
        flat = math.sqrt(1.0 - height * height)
        return np.array([flat * math.cos(turn), flat * math.sin(turn), height])


@dataclass(frozen=True, eq=False)
class Piece:
    """One convex piece.

    Attributes:
        shape: ``box``, ``cylinder``, ``capsule``, ``ellipsoid``, ``sphere`` or ``mesh``.
        size_m: full sizes as in ``robot.objects``; empty for a mesh.
        at: (3,) its middle; of a mesh the origin of its points.
        turned: (3, 3) rotation from its own axes to the thing's.
        tone: which of the thing's three colours.
        density: against the other pieces.
        points: (N, 3) whose hull a mesh is, in its own axes.
    """

    shape: str
    size_m: tuple[float, ...]
    at: Matrix
    turned: Matrix
    tone: int = 0
    density: float = 1.0
    points: Matrix | None = None


def box(
    size_m: Sequence[float], at: ArrayLike = ORIGIN, turned: Matrix = UPRIGHT, *, tone: int = 0, density: float = 1.0
) -> Piece:
    """A box of full sizes x, y, z."""
    return Piece("box", tuple(size_m), np.asarray(at, dtype=np.float64), turned, tone, density)


def cylinder(
    diameter: float,
    length: float,
    at: ArrayLike = ORIGIN,
    turned: Matrix = UPRIGHT,
    *,
    tone: int = 0,
    density: float = 1.0,
) -> Piece:
    """A cylinder along its own z."""
    return Piece("cylinder", (diameter, length), np.asarray(at, dtype=np.float64), turned, tone, density)


def ellipsoid(
    size_m: Sequence[float], at: ArrayLike = ORIGIN, turned: Matrix = UPRIGHT, *, tone: int = 0, density: float = 1.0
) -> Piece:
    """An ellipsoid of full sizes x, y, z."""
    return Piece("ellipsoid", tuple(size_m), np.asarray(at, dtype=np.float64), turned, tone, density)


def sphere(diameter: float, at: ArrayLike = ORIGIN, *, tone: int = 0, density: float = 1.0) -> Piece:
    """A ball."""
    return Piece("sphere", (diameter,), np.asarray(at, dtype=np.float64), UPRIGHT, tone, density)


def capsule(start: ArrayLike, end: ArrayLike, diameter: float, *, tone: int = 0, density: float = 1.0) -> Piece:
    """A rod with round ends, whose ends' centres are ``start`` and ``end``."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    length = float(np.sqrt(((b - a) ** 2).sum()))
    turned = facing(b - a) if length > 1e-9 else UPRIGHT
    return Piece("capsule", (diameter, length + diameter), (a + b) / 2, turned, tone, density)


def rod(start: ArrayLike, end: ArrayLike, diameter: float, *, tone: int = 0, density: float = 1.0) -> Piece:
    """A cylinder from ``start`` to ``end``."""
    a, b = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    return cylinder(diameter, math.dist(a, b), (a + b) / 2, facing(b - a), tone=tone, density=density)


def hull(
    points: ArrayLike, at: ArrayLike = ORIGIN, turned: Matrix = UPRIGHT, *, tone: int = 0, density: float = 1.0
) -> Piece:
    """The convex hull of (N, 3) points; at most about 60 of them."""
    own = np.asarray(points, dtype=np.float64)
    return Piece("mesh", (), np.asarray(at, dtype=np.float64), turned, tone, density, own)


def rings(profile: Iterable[tuple[float, float]], sides: int = 16, flat: float = 1.0) -> Matrix:
    """(rings x sides, 3) points of circles (radius, z) about z, shrunk along y by ``flat``; radius 0 is one point."""
    rows = []
    turn = 2.0 * np.pi * np.arange(sides) / sides
    for radius, z in profile:
        angles = turn if radius > 0.0 else turn[:1]
        rows.append(np.column_stack([radius * np.cos(angles), flat * radius * np.sin(angles), np.full(len(angles), z)]))
    return np.vstack(rows)


def facing(direction: ArrayLike) -> Matrix:
    """(3, 3) rotation that lays z along ``direction``."""
    z = np.asarray(direction, dtype=np.float64)
    z = z / np.sqrt((z**2).sum())
    helper = np.array([0.0, 1.0, 0.0]) if abs(z[1]) < 0.9 else np.array([1.0, 0.0, 0.0])
    x = np.cross(helper, z)
    x = x / np.sqrt((x**2).sum())
    return np.column_stack([x, np.cross(z, x), z])


def about(axis: str, angle_rad: float) -> Matrix:
    """(3, 3) rotation about ``x``, ``y`` or ``z``."""
    c, s = math.cos(angle_rad), math.sin(angle_rad)
    if axis == "x":
        return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    if axis == "y":
        return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def moved(pieces: Iterable[Piece], by: ArrayLike, turned: Matrix = UPRIGHT) -> list[Piece]:
    """The pieces turned about the origin, then shifted."""
    offset = np.asarray(by, dtype=np.float64)
    return [replace(piece, at=turned @ piece.at + offset, turned=turned @ piece.turned) for piece in pieces]


def stretched(piece: Piece, factors: Matrix) -> Piece:
    """The piece in a space stretched by (3,) factors along the thing's axes; no piece gets thinner than 3 mm.

    Exact for hulls, for boxes and cylinders (which become hulls where they must), balls and upright ellipsoids. A
    capsule keeps round ends, of the mean stretch across it, and a tilted ellipsoid its proportions.
    """
    mean = float(np.prod(factors)) ** (1 / 3)
    at = piece.at * factors
    if piece.points is not None:
        if np.ptp(factors) == 0.0:
            return replace(piece, at=at, points=piece.points * factors[0])
        return replace(piece, at=at, turned=UPRIGHT, points=(piece.points @ piece.turned.T) * factors)
    own = np.abs(piece.turned.T) @ factors  # the stretch along the piece's own axes, where these are the thing's
    aligned = bool((np.abs(piece.turned).max(axis=0) > 1.0 - 1e-9).all())
    if np.ptp(factors) == 0.0:
        return _sized(piece, at, [s * mean for s in piece.size_m])
    if piece.shape == "sphere":
        return replace(_sized(piece, at, [piece.size_m[0] * f for f in factors]), shape="ellipsoid")
    if piece.shape == "capsule":
        return _stretched_capsule(piece, factors)
    if piece.shape == "ellipsoid":
        return _sized(piece, at, [s * (f if aligned else mean) for s, f in zip(piece.size_m, own, strict=True)])
    if piece.shape == "box" and aligned:
        return _sized(piece, at, [s * f for s, f in zip(piece.size_m, own, strict=True)])
    if piece.shape == "cylinder" and aligned and abs(own[0] / own[1] - 1.0) < _ROUND_TOLERANCE:
        return _sized(piece, at, [piece.size_m[0] * own[0], piece.size_m[1] * own[2]])
    points = triangles(piece.shape, piece.size_m, _HULL_SEGMENTS)[0]
    return replace(piece, shape="mesh", size_m=(), at=at, turned=UPRIGHT, points=(points @ piece.turned.T) * factors)


def _sized(piece: Piece, at: Matrix, size_m: list[float]) -> Piece:
    sizes = [max(size, THINNEST_M) for size in size_m]
    if piece.shape == "capsule":
        sizes[1] = max(sizes)
    return replace(piece, at=at, size_m=tuple(sizes))


def _stretched_capsule(piece: Piece, factors: Matrix) -> Piece:
    axis = piece.turned[:, 2] * (piece.size_m[1] - piece.size_m[0]) / 2
    along = float(np.sqrt(((piece.turned[:, 2] * factors) ** 2).sum()))
    across = math.sqrt(float(np.prod(factors)) / along)
    diameter = max(piece.size_m[0] * across, THINNEST_M)
    ends = ((piece.at - axis) * factors, (piece.at + axis) * factors)
    return capsule(*ends, diameter, tone=piece.tone, density=piece.density)


def bounds(piece: Piece) -> tuple[Matrix, Matrix]:
    """The lowest and the highest corner of the piece's bounding box, (3,) each."""
    if piece.points is not None:
        points = piece.points @ piece.turned.T
        return piece.at + points.min(axis=0), piece.at + points.max(axis=0)
    half = np.array(piece.size_m) / 2
    if piece.shape == "box":
        reach = np.abs(piece.turned) @ half
    elif piece.shape == "ellipsoid":
        reach = np.sqrt(((piece.turned * half) ** 2).sum(axis=1))
    elif piece.shape == "sphere":
        reach = np.full(3, half[0])
    elif piece.shape == "capsule":
        reach = np.abs(piece.turned[:, 2]) * (half[1] - half[0]) + half[0]
    else:
        axis = piece.turned[:, 2]
        reach = np.abs(axis) * half[1] + half[0] * np.sqrt(np.clip(1.0 - axis**2, 0.0, 1.0))
    return piece.at - reach, piece.at + reach


def part(piece: Piece, colors: Sequence[Color]) -> Part:
    """The piece as a part of an object, rounded to the micrometre."""
    color = colors[piece.tone]
    T = np.eye(4)
    T[:3, :3] = np.round(piece.turned, _ROTATION_DIGITS) + 0.0  # + 0.0: no negative zeros
    T[:3, 3] = np.round(piece.at, _GRID_DIGITS) + 0.0
    if piece.points is None:
        size_m = tuple(round(float(size), _GRID_DIGITS) for size in piece.size_m)
        return Part(piece.shape, size_m, T, color, *_triangles(piece.shape, size_m), piece.density)
    points = np.round(piece.points, _GRID_DIGITS) + 0.0
    middle, vertices, faces = _hull(points.tobytes())
    T[:3, 3] = np.round(T[:3, 3] + T[:3, :3] @ middle, _GRID_DIGITS + 3) + 0.0
    return Part("mesh", (), T, color, vertices, faces, piece.density)


@lru_cache(maxsize=128)
def _triangles(shape: str, size_m: tuple[float, ...]) -> tuple[Vertices, Faces]:
    vertices, faces = triangles(shape, size_m, _SMALL_SEGMENTS if size_m[0] < _SMALL_M else _SEGMENTS)
    vertices = np.round(vertices, _GRID_DIGITS + 3) + 0.0
    vertices.setflags(write=False)
    faces.setflags(write=False)
    return vertices, faces


@lru_cache(maxsize=128)
def _hull(points: bytes) -> tuple[Matrix, Vertices, Faces]:
    """The middle of the hull of (N, 3) points, and its triangles about that middle."""
    made = hull_part(np.frombuffer(points).reshape(-1, 3), (0.0, 0.0, 0.0))
    made.vertices.setflags(write=False)
    made.faces.setflags(write=False)
    return made.T_object_part[:3, 3], made.vertices, made.faces
