"""A small world to learn in: bars of known width on a table, grasped well or too high, too narrow or beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.tensors import GraspTensors
from detectors.dexnet.writing import write_tensors
from detectors.gqcnn.crop import CROP_PX, window_m

TABLE_M = 0.70


def bar_tensors(count: int, *, seed: int = 0, things: int = 40, lifts: int = 4) -> GraspTensors:
    """``count`` grasps of bars across the closing direction; a lift succeeds where the bar lies between the jaws."""
    rng = np.random.default_rng(seed)
    thing = rng.integers(0, things, size=count)
    bar, top = rng.uniform(0.015, 0.070, count), rng.uniform(0.02, 0.05, count)
    opening, off = rng.uniform(0.02, 0.085, count), rng.normal(0.0, 0.012, count)
    depth = TABLE_M - top + rng.uniform(-0.02, 0.02, count)
    room = (opening - bar) / 2 - np.abs(off)
    good = (room > 0.0) & (depth > TABLE_M - top)
    share = rng.binomial(lifts, np.where(good, 0.95, 0.03)) / lifts
    return GraspTensors(
        crops_m=_crops(bar, top, opening, off, rng),
        hand_poses=np.stack([np.zeros(count), np.zeros(count), depth, *np.zeros((4, count))], axis=1).astype("f4"),
        width_m=opening.astype(np.float32),
        robust_ferrari_canny=np.where(good, 0.01, 0.0).astype(np.float32),
        object_label=thing,
        physical_success=share.astype(np.float32),
        kind=(thing % 3).astype(np.int8),
        family=(thing // 10).astype(np.int16),
    )


def write_bars(folder: Path, count: int, *, seed: int = 0) -> Path:
    """The same as a data set of ours on disk, 400 grasps an index."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.yaml").write_text("seed: 0\nscenes: 3\n", encoding="utf-8")
    tensors = bar_tensors(count, seed=seed)
    for index, start in enumerate(range(0, count, 400)):
        write_tensors(folder, index, tensors.select(slice(start, start + 400)))
    return folder


def _crops(
    bar: NDArray[np.float64],
    top: NDArray[np.float64],
    opening: NDArray[np.float64],
    off: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    along = (np.arange(CROP_PX) - (CROP_PX - 1) / 2) / CROP_PX * window_m(opening)[:, None] - off[:, None]
    line = np.where(np.abs(along) < bar[:, None] / 2, TABLE_M - top[:, None], TABLE_M)
    noise = rng.normal(0.0, 0.0005, (len(bar), CROP_PX, CROP_PX))
    return (line[:, None, :] + noise).astype(np.float32)
