"""Which grasps train, which validate and which test."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.tensors import GraspTensors
from detectors.synthesis.splits import SPLITS, split_of
from robot.errors import SettingsError

Mask = NDArray[np.bool_]
_BOUNDS = (0.8, 0.9)


def split_rows(
    tensors: GraspTensors, *, own: bool, by: Literal["object", "image"] = "object", seed: int = 0
) -> dict[str, Mask]:
    """Split name -> (N,) True where the grasp belongs to it; every grasp belongs to exactly one.

    Args:
        tensors: the grasps.
        own: their labels are thing numbers of ours, whose split is fixed once for all (``TensorFolder.own``).
        by: "object" keeps all grasps of an object together; "image" (the "image-wise" split of the original) draws
            every grasp by itself, so that objects of the training set are seen again in the test.
        seed: of the draw, 80/10/10; our own objects are not drawn.

    Raises:
        SettingsError: a split by object is asked for, but the set does not say which object is which.
    """
    if by not in ("object", "image"):
        raise SettingsError(f"split must be 'object' or 'image', got {by!r}")
    if by == "image":
        return _masks(_drawn(len(tensors), seed))
    if tensors.object_label is None:
        raise SettingsError(
            "the data set has no obj_labels_*.npz, so it cannot be split by object",
            "split it by image; the published Dex-Net 2.0 archive has no object labels",
        )
    objects, object_of = np.unique(tensors.object_label, return_inverse=True)
    chosen = _fixed(objects) if own else _drawn(len(objects), seed)
    return _masks(chosen[object_of.reshape(-1)])


def _fixed(objects: NDArray[Any]) -> NDArray[np.int8]:
    try:
        return np.array([SPLITS.index(split_of(int(number))) for number in objects], dtype=np.int8)
    except ValueError as error:
        raise SettingsError(f"obj_labels do not name things of ours: {error}") from None


def _drawn(count: int, seed: int) -> NDArray[np.int8]:
    """(count,) index into SPLITS: 80, 10 and 10 hundredths, to the nearest whole."""
    order = np.random.default_rng(seed).permutation(count)
    bounds = [round(share * count) for share in _BOUNDS]
    chosen = np.zeros(count, dtype=np.int8)
    chosen[order[bounds[0] : bounds[1]]] = 1
    chosen[order[bounds[1] :]] = 2
    return chosen


def _masks(chosen: NDArray[np.int8]) -> dict[str, Mask]:
    return {name: chosen == number for number, name in enumerate(SPLITS)}
