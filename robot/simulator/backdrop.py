"""The empty cell as the camera sees it: table and floor, and the calibration board when it is shown."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert
from robot.simulator import camera_model
from robot.simulator.board import BOARD, T_base_board
from robot.simulator.cell_body import FLOOR_M, TABLE_MAX_M, TABLE_MIN_M, TABLE_TOP_M

Image = NDArray[np.float32]

_TEXTURE_SEED = 20
_TEXELS_PER_M = 1000
_TABLE_RGB = np.array([0.60, 0.56, 0.50])
_FLOOR_RGB = np.array([0.33, 0.34, 0.35])


@dataclass(frozen=True, eq=False)
class Backdrop:
    """See :class:`robot.simulator.rendering.CleanView`; ``color_points`` (H, W, 3): what is seen, in the base frame."""

    depth_m: Image
    incidence: Image
    albedo: Image
    color: Image
    color_points: Image


def make_backdrop(board_shown: bool) -> Backdrop:
    """Render the empty cell, with or without the board."""
    from robot.simulator.rendering import shading

    depth_points, depth_on = _surface(camera_model.DEPTH, camera_model.T_base_depth(), board_shown)
    local = apply(invert(camera_model.T_base_depth()), depth_points)
    incidence = local[..., 2] / np.linalg.norm(local, axis=-1)
    points, on = _surface(camera_model.COLOR, camera_model.T_base_color(), board_shown)
    albedo = _albedo(points, on)
    up = np.broadcast_to(np.array([0.0, 0.0, 1.0], dtype=np.float32), points.shape)
    color = albedo * shading(points.astype(np.float32), up, np.float32(1.0))[..., None] * 255.0
    return Backdrop(
        depth_m=local[..., 2].astype(np.float32),
        incidence=incidence.astype(np.float32),
        albedo=_albedo(depth_points, depth_on).mean(axis=-1).astype(np.float32),
        color=color.astype(np.float32),
        color_points=points.astype(np.float32),
    )


_FLOOR, _TABLE, _BOARD = 0, 1, 2


def _surface(
    sensor: Intrinsics, T_base_sensor: Transform, board_shown: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(H, W, 3) first points met by the pixels' rays, base frame, and (H, W) what they belong to."""
    u, v = np.meshgrid(np.arange(float(sensor.width)), np.arange(float(sensor.height)))
    directions = sensor.deproject(u, v, np.ones(u.shape)) @ T_base_sensor[:3, :3].T
    origin = T_base_sensor[:3, 3]

    def at_height(z_m: float) -> NDArray[np.float64]:
        points: NDArray[np.float64] = origin + directions * ((z_m - origin[2]) / directions[..., 2])[..., None]
        return points

    points, on = at_height(FLOOR_M), np.full(u.shape, _FLOOR)
    table = at_height(TABLE_TOP_M)
    inside = ((table[..., :2] >= TABLE_MIN_M) & (table[..., :2] <= TABLE_MAX_M)).all(axis=-1)
    points[inside], on[inside] = table[inside], _TABLE
    if board_shown:
        plate = at_height(TABLE_TOP_M + BOARD.thickness_m)
        x, y, _ = np.moveaxis(apply(invert(T_base_board()), plate), -1, 0)
        width, height = BOARD.size_m
        margin = BOARD.margin_m
        inside = (x >= -margin) & (x <= width + margin) & (y >= -margin) & (y <= height + margin)
        points[inside], on[inside] = plate[inside], _BOARD
    return points, on


def _albedo(points: NDArray[np.float64], on: NDArray[np.int64]) -> NDArray[np.float64]:
    """(H, W, 3) RGB in 0..1."""
    import cv2

    x = ((points[..., 0] - TABLE_MIN_M[0]) * _TEXELS_PER_M).astype(np.float32)
    y = ((points[..., 1] - TABLE_MIN_M[1]) * _TEXELS_PER_M).astype(np.float32)
    albedo = cv2.remap(_table_texture(), y, x, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).astype(np.float64)
    albedo[on == _FLOOR] = _FLOOR_RGB
    if (on == _BOARD).any():
        per_m = 4000.0
        local = apply(invert(T_base_board()), points)
        columns = ((local[..., 0] + BOARD.margin_m) * per_m - 0.5).astype(np.float32)
        rows = ((local[..., 1] + BOARD.margin_m) * per_m - 0.5).astype(np.float32)
        # A camera pixel covers about a millimetre: average over it as a sensor does.
        printed = cv2.GaussianBlur(BOARD.picture(per_m), (0, 0), 1.6)
        paper = cv2.remap(printed, columns, rows, cv2.INTER_LINEAR)[..., None] / 255.0 * 0.86 + 0.05
        albedo = np.where((on == _BOARD)[..., None], paper, albedo)
    return np.asarray(albedo)


@functools.lru_cache(maxsize=1)
def _table_texture() -> NDArray[np.float32]:
    """(X, Y, 3) a worn laminate: wood grain along y, speckle, a few stains and scratches."""
    import cv2

    rng = np.random.default_rng(_TEXTURE_SEED)
    shape = tuple(round((high - low) * _TEXELS_PER_M) for low, high in zip(TABLE_MIN_M, TABLE_MAX_M, strict=True))

    def noise(sigma_x: float, sigma_y: float) -> NDArray[np.float32]:
        field = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), sigmaX=sigma_y, sigmaY=sigma_x)
        return np.asarray(field / field.std())

    tone = (
        1.0 + 0.035 * noise(1.5, 40.0) + 0.030 * noise(8.0, 80.0) + 0.020 * noise(30.0, 30.0) + 0.030 * noise(0.7, 0.7)
    )
    texture = _TABLE_RGB * tone[..., None] + np.array([0.012, 0.0, -0.012]) * noise(12.0, 60.0)[..., None]
    scratches = np.zeros(shape, dtype=np.float32)
    for _ in range(30):
        start = rng.uniform(0, shape[::-1])
        end = start + rng.normal(scale=60.0, size=2)
        cv2.line(scratches, start.astype(int).tolist(), end.astype(int).tolist(), float(rng.uniform(-0.06, 0.05)), 1)
    texture += cv2.GaussianBlur(scratches, (0, 0), 0.8)[..., None]
    return np.asarray(np.clip(texture, 0.0, 1.0), dtype=np.float32)
