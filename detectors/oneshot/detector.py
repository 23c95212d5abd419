"""From a camera's frame through a one-shot network to grasps: what all of them do before and after the network."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.antipodal.detector import NO_DEPTH, NO_TABLE, NOT_ALLOWED, NOTHING_THERE, pick_different
from detectors.antipodal.settings import AntipodalSettings
from detectors.antipodal.table import Table, fit_table
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import RobustnessMetric, is_robust
from detectors.gqcnn.network import one_thread
from detectors.grasp import Detection, Grasp
from detectors.inpainting import fill_holes
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.looking import HEIGHT_UNIT_M, Images, Views, see
from detectors.oneshot.settings import FAR_PX, FAR_STEP_M
from robot.frame import Frame, Intrinsics

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]

CELL_PX = 4
TABLE_POINTS = 600
_MULTIPLE_PX, _LARGEST_PX = 16, 512
_STANDS_M = 0.005
_COARSE_M, _AROUND_M = 0.005, 0.06
_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.uint8)
_TALLEST_M = AntipodalSettings.max_height_m
MOST_GRASPS = 3


class OneShotNetwork(Protocol):
    """A trained network that proposes grasps in one pass.

    Attributes:
        any_size: whether its first view may have any number of rows and columns, multiples of 16; else 128 x 128.
        parameter_count: how many numbers it learnt.
    """

    any_size: bool
    parameter_count: int

    def propose(self, looked: Looked, count: int) -> GraspBatch:
        """Up to ``count`` grasps (1, K) in one image, best first."""
        ...


@dataclass(frozen=True, eq=False)
class Looked:
    """One image, and where its first view lies.

    Attributes:
        images: one.
        views: (1, 1).
        shape: rows and columns of the first view.
        far: (1, 1, rows, columns) what it shows, as heights in units of 4 cm.
        allowed: (rows / 4, columns / 4) where a grasp may be: inside the region, on depth that was measured, and on
            nothing so tall that it is a part of the cell.
    """

    images: Images
    views: Views
    shape: tuple[int, int]
    far: Tensor
    allowed: NDArray[np.bool_]

    @property
    def something_there(self) -> bool:
        """Whether anything stands above the table where a grasp may be."""
        cells = self.far[0, 0].reshape(self.allowed.shape[0], CELL_PX, self.allowed.shape[1], CELL_PX).amax((1, 3))
        return bool((cells.numpy()[self.allowed] * HEIGHT_UNIT_M > _STANDS_M).any())


class OneShotDetector:
    """A detector around a one-shot network.

    Args:
        name: the detector's name.
        network: trained, in evaluation mode.
        metric: GQ-CNN's word becomes the grasps' quality; it does not choose among them.
        weights_path: the file that the network came from.

    Attributes:
        parameter_count, weights_path: of the network.
    """

    def __init__(
        self, name: str, network: OneShotNetwork, metric: RobustnessMetric, weights_path: Path | None = None
    ) -> None:
        self.name, self.network, self._metric = name, network, metric
        self.parameter_count, self.weights_path = network.parameter_count, weights_path

    def detect(self, frame: Frame, *, top: int = 1, region: Mask | None = None, seed: int = 0) -> Detection:
        """Propose a grasp, or up to three different ones; see ``detectors.registry.Detector``.

        A grasp is proposed even when it is not robust: whoever asked decides what to do with it.
        """
        started = time.perf_counter()
        if not frame.valid.any():
            return Detection((), _ms_since(started), reason=NO_DEPTH)
        before_filling = time.perf_counter()
        filled = fill_holes(frame.depth_m, frame.valid)
        inpaint_ms = _ms_since(before_filling)
        with one_thread():
            grasps, reason = self._grasps(frame, filled, region, min(top, MOST_GRASPS), seed)
        return Detection(grasps, max(_ms_since(started) - inpaint_ms, 0.0), inpaint_ms, reason)

    def looked(self, frame: Frame, filled_m: Float, region: Mask | None, seed: int) -> Looked | None:
        """Where the network looks in a frame whose holes are filled (H, W) [m]; None where no table is seen."""
        table = fit_table(frame, np.random.default_rng(seed), TABLE_POINTS)
        return None if table is None else look(frame, filled_m, table, region, any_size=self.network.any_size)

    def _grasps(
        self, frame: Frame, filled: Float, region: Mask | None, count: int, seed: int
    ) -> tuple[tuple[Grasp, ...], str]:
        looked = self.looked(frame, filled, region, seed)
        if looked is None:
            return (), NO_TABLE
        if not looked.allowed.any():
            return (), NOT_ALLOWED
        if not looked.something_there:
            return (), NOTHING_THERE
        with torch.inference_mode():
            found = self._usable(looked, count, frame, region)
            solid = _solid(found, looked, frame)
            if (len(found) == 0 or not solid.all()) and count < MOST_GRASPS:
                found = self._usable(looked, MOST_GRASPS, frame, region)
                solid = _solid(found, looked, frame)
            # As the antipodal sampler, rather not across a hollow: what holds there is hard to judge from above.
            found = found.take(solid if solid.any() else slice(None)).take(slice(0, count))
        if len(found) == 0:
            return (), NOT_ALLOWED
        quality = self._metric.quality_in(filled, frame.intrinsics, found)
        return tuple(_grasp(found, index, float(quality[index])) for index in range(len(found))), ""

    def _usable(self, looked: Looked, count: int, frame: Frame, region: Mask | None) -> GraspArrays:
        found = as_arrays(self.network.propose(looked, count))
        return found.take(_different(found, frame, region))


def look(frame: Frame, filled_m: Float, table: Table, region: Mask | None, *, any_size: bool = True) -> Looked:
    """Lay the first view over all that stands on the table where a grasp may be.

    What is bare need not be looked at closely, which saves most of the time of a network whose view may be of any size.

    Args:
        frame: what the camera saw.
        filled_m: (H, W) its depth without holes [m].
        table: under the objects.
        region: (H, W) where a grasp centre may lie; None allows the whole image.
        any_size: whether the view may be as large as it needs, or is 128 x 128 about the middle.
    """
    images = Images.of(filled_m, frame.intrinsics, table)
    low, high = _around_what_stands(images, frame, region)
    middle = torch.tensor([[((low + high) / 2).tolist()]], dtype=torch.float32)
    views = Views(middle, torch.eye(2).expand(1, 1, 2, 2), images.table_depth(middle))
    scale = images.camera[0, :2].numpy() / float(views.distance_m)
    shape = _shape((high - low + 1) / scale) if any_size else (FAR_PX, FAR_PX)
    with torch.inference_mode():
        far = see(images, views, shape, FAR_STEP_M)
    return Looked(images, views, shape, far, _allowed(images, views, shape, frame, region))


def as_arrays(grasps: GraspBatch) -> GraspArrays:
    """(1, K) grasps of one image; those that are no grasps (depth or width not positive, not finite) are left out."""
    table = torch.stack(
        [grasps.pixels[0, :, 0], grasps.pixels[0, :, 1], grasps.depth_m[0], grasps.angle_rad[0], grasps.width_m[0]]
    )
    columns = table.double().cpu().numpy()
    good = np.isfinite(columns).all(axis=0) & (columns[2] > 0) & (columns[4] > 0)
    return GraspArrays(*columns[:, good])


def _around_what_stands(
    images: Images, frame: Frame, region: Mask | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last pixel (u, v) about all that stands where a grasp may be; of all such places where nothing does."""
    low, high = _bounds(frame.intrinsics, region)
    distance_m = float(images.table_depth(torch.from_numpy(((low + high) / 2)[None, None]).float()))
    px_per_m = np.array([frame.intrinsics.fx, frame.intrinsics.fy]) / distance_m
    step = np.maximum(_COARSE_M * px_per_m, 1.0)
    u, v = np.meshgrid(np.arange(low[0], high[0] + 1, step[0]), np.arange(low[1], high[1] + 1, step[1]))
    height_m = _heights(images, frame, u, v)
    standing = _inside(u, v, frame, region) & (height_m > _STANDS_M) & (height_m < _TALLEST_M)
    beside = cv2.filter2D(standing.astype(np.uint8), -1, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT)
    standing &= beside > 0  # a lone one is the camera's noise
    if not standing.any():
        return low, high
    around = _AROUND_M * px_per_m
    first = np.array([u[standing].min(), v[standing].min()]) - around
    last = np.array([u[standing].max(), v[standing].max()]) + around
    return np.maximum(first, low), np.minimum(last, high)


def _heights(images: Images, frame: Frame, u: NDArray[np.floating], v: NDArray[np.floating]) -> NDArray[np.float32]:
    """(rows, columns) heights above the table [m] of what was measured nearest to pixels."""
    pixels = torch.from_numpy(np.stack([u, v], axis=-1).astype(np.float32))[None, None]
    depth_m = torch.from_numpy(_nearest(frame.depth_m, u, v))[None, None]
    return np.asarray(images.height_m(pixels, depth_m)[0, 0].numpy())


def _bounds(K: Intrinsics, region: Mask | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last pixel (u, v) of the region, or of the image where there is none or it is empty."""
    if region is None or not region.any():
        return np.zeros(2), np.array([K.width - 1.0, K.height - 1.0])
    columns, rows = np.flatnonzero(region.any(axis=0)), np.flatnonzero(region.any(axis=1))
    return np.array([columns[0], rows[0]], float), np.array([columns[-1], rows[-1]], float)


def _shape(extent_m: NDArray[np.float64]) -> tuple[int, int]:
    """Rows and columns, multiples of 16, that cover (width, height) [m]."""
    px = np.ceil(extent_m / FAR_STEP_M / _MULTIPLE_PX) * _MULTIPLE_PX
    columns, rows = np.clip(px, _MULTIPLE_PX, _LARGEST_PX).astype(int)
    return int(rows), int(columns)


def _allowed(images: Images, views: Views, shape: tuple[int, int], frame: Frame, region: Mask | None) -> Mask:
    rows, columns = shape[0] // CELL_PX, shape[1] // CELL_PX
    step = CELL_PX * FAR_STEP_M
    y, x = torch.meshgrid(
        (torch.arange(rows) - (rows - 1) / 2) * step, (torch.arange(columns) - (columns - 1) / 2) * step, indexing="ij"
    )
    pixels = views.pixels(images, torch.stack([x, y], dim=-1)[None, None])
    u, v = pixels[0, 0].numpy()[..., 0], pixels[0, 0].numpy()[..., 1]
    return np.asarray(_inside(u, v, frame, region) & (_heights(images, frame, u, v) < _TALLEST_M))


def _nearest(image: Float, u: NDArray[np.floating], v: NDArray[np.floating]) -> Float:
    """The image's values at pixels, those beyond its edge at the edge."""
    row = np.clip(np.rint(v).astype(np.intp), 0, image.shape[0] - 1)
    column = np.clip(np.rint(u).astype(np.intp), 0, image.shape[1] - 1)
    return np.asarray(image[row, column])


def _solid(grasps: GraspArrays, looked: Looked, frame: Frame) -> Mask:
    """(n,) whether something stands right under the middle."""
    if len(grasps) == 0:
        return np.zeros(0, dtype=bool)
    return np.asarray(_heights(looked.images, frame, grasps.u[None], grasps.v[None])[0] > _STANDS_M)


def _different(grasps: GraspArrays, frame: Frame, region: Mask | None) -> NDArray[np.intp]:
    """Those whose centres may be grasped at and that differ from the ones before them in place or direction."""
    usable = _inside(grasps.u, grasps.v, frame, region)
    focal = np.array([frame.intrinsics.fx, frame.intrinsics.fy])
    centre = np.stack([grasps.u, grasps.v], axis=1) * grasps.depth_m[:, None] / focal
    axis = np.stack([np.cos(grasps.angle_rad), np.sin(grasps.angle_rad)], axis=1)
    order = np.arange(len(grasps))
    return np.array(pick_different(centre, axis, order, len(grasps), lambda index: bool(usable[index])), dtype=np.intp)


def _inside(u: NDArray[np.floating], v: NDArray[np.floating], frame: Frame, region: Mask | None) -> Mask:
    """Where pixels lie in the image, on depth that was measured, and in the region."""
    K = frame.intrinsics
    row, column = np.rint(v).astype(np.intp), np.rint(u).astype(np.intp)
    ok = (row >= 0) & (row < K.height) & (column >= 0) & (column < K.width)
    row, column = np.clip(row, 0, K.height - 1), np.clip(column, 0, K.width - 1)
    return np.asarray(ok & frame.valid[row, column] & (True if region is None else region[row, column]))


def _grasp(found: GraspArrays, index: int, quality: float) -> Grasp:
    u, v, depth, angle, width = (
        float(column[index]) for column in (found.u, found.v, found.depth_m, found.angle_rad, found.width_m)
    )
    return Grasp(u, v, depth, math.remainder(angle, math.pi), width, quality, is_robust(quality))


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1e3
