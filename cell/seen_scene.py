"""What the camera sees on the table, as a map of heights: the obstacles that no cell file knows of.

Only what was measured counts. Where the depth is unknown, nothing is assumed to stand: holes are everywhere in depth
images, and the contact-watched way down is there for what was not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from robot.frame import Frame
from robot.geometry import Transform, apply, transform
from robot.gripper_geometry import PAD_WIDTH_M
from robot.placement_settings import BoxSettings

CELL_M = 0.004
AROUND_WORKSPACE_M = 0.10
HIGHEST_M = 0.5
NEAREST_M = 0.20  # from the camera: a camera on the wrist sees the fingers
STANDS_M = 0.006  # above the table; what is lower cannot be told from noise
SPECK_CELLS = 5
LOW_QUANTILE = 0.3  # within a cell: pixels that fly between an object's edge and the table count as table
LEAST_PIXELS = 2
FORGIVEN_SIDE_CELLS, FORGIVEN_HEIGHT_M = 1, 0.005
"""By how much less the arm's way is blocked than is seen: outlines wander by a pixel or two, and pads may touch."""

Heights = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """Square cells over the table, in base axes.

    Attributes:
        low_m: (x, y) of the middle of cell [0, 0].
        shape: (rows, columns): rows run along y, columns along x.
        table_height_m: what heights count from.
    """

    low_m: tuple[float, float]
    shape: tuple[int, int]
    table_height_m: float

    @classmethod
    def over(cls, workspace: BoxSettings, table_height_m: float) -> Self:
        """Covers the workspace and what is close to it."""
        low = np.array(workspace.min_m[:2]) - AROUND_WORKSPACE_M
        columns, rows = np.ceil((np.array(workspace.max_m[:2]) + AROUND_WORKSPACE_M - low) / CELL_M).astype(int) + 1
        return cls((float(low[0]), float(low[1])), (int(rows), int(columns)), table_height_m)

    def cells(self, xy_m: NDArray[np.float64]) -> NDArray[np.int64]:
        """(..., 2) row and column of the cells at (..., 2) places; may lie outside the grid."""
        return np.rint((np.asarray(xy_m) - self.low_m) / CELL_M).astype(np.int64)[..., ::-1]

    def places(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N, 2) x, y of the middles of (N,) cells."""
        return np.asarray(np.stack([columns, rows], axis=-1) * CELL_M + self.low_m, dtype=np.float64)

    def holds(self, cells: NDArray[np.int64]) -> Mask:
        """(...) True where (..., 2) cells lie on the grid."""
        return np.asarray(np.all((cells >= 0) & (cells < self.shape), axis=-1))


@dataclass(frozen=True, eq=False)
class Lump:
    """Something that stands on the table, with nothing beside it.

    Attributes:
        mask: (rows, columns) its cells.
        T_base_foot: (4, 4) on the table under the middle of the upright box around it, x along a side.
        sides_m: (2,) of that box.
        height_m: above the table.
    """

    mask: Mask
    T_base_foot: Transform
    sides_m: NDArray[np.float64]
    height_m: float


@dataclass(frozen=True, eq=False)
class SeenScene:
    """Heights above the table.

    Attributes:
        grid: where the cells are.
        heights_m: (rows, columns) float32; 0 where the table is bare, or nothing is known.
    """

    grid: Grid
    heights_m: Heights

    @classmethod
    def from_frame(cls, frame: Frame, T_base_camera: Transform, workspace: BoxSettings, table_height_m: float) -> Self:
        """What ``frame`` shows in and around the workspace."""
        grid = Grid.over(workspace, table_height_m)
        points = apply(T_base_camera, frame.points_camera()[frame.depth_m > NEAREST_M])
        cells = grid.cells(points[:, :2])
        inside = grid.holds(cells)
        index = np.ravel_multi_index(tuple(cells[inside].T), grid.shape)
        heights = _low_quantile(index, points[inside, 2] - table_height_m, grid.shape)
        heights[heights < STANDS_M] = 0.0
        return cls(grid, _without_specks(np.minimum(heights, HIGHEST_M)))

    @cached_property
    def obstacle_m(self) -> Heights:
        """(rows, columns) what surely stands there, ``FORGIVEN_HEIGHT_M`` too high: a cell less at every side."""
        import cv2

        side = 2 * FORGIVEN_SIDE_CELLS + 1
        return np.asarray(cv2.erode(self.heights_m, np.ones((side, side), np.uint8)), dtype=np.float32)

    def top_m(self, xy_m: NDArray[np.float64]) -> float:
        """Height [m], in base axes, up to which the arm's way counts as blocked at (2,) a place near the grid."""
        row, column = np.clip(self.grid.cells(xy_m), 0, np.array(self.grid.shape) - 1)
        return self.grid.table_height_m - FORGIVEN_HEIGHT_M + float(self.obstacle_m[row, column])

    def without(self, lump: Lump) -> SeenScene:
        """The scene after ``lump`` was taken away."""
        return SeenScene(self.grid, np.where(lump.mask, np.float32(0.0), self.heights_m))

    def lump_between_jaws(self, T_base_tcp: Transform, width_m: float) -> Lump | None:
        """What stands between jaws ``width_m`` apart at (4, 4) ``T_base_tcp``; None when nothing is seen there.

        Things that stand closer together than a cell are one lump.
        """
        import cv2

        standing = (self.heights_m > 0).astype(np.uint8)
        _, labels = cv2.connectedComponents(standing, connectivity=8)
        there = labels[self._between(T_base_tcp, width_m)]
        there = there[there > 0]
        if there.size == 0:
            return None
        mask = labels == np.bincount(there).argmax()
        rows, columns = np.nonzero(mask)
        middle, sides, degrees = cv2.minAreaRect(self.grid.places(rows, columns).astype(np.float32))
        foot = transform(Rotation.from_euler("z", degrees, degrees=True), [*middle, self.grid.table_height_m])
        return Lump(mask, foot, np.array(sides) + CELL_M, float(self.heights_m[mask].max()))

    def _between(self, T_base_tcp: Transform, width_m: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns of the cells between the pads."""
        along = np.arange(-width_m / 2, width_m / 2 + CELL_M / 4, CELL_M / 2)
        across = np.arange(-PAD_WIDTH_M / 2, PAD_WIDTH_M / 2 + CELL_M / 4, CELL_M / 2)
        a, b = np.meshgrid(along, across)
        places = apply(T_base_tcp, np.stack([a.ravel(), b.ravel(), np.zeros(a.size)], axis=-1))[:, :2]
        cells = self.grid.cells(places)
        rows, columns = cells[self.grid.holds(cells)].T
        return rows, columns


def _low_quantile(index: NDArray[np.int64], heights_m: NDArray[np.float64], shape: tuple[int, int]) -> Heights:
    """(rows, columns) the ``LOW_QUANTILE`` of the heights of each cell; 0 where there are too few."""
    order = np.lexsort((heights_m, index))
    count = np.bincount(index, minlength=shape[0] * shape[1])
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    enough = count >= LEAST_PIXELS
    found = np.zeros(count.size, dtype=np.float32)
    found[enough] = heights_m[order[(first + LOW_QUANTILE * (count - 1)).astype(np.int64)[enough]]]
    return found.reshape(shape)


def _without_specks(heights_m: Heights) -> Heights:
    import cv2

    _, labels, stats, _ = cv2.connectedComponentsWithStats((heights_m > 0).astype(np.uint8), connectivity=8)
    speck = stats[:, cv2.CC_STAT_AREA] < SPECK_CELLS
    return np.where(speck[labels], np.float32(0.0), heights_m)
