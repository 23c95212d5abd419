"""What of a frame a network is shown that proposes places, and its places as grasps in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from detectors.antipodal.settings import AntipodalSettings
from detectors.fcn.heights import height_map, metric_scale, shown
from detectors.fcn.peaks import Peaks
from detectors.fcn.reach import Surface, reach
from detectors.fcn.settings import STEP_M, WIDTH_UNIT_PX
from detectors.fcn.views import Matrix, inverse, warp
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import is_robust
from detectors.grasp import Grasp
from detectors.oneshot.looking import Images, camera_row
from robot.frame import Frame
from robot.gripper_geometry import STROKE_M

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEAST_PX = 128
_STANDS_M, _TALLEST_M = 0.005, AntipodalSettings.max_height_m
_AROUND_PX, _MOST_PX = 48, 1600
_ON_IT_PX = 9
_SMALLEST_OPENING_M = 0.010
_FULL = 0.97
_ROUNDS = 2
_LEAST_SEEN = 0.4


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network is shown of a frame.

    Attributes:
        heights: (h, w) of the view, in units of 4 cm.
        matrix: (2, 3) from pixels of the frame to pixels of the view.
        allowed: (h, w) where a grasp may lie: in the region, on measured depth, on or beside what stands.
        surface: all of the frame.
        table_depth_m: depth at which the view's metres hold.
    """

    heights: Float
    matrix: Matrix
    allowed: Mask
    surface: Surface
    table_depth_m: float


def see(frame: Frame, filled_m: Float, table: Float, region: Mask | None, *, least_px: int = LEAST_PX) -> Seen | None:
    """Lay a view over all that stands on the table where a grasp may be; None where nothing does.

    Args:
        frame: what the camera saw.
        filled_m: (H, W) its depth without holes [m].
        table: (10,) as in ``detectors.oneshot.looking.Images``.
        region: (H, W) where a grasp centre may lie; None allows the whole image.
        least_px: no side of the view is shorter.
    """
    K = frame.intrinsics
    height_m, table_depth_m = height_map(filled_m, np.array(camera_row(K), np.float32), table)
    usable = frame.valid if region is None else frame.valid & region
    stands = _standing(height_m)
    rows, columns = (np.flatnonzero((stands & usable).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return None
    scale = np.array([metric_scale(table_depth_m, focal) for focal in (K.fx, K.fy)])
    low, high = np.array([columns[0], rows[0]]) * scale, np.array([columns[-1], rows[-1]]) * scale
    size = np.clip(np.ceil((high - low + 2 * _AROUND_PX) / 16) * 16, least_px, _MOST_PX).astype(int)
    matrix = np.column_stack([np.diag(scale), (size - 1) / 2 - (low + high) / 2])
    shape = (int(size[1]), int(size[0]))
    surface = Surface(filled_m, height_m, frame.valid, K)
    heights = warp(shown(height_m), matrix, shape)
    return Seen(heights, matrix, _allowed(usable, stands, matrix, shape), surface, table_depth_m)


def _standing(height_m: Float) -> Mask:
    """(H, W) where something stands on the table that is no part of the cell; what is not two pixels broad is noise."""
    stands = (height_m > _STANDS_M) & (height_m < _TALLEST_M)
    return np.asarray(cv2.morphologyEx(stands.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)) > 0)


def _allowed(usable: Mask, stands: Mask, matrix: Matrix, shape: tuple[int, int]) -> Mask:
    """(h, w) where a grasp's pixel, rounded as whoever checks it will, is usable and on or beside what stands."""
    near = cv2.dilate(stands.astype(np.uint8), np.ones((_ON_IT_PX, _ON_IT_PX), np.uint8)).astype(bool)
    columns, rows = (
        np.rint((np.arange(shape[1 - axis]) - matrix[axis, 2]) / matrix[axis, axis]).astype(np.intp) for axis in (0, 1)
    )
    allowed = np.zeros(shape, dtype=bool)
    inside = np.ix_(*((place >= 0) & (place < size) for place, size in zip((rows, columns), usable.shape, strict=True)))
    seen = (usable & near)[np.ix_(np.clip(rows, 0, usable.shape[0] - 1), np.clip(columns, 0, usable.shape[1] - 1))]
    allowed[inside] = seen[inside]
    return allowed


def as_grasps(peaks: Peaks, seen: Seen, images: Images, *, wary: bool = False) -> tuple[GraspArrays, NDArray[np.intp]]:
    """(K) peaks of a view as grasps in the image, and their order: those over unknown ground come last.

    Args:
        peaks: best first.
        seen: the view.
        images: the frame.
        wary: those that the depth says can hold nothing come behind the others, too.
    """
    places = np.column_stack([peaks.columns, peaks.rows, np.ones(len(peaks))]).astype(np.float64)
    pixels = places @ inverse(seen.matrix).T
    rays = np.stack(images.rays(torch.from_numpy(pixels)[None]), axis=-1)[0].astype(np.float64)
    at_table_m = np.maximum(peaks.width.astype(np.float64) * WIDTH_UNIT_PX * STEP_M, _SMALLEST_OPENING_M)
    nearest = np.rint(pixels).astype(np.intp)
    depth_m = seen.surface.depth_m[nearest[:, 1], nearest[:, 0]].astype(np.float64)
    for _ in range(_ROUNDS):  # where a pixel lies depends on how far away its grasp is, and that on what is around it
        # The map counts in pixels, which are fewer millimetres nearer to the camera; its 1 is the whole stroke or more.
        opening = np.where(
            peaks.width >= _FULL, STROKE_M, np.minimum(at_table_m * depth_m / seen.table_depth_m, STROKE_M)
        )
        found = [
            reach(seen.surface, ray * depth, float(angle), float(width))
            for ray, depth, angle, width in zip(rays, depth_m, peaks.angle_rad, opening, strict=True)
        ]
        height = torch.tensor([[one.height_m for one in found]], dtype=torch.float32)
        depth_m = images.depth_at(torch.from_numpy(pixels).float()[None], height)[0].numpy().astype(np.float64)
    width_m = np.array([one.width_m for one in found])
    order = np.argsort([one.seen < _LEAST_SEEN or (wary and not one.engages) for one in found], kind="stable")
    return GraspArrays(pixels[:, 0], pixels[:, 1], depth_m, peaks.angle_rad.astype(np.float64), width_m), order


def as_grasp(found: GraspArrays, index: int, quality: float, robust: float) -> Grasp:
    """One of them; ``robust`` is the metric's probability."""
    u, v, depth, angle, width = (
        float(column[index]) for column in (found.u, found.v, found.depth_m, found.angle_rad, found.width_m)
    )
    return Grasp(u, v, depth, math.remainder(angle, math.pi), width, quality, is_robust(robust))
