"""A stand-in for the trained network: judges a crop by the room for both fingers and by what lies between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.gqcnn.crop import CROP_PX, window_m
from robot.gripper_geometry import PAD_THICKNESS_M, PAD_WIDTH_M

Array = NDArray[np.float64]


class GeometricCritic:
    """Probabilities from geometry: full marks for free fingers, a full middle and an even, narrow gap beside it.

    Args:
        lever_m: how far off the middle the object may lie between the jaws until the probability falls to 1/e.

    Attributes:
        asked: how many grasps each call held.
    """

    def __init__(self, lever_m: float = 0.010) -> None:
        self._lever_m = lever_m
        self.asked: list[int] = []

    def predict(self, crops_m: NDArray[np.float32], depth_m: Array, width_m: Array) -> Array:
        self.asked.append(len(crops_m))
        step = window_m(width_m)[:, None] / CROP_PX
        place = (np.arange(CROP_PX) - (CROP_PX - 1) / 2)[None, :] * step
        beside = np.abs(place)[:, :, None] <= PAD_WIDTH_M / 2  # rows: across the closing direction
        along = place[:, None, :]
        solid = (crops_m < depth_m[:, None, None]) & beside
        out = np.abs(along) - width_m[:, None, None] / 2
        fingers = (out >= 0) & (out <= PAD_THICKNESS_M) & beside
        middle = (np.abs(along) <= 0.25 * width_m[:, None, None]) & beside
        blocked = _share(solid, fingers)
        weight = solid & (out < 0)
        lever = np.abs((along * weight).sum(axis=(1, 2))) / np.maximum(weight.sum(axis=(1, 2)), 1)
        return np.clip(1.0 - 3.0 * blocked, 0.0, 1.0) * _share(solid, middle) * np.exp(-lever / self._lever_m)


def _share(mask: NDArray[np.bool_], of: NDArray[np.bool_]) -> Array:
    return np.asarray((mask & of).sum(axis=(1, 2)) / np.maximum(of.sum(axis=(1, 2)), 1))


class ConstantCritic:
    """Thinks the same of every grasp."""

    def __init__(self, probability: float) -> None:
        self._probability = probability

    def predict(self, crops_m: NDArray[np.float32], depth_m: Array, width_m: Array) -> Array:
        return np.full(len(crops_m), self._probability)
