"""Labels of grasps: the analytic robust quality and the physical lift, under the same errors of pose and friction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.contacts import collides, first_contacts
from detectors.synthesis.grasp_frames import TableGrasps
from detectors.synthesis.lifting import FRICTION_FACTORS, LiftBench, Lying
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.robust_quality import epsilon_quality, force_closure
from detectors.synthesis.viewing import Triangles
from robot.gripper_geometry import STROKE_M

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

POSITION_M, HEIGHT_M, YAW_RAD = 0.002, 0.0015, 0.04
"""Standard deviations of where the gripper ends up: what calibration (gate: 2 mm), camera and arm leave undone."""
_NEAR_M = 0.10  # things further than this from the target's outline cannot be met


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """How often each label is sampled.

    Attributes:
        samples: draws of pose and friction for the analytic labels.
        epsilon_samples: how many of them, at most, are taken as far as the convex hull of wrenches.
        tries: noisy lifts a grasp; they use the first draws.
    """

    samples: int = 10
    epsilon_samples: int = 2
    tries: int = 1

    def __post_init__(self) -> None:
        if not (self.samples >= max(self.tries, self.epsilon_samples) and min(vars(self).values()) >= 1):
            raise ValueError("samples, epsilon_samples and tries are at least 1, and samples the largest")


@dataclass(frozen=True, eq=False)
class Labels:
    """What is known of each grasp, (N,) float32.

    Attributes:
        collision_free: share of the draws in which the open gripper comes down freely.
        force_closure: share of the draws free of collision and in force closure.
        robust_ferrari_canny: mean epsilon quality over the draws, 0 in those without.
        physical_success: share of the noisy lifts after which the thing hung clear of the table.
    """

    collision_free: NDArray[np.float32]
    force_closure: NDArray[np.float32]
    robust_ferrari_canny: NDArray[np.float32]
    physical_success: NDArray[np.float32]


def label(
    scene: Sequence[Lying],
    triangles: Triangles,
    caster: RayCaster,
    target: int,
    grasps: TableGrasps,
    settings: LabelSettings,
    rng: np.random.Generator,
) -> Labels:
    """Label (N,) grasps on the thing at place ``target``."""
    n, k = len(grasps), settings.samples
    drawn = perturbed(grasps, k, rng)
    factor = rng.integers(0, len(FRICTION_FACTORS), size=n * k)
    friction = scene[target].spec.friction * np.array(FRICTION_FACTORS)[factor]
    free = ~collides(caster, drawn)
    contacts = first_contacts(caster, triangles, drawn)
    closed = free & force_closure(contacts, friction, target)
    quality = np.zeros((n, k))
    for row, column in _first_of_each(closed.reshape(n, k), settings.epsilon_samples):
        i = row * k + column
        quality[row, column] = epsilon_quality(contacts.point_m[i], contacts.normal[i], float(friction[i]))
    by_grasp = closed.reshape(n, k)
    counted = np.minimum(by_grasp.sum(axis=1), settings.epsilon_samples)
    mean_quality = quality.sum(axis=1) / np.maximum(counted, 1) * by_grasp.mean(axis=1)
    tried = (np.arange(n)[:, None] * k + np.arange(settings.tries)).ravel()
    lifted = _lift(scene, target, drawn[tried], free[tried], contacts.distance_m[tried], factor[tried])
    return Labels(
        free.reshape(n, k).mean(axis=1).astype(np.float32),
        by_grasp.mean(axis=1).astype(np.float32),
        mean_quality.astype(np.float32),
        lifted.reshape(n, settings.tries).mean(axis=1).astype(np.float32),
    )


def lift_success(
    scene: Sequence[Lying],
    triangles: Triangles,
    caster: RayCaster,
    target: int,
    grasps: TableGrasps,
    tries: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """(N,) share of ``tries`` noisy lifts that succeed: the physical label alone."""
    drawn = perturbed(grasps, tries, rng)
    factor = rng.integers(0, len(FRICTION_FACTORS), size=len(drawn))
    free = ~collides(caster, drawn)
    contacts = first_contacts(caster, triangles, drawn)
    lifted = _lift(scene, target, drawn, free, contacts.distance_m, factor)
    return np.asarray(lifted.reshape(len(grasps), tries).mean(axis=1), dtype=np.float32)


def perturbed(grasps: TableGrasps, samples: int, rng: np.random.Generator) -> TableGrasps:
    """Every grasp ``samples`` times in a row, each a little off: what calibration, camera and arm leave undone."""
    n = len(grasps) * samples
    centre = np.repeat(grasps.centre_m, samples, axis=0)
    centre += rng.normal(size=(n, 3)) * [POSITION_M, POSITION_M, HEIGHT_M]
    yaw = np.repeat(grasps.yaw_rad, samples) + rng.normal(scale=YAW_RAD, size=n)
    return TableGrasps(centre, yaw, np.repeat(grasps.width_m, samples))


def _lift(
    scene: Sequence[Lying], target: int, grasps: TableGrasps, free: Mask, distance_m: Array,
    factor: NDArray[np.integer],
) -> Mask:  # fmt: skip
    """(N,) whether the thing was lifted; nothing is simulated for what collides or cannot touch from both sides."""
    both = np.isfinite(distance_m).all(axis=1)
    which = np.flatnonzero(free & both)
    lifted = np.zeros(len(grasps), dtype=bool)
    if len(which):
        bench = LiftBench(scene[target], _near(scene, target))
        outer = np.clip(distance_m[which].max(axis=1), 0.0, STROKE_M / 2)
        lifted[which] = bench.lift(grasps[which], outer, factor[which]).lifted
    return lifted


def _near(scene: Sequence[Lying], target: int) -> list[Lying]:
    own = scene[target].vertices_table()[:, :2]
    low, high = own.min(axis=0) - _NEAR_M, own.max(axis=0) + _NEAR_M
    near = []
    for place, lying in enumerate(scene):
        points = lying.vertices_table()[:, :2]
        if place != target and (points.max(axis=0) > low).all() and (points.min(axis=0) < high).all():
            near.append(lying)
    return near


def _first_of_each(closed: Mask, most: int) -> list[tuple[int, int]]:
    rank = np.cumsum(closed, axis=1)
    rows, columns = np.nonzero(closed & (rank <= most))
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
