"""Prop+GQ-CNN: sampled grasps ranked by a network (GQ-STN paper, section V; Dex-Net 2.0).

The default draws few grasps, the better ones by the gripper's geometry more often, and refines the best by the
cross-entropy method. The paper's plain version, a thousand antipodal samples ranked once, stays as the reference for
speed ratios. Both start at the same height map as the antipodal detector.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.detector import pick_different
from detectors.antipodal.scene import Scene
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import RobustnessMetric, is_robust, load_metric
from detectors.gqcnn.refinement import redraw
from detectors.gqcnn.sampling import Poses, Samples, geometric_trust, sample, usable
from detectors.gqcnn.settings import GqcnnSettings, plain_settings
from detectors.grasp import Detection, Grasp
from detectors.inpainting import fill_holes
from detectors.warming_up import bar_on_a_table
from robot.frame import Frame

Array = NDArray[np.float64]
Float = NDArray[np.float32]
Random = np.random.Generator
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ranked:
    """Grasps with the network's word on them, in no order."""

    poses: Poses
    grasps: GraspArrays
    quality: Array

    def joined(self, others: Ranked) -> Ranked:
        """These grasps and then ``others``."""
        return Ranked(
            self.poses.joined(others.poses),
            self.grasps.joined(others.grasps),
            np.concatenate([self.quality, others.quality]),
        )


class GqcnnDetector:
    """Samples grasps, ranks them with the network, refines the best.

    Args:
        metric: the network, the same that judges every detector's grasps.
        settings: how many are sampled and refined.

    Attributes:
        parameter_count: numbers that the network learnt; None where it does not say.
        weights_path: the file that it came from, if any.
    """

    def __init__(self, metric: RobustnessMetric, settings: GqcnnSettings | None = None) -> None:
        self._settings = settings or GqcnnSettings()
        self._metric = metric
        self.name = self._settings.name
        self.parameter_count, self.weights_path = metric.parameter_count, metric.weights_path
        self.detect(bar_on_a_table())  # a network's first call costs more than the later ones: no frame's time

    def detect(
        self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0
    ) -> Detection:
        """Propose up to ``top`` different grasps, best first; see ``detectors.registry.Detector``.

        A grasp is proposed even when it is not robust: whoever asked decides what to do with it.
        """
        started = time.perf_counter()
        rng = np.random.default_rng(seed)
        samples = sample(frame, self._settings.candidates, rng, self._settings, region)
        if samples.poses is None:
            return Detection((), detect_ms=_ms_since(started), reason=samples.reason)
        before_filling = time.perf_counter()
        filled = fill_holes(frame.depth_m, frame.valid)
        inpaint_ms = _ms_since(before_filling)
        ranked = self._ranked(samples, frame, filled, region, rng)
        order = self._order(ranked, samples.scene)
        chosen = pick_different(ranked.poses.centre_m, ranked.poses.axis, order, top)
        grasps = tuple(_grasp(ranked, index) for index in chosen)
        return Detection(grasps, detect_ms=max(_ms_since(started) - inpaint_ms, 0.0), inpaint_ms=inpaint_ms)

    def _ranked(self, samples: Samples, frame: Frame, filled: Float, region: Mask | None, rng: Random) -> Ranked:
        """The samples and what refinement drew from the best of them."""
        assert samples.scene is not None
        assert samples.poses is not None
        assert samples.grasps is not None
        scene, settings = samples.scene, self._settings
        quality = self._metric.quality_in(filled, frame.intrinsics, samples.grasps)
        ranked = Ranked(samples.poses, samples.grasps, quality)
        for _ in range(settings.refinement.rounds):
            drawn = redraw(ranked.poses, ranked.quality, scene, settings.geometry, settings.refinement, rng)
            drawn = drawn[usable(drawn, scene, frame, region)]
            grasps = drawn.in_image(scene, frame.intrinsics)
            quality = self._metric.quality_in(filled, frame.intrinsics, grasps)
            ranked = ranked.joined(Ranked(drawn, grasps, quality))
        return ranked

    def _order(self, ranked: Ranked, scene: Scene | None) -> NDArray[np.intp]:
        """Indices, best first: by the network, and by the gripper's geometry among those as good as its best."""
        order = np.argsort(-ranked.quality, kind="stable")
        if self._settings.equal_within == 0 or scene is None:
            return order
        equal = order[ranked.quality[order] >= ranked.quality[order[0]] - self._settings.equal_within]
        trust = geometric_trust(ranked.poses[equal], scene, self._settings.geometry)
        return np.concatenate([equal[np.argsort(-trust, kind="stable")], order[len(equal) :]])


def make_default() -> GqcnnDetector:
    """``gqcnn``: few samples and refinement, with the network that the program ships."""
    return GqcnnDetector(load_metric())


def make_plain() -> GqcnnDetector:
    """``gqcnn-1000``: the paper's thousand samples, with the same network."""
    return GqcnnDetector(load_metric(), plain_settings())


def _grasp(ranked: Ranked, index: int) -> Grasp:
    grasps, quality = ranked.grasps, float(ranked.quality[index])
    return Grasp(
        u=float(grasps.u[index]),
        v=float(grasps.v[index]),
        depth_m=float(grasps.depth_m[index]),
        angle_rad=float(grasps.angle_rad[index]),
        width_m=float(grasps.width_m[index]),
        quality=quality,
        robust=is_robust(quality),
    )


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1e3
