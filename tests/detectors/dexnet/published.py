"""A folder in the layout of the published Dex-Net 2.0 archive, made with numpy alone: nothing of ours is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

COUNTS = (20, 20, 13)  # the published files hold 1,000 each and 850 in the last


def columns(count: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """The five attributes of the README, by file name."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.55, 0.72, count)
    poses = np.stack(
        [
            rng.uniform(100, 380, count),
            rng.uniform(100, 540, count),
            depth,
            rng.uniform(-np.pi, np.pi, count),
            rng.uniform(-80, 80, count),
            rng.uniform(-80, 80, count),
            525.0 * 0.05 / depth,
        ],
        axis=1,
    )
    quality = rng.uniform(0, 0.01, count) * (rng.random(count) > 0.5)
    return {
        "depth_ims_tf_table": rng.uniform(0.5, 0.75, (count, 32, 32, 1)).astype(np.float32),
        "hand_poses": poses.astype(np.float32),
        "robust_ferrari_canny": quality.astype(np.float32),
        "ferrari_canny": rng.uniform(0, 0.02, count).astype(np.float32),
        "force_closure": (rng.random(count) > 0.4).astype(np.float32),
    }


def labels(count: int, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """What sets of the same generator hold besides."""
    rng = np.random.default_rng(seed + 100)
    return {
        "obj_labels": rng.integers(0, 40, count),
        "pose_labels": rng.integers(0, 90, count),
        "image_labels": rng.integers(0, 200, count),
        "collision_free": rng.integers(0, 2, count),
        "obj_masks": rng.integers(0, 2, (count, 32, 32, 1)).astype(np.uint8),
    }


def make(folder: Path, *, labelled: bool = False) -> list[dict[str, np.ndarray[Any, Any]]]:
    """Fill ``folder`` and return what is in it, index by index."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for index, count in enumerate(COUNTS):
        arrays = columns(count, index) | (labels(count, index) if labelled else {})
        for name, array in arrays.items():
            np.savez_compressed(folder / f"{name}_{index:05d}", array)
        written.append(arrays)
    return written
