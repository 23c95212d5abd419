"""Depth frames of boxes on the cell's table, by ray and slab: no renderer, exact to the pixel."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from cell.seen_scene import SeenScene
from cell.settings import DEFAULT_CELL_FILE, load_cell
from robot.frame import Frame, Intrinsics
from robot.geometry import invert, transform

CELL = load_cell(DEFAULT_CELL_FILE)
TABLE_M = CELL.table_height_m
INTRINSICS = Intrinsics(612.0, 612.0, 320.0, 240.0, 640, 480)
OVERHEAD = transform(Rotation.from_euler("x", np.pi), [0.5, 0.0, TABLE_M + 0.70])


def standing(x, y, yaw, sides_m, height_m):
    """(4, 4) pose and half sides of a box that stands on the table."""
    return transform(Rotation.from_euler("z", yaw), [x, y, TABLE_M + height_m / 2]), np.array([*sides_m, height_m]) / 2


def depth_of(boxes, T_base_camera=OVERHEAD, intrinsics=INTRINSICS):
    """(H, W) metres along the optical axis of the table and of boxes (T_base_box, half_m)."""
    v, u = np.mgrid[0 : intrinsics.height, 0 : intrinsics.width]
    rays = intrinsics.deproject(u, v, np.ones(u.shape)) @ T_base_camera[:3, :3].T
    depth = (TABLE_M - T_base_camera[2, 3]) / rays[..., 2]
    for T_base_box, half_m in boxes:
        T_box_base = invert(T_base_box)
        start, along = T_box_base[:3, :3] @ T_base_camera[:3, 3] + T_box_base[:3, 3], rays @ T_box_base[:3, :3].T
        with np.errstate(divide="ignore", over="ignore"):
            sides = np.sort(np.stack([(-half_m - start) / along, (half_m - start) / along]), axis=0)
        enter, leave = sides[0].max(axis=-1), sides[1].min(axis=-1)
        depth = np.where((enter < leave) & (enter > 0), np.minimum(depth, enter), depth)
    return depth.astype(np.float32)


def seen(boxes, T_base_camera=OVERHEAD, spoil=lambda depth: depth):
    """The scene as the camera sees it, its depth image spoiled first."""
    frame = Frame(spoil(depth_of(boxes, T_base_camera)), INTRINSICS)
    return SeenScene.from_frame(frame, T_base_camera, CELL.workspace, TABLE_M)
