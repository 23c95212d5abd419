"""What the camera saw, with the intrinsics and the validity that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.errors import SettingsError

MIN_DEPTH_M, MAX_DEPTH_M = 0.05, 10.0


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole intrinsics of one image [pixels]; pixel centres lie at whole numbers."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if not (self.fx > 0 and self.fy > 0 and self.width > 0 and self.height > 0):
            raise SettingsError(f"intrinsics need positive fx, fy, width and height, got {self}")

    @property
    def matrix(self) -> NDArray[np.float64]:
        """(3, 3) camera matrix K."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def project(self, points_camera: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 3) points in the camera frame [m] -> (..., 2) pixels (u, v)."""
        p = np.asarray(points_camera, dtype=np.float64)
        return np.stack([self.fx * p[..., 0] / p[..., 2] + self.cx, self.fy * p[..., 1] / p[..., 2] + self.cy], axis=-1)

    def deproject(
        self, u: NDArray[np.floating] | float, v: NDArray[np.floating] | float, depth_m: NDArray[np.floating] | float
    ) -> NDArray[np.float64]:
        """Pixels and depths [m] of one shape -> (..., 3) points in the camera frame [m]."""
        z = np.asarray(depth_m, dtype=np.float64)
        x = (np.asarray(u, dtype=np.float64) - self.cx) * z / self.fx
        y = (np.asarray(v, dtype=np.float64) - self.cy) * z / self.fy
        return np.stack([x, y, z], axis=-1)


@dataclass(frozen=True)
class Frame:
    """One look: depth, optional colour aligned to it, and which depths were really measured.

    Attributes:
        depth_m: (H, W) float32, metres along the optical axis; 0 where unknown (NaN is stored as 0).
        intrinsics: of ``depth_m`` (and of ``color``).
        color: (H, W, 3) uint8 RGB, or None.
        captured_at: when the frame reached us, on the monotonic clock [s].
        number: the device's frame counter.
    """

    depth_m: NDArray[np.float32]
    intrinsics: Intrinsics
    color: NDArray[np.uint8] | None = None
    captured_at: float = 0.0
    number: int = 0

    def __post_init__(self) -> None:
        depth = np.array(self.depth_m, dtype=np.float32)
        shape = (self.intrinsics.height, self.intrinsics.width)
        if depth.shape != shape:
            raise SettingsError(
                f"depth image has shape {depth.shape}, the intrinsics describe {shape}",
                "give the intrinsics that belong to this image",
            )
        depth[~np.isfinite(depth) | (depth < 0)] = 0.0
        if depth.any() and float(np.median(depth[depth > 0])) > MAX_DEPTH_M:
            raise SettingsError("depth values are above 10 m", "is the image in millimetres? depth must be in metres")
        depth.setflags(write=False)
        object.__setattr__(self, "depth_m", depth)
        if self.color is not None:
            color = np.array(self.color, dtype=np.uint8)
            if color.shape != (*shape, 3):
                raise SettingsError(f"colour image has shape {color.shape}, expected {(*shape, 3)}")
            color.setflags(write=False)
            object.__setattr__(self, "color", color)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """(H, W) True where the depth was measured."""
        return self.depth_m > MIN_DEPTH_M

    def points_camera(self) -> NDArray[np.float64]:
        """(H, W, 3) points in the camera frame [m]; the origin where the depth is unknown."""
        v, u = np.mgrid[0 : self.intrinsics.height, 0 : self.intrinsics.width]
        return self.intrinsics.deproject(u, v, self.depth_m)
