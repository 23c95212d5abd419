"""``fcn`` and ``ggcnn``: from a camera's frame through grasp maps to grasps."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from detectors.antipodal.detector import NO_DEPTH, NO_TABLE, NOT_ALLOWED, NOTHING_THERE
from detectors.antipodal.settings import AntipodalSettings
from detectors.antipodal.table import fit_table
from detectors.fcn import ggcnn_weights_file, weights_file
from detectors.fcn.heights import height_map, metric_scale, shown
from detectors.fcn.maps import Maps
from detectors.fcn.peaks import Peaks, find_peaks
from detectors.fcn.picture import draw_maps
from detectors.fcn.reach import Surface, reach
from detectors.fcn.settings import QUALITY_THRESHOLD, STEP_M, WIDTH_UNIT_PX
from detectors.fcn.views import Matrix, inverse, warp
from detectors.fcn.weights import MapNetwork, load_weights
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.gqcnn.metric import RobustnessMetric, is_robust, load_metric
from detectors.gqcnn.network import one_thread
from detectors.grasp import Detection, Grasp
from detectors.inpainting import fill_holes
from detectors.oneshot.looking import Images, camera_row, table_row
from detectors.overlay import draw_grasps
from detectors.warming_up import bar_on_a_table
from robot.errors import SettingsError
from robot.frame import Frame
from robot.gripper_geometry import STROKE_M

Float = NDArray[np.float32]
Mask = NDArray[np.bool_]

TABLE_POINTS = 600
_STANDS_M, _TALLEST_M = 0.005, AntipodalSettings.max_height_m
_AROUND_PX, _LEAST_PX, _MOST_PX = 48, 128, 1600
_ON_IT_PX = 9
_SMALLEST_OPENING_M = 0.010
_FULL = 0.97
_ROUNDS = 2
_SPARE = 4
_LEAST_SEEN, _LEAST_QUALITY = 0.4, 0.1
NO_PLACE = "no place on the quality map is good enough, or none that may be grasped at was measured"


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


class MapDetector:
    """A detector around a network that gives grasp maps.

    The grasps' quality is that of the map, and it alone orders them; GQ-CNN is asked whether they are robust, which is
    what a benchmark counts and what a fallback waits for.

    Args:
        name: the detector's name.
        network: trained, in evaluation mode.
        metric: says what is robust.
        weights_path: the file that the network came from.

    Attributes:
        parameter_count, weights_path: of the network.

    Raises:
        SettingsError: the network sees colour.
    """

    def __init__(self, name: str, network: MapNetwork, metric: RobustnessMetric, weights_path: Path | None = None):
        if network.config.channels != 1:
            raise SettingsError(
                f"{weights_path}: these weights see colour, and a grasp in metres needs depth",
                "train with --input depth; how well colour does, python -m detectors.crossvalidate --input color tells",
            )
        self.name, self.network, self._metric = name, network, metric
        self.parameter_count, self.weights_path = network.parameter_count, weights_path

    def detect(self, frame: Frame, *, top: int = 1, region: Mask | None = None, seed: int = 0) -> Detection:
        """Propose up to ``top`` local maxima of the quality map; see ``detectors.registry.Detector``.

        Those after the first only above the paper's object-wise threshold, 0.2; the first down to 0.1.
        """
        started = time.perf_counter()
        if not frame.valid.any():
            return Detection((), _ms_since(started), reason=NO_DEPTH)
        before_filling = time.perf_counter()
        filled = fill_holes(frame.depth_m, frame.valid)
        inpaint_ms = _ms_since(before_filling)
        grasps, reason = self._grasps(frame, filled, region, top, seed)
        return Detection(grasps, max(_ms_since(started) - inpaint_ms, 0.0), inpaint_ms, reason)

    def maps(self, heights: Float) -> Maps:
        """Grasp maps (1, h, w) of a view's heights (h, w), in units of 4 cm."""
        image = torch.from_numpy(heights)[None, None].contiguous(memory_format=torch.channels_last)
        with torch.inference_mode(), one_thread():
            found: Maps = self.network(image)
        return found

    def draw(self, frame: Frame, grasps: Sequence[Grasp], seed: int = 0) -> NDArray[np.uint8]:
        """(H, W, 3) RGB: the grasps on what the camera saw, and the maps that they came from, where there are any."""
        overlay = draw_grasps(frame, grasps)
        if not frame.valid.any():
            return overlay
        table = fit_table(frame, np.random.default_rng(seed), TABLE_POINTS)
        filled = fill_holes(frame.depth_m, frame.valid)
        seen = None if table is None else see(frame, filled, table_row(table), None)
        return overlay if seen is None else draw_maps(overlay, seen.heights, self.maps(seen.heights))

    def _grasps(
        self, frame: Frame, filled: Float, region: Mask | None, top: int, seed: int
    ) -> tuple[tuple[Grasp, ...], str]:
        table = fit_table(frame, np.random.default_rng(seed), TABLE_POINTS)
        if table is None:
            return (), NO_TABLE
        if region is not None and not (region & frame.valid).any():
            return (), NOT_ALLOWED
        seen = see(frame, filled, table_row(table), region)
        if seen is None:
            return (), NOTHING_THERE
        if not seen.allowed.any():
            return (), NOT_ALLOWED
        # A few more than asked for: some may turn out to have unknown ground under their fingers.
        peaks = find_peaks(self.maps(seen.heights), top + _SPARE, QUALITY_THRESHOLD, seen.allowed)
        peaks = peaks.take(peaks.quality >= _LEAST_QUALITY)
        if len(peaks) == 0:
            return (), NO_PLACE
        found, order = as_grasps(peaks, seen, Images.of(filled, frame.intrinsics, table))
        found, quality = found.take(order[:top]), peaks.quality[order[:top]]
        robust = self._metric.quality_in(filled, frame.intrinsics, found)
        return tuple(_grasp(found, i, float(quality[i]), float(robust[i])) for i in range(len(found))), ""


def see(frame: Frame, filled_m: Float, table: Float, region: Mask | None) -> Seen | None:
    """Lay a view over all that stands on the table where a grasp may be; None where nothing does.

    Args:
        frame: what the camera saw.
        filled_m: (H, W) its depth without holes [m].
        table: (10,) as in ``detectors.oneshot.looking.Images``.
        region: (H, W) where a grasp centre may lie; None allows the whole image.
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
    size = np.clip(np.ceil((high - low + 2 * _AROUND_PX) / 16) * 16, _LEAST_PX, _MOST_PX).astype(int)
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


def as_grasps(peaks: Peaks, seen: Seen, images: Images) -> tuple[GraspArrays, NDArray[np.intp]]:
    """(K) peaks of a view as grasps in the image, and their order: those over unknown ground come last."""
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
    order = np.argsort([one.seen < _LEAST_SEEN for one in found], kind="stable")
    return GraspArrays(pixels[:, 0], pixels[:, 1], depth_m, peaks.angle_rad.astype(np.float64), width_m), order


def _grasp(found: GraspArrays, index: int, quality: float, robust: float) -> Grasp:
    u, v, depth, angle, width = (
        float(column[index]) for column in (found.u, found.v, found.depth_m, found.angle_rad, found.width_m)
    )
    return Grasp(u, v, depth, math.remainder(angle, math.pi), width, quality, is_robust(robust))


def make_default() -> MapDetector:
    """``fcn`` with the network that the program ships."""
    return make_with_weights(weights_file.SHIPPED, load_metric())


def make_default_ggcnn() -> MapDetector:
    """``ggcnn`` with the network that the program ships."""
    return make_ggcnn_with_weights(ggcnn_weights_file.SHIPPED, load_metric())


def make_with_weights(path: Path, metric: RobustnessMetric) -> MapDetector:
    """``fcn`` with the weights in a file.

    Raises:
        SettingsError: the file is missing, damaged or another detector's.
    """
    return _made("fcn", path, metric)


def make_ggcnn_with_weights(path: Path, metric: RobustnessMetric) -> MapDetector:
    """``ggcnn`` with the weights in a file. Raises as ``make_with_weights``."""
    return _made("ggcnn", path, metric)


def _made(name: str, path: Path, metric: RobustnessMetric) -> MapDetector:
    detector = MapDetector(name, load_weights(path, name), metric, path)
    detector.detect(bar_on_a_table(), top=2)
    return detector


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * 1e3
