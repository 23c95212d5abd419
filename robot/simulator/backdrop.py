"""The empty cell as the camera sees it: the table with its marks, the floor, and far away nothing."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot.frame import Intrinsics
from robot.geometry import Transform, invert
from robot.simulator import camera_model
from robot.simulator.cell_body import FLOOR_M, TABLE_MAX_M, TABLE_MIN_M, TABLE_TOP_M
from robot.simulator.prints import MARKS_XY_M, T_base_mark, mark_print

Image = NDArray[np.float32]

FAR_M = 20.0
"""Depth of what is neither table nor floor, far beyond what the camera can measure."""

_TEXELS_PER_SIGMA = 4
_TEXTURE_SEED = 20
_TEXELS_PER_M = 1000
_TABLE_RGB = np.array([0.60, 0.56, 0.50])
_FLOOR_RGB, _NOTHING_RGB = (0.33, 0.34, 0.35), (0.45, 0.46, 0.48)
_NOTHING, _FLOOR, _TABLE = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Backdrop:
    """See :class:`robot.simulator.rendering.CleanView`, and for the colour sensor's pixels what they see.

    Attributes:
        color_depth_m: (H, W) along the colour sensor's optical axis.
        color_points: (H, W, 3) in the base frame.
    """

    depth_m: Image
    incidence: Image
    albedo: Image
    color: Image
    color_depth_m: Image
    color_points: Image


def make_backdrop(T_base_color: Transform) -> Backdrop:
    """Render the empty cell as a camera at ``T_base_color`` sees it."""
    from robot.simulator.rendering import shading

    T_base_depth = T_base_color @ camera_model.T_color_depth()
    depth_m, depth_points, depth_on = _surface(camera_model.DEPTH, T_base_depth)
    unit = _directions(camera_model.DEPTH) / np.linalg.norm(_directions(camera_model.DEPTH), axis=-1, keepdims=True)
    incidence = np.where(depth_on == _NOTHING, np.float32(1.0), np.abs(unit @ T_base_depth[2, :3].astype(np.float32)))
    color_depth_m, points, on = _surface(camera_model.COLOR, T_base_color)
    up = np.broadcast_to(np.array([0.0, 0.0, 1.0], dtype=np.float32), points.shape)
    albedo = _albedo(camera_model.COLOR, T_base_color, points, on)
    return Backdrop(
        depth_m=depth_m,
        incidence=incidence,
        albedo=_albedo(camera_model.DEPTH, T_base_depth, depth_points, depth_on).mean(axis=-1),
        color=albedo * shading(points, up, np.float32(1.0))[..., None] * np.float32(255.0),
        color_depth_m=color_depth_m,
        color_points=points,
    )


def _surface(sensor: Intrinsics, T_base_sensor: Transform) -> tuple[Image, Image, NDArray[np.int8]]:
    """(H, W) depths, (H, W, 3) points in the base frame that the pixels' rays meet, and (H, W) what they lie on."""
    directions = _directions(sensor) @ T_base_sensor[:3, :3].T.astype(np.float32)
    origin = T_base_sensor[:3, 3].astype(np.float32)
    depth = _depth_at_height(FLOOR_M, origin, directions)
    on = np.where(depth < FAR_M, np.int8(_FLOOR), np.int8(_NOTHING))
    table_depth = _depth_at_height(TABLE_TOP_M, origin, directions)
    inside = table_depth < FAR_M
    for axis in (0, 1):
        along = origin[axis] + directions[..., axis] * table_depth
        inside &= (along >= TABLE_MIN_M[axis]) & (along <= TABLE_MAX_M[axis])
    depth[inside], on[inside] = table_depth[inside], _TABLE
    return depth, origin + directions * depth[..., None], on


def _depth_at_height(z_m: float, origin: Image, directions: Image) -> Image:
    """(H, W) depth at which the rays pass that height in the base frame, FAR_M for those that do not."""
    falling = directions[..., 2]
    drop = np.float32(z_m) - origin[2]
    meets = falling * np.sign(drop) > abs(drop) / FAR_M
    return np.where(meets, drop / np.where(meets, falling, 1.0), np.float32(FAR_M)).astype(np.float32)


@functools.lru_cache(maxsize=2)
def _directions(sensor: Intrinsics) -> Image:
    """(H, W, 3) the pixels' rays in the sensor's frame, 1 long along the optical axis."""
    u, v = np.meshgrid(np.arange(float(sensor.width)), np.arange(float(sensor.height)))
    return sensor.deproject(u, v, np.ones(u.shape)).astype(np.float32)


def _albedo(sensor: Intrinsics, T_base_sensor: Transform, points: Image, on: NDArray[np.int8]) -> Image:
    """(H, W, 3) RGB in 0..1."""
    import cv2

    x = (points[..., 0] - np.float32(TABLE_MIN_M[0])) * np.float32(_TEXELS_PER_M)
    y = (points[..., 1] - np.float32(TABLE_MIN_M[1])) * np.float32(_TEXELS_PER_M)
    albedo: Image = cv2.remap(_table_texture(), y, x, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    albedo[on == _FLOOR] = _FLOOR_RGB
    albedo[on == _NOTHING] = _NOTHING_RGB
    for mark_id in range(len(MARKS_XY_M)):
        _draw_mark(mark_id, sensor, invert(T_base_sensor), albedo, on)
    return albedo


def _draw_mark(mark_id: int, sensor: Intrinsics, T_sensor_base: Transform, albedo: Image, on: NDArray[np.int8]) -> None:
    mark, T_sensor_mark = mark_print(mark_id), T_sensor_base @ T_base_mark(mark_id)
    window = mark.window(sensor, T_sensor_mark)
    if window is None:
        return
    printed, covered = mark.draw(sensor, T_sensor_mark, window)
    share = np.where(on[window] == _TABLE, covered, np.float32(0.0))[..., None]
    albedo[window] = albedo[window] * (1 - share) + printed[..., None] * share


@functools.lru_cache(maxsize=1)
def _table_texture() -> NDArray[np.float32]:
    """(X, Y, 3) a worn laminate: wood grain along y, speckle, a few stains and scratches."""
    import cv2

    rng = np.random.default_rng(_TEXTURE_SEED)
    shape = tuple(round((high - low) * _TEXELS_PER_M) for low, high in zip(TABLE_MIN_M, TABLE_MAX_M, strict=True))

    def noise(sigma_x: float, sigma_y: float) -> NDArray[np.float32]:
        # A blur this wide leaves nothing that a coarser grid would not show; made on one, it takes a tenth of the time.
        steps = [max(1, int(sigma / _TEXELS_PER_SIGMA)) for sigma in (sigma_x, sigma_y)]
        grid = [math.ceil(size / step) for size, step in zip(shape, steps, strict=True)]
        field = rng.standard_normal(grid, dtype=np.float32)
        field = cv2.GaussianBlur(field, (0, 0), sigmaX=sigma_y / steps[1], sigmaY=sigma_x / steps[0])
        field = cv2.resize(field, shape[::-1], interpolation=cv2.INTER_CUBIC)
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
