"""Things at rest on the table: each is dropped and settles by physics, then they are laid out side by side."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import mujoco.rollout
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from detectors.synthesis.lifting import STEP_S, Lying, table_spec
from robot.geometry import Transform, apply, transform
from robot.objects import ObjectSpec
from robot.simulator.object_body import add_object

Array = NDArray[np.float64]

COUNT_SHARES = (0.55, 0.25, 0.12, 0.08)  # of scenes with one, two, three and four things
_SINGLE_SPREAD_M = 0.06
_CROWD_SPREAD_M = 0.14
GAP_M = (0.002, 0.06)  # between neighbours' outlines
_LAYOUT_TRIES = 40
_SETTLE_S, _SETTLE_TRIES = 0.7, 10
_REST_M_S, _REST_RAD_S = 0.01, 0.15


def settle(thing: ObjectSpec, rng: np.random.Generator) -> Transform:
    """(4, 4) T_table_object of the thing at rest, dropped in a random orientation; its middle over the origin."""
    spec = table_spec()
    add_object(spec, thing, thing.primitives)
    model = spec.compile()
    data = mujoco.MjData(model)
    vertices = np.vstack([part.vertices_object for part in thing.primitives])
    T = transform(Rotation.from_quat(rng.normal(size=4)), np.zeros(3))
    T[2, 3] = rng.uniform(0.005, 0.02) - apply(T, vertices)[:, 2].min()
    state = np.zeros((1, mujoco.mj_stateSize(model, mujoco.mjtState.mjSTATE_FULLPHYSICS)))
    state[0, 1:8] = np.concatenate([T[:3, 3], Rotation.from_matrix(T[:3, :3]).as_quat()[[3, 0, 1, 2]]])
    state[0, 8:14] = np.concatenate([rng.normal(scale=0.05, size=3), rng.normal(scale=1.0, size=3)])
    for _ in range(_SETTLE_TRIES):
        rolled, _ = mujoco.rollout.rollout(model, data, state, nstep=round(_SETTLE_S / STEP_S))
        state = np.ascontiguousarray(rolled[:, -1, :])
        speed = np.abs(state[0, 8:14])
        if speed[:3].max() < _REST_M_S and speed[3:].max() < _REST_RAD_S:
            break
        state[0, 8:14] *= 0.5  # what rolls on for ever is laid to rest
    T = transform(Rotation.from_quat(state[0, [5, 6, 7, 4]]), state[0, 1:4])
    points = apply(T, vertices)
    T[:2, 3] -= (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2
    return T


def lay_out(things: Sequence[ObjectSpec], rng: np.random.Generator) -> list[Lying]:
    """Settle every thing and lay them side by side without touching; what finds no place is left out."""
    scene: list[Lying] = []
    outlines: list[Array] = []
    for thing in things:
        T = settle(thing, rng)
        outline = outline_of(Lying(thing, T))
        for _ in range(_LAYOUT_TRIES):
            spread = _SINGLE_SPREAD_M if len(things) == 1 else _CROWD_SPREAD_M
            place = transform(Rotation.from_euler("z", rng.uniform(-np.pi, np.pi)), [*_in_square(spread, rng), 0.0])
            moved = outline @ place[:2, :2].T + place[:2, 3]
            gap = rng.uniform(*GAP_M)
            if all(apart(moved, other, gap) for other in outlines):
                scene.append(Lying(thing, place @ T))
                outlines.append(moved)
                break
    return scene


def draw_count(rng: np.random.Generator) -> int:
    """How many things a scene gets."""
    return int(rng.choice(len(COUNT_SHARES), p=COUNT_SHARES)) + 1


def _in_square(half_m: float, rng: np.random.Generator) -> Array:
    return rng.uniform(-half_m, half_m, size=2)


def outline_of(lying: Lying) -> Array:
    """(K, 2) convex outline of the thing seen from above, in order."""
    from scipy.spatial import ConvexHull

    points = lying.vertices_table()[:, :2]
    return np.asarray(points[ConvexHull(points).vertices])


def apart(a: Array, b: Array, gap_m: float) -> bool:
    """Whether a straight line with ``gap_m`` to spare separates two convex outlines (separating axes)."""
    for outline in (a, b):
        edges = np.roll(outline, -1, axis=0) - outline
        normals = np.stack([edges[:, 1], -edges[:, 0]], axis=1)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        pa, pb = a @ normals.T, b @ normals.T
        between = np.maximum(pb.min(axis=0) - pa.max(axis=0), pa.min(axis=0) - pb.max(axis=0))
        if between.max() >= gap_m:
            return True
    return False
