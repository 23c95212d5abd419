"""The scene from above: a metric height map over the table, its objects, and what is not known.

The map is orthographic along the optical axis, so that a finger that comes down along this axis meets exactly the
cells below it; in the image itself the sides of tall objects and their shadows would stand in its way.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.settings import AntipodalSettings
from detectors.antipodal.table import Table
from robot.frame import Frame

Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MAX_CELLS = 1_000_000
_FLYING_M = 0.006  # a pixel that hangs this far both above and below its neighbours was measured on neither
_CRUMB_M, _CRUMB_M2 = 0.030, 600e-6  # small patches this near to a part of the cell were torn off it by its shadow
_HOLE_M = 0.006  # a hole up to this size does not tear an object apart


@dataclass(frozen=True)
class Objects:
    """What stands on the table, one entry for each connected patch.

    Attributes:
        labels: (H, W) int32, 0 = table or unknown, otherwise index + 1.
        centre_m: (n, 2) centres of volume in the camera's x, y [m].
        graspable: (n,) True where the patch is seen whole and is no part of the cell.
    """

    labels: NDArray[np.int32]
    centre_m: NDArray[np.float64]
    graspable: Mask


@dataclass(frozen=True)
class Scene:
    """Orthographic height map: cell (row, column) lies at x = origin_m[0] + column * cell_m, y likewise with row.

    Attributes:
        height_m: (H, W) float32 heights above the table; holes are closed with their lower rim.
        known: (H, W) True where at least one pixel was measured.
        hole: (H, W) True where the sensor gave no reading; other unknown cells lie in an object's shadow.
        object_height_m: what rises above this is an object.
        clear_height_m: what stays below this is bare table, as far as the noise lets one see.
        objects: the patches above the table.
        table: the plane under them.
    """

    height_m: Map
    known: Mask
    hole: Mask
    cell_m: float
    origin_m: tuple[float, float]
    object_height_m: float
    clear_height_m: float
    objects: Objects
    table: Table

    def cells(self, points_m: NDArray[np.floating]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """(..., 2) points in the camera's x, y [m] -> rows and columns of the nearest cells, clipped to the map."""
        scaled = np.rint((points_m - np.asarray(self.origin_m, dtype=points_m.dtype)) / self.cell_m).astype(np.intp)
        rows, columns = self.height_m.shape
        return np.clip(scaled[..., 1], 0, rows - 1), np.clip(scaled[..., 0], 0, columns - 1)

    def points_m(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> NDArray[np.float64]:
        """Cells -> (..., 2) points in the camera's x, y [m]."""
        return np.stack([self.origin_m[0] + columns * self.cell_m, self.origin_m[1] + rows * self.cell_m], axis=-1)


@dataclass(frozen=True)
class _Grid:
    """Where the map lies: what carries pixels over into cells."""

    low: NDArray[np.float64]
    cell_m: float
    shape: tuple[int, int]

    def flat_index(self, x_m: Map, y_m: Map) -> tuple[NDArray[np.intp], Mask]:
        """Positions [m] of one shape -> flat cell indices of those inside, and which are inside."""
        column = np.rint((x_m - self.low[0]) / self.cell_m).astype(np.int32)
        row = np.rint((y_m - self.low[1]) / self.cell_m).astype(np.int32)
        inside = (column >= 0) & (column < self.shape[1]) & (row >= 0) & (row < self.shape[0])
        return (row[inside].astype(np.intp) * self.shape[1] + column[inside]), inside


def build_scene(frame: Frame, table: Table, settings: AntipodalSettings) -> Scene:
    """Carry every measured pixel over to the map and find the objects in it."""
    K, depth = frame.intrinsics, frame.depth_m
    x_over_z, y_over_z = np.meshgrid(
        ((np.arange(K.width) - K.cx) / K.fx).astype(np.float32),
        ((np.arange(K.height) - K.cy) / K.fy).astype(np.float32),
    )
    valid = frame.valid
    height = _smoothed(np.where(valid, table.height_m(x_over_z, y_over_z, depth), 0.0).astype(np.float32))
    on_table = _table_depth(table, x_over_z, y_over_z)
    grid = _make_grid(settings, on_table, x_over_z, y_over_z, K.fx)
    heights = _splat(grid, x_over_z * depth, y_over_z * depth, height, valid & ~_flying(height, valid))
    known = np.isfinite(heights)
    hole = np.zeros(grid.shape, dtype=bool)
    hole.flat[grid.flat_index((x_over_z * on_table)[~valid], (y_over_z * on_table)[~valid])[0]] = True
    hole &= ~known
    known |= ~hole & _surrounded(known)
    threshold = max(settings.min_height_m, 3.0 * table.noise_m)
    filled, clear = _calmed(_closed(heights, grid.cell_m), known, threshold, 6.0 * table.noise_m)
    origin = (float(grid.low[0]), float(grid.low[1]))
    objects = _find_objects(filled, known, (clear, threshold), grid, settings)
    return Scene(filled, known, hole, grid.cell_m, origin, threshold, clear, objects, table)


def _smoothed(height: Map) -> Map:
    return np.asarray(cv2.medianBlur(height, 3), dtype=np.float32)


def _flying(height: Map, valid: Mask) -> Mask:
    """Pixels that hang in the air between a near and a far neighbour."""
    kernel = np.ones((3, 3), np.uint8)
    lowest = cv2.erode(np.where(valid, height, np.float32(10.0)), kernel)
    highest = cv2.dilate(np.where(valid, height, np.float32(-10.0)), kernel)
    return np.asarray((height - lowest > _FLYING_M) & (highest - height > _FLYING_M))


def _table_depth(table: Table, x_over_z: Map, y_over_z: Map) -> Map:
    """Depth at which each pixel's ray meets the table [m]; rays that (nearly) miss it get the farthest useful one."""
    n = table.normal
    steepness = n[0] * x_over_z + n[1] * y_over_z + n[2]
    nearest = table.offset_m / n[2]
    depth = np.clip(table.offset_m / np.minimum(steepness, -1e-3), 0.0, 2.0 * nearest)
    return np.asarray(depth, dtype=np.float32)


def _make_grid(settings: AntipodalSettings, on_table: Map, x_over_z: Map, y_over_z: Map, fx: float) -> _Grid:
    """The part of the table in view, in cells no finer than what the pixels can fill."""
    x, y = x_over_z * on_table, y_over_z * on_table
    low, high = np.array([x.min(), y.min()], dtype=np.float64), np.array([x.max(), y.max()], dtype=np.float64)
    pitch = 1.1 * float(np.median(on_table)) / fx
    cell = max(settings.cell_m, pitch, float(np.sqrt(np.prod(high - low) / _MAX_CELLS)))
    columns, rows = np.ceil((high - low) / cell).astype(int) + 1
    return _Grid(low, cell, (int(rows), int(columns)))


def _splat(grid: _Grid, x_m: Map, y_m: Map, height: Map, valid: Mask) -> Map:
    """The highest point in every cell; minus infinity where there is none."""
    index, inside = grid.flat_index(x_m[valid], y_m[valid])
    values = height[valid][inside]
    heights = np.full(grid.shape[0] * grid.shape[1], -np.inf, dtype=np.float32)
    flat = values < 0.002  # on the table it hardly matters which of two points is kept, and assignment is fast
    heights[index[flat]] = values[flat]
    np.maximum.at(heights, index[~flat], values[~flat])
    return heights.reshape(grid.shape)


def _surrounded(known: Mask) -> Mask:
    """Unknown cells that most neighbours of are known: gaps of the sampling, not of the sensor."""
    neighbours = cv2.boxFilter(known.astype(np.float32), -1, (3, 3), normalize=False)
    return np.asarray(~known & (neighbours >= 5.0))


def _closed(heights: Map, cell_m: float) -> Map:
    """Heights with narrow gaps closed by their lower rim and everything else unknown laid on the table."""
    known = np.isfinite(heights)
    laid = np.where(known, heights, np.float32(0.0))
    size = 2 * int(np.ceil(_HOLE_M / cell_m / 2)) + 1
    closed = cv2.morphologyEx(laid, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    return np.where(known, laid, closed).astype(np.float32)


def _calmed(heights: Map, known: Mask, threshold_m: float, detail_m: float) -> tuple[Map, float]:
    """Smooth what is low, where noise hides thin things; and the height up to which the table then counts as bare [m].

    What stands higher than ``detail_m`` keeps its detail: a median would take the rim off a cup.
    """
    median = cv2.medianBlur(heights, 5)
    calm = np.where(heights < max(threshold_m, detail_m), median, heights).astype(np.float32)
    bare = calm[known & (calm < threshold_m) & (calm > -threshold_m)]
    if len(bare) == 0:
        return calm, threshold_m
    middle = float(np.median(bare[:: max(1, len(bare) // 20000)]))
    noise = 1.4826 * float(np.median(np.abs(bare[:: max(1, len(bare) // 20000)] - middle)))
    return calm, min(max(middle + 3.0 * noise + 0.0005, 0.0015), threshold_m)


def _find_objects(
    height: Map, known: Mask, thresholds_m: tuple[float, float], grid: _Grid, settings: AntipodalSettings
) -> Objects:
    """Patches that stay above the lower threshold and rise above the upper one over enough area."""
    clear, raised = thresholds_m
    count, patches = cv2.connectedComponents((height > clear).astype(np.uint8), connectivity=8)
    big = np.bincount(patches[height > raised], minlength=count) * grid.cell_m**2 >= settings.min_area_m2
    n = int(big.sum())
    renumber = np.zeros(count, dtype=np.int32)
    renumber[big] = np.arange(1, n + 1)
    labels = renumber[patches]
    rows, columns = np.nonzero(labels)
    ids, volume = labels[rows, columns], height[rows, columns].astype(np.float64)
    total = np.maximum(np.bincount(ids, volume, n + 1)[1:], 1e-12)
    centre = np.stack([np.bincount(ids, volume * at, n + 1)[1:] / total for at in (columns, rows)], axis=1)
    highest = np.zeros(n + 1)
    np.maximum.at(highest, ids, volume)
    foreign = highest > settings.max_height_m
    foreign[labels[_out_of_view(known, grid.cell_m)]] = True
    _add_crumbs(foreign, labels, grid.cell_m)
    return Objects(labels, grid.low + centre * grid.cell_m, ~foreign[1:])


def _add_crumbs(foreign: Mask, labels: NDArray[np.int32], cell_m: float) -> None:
    """Mark the small patches close to something larger that is no object."""
    foreign[0] = False
    crumb = np.bincount(labels.ravel(), minlength=len(foreign)) * cell_m**2 < _CRUMB_M2
    large = foreign & ~crumb
    if large.any():
        reach = 2 * int(np.ceil(_CRUMB_M / cell_m)) + 1
        near = cv2.dilate(large[labels].astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        beside = np.bincount(labels[near], minlength=len(foreign)) > 0
        foreign |= crumb & beside
        foreign[0] = False


def _out_of_view(known: Mask, cell_m: float) -> Mask:
    """Cells at the rim of what the camera saw: the image border, and unknown regions that reach it."""
    unknown = np.pad((~known).astype(np.uint8), 2, constant_values=1)
    unknown = cv2.morphologyEx(unknown, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, regions = cv2.connectedComponents(unknown, connectivity=4)
    outside = (regions == regions[0, 0]).astype(np.uint8)
    reach = 2 * int(np.ceil(0.004 / cell_m)) + 1
    return np.asarray(cv2.dilate(outside, np.ones((reach, reach), np.uint8))[2:-2, 2:-2] > 0)
