"""What little skill scores: a principal-axis heuristic and a random antipodal pair. Detectors should stand above."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.scene import Scene, build_scene
from detectors.antipodal.settings import AntipodalSettings
from detectors.antipodal.table import fit_table
from detectors.gqcnn.sampling import sample
from detectors.gqcnn.settings import plain_settings
from detectors.grasp import Detection, Grasp
from detectors.registry import Detector
from robot.frame import Frame
from robot.gripper_geometry import OPENING_CLEARANCE_M, STROKE_M

_NARROWEST_M = 0.010


class PrincipalAxisDetector:
    """Across the middle of the largest thing, along its shorter principal axis: fifteen lines without learning."""

    name = "principal-axis"

    def detect(
        self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0
    ) -> Detection:
        """One grasp or none; see ``detectors.registry.Detector``."""
        started = time.perf_counter()
        settings = AntipodalSettings()
        table = fit_table(frame, np.random.default_rng(seed)) if frame.valid.any() else None
        scene = build_scene(frame, table, settings) if table is not None else None
        if scene is None or not scene.objects.graspable.any():
            return Detection((), _ms_since(started), reason="no object above a table")
        return Detection((_across(scene, frame, settings),), _ms_since(started))


class RandomPairDetector:
    """Any antipodal pair that the sampler finds, at a depth and an opening that are drawn."""

    name = "random-antipodal"

    def detect(
        self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0
    ) -> Detection:
        """One grasp or none; see ``detectors.registry.Detector``."""
        started = time.perf_counter()
        samples = sample(frame, 1, np.random.default_rng(seed), plain_settings(), region)
        if samples.grasps is None:
            return Detection((), _ms_since(started), reason=samples.reason)
        g = samples.grasps
        u, v, depth, angle, width = (float(c[0]) for c in (g.u, g.v, g.depth_m, g.angle_rad, g.width_m))
        return Detection((Grasp(u, v, depth, angle, width, quality=0.5),), _ms_since(started))


BASELINES: dict[str, Callable[[], Detector]] = {
    "principal-axis": PrincipalAxisDetector,
    "random-antipodal": RandomPairDetector,
}


def _across(scene: Scene, frame: Frame, settings: AntipodalSettings) -> Grasp:
    labels = scene.objects.labels
    area = np.bincount(labels.ravel(), minlength=len(scene.objects.graspable) + 1)[1:]
    which = int(np.where(scene.objects.graspable, area, 0).argmax()) + 1
    rows, columns = np.nonzero((labels == which) & (scene.height_m > scene.object_height_m))
    points = scene.points_m(rows, columns)
    middle = points.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((points - middle).T) if len(points) > 2 else np.eye(2))
    axis = axes[:, 0]  # ascending eigenvalues: the shorter axis comes first
    width = float(np.ptp((points - middle) @ axis))
    top = float(np.percentile(scene.height_m[rows, columns], 90))
    height = max(top - 0.015, top / 2)
    depth = float(scene.table.depth_m(middle[:1], middle[1:], np.array([height]))[0])
    u, v = frame.intrinsics.project(np.array([*middle, depth]))
    opening = min(max(width + OPENING_CLEARANCE_M, _NARROWEST_M), STROKE_M)
    return Grasp(float(u), float(v), depth, math.atan2(axis[1], axis[0]), opening, quality=0.5)


def _ms_since(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
