"""Views of a depth image: a square window somewhere on the table, turned and scaled, as heights above the table.

Every view is sampled from the full image through its whole transform, never from another view, so that a cascade of
views loses no detail; and sampling is differentiable in where the view lies (Spatial Transformer Networks; GQ-STN,
section IV-A). Heights above the table instead of depths make the same thing look the same under every camera.

Places in a view are offsets from its centre in metres at the depth of the table there: along the view's own axes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from detectors.antipodal.table import Table
from detectors.gqcnn.crop import CROP_PX, window_m
from robot.frame import Intrinsics

HEIGHT_UNIT_M, HEIGHT_LOW, HEIGHT_HIGH = 0.04, -0.5, 5.0
_FINER = 2  # every view is sampled twice as finely and averaged: less noise, less aliasing
_BOW_LIMIT_M = 0.008


@dataclass(frozen=True, eq=False)
class Images:
    """B depth images and what places them in metres.

    Attributes:
        depth_m: (B, 1, H, W) without holes [m].
        camera: (B, 4) fx, fy, cx, cy [px].
        table: (B, 10) the table's plane in the camera frame: unit normal (3), offset [m], bow (6); see
            ``detectors.antipodal.table.Table``.
    """

    depth_m: Tensor
    camera: Tensor
    table: Tensor

    def __len__(self) -> int:
        return len(self.depth_m)

    @classmethod
    def of(cls, depth_m: NDArray[np.float32], intrinsics: Intrinsics, table: Table) -> Images:
        """One image (H, W) without holes [m]."""
        return cls(
            torch.from_numpy(np.require(depth_m, np.float32, ["C", "W"]))[None, None],
            torch.tensor([camera_row(intrinsics)], dtype=torch.float32),
            torch.from_numpy(table_row(table)[None]),
        )

    def rays(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, ..., 2) pixels (u, v) -> x / z and y / z, (B, ...) each."""
        fx, fy, cx, cy = (_like(column, pixels[..., 0]) for column in self.camera.unbind(1))
        return (pixels[..., 0] - cx) / fx, (pixels[..., 1] - cy) / fy

    def height_m(self, pixels: Tensor, depth_m: Tensor) -> Tensor:
        """Heights (B, ...) above the table [m] of what is seen at pixels (B, ..., 2) at depths (B, ...) [m]."""
        x, y = self.rays(pixels)
        facing, offset, bow = self._plane(x, y)
        return depth_m * facing - offset - bow

    def depth_at(self, pixels: Tensor, height_m: Tensor) -> Tensor:
        """Depths (B, ...) [m] of points seen at pixels (B, ..., 2) that lie ``height_m`` (B, ...) above the table."""
        x, y = self.rays(pixels)
        facing, offset, bow = self._plane(x, y)
        return (offset + height_m + bow) / facing

    def table_depth(self, pixels: Tensor) -> Tensor:
        """Depths (B, ...) of the table [m] at pixels (B, ..., 2); carries no gradient."""
        with torch.no_grad():
            return self.depth_at(pixels, torch.zeros_like(pixels[..., 0]))

    def _plane(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        n0, n1, n2, offset, *c = (_like(column, x) for column in self.table.unbind(1))
        bow = c[0] + x * (c[1] + c[3] * x + c[4] * y) + y * (c[2] + c[5] * y)
        return n0 * x + n1 * y + n2, offset, bow.clamp(-_BOW_LIMIT_M, _BOW_LIMIT_M)


@dataclass(frozen=True, eq=False)
class Views:
    """K windows in each of B images.

    Attributes:
        centre_px: (B, K, 2) pixel (u, v) of the middle.
        turn: (B, K, 2, 2) columns are the view's axes in the image's: a rotation, or one with a mirror.
        distance_m: (B, K) depth at which the view's metres hold [m].
    """

    centre_px: Tensor
    turn: Tensor
    distance_m: Tensor

    def pixels(self, images: Images, offset_m: Tensor) -> Tensor:
        """(B, K, ..., 2) offsets from the centre along the view's axes [m] -> pixels (u, v)."""
        missing = offset_m.ndim - 3
        turn = self.turn.reshape(*self.turn.shape[:2], *[1] * missing, 2, 2)
        scale = images.camera[:, None, :2] / self.distance_m[..., None]
        turned = offset_m[..., :1] * turn[..., 0] + offset_m[..., 1:] * turn[..., 1]
        return _spread(self.centre_px, missing) + turned * _spread(scale, missing)

    def moved(self, images: Images, offset_m: Tensor) -> Views:
        """The same views with their middles ``offset_m`` (B, K, 2) away [m]: the paper's translation."""
        centre = self.pixels(images, offset_m)
        return Views(centre, self.turn, images.table_depth(centre))

    def turned(self, angle_rad: Tensor) -> Views:
        """The same views turned by ``angle_rad`` (B, K) from their x towards their y axis: the paper's rotation."""
        return Views(self.centre_px, self.turn @ rotation(angle_rad), self.distance_m)

    @property
    def angle_rad(self) -> Tensor:
        """(B, K) direction of the views' x axes in the image, from +u towards +v [rad]."""
        return torch.atan2(self.turn[..., 1, 0], self.turn[..., 0, 0])


def camera_row(intrinsics: Intrinsics) -> tuple[float, float, float, float]:
    """A row of ``Images.camera``."""
    return intrinsics.fx, intrinsics.fy, intrinsics.cx, intrinsics.cy


def table_row(table: Table) -> NDArray[np.float32]:
    """(10,) a row of ``Images.table``."""
    return np.concatenate([table.normal, [table.offset_m], table.bow]).astype(np.float32)


def rotation(angle_rad: Tensor) -> Tensor:
    """(...) angles -> (..., 2, 2) rotations."""
    c, s = torch.cos(angle_rad), torch.sin(angle_rad)
    return torch.stack([torch.stack([c, -s], -1), torch.stack([s, c], -1)], -2)


def see(images: Images, views: Views, shape: tuple[int, int], step_m: float) -> Tensor:
    """What the views show, as a network's input.

    Args:
        images: B images.
        views: K windows in each.
        shape: rows and columns.
        step_m: what a pixel of the view covers [m].

    Returns:
        (B, K, rows, columns) heights above the table in units of 4 cm, clipped.
    """
    depth_m = _averaged(_depths(images, views.pixels(images, _offsets(shape, step_m, _FINER, images.depth_m))))
    pixels = views.pixels(images, _offsets(shape, step_m, 1, images.depth_m))
    return (images.height_m(pixels, depth_m) / HEIGHT_UNIT_M).clamp(HEIGHT_LOW, HEIGHT_HIGH)


def grasp_heights(images: Images, pixels: Tensor, depth_m: Tensor, angle_rad: Tensor, width_m: Tensor) -> Tensor:
    """What GQ-CNN sees of grasps: ``detectors.gqcnn.crop``'s window, differentiable in all five numbers of a grasp.

    Args:
        images: B images.
        pixels: (B, K, 2) grasp centres (u, v).
        depth_m, angle_rad, width_m: (B, K) as in ``detectors.grasp.Grasp``.

    Returns:
        (B, K, 32, 32) heights above the grasp points, towards the camera positive [m].
    """
    window = window_m(width_m)
    unit = _offsets((CROP_PX, CROP_PX), 1.0 / CROP_PX, _FINER, images.depth_m)
    views = Views(pixels, rotation(angle_rad), depth_m)
    crop = _averaged(_depths(images, views.pixels(images, unit * _spread(window, 3))))
    return depth_m[..., None, None] - crop


def _offsets(shape: tuple[int, int], step_m: float, finer: int, like: Tensor) -> Tensor:
    """(1, 1, rows x finer, columns x finer, 2) where the pixels of a view lie, or finer ones [m]."""
    rows, columns = (
        (torch.arange(n * finer, device=like.device, dtype=like.dtype) - (n * finer - 1) / 2) * (step_m / finer)
        for n in shape
    )
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], dim=-1)[None, None]


def _depths(images: Images, pixels: Tensor) -> Tensor:
    """Depths at pixels (B, K, rows, columns, 2); beyond the image's edge the outermost goes on."""
    b, k, rows, columns, _ = pixels.shape
    height, width = images.depth_m.shape[-2:]
    last = torch.tensor([width - 1, height - 1], device=pixels.device, dtype=pixels.dtype)
    grid = pixels * (2 / last) - 1
    found = grid_sample(
        images.depth_m, grid.reshape(b, k * rows, columns, 2), mode="bilinear", padding_mode="border",
        align_corners=True,
    )  # fmt: skip
    return found.reshape(b, k, rows, columns)


def _averaged(fine: Tensor) -> Tensor:
    return avg_pool2d(fine, _FINER)


def _like(column: Tensor, target: Tensor) -> Tensor:
    """(B,) shaped so that it multiplies (B, ...)."""
    return column.reshape(-1, *[1] * (target.ndim - 1))


def _spread(value: Tensor, missing: int) -> Tensor:
    """(B, K, 2) or (B, K) with ``missing`` axes put in after the second."""
    return value.reshape(*value.shape[:2], *[1] * missing, *value.shape[2:])
