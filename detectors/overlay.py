"""Grasps drawn on what the camera saw."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.grasp import Grasp
from robot.frame import Frame, Intrinsics
from robot.gripper_geometry import PAD_THICKNESS_M, PAD_WIDTH_M

_BEST, _OTHER = (255, 255, 255), (255, 120, 0)
_SHADOW = (0, 0, 0)


def draw_grasps(frame: Frame, grasps: Sequence[Grasp]) -> NDArray[np.uint8]:
    """(H, W, 3) RGB: the colour image, or the depth in colours where there is none, with the grasps on it.

    Each grasp is drawn as the two open pads in their true size and the closing direction between them; the first
    (best) is white and on top.
    """
    image = np.array(frame.color, dtype=np.uint8) if frame.color is not None else colored_depth(frame)
    for index in reversed(range(len(grasps))):
        _draw(image, grasps[index], frame.intrinsics, _BEST if index == 0 else _OTHER)
    return image


def colored_depth(frame: Frame) -> NDArray[np.uint8]:
    """(H, W, 3) RGB picture of the depth, near is warm; black where it is unknown."""
    if not frame.valid.any():
        return np.zeros((*frame.depth_m.shape, 3), dtype=np.uint8)
    near, far = np.percentile(frame.depth_m[frame.valid], [1.0, 99.0])
    share = np.clip((far - frame.depth_m) / max(float(far - near), 1e-3), 0.0, 1.0)
    picture = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[:, :, ::-1]
    return np.ascontiguousarray(np.where(frame.valid[..., None], picture, 0), dtype=np.uint8)


def _draw(image: NDArray[np.uint8], grasp: Grasp, intrinsics: Intrinsics, color: tuple[int, int, int]) -> None:
    scale = intrinsics.fx / grasp.depth_m
    along = np.array([math.cos(grasp.angle_rad), math.sin(grasp.angle_rad)])
    across = np.array([-along[1], along[0]]) * PAD_WIDTH_M / 2 * scale
    centre = np.array([grasp.u, grasp.v])
    half, outer = grasp.width_m / 2 * scale, (grasp.width_m / 2 + PAD_THICKNESS_M) * scale
    for shade, thickness in ((_SHADOW, 3), (color, 1)):
        _polyline(image, [centre - half * along, centre + half * along], shade, thickness, closed=False)
        for side in (-1.0, 1.0):
            inner_edge, outer_edge = centre + side * half * along, centre + side * outer * along
            corners = [inner_edge - across, inner_edge + across, outer_edge + across, outer_edge - across]
            _polyline(image, corners, shade, thickness, closed=True)
    cv2.circle(image, _pixel(centre), 2, color, -1, cv2.LINE_AA)


def _polyline(
    image: NDArray[np.uint8],
    points: list[NDArray[np.float64]],
    color: tuple[int, int, int],
    thickness: int,
    closed: bool,
) -> None:
    fixed = np.rint(np.array(points) * 16).astype(np.int32)
    cv2.polylines(image, [fixed], closed, color, thickness, cv2.LINE_AA, shift=4)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
