"""Antipodal grasps from depth alone, without learning.

Where the grasp point lies: ``depth_m`` is the depth, along the optical axis, of the centre between the two pads'
contacts. It lies ``tip_to_centre_m`` (10 mm) above the fingertips' lower ends, or half-way up the object where that
is lower; whoever executes the grasp puts the tips 10 mm below it, but never below the table's margin.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.ranking import Candidates, rank_pairs
from detectors.antipodal.sampling import Pairs, find_edges, sample_pairs
from detectors.antipodal.scene import Scene, build_scene
from detectors.antipodal.settings import AntipodalSettings
from detectors.antipodal.table import fit_table
from detectors.grasp import Detection, Grasp
from robot.frame import Frame

NO_ROOM = "no room for the fingers beside the object, or nothing for the pads to hold"
NO_DEPTH = "the depth image has no valid pixel"
NO_TABLE = "no table found: no plane that faces the camera fills enough of the view"
NOTHING_THERE = "no object above the table"
NOT_ALLOWED = "every grasp found lies outside the allowed region or on unknown depth"
_SAME_PLACE_M, _SAME_ANGLE_RAD = 0.008, math.radians(20)


@dataclass(frozen=True)
class Proposals:
    """Candidates with quality above zero, and the scene they were found in; ``reason`` when there are none."""

    scene: Scene | None
    candidates: Candidates | None
    reason: str = ""


class AntipodalDetector:
    """Samples antipodal pairs from depth edges and ranks them by the gripper's geometry."""

    name = "antipodal"

    def __init__(self, settings: AntipodalSettings | None = None) -> None:
        self._settings = settings or AntipodalSettings()

    def detect(
        self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0
    ) -> Detection:
        """Propose up to ``top`` different grasps, best first; see ``detectors.registry.Detector``."""
        started = time.perf_counter()
        proposals = self.propose(frame, seed=seed)
        grasps: tuple[Grasp, ...] = ()
        reason = proposals.reason
        if proposals.scene is not None and proposals.candidates is not None:
            grasps = _best_different(proposals.scene, proposals.candidates, frame, region, top)
            reason = "" if grasps else NOT_ALLOWED
        return Detection(grasps, detect_ms=(time.perf_counter() - started) * 1e3, reason=reason)

    def propose(self, frame: Frame, *, seed: int = 0) -> Proposals:
        """Hundreds of candidate grasps as arrays: what a learned ranking starts from."""
        seen = find_pairs(frame, self._settings, np.random.default_rng(seed))
        if seen.scene is None or seen.pairs is None:
            return Proposals(seen.scene, None, seen.reason)
        candidates = rank_pairs(seen.scene, seen.pairs, self._settings)
        candidates = candidates[candidates.quality > self._settings.min_quality]
        if len(candidates) == 0:
            return Proposals(seen.scene, None, NO_ROOM)
        return Proposals(seen.scene, candidates)


@dataclass(frozen=True)
class Seen:
    """The antipodal pairs in a frame, and the scene they were found in; ``reason`` when there are none."""

    scene: Scene | None
    pairs: Pairs | None
    reason: str = ""


def find_pairs(frame: Frame, settings: AntipodalSettings, rng: np.random.Generator) -> Seen:
    """From the depth image to antipodal pairs: what every sampling detector starts from."""
    if not frame.valid.any():
        return Seen(None, None, NO_DEPTH)
    table = fit_table(frame, rng)
    if table is None:
        return Seen(None, None, NO_TABLE)
    scene = build_scene(frame, table, settings)
    if len(scene.objects.graspable) == 0:
        return Seen(scene, None, NOTHING_THERE)
    if not scene.objects.graspable.any():
        return Seen(scene, None, "everything above the table reaches out of view or is too high to be an object")
    pairs = sample_pairs(find_edges(scene, settings), settings, rng)
    if len(pairs) == 0:
        return Seen(scene, None, "no pair of opposite edges that the jaws can span: too wide, too flat or too round")
    return Seen(scene, pairs)


def to_grasp(scene: Scene, candidates: Candidates, index: int, frame: Frame) -> Grasp:
    """One candidate as a grasp in the image."""
    x, y = candidates.centre_m[index]
    depth = float(scene.table.depth_m(x, y, candidates.centre_height_m[index]))
    u, v = frame.intrinsics.project(np.array([x, y, depth]))
    axis = candidates.axis[index]
    return Grasp(
        u=float(u),
        v=float(v),
        depth_m=depth,
        angle_rad=math.atan2(axis[1], axis[0]),
        width_m=float(candidates.opening_m[index]),
        quality=float(np.clip(candidates.quality[index], 0.0, 1.0)),
    )


def pick_different(
    centre_m: NDArray[np.float64],
    axis: NDArray[np.float64],
    order: NDArray[np.intp],
    top: int,
    allowed: Callable[[int], bool] = lambda _: True,
) -> list[int]:
    """The first ``top`` of ``order`` that are allowed and differ from those before them in place or direction.

    Args:
        centre_m, axis: (n, 2) places and unit closing directions of all grasps.
        order: indices, best first.
        top: how many at most.
        allowed: asked of an index that would be picked.
    """
    chosen: list[int] = []
    for index in map(int, order):
        if len(chosen) >= top:
            break
        near = np.linalg.norm(centre_m[chosen] - centre_m[index], axis=1) < _SAME_PLACE_M
        if not (near & (np.abs(axis[chosen] @ axis[index]) > math.cos(_SAME_ANGLE_RAD))).any() and allowed(index):
            chosen.append(index)
    return chosen


def _best_different(
    scene: Scene, candidates: Candidates, frame: Frame, region: NDArray[np.bool_] | None, top: int
) -> tuple[Grasp, ...]:
    """The best grasps that differ in place or direction and whose centre lies on measured depth."""
    order = np.argsort(-candidates.quality, kind="stable")
    chosen = pick_different(
        candidates.centre_m,
        candidates.axis,
        order,
        top,
        lambda index: _usable(to_grasp(scene, candidates, index, frame), frame, region),
    )
    return tuple(to_grasp(scene, candidates, index, frame) for index in chosen)


def _usable(grasp: Grasp, frame: Frame, region: NDArray[np.bool_] | None) -> bool:
    row, column = round(grasp.v), round(grasp.u)
    if not (0 <= row < frame.intrinsics.height and 0 <= column < frame.intrinsics.width):
        return False
    return bool(frame.valid[row, column]) and (region is None or bool(region[row, column]))
