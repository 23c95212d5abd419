"""Many image grasps at once, as columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detectors.grasp import Grasp

Array = NDArray[np.float64]


@dataclass(frozen=True)
class GraspArrays:
    """N image grasps; see ``detectors.grasp.Grasp`` for what the columns mean.

    Attributes:
        u, v: (N,) grasp centres [pixels].
        depth_m: (N,) depths of the grasp points along the optical axis [m]; > 0.
        angle_rad: (N,) closing directions about the optical axis, from +u towards +v [rad].
        width_m: (N,) openings of the jaws before closing [m]; > 0.
    """

    u: Array
    v: Array
    depth_m: Array
    angle_rad: Array
    width_m: Array

    def __post_init__(self) -> None:
        columns = {f.name: np.array(getattr(self, f.name), dtype=np.float64) for f in fields(self)}
        shapes = {column.shape for column in columns.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ValueError(f"the columns of grasps must be one-dimensional and equally long, got shapes {shapes}")
        for name, column in columns.items():
            if not np.isfinite(column).all():
                raise ValueError(f"{name} holds numbers that are not finite")
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        if (self.depth_m <= 0).any() or (self.width_m <= 0).any():
            raise ValueError("depth_m and width_m must be positive")

    def __len__(self) -> int:
        return len(self.u)

    @classmethod
    def from_grasps(cls, grasps: Sequence[Grasp]) -> GraspArrays:
        """The columns of ``grasps``, in their order; quality is left behind."""
        table = np.array([(g.u, g.v, g.depth_m, g.angle_rad, g.width_m) for g in grasps], dtype=np.float64)
        return cls(*table.reshape(-1, 5).T)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_] | slice) -> GraspArrays:
        """The grasps that a numpy index, mask or slice chooses."""
        return GraspArrays(*(getattr(self, f.name)[index] for f in fields(self)))

    def joined(self, others: GraspArrays) -> GraspArrays:
        """These grasps and then ``others``."""
        return GraspArrays(*(np.concatenate([getattr(self, f.name), getattr(others, f.name)]) for f in fields(self)))
