"""A grasp in the image, and what a detector answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

from robot.frame import Intrinsics
from robot.geometry import wrap_half_turn


@dataclass(frozen=True)
class Grasp:
    """A two-fingered grasp seen along the optical axis.

    Attributes:
        u, v: grasp centre [pixels].
        depth_m: depth of the grasp point, where the finger pads meet the object [m]; > 0.
        angle_rad: closing direction about the optical axis, from +u towards +v, folded into [-pi/2, pi/2).
        width_m: opening of the jaws before closing [m].
        quality: the detector's own confidence in [0, 1].
        robust: the GQ-CNN metric's word, or None where no classifier was asked.
    """

    u: float
    v: float
    depth_m: float
    angle_rad: float
    width_m: float
    quality: float
    robust: bool | None = None

    def __post_init__(self) -> None:
        numbers = (self.u, self.v, self.depth_m, self.angle_rad, self.width_m, self.quality)
        if not all(math.isfinite(n) for n in numbers):
            raise ValueError(f"a grasp needs finite numbers, got {numbers}")
        if self.depth_m <= 0:
            raise ValueError(f"a grasp needs a known depth, got {self.depth_m} m")
        if self.width_m <= 0:
            raise ValueError(f"a grasp needs a positive width, got {self.width_m} m")
        if not 0.0 <= self.quality <= 1.0:
            raise ValueError(f"quality must lie in [0, 1], got {self.quality}")
        object.__setattr__(self, "angle_rad", wrap_half_turn(self.angle_rad))

    def in_words(self) -> str:
        """For the operator's eye."""
        return (
            f"grasp at ({self.u:.0f}, {self.v:.0f}) px, {math.degrees(self.angle_rad):+.0f} deg, "
            f"{self.width_m * 1e3:.0f} mm wide, {self.depth_m:.3f} m deep, quality {self.quality:.2f}"
        )

    def width_px(self, intrinsics: Intrinsics) -> float:
        """The opening as seen in the image at the grasp's depth [pixels]."""
        return self.width_m * intrinsics.fx / self.depth_m


@dataclass(frozen=True)
class Detection:
    """What a detector answers: grasps, best first, and how long it took.

    Attributes:
        grasps: best first; empty when nothing graspable was seen.
        detect_ms: image in hand to grasps, in-painting left out [ms].
        inpaint_ms: time for in-painting, 0 where the detector does none [ms].
        reason: why ``grasps`` is empty, for the operator; empty otherwise.
    """

    grasps: tuple[Grasp, ...]
    detect_ms: float
    inpaint_ms: float = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "grasps", tuple(self.grasps))
        if not all(isinstance(grasp, Grasp) for grasp in self.grasps):
            raise ValueError("a detection holds grasps and nothing else")
        for name in ("detect_ms", "inpaint_ms"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"{name} must be a time, got {value}")
