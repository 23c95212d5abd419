"""From the camera's frame to places in the base frame, and the second look after the lift."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.grasp import Grasp
from robot.frame import Frame, Intrinsics
from robot.geometry import Transform, apply
from robot.placement_settings import BoxSettings

SEEN_ABOVE_TABLE_M, STANDING_BELOW_M = 0.006, 0.28
LEAST_OBJECT_AREA_M2 = 80e-6
GONE_SHARE = 0.35
KNOWN_WITHIN_PX = 2


@dataclass(frozen=True)
class GraspInBase:
    """A grasp in the robot's base frame.

    Attributes:
        center_base_m: (3,) the point half-way between the pads' contacts.
        closing_base: (3,) horizontal unit vector along which the jaws close.
        width_m: opening before closing.
    """

    center_base_m: NDArray[np.float64]
    closing_base: NDArray[np.float64]
    width_m: float


@dataclass(frozen=True, eq=False)
class Look:
    """A frame, and where the camera was when it was taken.

    Attributes:
        frame: what was seen.
        T_base_camera: from where.
        region: (H, W) True where the table inside the workspace is seen, or would be.
    """

    frame: Frame
    T_base_camera: Transform
    region: NDArray[np.bool_]

    def standing(self, table_height_m: float) -> NDArray[np.bool_]:
        """See :func:`standing_on_table`."""
        return standing_on_table(self.frame, self.T_base_camera, table_height_m, self.region)


class Regions:
    """The workspace in the image, worked out anew only when the camera has moved or changed."""

    def __init__(self, workspace: BoxSettings, table_height_m: float) -> None:
        self._workspace = workspace
        self._table_height_m = table_height_m
        self._key: tuple[object, ...] | None = None
        self._region = np.zeros((0, 0), dtype=bool)

    def of(self, intrinsics: Intrinsics, T_base_camera: Transform) -> NDArray[np.bool_]:
        """See :func:`workspace_region`."""
        key = (intrinsics, np.round(T_base_camera, 5).tobytes())
        if key != self._key:
            self._key = key
            self._region = workspace_region(intrinsics, T_base_camera, self._workspace, self._table_height_m)
        return self._region


def grasp_in_base(grasp: Grasp, intrinsics: Intrinsics, T_base_camera: Transform) -> GraspInBase:
    """Carry an image grasp over into the base frame; the closing direction is laid into the horizontal."""
    center_camera = intrinsics.deproject(grasp.u, grasp.v, grasp.depth_m)
    direction_camera = np.array([math.cos(grasp.angle_rad), math.sin(grasp.angle_rad), 0.0])
    direction_base = T_base_camera[:3, :3] @ direction_camera
    direction_base[2] = 0.0
    return GraspInBase(
        center_base_m=apply(T_base_camera, center_camera),
        closing_base=direction_base / np.linalg.norm(direction_base),
        width_m=grasp.width_m,
    )


def on_known_depth(grasp: Grasp, frame: Frame) -> bool:
    """Whether depth was measured at the grasp's centre, or right beside it."""
    u, v, near = round(grasp.u), round(grasp.v), KNOWN_WITHIN_PX
    if not (0 <= u < frame.intrinsics.width and 0 <= v < frame.intrinsics.height):
        return False
    return bool(frame.valid[max(v - near, 0) : v + near + 1, max(u - near, 0) : u + near + 1].any())


def workspace_region(
    intrinsics: Intrinsics, T_base_camera: Transform, workspace: BoxSettings, table_height_m: float
) -> NDArray[np.bool_]:
    """(H, W) True where a pixel's ray meets the table inside the workspace."""
    v, u = np.mgrid[0 : intrinsics.height, 0 : intrinsics.width]
    rays_base = intrinsics.deproject(u, v, np.ones(u.shape)) @ T_base_camera[:3, :3].T
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = (table_height_m - T_base_camera[2, 3]) / rays_base[..., 2]
        at_table = T_base_camera[:2, 3] + rays_base[..., :2] * scale[..., None]
    low, high = np.array(workspace.min_m[:2]), np.array(workspace.max_m[:2])
    return np.asarray((scale > 0) & np.all((at_table >= low) & (at_table <= high), axis=-1))


def standing_on_table(
    frame: Frame, T_base_camera: Transform, table_height_m: float, region: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(H, W) True where something inside ``region`` stands on the table; what is higher hangs in the gripper."""
    height_m = apply(T_base_camera, frame.points_camera())[..., 2] - table_height_m
    standing = (height_m > SEEN_ABOVE_TABLE_M) & (height_m < STANDING_BELOW_M)
    above = (region & frame.valid & standing).astype(np.uint8)
    cleaned = cv2.morphologyEx(above, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(cleaned, dtype=np.bool_)


def object_left(before: NDArray[np.bool_], after: NDArray[np.bool_], frame: Frame) -> bool | None:
    """Whether what stood on the table has gone, by two masks of :func:`standing_on_table`.

    Returns:
        None when too little was seen before the grasp to tell.
    """
    if not _is_something(before, frame):
        return None
    return bool(after.sum() < GONE_SHARE * before.sum())


def object_stands(before: NDArray[np.bool_], after: NDArray[np.bool_], frame: Frame) -> bool | None:
    """Whether something stands on the table after it was put back, however it lies; masks as for :func:`object_left`.

    Returns:
        None when too little was seen before the grasp to tell.
    """
    return _is_something(after, frame) if _is_something(before, frame) else None


def _is_something(standing: NDArray[np.bool_], frame: Frame) -> bool:
    depth_m = float(np.median(frame.depth_m[frame.valid])) if frame.valid.any() else 1.0
    pixel_area_m2 = (depth_m / frame.intrinsics.fx) ** 2
    return bool(standing.sum() * pixel_area_m2 >= LEAST_OBJECT_AREA_M2)
