"""The table under the objects, estimated from the depth image alone.

A plane is linear in inverse depth, 1/z = a*x' + b*y' + c with x' = x/z, y' = y/z, and the noise of a stereo or
structured-light sensor is even in inverse depth; so the fit is linear least squares on what RANSAC finds to agree.
Real sensors bend a flat table by some millimetres; a quadratic in (x', y') takes that bow out of the heights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.frame import Frame

Array = NDArray[np.float64]

_HYPOTHESES = 160
_POINTS = 4000
_TOLERANCE_M = 0.006
_MAX_BOW_M = 0.008
_MIN_FACING = 0.70  # cosine: a plane seen at more than 45 degrees is a wall, not the table
_MIN_SHARE = 0.15


@dataclass(frozen=True)
class Table:
    """The plane ``normal @ p = offset_m`` in the camera frame, and its apparent bow.

    Attributes:
        normal: (3,) unit vector that points up, from the table towards the camera.
        offset_m: minus the camera's distance from the plane [m].
        bow: (6,) coefficients over (1, x', y', x'^2, x'y', y'^2) of the table's apparent height [m].
        noise_m: robust standard deviation of the table's points about this surface [m].
    """

    normal: Array
    offset_m: float
    bow: Array
    noise_m: float

    def height_m(
        self, x_over_z: NDArray[np.floating], y_over_z: NDArray[np.floating], depth_m: NDArray[np.floating]
    ) -> Array:
        """Heights above the table [m] of points given by their rays and depths [m], all of one shape."""
        n = self.normal
        plane = depth_m * (n[0] * x_over_z + n[1] * y_over_z + n[2]) - self.offset_m
        return np.asarray(plane - self._bow_m(x_over_z, y_over_z))

    def depth_m(self, x_m: Array, y_m: Array, height_m: Array) -> Array:
        """Depth along the optical axis of the points at camera (x, y) that lie ``height_m`` above the table [m]."""
        n = self.normal
        flat = (self.offset_m + height_m - n[0] * x_m - n[1] * y_m) / n[2]
        return np.asarray(flat + self._bow_m(x_m / flat, y_m / flat) / n[2])

    def _bow_m(self, x_over_z: NDArray[np.floating], y_over_z: NDArray[np.floating]) -> Array:
        c = self.bow
        bow = c[0] + x_over_z * (c[1] + c[3] * x_over_z + c[4] * y_over_z) + y_over_z * (c[2] + c[5] * y_over_z)
        return np.asarray(np.clip(bow, -_MAX_BOW_M, _MAX_BOW_M))


def fit_table(frame: Frame, rng: np.random.Generator, points: int = _POINTS) -> Table | None:
    """The dominant plane that faces the camera, by so many points, or None when no plane dominates the view."""
    seen = np.flatnonzero(frame.valid)
    if len(seen) < 100:
        return None
    v, u = np.divmod(seen[_spread(len(seen), min(points, len(seen)))], frame.intrinsics.width)
    K, z = frame.intrinsics, frame.depth_m[v, u].astype(np.float64)
    rays = np.stack([(u - K.cx) / K.fx, (v - K.cy) / K.fy, np.ones(len(u))], axis=1)
    plane = _best_hypothesis(rays, z, rng)
    return None if plane is None else _refined(rays, z, plane)


def _spread(length: int, count: int) -> NDArray[np.intp]:
    """``count`` places spread over ``length``; at even steps a step of whole rows would take all from one column."""
    jitter = np.random.default_rng(0).random(count)
    return ((np.arange(count) + jitter) * (length / count)).astype(np.intp)


def _best_hypothesis(rays: Array, z: Array, rng: np.random.Generator) -> Array | None:
    """The inverse-depth plane (3,) with the most votes."""
    triples = rng.integers(0, len(z), size=(_HYPOTHESES, 3))
    triples = triples[np.abs(np.linalg.det(rays[triples])) > 1e-4]
    if len(triples) == 0:
        return None
    planes = np.linalg.solve(rays[triples], (1.0 / z[triples])[..., None])[..., 0]
    planes = planes[planes[:, 2] > _MIN_FACING * np.linalg.norm(planes, axis=1)]
    if len(planes) == 0:
        return None
    votes = (_miss(rays, z, planes) < _TOLERANCE_M).sum(axis=-1)
    best = int(votes.argmax())
    return np.asarray(planes[best]) if votes[best] >= _MIN_SHARE * len(z) else None


def _miss(rays: Array, z: Array, planes: Array) -> Array:
    """Distances of the points from planes (..., 3) along the optical axis, to first order [m]."""
    return np.abs(planes @ rays.T * z - 1.0) * z


def _refined(rays: Array, z: Array, plane: Array) -> Table:
    tolerance = _TOLERANCE_M
    for _ in range(3):
        near = _miss(rays, z, plane) < tolerance
        weight = z[near] ** 2
        plane = np.asarray(
            np.linalg.lstsq(rays[near] * weight[:, None], weight / z[near], rcond=None)[0], dtype=np.float64
        )
        tolerance = float(np.clip(4.0 * np.median(_miss(rays[near], z[near], plane)), 0.003, _TOLERANCE_M))
    norm = float(np.linalg.norm(plane))
    table = Table(normal=-plane / norm, offset_m=-1.0 / norm, bow=np.zeros(6), noise_m=0.0)
    return _with_bow(table, rays, z)


def _with_bow(table: Table, rays: Array, z: Array) -> Table:
    x, y = rays[:, 0], rays[:, 1]
    height = table.height_m(x, y, z)
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    near, bow, sigma = np.abs(height) < 1.5 * _TOLERANCE_M, table.bow, _TOLERANCE_M
    for _ in range(3):
        bow = np.asarray(np.linalg.lstsq(terms[near], height[near], rcond=None)[0], dtype=np.float64)
        left = height - terms @ bow
        sigma = 1.2533 * float(np.mean(np.abs(left[near])))  # a median would jump on depths in whole millimetres
        near = np.abs(left) < max(3.0 * sigma, 0.002)
    return Table(table.normal, table.offset_m, bow, sigma)
