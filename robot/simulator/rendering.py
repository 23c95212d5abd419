"""Ray-cast pictures of the simulated cell: exact depth, what the stereo pair cannot see, and shaded colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert
from robot.native_libraries import load_libusb
from robot.simulator import camera_model
from robot.simulator.backdrop import Backdrop, make_backdrop
from robot.simulator.cell_body import TABLE_TOP_M
from robot.simulator.scene import Scene

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]
Window = tuple[slice, slice]

_LIGHT_M = np.array([0.15, 0.55, TABLE_TOP_M + 1.75])  # a lamp beside the cell
_LIGHT_SAMPLES_M = ((-0.12, -0.12), (0.12, -0.12), (-0.12, 0.12), (0.12, 0.12))
_AMBIENT, _LAMP, _SKY = 0.42, 0.46, 0.16
_OFF_SURFACE_M = 2e-4
_WINDOW_MARGIN_PX = 40


@dataclass(frozen=True, eq=False)
class CleanView:
    """What perfect sensors would see.

    Attributes:
        depth_m: (H, W) along the depth sensor's optical axis.
        hidden: (H, W) True where the right imager's view is blocked.
        incidence: (H, W) cosine between surface normal and line of sight.
        albedo: (H, W) brightness of the surface, as the depth sensor's pattern meets it.
        color: (H, W, 3) float32 0..255, in the colour sensor.
    """

    depth_m: Image
    hidden: Mask
    incidence: Image
    albedo: Image
    color: Image


class Renderer:
    """Renders scenes; keeps the last view and the empty cell's. Not for several threads at once."""

    def __init__(self) -> None:
        load_libusb()
        import open3d

        self._o3d: Any = open3d
        self._backdrops: dict[bool, Backdrop] = {}
        self._key: bytes | None = None
        self._view: CleanView | None = None

    def render(self, scene: Scene) -> CleanView:
        """The clean view of ``scene``, remembered as long as the scene looks the same."""
        if self._view is None or scene.key != self._key:
            self._view = self._render(scene)
            self._key = scene.key
        return self._view

    def _render(self, scene: Scene) -> CleanView:
        if scene.board_shown not in self._backdrops:
            self._backdrops[scene.board_shown] = make_backdrop(scene.board_shown)
        backdrop = self._backdrops[scene.board_shown]
        depth, incidence, albedo = backdrop.depth_m.copy(), backdrop.incidence.copy(), backdrop.albedo.copy()
        color, hidden = backdrop.color.copy(), np.zeros(depth.shape, dtype=bool)
        vertices, faces, colors = scene.merged()
        if len(faces):
            caster = self._caster(vertices, faces)
            for window in _windows(scene, camera_model.DEPTH, camera_model.T_base_depth()):
                self._draw_depth(caster, window, colors, depth, hidden, incidence, albedo)
            for window in _windows(scene, camera_model.COLOR, camera_model.T_base_color()):
                self._draw_color(caster, window, colors, backdrop.color_points, color)
        return CleanView(depth, hidden, incidence, albedo, color)

    def _caster(self, vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Any:
        tensor = self._o3d.core.Tensor
        caster = self._o3d.t.geometry.RaycastingScene()
        caster.add_triangles(tensor(vertices.astype(np.float32)), tensor(faces.astype(np.uint32)))
        return caster

    def _draw_depth(
        self, caster: Any, window: Window, colors: Image, depth: Image, hidden: Mask, incidence: Image, albedo: Image
    ) -> None:
        sensor, T = camera_model.DEPTH, camera_model.T_base_depth()
        origin, directions = _rays(sensor, T, window)
        hit = self._cast(caster, origin, directions)
        nearer = hit["t_hit"] < depth[window]
        depth[window] = np.where(nearer, hit["t_hit"], depth[window])
        unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        cosine = np.abs(np.einsum("hwi,hwi->hw", hit["primitive_normals"], unit))
        incidence[window] = np.where(nearer, cosine, incidence[window])
        seen = colors[np.minimum(hit["primitive_ids"], len(colors) - 1)]
        albedo[window] = np.where(nearer, seen.mean(axis=-1), albedo[window])
        points = origin + directions * depth[window][..., None]
        right = apply(T, [camera_model.BASELINE_M, 0.0, 0.0]).astype(np.float32)
        hidden[window] = self._blocked(caster, points, right)

    def _draw_color(self, caster: Any, window: Window, colors: Image, table_points: Image, color: Image) -> None:
        sensor, T = camera_model.COLOR, camera_model.T_base_color()
        origin, directions = _rays(sensor, T, window)
        hit = self._cast(caster, origin, directions)
        behind = table_points[window]
        nearer = hit["t_hit"] < (origin[2] - behind[..., 2])
        points = np.where(nearer[..., None], origin + directions * hit["t_hit"][..., None], behind)
        normals = _towards_camera(hit["primitive_normals"], directions)
        normals = np.where(nearer[..., None], normals, np.array([0, 0, 1], dtype=np.float32))
        lit = self._lit(caster, points, normals)
        shade = shading(points, normals, lit)
        plain = shading(behind, np.broadcast_to(np.array([0, 0, 1], np.float32), behind.shape), np.float32(1.0))
        own = colors[np.minimum(hit["primitive_ids"], len(colors) - 1)] * shade[..., None] * 255.0
        color[window] = np.where(nearer[..., None], own, color[window] * (shade / plain)[..., None])

    def _lit(self, caster: Any, points: Image, normals: Image) -> Image:
        """Share of the lamp that is seen from each point."""
        lit = np.zeros(points.shape[:2], dtype=np.float32)
        for dx, dy in _LIGHT_SAMPLES_M:
            lamp = (_LIGHT_M + np.array([dx, dy, 0.0])).astype(np.float32)
            lit += ~self._blocked(caster, points + normals * _OFF_SURFACE_M, lamp)
        return lit / np.float32(len(_LIGHT_SAMPLES_M))

    def _blocked(self, caster: Any, points: Image, target: NDArray[np.float32]) -> Mask:
        """Whether something stands between each point and ``target``."""
        way = target - points
        length = np.linalg.norm(way, axis=-1, keepdims=True)
        start = points + way / length * 5 * _OFF_SURFACE_M
        rays = np.concatenate([start, target - start], axis=-1).astype(np.float32)
        blocked = caster.test_occlusions(self._o3d.core.Tensor(rays), tnear=0.0, tfar=0.999)
        return np.asarray(blocked.numpy())

    def _cast(self, caster: Any, origin: Image, directions: Image) -> dict[str, Any]:
        rays = np.concatenate([np.broadcast_to(origin, directions.shape), directions], axis=-1)
        answer = caster.cast_rays(self._o3d.core.Tensor(np.ascontiguousarray(rays, dtype=np.float32)))
        return {name: answer[name].numpy() for name in ("t_hit", "primitive_ids", "primitive_normals")}


def shading(points: Image, normals: Image, lit: Image | np.float32) -> Image:
    """(..., ) brightness factor of Lambertian surfaces under the lamp and a soft sky."""
    way = _LIGHT_M.astype(np.float32) - points
    distance = np.linalg.norm(way, axis=-1)
    cosine = np.clip(np.einsum("...i,...i->...", way, normals) / distance, 0.0, 1.0)
    falloff = (1.75 / distance) ** 2
    return np.asarray(_AMBIENT + _SKY * normals[..., 2] + _LAMP * lit * cosine * falloff, dtype=np.float32)


def _towards_camera(normals: Image, directions: Image) -> Image:
    away = np.einsum("hwi,hwi->hw", normals, directions) > 0
    return np.where(away[..., None], -normals, normals)


def _rays(sensor: Intrinsics, T_base_sensor: Transform, window: Window) -> tuple[Image, Image]:
    """Origin (3,) and directions (h, w, 3) of depth 1 along the optical axis, so that a ray's length is a depth."""
    rows = np.arange(window[0].start, window[0].stop, dtype=np.float64)
    columns = np.arange(window[1].start, window[1].stop, dtype=np.float64)
    u, v = np.meshgrid(columns, rows)
    local = sensor.deproject(u, v, np.ones(u.shape))
    return T_base_sensor[:3, 3].astype(np.float32), (local @ T_base_sensor[:3, :3].T).astype(np.float32)


def _windows(scene: Scene, sensor: Intrinsics, T_base_sensor: Transform) -> list[Window]:
    """The parts of the picture, apart from each other, that the visuals, their shadows and what they hide can touch."""
    T_sensor_base = invert(T_base_sensor)
    boxes: list[NDArray[np.int64]] = []
    for visual, pose in zip(scene.visuals, scene.poses, strict=True):
        box = _bounds(apply(T_sensor_base @ pose, visual.vertices), sensor)
        while True:
            touching = [other for other in boxes if (other[0] < box[1]).all() and (box[0] < other[1]).all()]
            if not touching:
                break
            boxes = [other for other in boxes if not any(other is t for t in touching)]
            box = np.array([np.min([box[0], *(t[0] for t in touching)], axis=0),
                            np.max([box[1], *(t[1] for t in touching)], axis=0)])  # fmt: skip
        if (box[0] < box[1]).all():
            boxes.append(box)
    return [(slice(int(b[0, 1]), int(b[1, 1])), slice(int(b[0, 0]), int(b[1, 0]))) for b in boxes]


def _bounds(vertices_sensor: NDArray[np.float64], sensor: Intrinsics) -> NDArray[np.int64]:
    """[[left, top], [right, bottom]] of the pixels concerned; the whole picture for what reaches behind the sensor."""
    size = np.array([sensor.width, sensor.height])
    if vertices_sensor[:, 2].min() < 0.05:
        return np.array([[0, 0], size])
    pixels = sensor.project(vertices_sensor)
    low = np.floor(pixels.min(axis=0)).astype(int) - _WINDOW_MARGIN_PX
    high = np.ceil(pixels.max(axis=0)).astype(int) + _WINDOW_MARGIN_PX
    return np.asarray(np.clip(np.array([low, high]), 0, size))
