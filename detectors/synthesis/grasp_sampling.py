"""Grasps to be labelled: antipodal ones from the true surface, and every way of getting them wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.fields import KINDS
from detectors.synthesis.grasp_frames import TIP_BELOW_GRASP_M, TableGrasps, joined
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.viewing import Triangles
from robot.gripper_geometry import STROKE_M

Array = NDArray[np.float64]

SHARES = (0.36, 0.18, 0.18, 0.06, 0.06, 0.06, 0.04, 0.06)

_SURFACE_POINTS = 400
_CONE = math.tan(math.radians(35.0))  # a little more than what friction holds: the label decides
_CLEARANCE_M = (0.003, 0.030)  # both sides together
_TIP_BELOW_CONTACT_M = (0.002, 0.032)
_LARGEST_CONTACT_M = STROKE_M - 0.003
_SMALLEST_OPENING_M = 0.006


@dataclass(frozen=True, eq=False)
class SampledGrasps:
    """``grasps`` (N) with their ``kind`` (N,) int8, an index into ``KINDS``."""

    grasps: TableGrasps
    kind: NDArray[np.int8]


def sample_grasps(
    caster: RayCaster, triangles: Triangles, target: int, count: int, rng: np.random.Generator
) -> SampledGrasps:
    """Exactly ``count`` grasps on the thing at place ``target``; what finds no antipodal pair becomes random."""
    quota = _quota(count)
    good = antipodal_grasps(caster, triangles, target, rng)
    grasps, kinds = [], []
    for kind, wanted in enumerate(quota):
        if KINDS[kind] == "random" or not len(good):
            made = _random(caster, triangles, target, wanted, rng)
            kinds.append(np.full(wanted, KINDS.index("random"), dtype=np.int8))
        else:
            made = _spoiled(KINDS[kind], good[rng.integers(0, len(good), size=wanted)], rng)
            kinds.append(np.full(wanted, kind, dtype=np.int8))
        grasps.append(made)
    return SampledGrasps(joined(grasps), np.concatenate(kinds))


def _quota(count: int) -> list[int]:
    """Whole numbers near the shares that add up to ``count``."""
    ends = np.round(np.cumsum(SHARES) / sum(SHARES) * count).astype(int)
    return [int(n) for n in np.diff(ends, prepend=0)]


def surface_points(triangles: Triangles, target: int, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """(count, 3) points spread evenly over a thing's triangles, hidden ones included, and their faces' normals."""
    faces = triangles.faces[triangles.owner == target]
    corners = triangles.vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    chosen = rng.choice(len(faces), size=count, p=area / area.sum())
    r, s = np.sqrt(rng.random(count))[:, None], rng.random(count)[:, None]
    a, b, c = (corners[chosen, i] for i in range(3))
    return (1 - r) * a + r * (1 - s) * b + r * s * c, cross[chosen] / np.maximum(area[chosen, None], 1e-12)


def antipodal_grasps(
    caster: RayCaster, triangles: Triangles, target: int, rng: np.random.Generator, count: int = _SURFACE_POINTS
) -> TableGrasps:
    """Pairs among ``count`` surface points that a horizontal line through both friction cones joins."""
    points, normals = surface_points(triangles, target, count, rng)
    flat = np.hypot(normals[:, 0], normals[:, 1])
    steep = flat > 1.0 / math.hypot(1.0, _CONE)
    points, normals = points[steep], normals[steep]
    turn = rng.uniform(-0.5, 0.5, size=len(points))
    yaw = np.arctan2(normals[:, 1], normals[:, 0]) + turn * math.atan(_CONE)
    outward = np.stack([np.cos(yaw), np.sin(yaw), np.zeros(len(yaw))], axis=-1)
    exposed = ~np.isfinite(_first_after(caster, points, outward))
    # From as far away as the jaws open, on the other side, back towards the point.
    far = points - outward * (_LARGEST_CONTACT_M + 0.002)
    flown, faces = caster.cast(far, outward)
    width = _LARGEST_CONTACT_M + 0.002 - flown
    own = (faces >= 0) & (triangles.owner[np.maximum(faces, 0)] == target)
    opposite = -(caster.normals[np.maximum(faces, 0)] * outward).sum(axis=1)
    good = exposed & own & (flown > 0.001) & (width > 0.001) & (opposite > math.cos(math.atan(_CONE)))
    points, yaw, width, outward = points[good], yaw[good], width[good], outward[good]
    centre = points - outward * width[:, None] / 2
    tip = centre[:, 2] - rng.uniform(*_TIP_BELOW_CONTACT_M, size=len(width))
    centre[:, 2] = np.maximum(tip + TIP_BELOW_GRASP_M, np.minimum(centre[:, 2], TIP_BELOW_GRASP_M) / 2)
    opening = np.minimum(width + rng.uniform(*_CLEARANCE_M, size=len(width)), STROKE_M)
    return TableGrasps(centre, _folded(yaw), np.maximum(opening, _SMALLEST_OPENING_M))


def _first_after(caster: RayCaster, points: Array, directions: Array) -> Array:
    """How far rays fly that leave the surface; those that end within the stroke are no outer contact."""
    flown, _ = caster.cast(points + directions * 5e-4, directions)
    return np.where(flown < STROKE_M / 2, flown, np.inf)


def _random(caster: RayCaster, triangles: Triangles, target: int, count: int, rng: np.random.Generator) -> TableGrasps:
    """Any direction and opening, at points of the thing that can be seen from above."""
    points, _ = surface_points(triangles, target, count, rng)
    above = points.copy()
    above[:, 2] = 1.0
    flown, _ = caster.cast(above, np.array([0.0, 0.0, -1.0]))
    points[:, 2] = np.where(np.isfinite(flown), 1.0 - flown, points[:, 2]) - rng.uniform(-0.005, 0.025, size=count)
    points[:, 2] = np.maximum(points[:, 2], 0.001)
    yaw = rng.uniform(-np.pi / 2, np.pi / 2, size=count)
    return TableGrasps(points, yaw, rng.uniform(0.02, STROKE_M, size=count))


def _spoiled(kind: str, good: TableGrasps, rng: np.random.Generator) -> TableGrasps:
    """The grasps with the fault that ``kind`` names; antipodal ones stay as they are."""
    n = len(good)
    centre, yaw, width = good.centre_m.copy(), good.yaw_rad.copy(), good.width_m.copy()
    sign = rng.choice([-1.0, 1.0], size=n)
    if kind == "near miss":
        centre[:, :2] += rng.normal(scale=0.007, size=(n, 2))
        centre[:, 2] = np.maximum(centre[:, 2] + rng.normal(scale=0.007, size=n), 0.0005)
        yaw += rng.normal(scale=0.35, size=n)
        width += rng.normal(scale=0.010, size=n)
    elif kind == "wrong depth":
        centre[:, 2] = np.maximum(centre[:, 2] + sign * rng.uniform(0.008, 0.040, size=n), 0.0005)
    elif kind == "wrong angle":
        yaw += sign * rng.uniform(0.3, math.pi / 2, size=n)
    elif kind == "wrong width":
        width += rng.uniform(-0.045, 0.010, size=n)
    elif kind == "in the table":
        centre[:, 2] = -rng.uniform(0.004, 0.040, size=n)
    elif kind == "on an edge":
        centre += (sign * rng.uniform(0.004, 0.030, size=n))[:, None] * good.closing
    return TableGrasps(centre, _folded(yaw), np.clip(width, _SMALLEST_OPENING_M, STROKE_M))


def _folded(yaw: Array) -> Array:
    return np.asarray((yaw + math.pi / 2) % math.pi - math.pi / 2)
