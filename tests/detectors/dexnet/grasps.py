"""Grasps of our own kind, every attribute filled."""

from __future__ import annotations

import numpy as np

from detectors.dexnet.tensors import GraspTensors, make_hand_poses
from robot.frame import Intrinsics

CAMERA = Intrinsics(fx=520.0, fy=520.0, cx=199.5, cy=199.5, width=400, height=400)


def make_tensors(count: int, seed: int = 0) -> GraspTensors:
    """``count`` random but valid grasps."""
    rng = np.random.default_rng(seed)

    def shares() -> np.ndarray:
        return rng.integers(0, 6, count).astype(np.float32) / 5

    width = rng.uniform(0.02, 0.085, count).astype(np.float32)
    poses = make_hand_poses(
        u=rng.uniform(0, 399, count).astype(np.float32),
        v=rng.uniform(0, 399, count).astype(np.float32),
        depth_m=rng.uniform(0.55, 0.75, count).astype(np.float32),
        angle_rad=rng.uniform(-1.5, 1.5, count).astype(np.float32),
        width_m=width,
        camera=CAMERA,
    )
    return GraspTensors(
        crops_m=rng.uniform(0.5, 0.8, (count, 32, 32)).astype(np.float32),
        hand_poses=poses,
        width_m=width,
        robust_ferrari_canny=rng.uniform(0, 0.01, count).astype(np.float32),
        object_label=rng.integers(0, 30, count),
        pose_label=rng.integers(0, 30, count),
        image_label=rng.integers(0, 30, count),
        physical_success=shares(),
        collision_free=shares(),
        force_closure=shares(),
        kind=rng.integers(0, 8, count).astype(np.int8),
        family=rng.integers(0, 24, count).astype(np.int16),
    )
