"""Antipodal pairs from depth edges, after the image-based sampler of Dex-Net 2.0.

Edge points are where the height map steps down; their outward normals come from the slope over a neighbourhood.
Two of them make a candidate when each lies in the other's friction cone and the jaws can span them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from detectors.antipodal.scene import Map, Mask, Scene
from detectors.antipodal.settings import AntipodalSettings

Array = NDArray[np.float64]

_EDGE_SIGMA_M = 0.0025
_NORMAL_SIGMA_M = 0.004
_HEIGHT_CAP_M = 0.060  # beyond this a step is a step; higher ones would only smear over their neighbours
_MIN_WIDTH_M = 0.002


@dataclass(frozen=True)
class Edges:
    """Points at the rim of something, in the camera's x, y.

    Attributes:
        points_m: (n, 2) positions [m].
        normals: (n, 2) unit vectors that point downhill, out of the object.
        owner: (n,) index of the object they belong to.
    """

    points_m: Array
    normals: Array
    owner: NDArray[np.int32]


@dataclass(frozen=True)
class Pairs:
    """Antipodal pairs; the first contact lies against ``axis`` from the second.

    Attributes:
        centre_m: (n, 2) midpoints in the camera's x, y [m].
        axis: (n, 2) unit closing directions.
        width_m: (n,) distances between the contacts [m].
        slant_rad: (n,) the larger angle between the axis and a contact's normal [rad].
        owner: (n,) index of the object.
    """

    centre_m: Array
    axis: Array
    width_m: Array
    slant_rad: Array
    owner: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.width_m)

    def __getitem__(self, chosen: NDArray[np.intp] | Mask) -> Pairs:
        return Pairs(
            self.centre_m[chosen], self.axis[chosen], self.width_m[chosen], self.slant_rad[chosen], self.owner[chosen]
        )


def find_edges(scene: Scene, settings: AntipodalSettings) -> Edges:
    """Depth edges of the graspable objects, one cell thin, with normals over a pad's neighbourhood."""
    capped = np.clip(scene.height_m, 0.0, _HEIGHT_CAP_M)
    gx, gy = _slope(capped, _EDGE_SIGMA_M / scene.cell_m, scene.cell_m)
    steep = np.hypot(gx, gy)
    # A step of height s, blurred with sigma, has the slope s / (sigma sqrt(2 pi)) at its middle.
    enough = steep > settings.min_step_m / (_EDGE_SIGMA_M * np.sqrt(2 * np.pi))
    thin = enough & _is_ridge(steep, gx, gy)
    owner = _owner(scene)
    rows, columns = np.nonzero(thin & (owner > 0))
    owners = owner[rows, columns] - 1
    keep = scene.objects.graspable[owners] if len(owners) else np.zeros(0, dtype=bool)
    rows, columns, owners = rows[keep], columns[keep], owners[keep]
    nx, ny = _slope(capped, _NORMAL_SIGMA_M / scene.cell_m, scene.cell_m)
    normals = -np.stack([nx[rows, columns], ny[rows, columns]], axis=-1).astype(np.float64)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    return Edges(scene.points_m(rows, columns), normals, owners)


def sample_pairs(edges: Edges, settings: AntipodalSettings, rng: np.random.Generator) -> Pairs:
    """Up to ``settings.pairs`` antipodal pairs, spread evenly over the objects."""
    chosen = _thinned(edges.owner, settings.edge_points, rng)
    points, normals, owner = edges.points_m[chosen], edges.normals[chosen], edges.owner[chosen]
    if len(points) < 2:
        return _pairs(points[:0], points[:0], normals[:0], normals[:0], owner[:0])
    near = cKDTree(points).query_pairs(settings.max_object_width_m, output_type="ndarray")
    i, j = near[:, 0], near[:, 1]
    i, j = i[owner[i] == owner[j]], j[owner[i] == owner[j]]
    pairs = _pairs(points[i], points[j], normals[i], normals[j], owner[i])
    pairs = pairs[(pairs.slant_rad <= settings.cone_rad) & (pairs.width_m >= _MIN_WIDTH_M)]
    # A wide object has many more pairs in the cone than a slim one; the draw evens that out.
    return pairs[_thinned(pairs.owner, settings.pairs, rng)]


def _pairs(first: Array, second: Array, n_first: Array, n_second: Array, owner: NDArray[np.int32]) -> Pairs:
    gap = second - first
    width = np.linalg.norm(gap, axis=1)
    axis = gap / np.maximum(width, 1e-9)[:, None]
    cosine = np.minimum(-(n_first * axis).sum(axis=1), (n_second * axis).sum(axis=1))
    return Pairs((first + second) / 2, axis, width, np.arccos(np.clip(cosine, -1.0, 1.0)), owner)


def _thinned(owner: NDArray[np.int32], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of at most ``most`` entries, drawn so that every owner keeps an even share; in random order."""
    order = rng.permutation(len(owner))
    if len(owner) <= most:
        return order
    rank = np.empty(len(owner), dtype=np.intp)
    by_owner = order[np.argsort(owner[order], kind="stable")]
    counts = np.bincount(owner)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank[by_owner] = np.arange(len(owner)) - starts[owner[by_owner]]
    return order[np.argsort(rank[order], kind="stable")[:most]]


def _slope(height: Map, sigma_cells: float, cell_m: float) -> tuple[Map, Map]:
    """Slope of the blurred map along x and y, metres per metre."""
    blurred = cv2.GaussianBlur(height, (0, 0), sigma_cells)
    gx, gy = cv2.Sobel(blurred, cv2.CV_32F, 1, 0, ksize=3), cv2.Sobel(blurred, cv2.CV_32F, 0, 1, ksize=3)
    return gx / (8 * cell_m), gy / (8 * cell_m)


def _is_ridge(steep: Map, gx: Map, gy: Map) -> Mask:
    """Cells steeper than both neighbours along the slope."""
    horizontal = np.abs(gx) > 2.4142 * np.abs(gy)
    vertical = np.abs(gy) > 2.4142 * np.abs(gx)
    rising = ~horizontal & ~vertical & (gx * gy > 0)
    falling = ~horizontal & ~vertical & ~rising
    ridge = np.zeros(steep.shape, dtype=bool)
    p = np.pad(steep, 1)
    rows, columns = steep.shape
    for where, (dy, dx) in ((horizontal, (0, 1)), (vertical, (1, 0)), (rising, (1, 1)), (falling, (-1, 1))):
        ahead = p[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns]
        behind = p[1 - dy : 1 - dy + rows, 1 - dx : 1 - dx + columns]
        ridge |= where & (steep >= ahead) & (steep > behind)
    return ridge


def _owner(scene: Scene) -> NDArray[np.int32]:
    """Labels grown by a few cells, so that an edge that blur has pushed outwards still finds its object."""
    reach = 2 * int(np.ceil(0.003 / scene.cell_m)) + 1
    grown = cv2.dilate(scene.objects.labels.astype(np.float32), np.ones((reach, reach), np.uint8))
    return np.where(scene.objects.labels > 0, scene.objects.labels, grown.astype(np.int32)).astype(np.int32)
