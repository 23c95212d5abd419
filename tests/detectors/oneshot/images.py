"""Depth images for the one-shot networks' tests: smooth ones for derivatives, rendered ones for geometry."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from detectors.antipodal.table import Table, fit_table
from detectors.oneshot.looking import Images, Views, rotation
from robot.frame import Frame, Intrinsics

CAMERA = Intrinsics(fx=300.0, fy=290.0, cx=99.5, cy=80.5, width=200, height=160)
DISTANCE_M = 0.70


def tilted_table(tilt_rad: float = 0.06) -> Table:
    """A table under the camera, leaning about the image's y axis."""
    normal = np.array([math.sin(tilt_rad), 0.0, -math.cos(tilt_rad)])
    return Table(normal=normal, offset_m=-DISTANCE_M * math.cos(tilt_rad), bow=np.zeros(6), noise_m=0.0)


def smooth_image(seed: int = 0, dtype: torch.dtype = torch.float64, tilt_rad: float = 0.06) -> Images:
    """Hills some centimetres high and wide on a tilted table: their derivatives are those of a smooth function."""
    rng, table = np.random.default_rng(seed), tilted_table(tilt_rad)
    v, u = np.mgrid[0 : CAMERA.height, 0 : CAMERA.width].astype(float)
    rays = np.stack([(u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy, np.ones(u.shape)])
    depth = table.offset_m / np.tensordot(table.normal, rays, axes=1)
    for _ in range(4):
        x, y = rng.uniform(60, 140), rng.uniform(50, 110)
        depth -= rng.uniform(0.02, 0.05) * np.exp(-((u - x) ** 2 + (v - y) ** 2) / (2 * rng.uniform(8, 16) ** 2))
    found = Images.of(depth.astype(np.float32), CAMERA, table)
    return Images(torch.from_numpy(depth)[None, None].to(dtype), found.camera.to(dtype), found.table.to(dtype))


def first_view(images: Images, angle_rad: float = 0.0) -> Views:
    """(1, 1) a view on the image's middle."""
    height, width = images.depth_m.shape[-2:]
    centre = torch.tensor([[[(width - 1) / 2, (height - 1) / 2]]], dtype=images.depth_m.dtype)
    turn = rotation(torch.full((1, 1), angle_rad, dtype=images.depth_m.dtype))
    return Views(centre, turn, images.table_depth(centre))


def images_of(frame: Frame) -> Images:
    """A rendered frame without holes, and its table as found."""
    table = fit_table(frame, np.random.default_rng(0))
    assert table is not None
    return Images.of(frame.depth_m, frame.intrinsics, table)


def one(value: float, like: Tensor) -> Tensor:
    """(1, 1) a number that carries a gradient."""
    return torch.full((1, 1), value, dtype=like.dtype, requires_grad=True)
