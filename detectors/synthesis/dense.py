"""Dense grasps: very many good ones of every thing in a scene, for whoever needs to know all places that will do.

A data set's forty labelled grasps a scene are drawn to be learnt from, half of them bad. What maps grasps pixel by
pixel, or is judged by "does it match a good grasp?", needs the good ones everywhere. So antipodal pairs of points are
drawn all over every thing's true surface and kept where the analytic label, force closure without collision, holds in
at least half of some noisy draws; about nine in ten of those succeed in a single noisy lift.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.contacts import collides, first_contacts
from detectors.synthesis.grasp_frames import TableGrasps, joined
from detectors.synthesis.grasp_sampling import antipodal_grasps
from detectors.synthesis.labels import lift_success, perturbed
from detectors.synthesis.lifting import Lying
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.robust_quality import force_closure
from detectors.synthesis.viewing import Triangles

SURFACE_POINTS = 1200
GRASPS_PER_THING = 80
_DRAWS, _ROBUST = 4, 0.5


def dense_grasps(
    scene: Sequence[Lying], triangles: Triangles, caster: RayCaster, rng: np.random.Generator, *, lifted: bool = False
) -> TableGrasps:
    """The good grasps of a scene: (N,) with at most 80 a thing.

    Args:
        scene: the things as they lie; ``triangles`` and ``caster`` are of the same scene.
        rng: decides what is drawn.
        lifted: keep only those that also succeed in one noisy lift in physics, which takes twenty times as long.
    """
    kept = [_good(scene, triangles, caster, target, rng, lifted) for target in range(len(scene))]
    return joined(kept)


def _good(
    scene: Sequence[Lying], triangles: Triangles, caster: RayCaster, target: int, rng: np.random.Generator, lifted: bool
) -> TableGrasps:
    pairs = antipodal_grasps(caster, triangles, target, rng, SURFACE_POINTS)
    robust = pairs[_force_closure(scene[target], triangles, caster, target, pairs, rng) >= _ROBUST]
    kept = robust[np.sort(rng.permutation(len(robust))[:GRASPS_PER_THING])]
    if not lifted or len(kept) == 0:
        return kept
    return kept[lift_success(scene, triangles, caster, target, kept, 1, rng) > _ROBUST]


def _force_closure(
    lying: Lying, triangles: Triangles, caster: RayCaster, target: int, grasps: TableGrasps, rng: np.random.Generator
) -> NDArray[np.float64]:
    """(N,) share of noisy draws without collision and in force closure, at the thing's nominal friction."""
    if len(grasps) == 0:
        return np.zeros(0)
    drawn = perturbed(grasps, _DRAWS, rng)
    closed = force_closure(
        first_contacts(caster, triangles, drawn), np.full(len(drawn), lying.spec.friction), target
    ) & ~collides(caster, drawn)
    return np.asarray(closed.reshape(-1, _DRAWS).mean(axis=1))
