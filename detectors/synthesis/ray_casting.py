"""Rays against triangles, with Embree, on one core: workers share a machine without fighting for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_SLACK_M = 1e-3
_NUDGE_M = np.float32(1e-5)


class RayCaster:
    """A set of triangles that rays can be sent into."""

    def __init__(self, vertices: Array, faces: NDArray[np.integer]) -> None:
        """(V, 3) vertices [m] and (F, 3) triangles, in one frame."""
        from embreex import rtcore_scene
        from embreex.mesh_construction import TriangleMesh

        self._scene: Any = rtcore_scene.EmbreeScene()
        corners = np.ascontiguousarray(vertices[faces], dtype=np.float32)
        self._mesh = TriangleMesh(self._scene, corners)
        self._low, self._high = corners.min(axis=(0, 1)) - _SLACK_M, corners.max(axis=(0, 1)) + _SLACK_M
        edges = corners[:, 1:] - corners[:, :1]
        normals = np.cross(edges[:, 0], edges[:, 1]).astype(np.float64)
        self.normals: Array = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)

    def cast(self, origins: Array, directions: Array) -> tuple[Array, NDArray[np.int32]]:
        """(..., 3) rays -> how many lengths of its direction each flies, infinity for ever; and the face met, or -1."""
        shape = np.broadcast_shapes(origins.shape, directions.shape)
        starts, ways = _rows(origins, shape), _rows(directions, shape)
        far, faces = self._hits(starts, ways)
        wrong = self._beyond_everything(starts, ways, far)
        if len(wrong):
            far[wrong], faces[wrong] = self._hits(starts[wrong] + _NUDGE_M, ways[wrong])
            still = wrong[self._beyond_everything(starts[wrong], ways[wrong], far[wrong])]
            far[still], faces[still] = np.inf, -1
        return far.reshape(shape[:-1]), faces.reshape(shape[:-1])

    def _hits(self, starts: NDArray[np.float32], ways: NDArray[np.float32]) -> tuple[Array, NDArray[np.int32]]:
        answer = self._scene.run(starts, ways, output=1)
        faces = np.array(answer["primID"], dtype=np.int32)
        return np.where(faces >= 0, answer["tfar"].astype(np.float64), np.inf), faces

    def _beyond_everything(
        self, starts: NDArray[np.float32], ways: NDArray[np.float32], far: Array
    ) -> NDArray[np.intp]:
        """Rays that are said to meet something where nothing is.

        Once in some hundred million rays Embree meets a triangle edge-on and returns a distance that has nothing to do
        with it.
        """
        hit = np.flatnonzero(np.isfinite(far))
        ends = starts[hit] + ways[hit] * far[hit, None].astype(np.float32)
        return np.asarray(hit[((ends < self._low) | (ends > self._high)).any(axis=1)])

    def blocked(self, origins: Array, targets: Array) -> NDArray[np.bool_]:
        """(..., 3) points -> whether something stands between each and its target."""
        flown, _ = self.cast(origins, targets - origins)
        return np.asarray(flown < 0.999)


def _rows(values: Array, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.broadcast_to(values, shape).reshape(-1, 3), dtype=np.float32)
