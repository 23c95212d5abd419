"""Every number the antipodal detector works with, in metres and radians."""

from __future__ import annotations

import math
from dataclasses import dataclass

from robot import gripper_geometry as gripper


@dataclass(frozen=True)
class AntipodalSettings:
    """What the gripper measures, what counts as an object, and how many pairs are tried.

    Attributes:
        stroke_m: widest opening of the jaws.
        finger_width_m: extent of a pad across the closing direction.
        finger_thickness_m: room that a finger needs along the closing direction, margin included.
        friction: coefficient of the cone in which the contact normals must lie.
        clearances_m: play between an open pad and the object, the first that finds room is taken.
        pad_reach_m: how deep the tips go below the place where the pads touch the object.
        max_reach_m: how deep the tips may go below the highest point between them (the palm's room).
        palm_reach_m: how deep the tips go below anything that the palm comes down on.
        palm_width_m: extent of the palm in both directions.
        tip_margin_m: the tips stay this far above the table.
        tip_to_centre_m: the grasp centre lies this far above the tips, as the planner assumes.
        min_height_m: whatever rises less above the table is taken for table (or three times the noise).
        max_height_m: whatever rises more is no object but a part of the cell.
        min_step_m: a depth edge is a step of at least this.
        min_area_m2: a smaller patch above the table is noise.
        cell_m: edge of a cell of the height map; coarser where the image is coarser.
        edge_points, pairs: how many edge points are paired, and how many pairs are ranked.
        min_quality: a worse grasp is not proposed.
        centre_on_object: ask that the centre of the grasp lies on the object, not in a hollow of it.
    """

    stroke_m: float = gripper.STROKE_M
    finger_width_m: float = gripper.PAD_WIDTH_M
    finger_thickness_m: float = gripper.PAD_THICKNESS_M + 0.003
    friction: float = 0.5
    clearances_m: tuple[float, ...] = (0.010, 0.007, 0.0045, 0.0025)
    pad_reach_m: float = 0.030
    max_reach_m: float = 0.050
    palm_reach_m: float = 0.065
    palm_width_m: float = 0.075
    tip_margin_m: float = 0.003
    tip_to_centre_m: float = 0.010
    min_height_m: float = 0.003
    max_height_m: float = 0.30
    min_step_m: float = 0.004
    min_area_m2: float = 60e-6
    cell_m: float = 0.0015
    edge_points: int = 900
    pairs: int = 500
    min_quality: float = 0.02
    centre_on_object: bool = True

    def __post_init__(self) -> None:
        if not self.clearances_m or min(self.clearances_m) <= 0:
            raise ValueError("clearances_m needs at least one positive play")
        if self.pairs < 1 or self.edge_points < 2:
            raise ValueError("pairs and edge_points must allow at least one pair")
        for name in ("stroke_m", "finger_width_m", "finger_thickness_m", "friction", "cell_m", "min_step_m"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")

    @property
    def max_object_width_m(self) -> float:
        """Widest object that still leaves the smallest play on both sides [m]."""
        return self.stroke_m - 2 * min(self.clearances_m)

    @property
    def cone_rad(self) -> float:
        """Half angle of the friction cone [rad]."""
        return math.atan(self.friction)
