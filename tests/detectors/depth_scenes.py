"""Depth images of simple solids on a table, computed ray by ray: the truth is known exactly.

Table coordinates: x to the right and y downwards in the image, z up, origin where the optical axis meets the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.frame import Frame, Intrinsics

Array = NDArray[np.float64]
CAMERA = Intrinsics(fx=615.0, fy=615.0, cx=321.5, cy=239.5, width=640, height=480)


@dataclass(frozen=True)
class Box:
    """An upright cuboid, ``length_m`` along ``angle_rad`` (from +x towards +y)."""

    x_m: float
    y_m: float
    length_m: float
    width_m: float
    height_m: float
    angle_rad: float = 0.0

    def hit(self, origin: Array, rays: Array) -> Array:
        """Depth along each ray to the first hit; inf for a miss."""
        o, d = _turned(origin, rays, self)
        half = np.array([self.length_m / 2, self.width_m / 2, self.height_m / 2])
        o = o - np.array([0.0, 0.0, self.height_m / 2])
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (-half - o) / d, (half - o) / d
        enter, leave = np.minimum(a, b).max(axis=-1), np.maximum(a, b).min(axis=-1)
        return np.where((enter <= leave) & (leave > 0), enter, np.inf)


@dataclass(frozen=True)
class Tube:
    """An upright cylinder, hollow (and open to the table) when ``bore_m`` is positive."""

    x_m: float
    y_m: float
    radius_m: float
    height_m: float
    bore_m: float = 0.0
    angle_rad: float = 0.0

    def hit(self, origin: Array, rays: Array) -> Array:
        """Depth along each ray to the first hit; inf for a miss."""
        o, d = _turned(origin, rays, self)
        lid = (self.height_m - o[2]) / d[..., 2]
        at = np.hypot(o[0] + lid * d[..., 0], o[1] + lid * d[..., 1])
        best = np.where((at <= self.radius_m) & (at >= self.bore_m), lid, np.inf)
        for radius, far in ((self.radius_m, False), (self.bore_m, True)):
            wall = _circle(o, d, radius, far) if radius > 0 else np.full(best.shape, np.inf)
            z = o[2] + np.where(np.isfinite(wall), wall, 0.0) * d[..., 2]
            best = np.where((z >= 0) & (z <= self.height_m) & np.isfinite(wall), np.minimum(best, wall), best)
        return best


@dataclass(frozen=True)
class Rod:
    """A round rod lying on the table along ``angle_rad``."""

    x_m: float
    y_m: float
    length_m: float
    radius_m: float
    angle_rad: float = 0.0

    def hit(self, origin: Array, rays: Array) -> Array:
        """Depth along each ray to the first hit; inf for a miss."""
        o, d = _turned(origin, rays, self)
        side, up = o[[1, 2]] - np.array([0.0, self.radius_m]), d[..., [1, 2]]
        near = _circle(np.array([side[0], side[1]]), up, self.radius_m, far=False)
        along = o[0] + np.where(np.isfinite(near), near, 0.0) * d[..., 0]
        return np.where(np.abs(along) <= self.length_m / 2, near, np.inf)


Solid = Box | Tube | Rod


def render(
    solids: Sequence[Solid],
    *,
    camera: Intrinsics = CAMERA,
    distance_m: float = 0.70,
    tilt_rad: float = 0.0,
    noise_m: float = 0.0,
    hole_share: float = 0.0,
    seed: int = 0,
) -> Frame:
    """What an overhead depth camera sees; ``tilt_rad`` leans it about its own x axis."""
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    x, y = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    c, s = math.cos(tilt_rad), math.sin(tilt_rad)
    rays = np.stack([x, c * y - s, -(s * y + c)], axis=-1)  # camera axes in table coordinates, depth 1
    origin = np.array([0.0, distance_m * s, distance_m * c])
    depth = -origin[2] / rays[..., 2]
    for solid in solids:
        depth = np.minimum(depth, solid.hit(origin, rays))
    rng = np.random.default_rng(seed)
    if noise_m > 0:
        depth = np.round((depth + rng.normal(0.0, noise_m, depth.shape)) * 1000) / 1000
    if hole_share > 0:
        depth = np.where(rng.random(depth.shape) < hole_share, 0.0, depth)
    return Frame(depth_m=depth.astype(np.float32), intrinsics=camera)


def folded_difference(a: float, b: float) -> float:
    """Smallest angle between two undirected lines [rad]."""
    return abs((a - b + math.pi / 2) % math.pi - math.pi / 2)


def _turned(origin: Array, rays: Array, solid: Solid) -> tuple[Array, Array]:
    """Ray origin and directions in the solid's own axes."""
    c, s = math.cos(solid.angle_rad), math.sin(solid.angle_rad)
    R = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    return R @ (origin - np.array([solid.x_m, solid.y_m, 0.0])), rays @ R.T


def _circle(o: Array, d: Array, radius: float, far: bool) -> Array:
    """Where rays meet an endless cylinder, seen along its axis; inf for a miss."""
    a = d[..., 0] ** 2 + d[..., 1] ** 2
    b = o[0] * d[..., 0] + o[1] * d[..., 1]
    inside = b * b - a * (o[0] ** 2 + o[1] ** 2 - radius**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (-b + (1 if far else -1) * np.sqrt(np.maximum(inside, 0.0))) / a
    return np.where((inside >= 0) & np.isfinite(t) & (t > 0), t, np.inf)
