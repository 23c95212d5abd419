"""Poses and boxes as settings files write them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from robot.geometry import Transform, transform

Vector3 = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class PoseSettings:
    """A pose; the name of the setting says in which frame.

    Attributes:
        position_m: (x, y, z).
        rotation_vector_rad: axis times angle, as UR controllers write it.
    """

    position_m: Vector3
    rotation_vector_rad: Vector3

    @property
    def transform(self) -> Transform:
        """(4, 4) matrix of the pose."""
        return transform(Rotation.from_rotvec(self.rotation_vector_rad), self.position_m)


@dataclass(frozen=True, kw_only=True)
class BoxSettings:
    """An axis-aligned box in the base frame [m]."""

    min_m: Vector3
    max_m: Vector3

    def __post_init__(self) -> None:
        if not all(low < high for low, high in zip(self.min_m, self.max_m, strict=True)):
            raise ValueError(f"min_m {self.min_m} must lie below max_m {self.max_m} in every axis")

    def contains(self, point_m: np.ndarray) -> bool:
        """True when the (3,) point in the base frame lies inside."""
        return bool(np.all(point_m >= self.min_m) and np.all(point_m <= self.max_m))
