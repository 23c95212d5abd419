"""Depth and camera from Cornell's point clouds, which are not in the camera's frame.

    # .PCD v.7 - Point Cloud Data file format
    FIELDS x y z rgb index
    ...
    POINTS 253674
    DATA ascii
    1924.064 -647.111 -119.4176 0 25547

``index`` counts pixels from 0, row by row: row = index // 640, column = index % 640. x, y and z are millimetres
"relative to the base of the robot that was taking the images", says the data set's description: x forward, y left, z
up. So z is no depth. GG-CNN's conversion (``from_pcd``, whence the ``d.tiff`` files) takes the distance from the
origin, which is the robot's base: an image that a network can learn from, but no depth along an optical axis.

The depth is in the cloud all the same. Every point lies on its pixel's ray, so that thousands of points and pixels give
the 3 x 4 matrix that projects the ones into the others, and with it intrinsics, pose and depth, all by linear algebra
(direct linear transformation; Hartley and Zisserman, section 7.1). The sensor's noise does no harm: it moves a point
along its ray. The four points published of pcd0100 fit in: neighbours in a row at one depth are 2.607 mm apart, which
at 525 px is 1.37 m away, and the next step of the Kinect's disparity leads away along a ray that puts the camera 0.7 m
above the robot's base, looking down at some 50 degrees. No whole cloud has been at hand to try it on: where no camera
explains the pixels to within ``_RESIDUAL_PX``, the cloud is read as GG-CNN reads it, and the loader says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.labelled import Unusable
from robot.errors import SettingsError
from robot.frame import MAX_DEPTH_M, Intrinsics

Array = NDArray[np.float64]

_HEADER_LINES = 20
_NEEDED = ("x", "y", "z", "index")
_DAMAGED = "its point cloud is cut off or damaged"
_MM_PER_M = 1000.0
_FITTED_POINTS = 4000
_FEWEST_POINTS = 100
_RESIDUAL_PX = 2.0
_STEADY = 10.0
"""How far the matrix must stand out from the next best one: points on a plane leave it open."""


@dataclass(frozen=True, eq=False)
class CloudDepth:
    """A point cloud as a depth image.

    Attributes:
        depth_m: (H, W), 0 without a reading; along the optical axis if there is a ``camera``, else from the origin.
        camera: that the points were seen by, or None if no pinhole explains their pixels.
    """

    depth_m: NDArray[np.float32]
    camera: Intrinsics | None


def read_point_cloud(path: Path, width: int, height: int) -> CloudDepth:
    """The depth image of the pixels that have a point.

    Args:
        path: an ASCII PCD file.
        width, height: of the image that it belongs to.

    Raises:
        Unusable: it is not whole, or belongs to another image.
    """
    points_m, index = _load(path)
    if index.size == 0 or index.min() < 0 or index.max() >= width * height:
        raise Unusable(f"its point cloud belongs to an image of another size than {width} x {height}")
    rows, columns = np.divmod(index, width)
    seen = _seen_by(points_m, columns.astype(np.float64), rows.astype(np.float64), width, height)
    depths = np.linalg.norm(points_m, axis=1) if seen is None else seen[1]
    image = np.zeros((height, width), np.float32)
    image[rows, columns] = depths
    return CloudDepth(image, None if seen is None else seen[0])


def _load(path: Path) -> tuple[Array, NDArray[np.int64]]:
    """(N, 3) points [m] and (N,) pixel numbers, without those that are NaN or the origin."""
    try:
        with path.open(encoding="ascii") as file:
            header = _header(file)
            fields = header.get("FIELDS", ["x", "y", "z", "rgb", "index"])
            lines = (line for line in file if line.strip())
            table = np.loadtxt(chain([next(lines)], lines), usecols=[fields.index(name) for name in _NEEDED], ndmin=2)
        if len(table) < int(header.get("POINTS", ["0"])[0]):
            raise Unusable(_DAMAGED)
    except (OSError, ValueError, IndexError, StopIteration):  # another format, text, a torn line, no points
        raise Unusable(_DAMAGED) from None
    table = table[np.isfinite(table).all(axis=1) & table[:, :3].any(axis=1)]
    points = table[:, :3]
    # As published they are millimetres. No table is 10 mm away, and none 10 m: so it is clear which unit a copy has.
    if len(points) and np.median(np.linalg.norm(points, axis=1)) > MAX_DEPTH_M:
        points = points / _MM_PER_M
    return points, table[:, 3].astype(np.int64)


def _header(file: Iterator[str]) -> dict[str, list[str]]:
    """Keyword -> values, up to the line that says DATA."""
    header: dict[str, list[str]] = {}
    for line in islice(file, _HEADER_LINES):
        words = line.split()
        if words and words[0] != "#":
            header[words[0].upper()] = words[1:]
        if words and words[0].upper() == "DATA":
            break
    if header.get("DATA") != ["ascii"]:
        raise ValueError("no ASCII point cloud")
    return header


def _seen_by(points: Array, u: Array, v: Array, width: int, height: int) -> tuple[Intrinsics, Array] | None:
    """The camera that sees every point at its pixel, and (N,) the points' depths along its axis."""
    if len(points) < _FEWEST_POINTS:
        return None
    chosen = np.unique(np.linspace(0, len(points) - 1, _FITTED_POINTS).astype(np.int64))
    for fit in (_own_frame, _any_frame):
        matrix = fit(points[chosen], u[chosen], v[chosen])
        found = None if matrix is None else _checked(matrix, points, u, v, width, height)
        if found is not None:
            return found
    return None


def _own_frame(points: Array, u: Array, v: Array) -> Array | None:
    """(3, 4) projection, if the cloud is in the camera's own frame: the only case where a plane is enough."""
    if not (points[:, 2] > 0).all():
        return None
    matrix = np.eye(3, 4)
    for axis, pixels in enumerate((u, v)):
        slopes = np.stack([points[:, axis] / points[:, 2], np.ones(len(points))], axis=1)
        (matrix[axis, axis], matrix[axis, 2]), *_ = np.linalg.lstsq(slopes, pixels, rcond=None)
    return matrix


def _any_frame(points: Array, u: Array, v: Array) -> Array | None:
    """(3, 4) projection by direct linear transformation, or None where the points do not settle it."""
    middle, spread = points.mean(axis=0), max(float(points.std()), 1e-9)
    pixel_middle = np.array([u.mean(), v.mean()])
    pixel_spread = max(float(np.stack([u - pixel_middle[0], v - pixel_middle[1]]).std()), 1e-9)
    near = np.concatenate([(points - middle) / spread, np.ones((len(points), 1))], axis=1)
    zeros = np.zeros_like(near)
    x, y = (u - pixel_middle[0]) / pixel_spread, (v - pixel_middle[1]) / pixel_spread
    rows = np.concatenate([np.hstack([near, zeros, -x[:, None] * near]), np.hstack([zeros, near, -y[:, None] * near])])
    _, sizes, vectors = np.linalg.svd(rows, full_matrices=False)
    if sizes[-2] < max(_STEADY * sizes[-1], 1e-7 * sizes[0]):
        return None
    to_pixels = np.array([[pixel_spread, 0, pixel_middle[0]], [0, pixel_spread, pixel_middle[1]], [0, 0, 1]])
    to_near = np.eye(4) / spread
    to_near[:3, 3], to_near[3, 3] = -middle / spread, 1
    matrix: Array = to_pixels @ vectors[-1].reshape(3, 4) @ to_near
    return matrix


def _checked(
    matrix: Array, points: Array, u: Array, v: Array, width: int, height: int
) -> tuple[Intrinsics, Array] | None:
    """Intrinsics and depths, if the matrix is a camera's that could have taken such images and hits the pixels."""
    scale = np.linalg.norm(matrix[2, :3])
    if not (np.isfinite(matrix).all() and scale > 0):
        return None
    projected = points @ (matrix[:, :3] / scale).T + matrix[:, 3] / scale
    sign = np.sign(np.median(projected[:, 2]))
    projected *= sign
    depths = projected[:, 2]
    if not (depths > 0).all():
        return None
    apart = np.hypot(projected[:, 0] / depths - u, projected[:, 1] / depths - v)
    across, down, forward = matrix[:, :3] * (sign / scale)
    cx, cy = float(across @ forward), float(down @ forward)
    across, down = across - cx * forward, down - cy * forward
    fx, fy = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    square = min(fx, fy) > 0 and 0.8 < fx / fy < 1.25 and abs(across @ down) < 0.02 * fx * fy
    likely = 0.3 * width < fx < 5 * width and -width < cx < 2 * width and -height < cy < 2 * height
    if not (square and likely and float(np.sqrt(np.mean(apart**2))) < _RESIDUAL_PX):
        return None
    try:
        return Intrinsics(fx, fy, cx, cy, width, height), depths
    except SettingsError:
        return None
