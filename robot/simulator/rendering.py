"""Ray-cast pictures of the simulated cell: exact depth, what the stereo pair cannot see, and shaded colour."""

from __future__ import annotations

import math
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
from robot.simulator.prints import Window, board_print
from robot.simulator.scene import PRINTED_FACES, Scene

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_LIGHT_M = np.array([0.15, 0.55, TABLE_TOP_M + 1.75])  # a lamp beside the cell
_LIGHT_SAMPLES_M = ((-0.12, -0.12), (0.12, -0.12), (-0.12, 0.12), (0.12, 0.12))
_AMBIENT, _LAMP, _SKY = 0.42, 0.46, 0.16
_OFF_SURFACE_M = 2e-4
_WINDOW_MARGIN_PX = 40
_NEAREST_M = 0.01
_BACKDROPS_KEPT = 2


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
    """Renders scenes; keeps the last view and the last empty cells. Not for several threads at once."""

    def __init__(self) -> None:
        load_libusb()
        import open3d

        self._o3d: Any = open3d
        self._backdrops: dict[bytes, Backdrop] = {}
        self._key: bytes | None = None
        self._view: CleanView | None = None

    def render(self, scene: Scene) -> CleanView:
        """The clean view of ``scene``, remembered as long as the scene looks the same."""
        if self._view is None or scene.key != self._key:
            self._view = self._render(scene)
            self._key = scene.key
        return self._view

    def _render(self, scene: Scene) -> CleanView:
        backdrop = self._backdrop(scene.T_base_color)
        depth, incidence, albedo = backdrop.depth_m.copy(), backdrop.incidence.copy(), backdrop.albedo.copy()
        view = CleanView(depth, np.zeros(depth.shape, dtype=bool), incidence, albedo, backdrop.color.copy())
        vertices, faces, colors = scene.merged()
        T_base_depth = scene.T_base_color @ camera_model.T_color_depth()
        if len(faces):
            caster = self._caster(vertices, faces)
            for window in _windows(scene, camera_model.DEPTH, T_base_depth, camera_model.BASELINE_M):
                self._draw_depth(caster, window, scene, colors, view)
            for window in _windows(scene, camera_model.COLOR, scene.T_base_color, 0.0):
                self._draw_color(caster, window, scene, colors, backdrop, view)
        return view

    def _backdrop(self, T_base_color: Transform) -> Backdrop:
        """The empty cell, from where the camera is; a camera that stands still sees it for nothing."""
        key = np.round(T_base_color, 7).tobytes()
        if key not in self._backdrops:
            while len(self._backdrops) >= _BACKDROPS_KEPT:
                del self._backdrops[next(iter(self._backdrops))]
            self._backdrops[key] = make_backdrop(T_base_color)
        return self._backdrops[key]

    def _caster(self, vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> Any:
        tensor = self._o3d.core.Tensor
        caster = self._o3d.t.geometry.RaycastingScene()
        caster.add_triangles(tensor(vertices.astype(np.float32)), tensor(faces.astype(np.uint32)))
        return caster

    def _draw_depth(self, caster: Any, window: Window, scene: Scene, colors: Image, view: CleanView) -> None:
        sensor, T = camera_model.DEPTH, scene.T_base_color @ camera_model.T_color_depth()
        origin, directions = _rays(sensor, T, window)
        hit = self._cast(caster, origin, directions)
        nearer = hit["t_hit"] < view.depth_m[window]
        depth = np.where(nearer, hit["t_hit"], view.depth_m[window])
        unit = directions / _length(directions)[..., None]
        cosine = np.abs(np.einsum("hwi,hwi->hw", hit["primitive_normals"], unit))
        own = _own_colors(hit["primitive_ids"], colors, scene, sensor, T, window)
        view.depth_m[window] = depth
        view.incidence[window] = np.where(nearer, cosine, view.incidence[window])
        view.albedo[window] = np.where(nearer, own.mean(axis=-1), view.albedo[window])
        right = apply(T, [camera_model.BASELINE_M, 0.0, 0.0]).astype(np.float32)
        view.hidden[window] = self._blocked(caster, origin + directions * depth[..., None], right)

    def _draw_color(
        self, caster: Any, window: Window, scene: Scene, colors: Image, backdrop: Backdrop, view: CleanView
    ) -> None:
        sensor, T = camera_model.COLOR, scene.T_base_color
        origin, directions = _rays(sensor, T, window)
        hit = self._cast(caster, origin, directions)
        behind = backdrop.color_points[window]
        nearer = hit["t_hit"] < backdrop.color_depth_m[window]
        points = np.where(nearer[..., None], origin + directions * hit["t_hit"][..., None], behind)
        normals = _towards_camera(hit["primitive_normals"], directions)
        normals = np.where(nearer[..., None], normals, np.array([0, 0, 1], dtype=np.float32))
        lit = self._lit(caster, points, normals)
        shade = shading(points, normals, lit)
        plain = shading(behind, np.broadcast_to(np.array([0, 0, 1], np.float32), behind.shape), np.float32(1.0))
        own = _own_colors(hit["primitive_ids"], colors, scene, sensor, T, window) * shade[..., None] * 255.0
        view.color[window] = np.where(nearer[..., None], own, view.color[window] * (shade / plain)[..., None])

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
        length = _length(way)[..., None]
        start = points + way / length * 5 * _OFF_SURFACE_M
        rays = np.concatenate([start, target - start], axis=-1).astype(np.float32)
        blocked = caster.test_occlusions(self._o3d.core.Tensor(rays), tnear=0.0, tfar=0.999)
        return np.asarray(blocked.numpy())

    def _cast(self, caster: Any, origin: Image, directions: Image) -> dict[str, Any]:
        rays = np.concatenate([np.broadcast_to(origin, directions.shape), directions], axis=-1)
        answer = caster.cast_rays(self._o3d.core.Tensor(np.ascontiguousarray(rays, dtype=np.float32)))
        return {name: answer[name].numpy() for name in ("t_hit", "primitive_ids", "primitive_normals")}


def _own_colors(
    faces: NDArray[np.uint32], colors: Image, scene: Scene, sensor: Intrinsics, T_base_sensor: Transform, window: Window
) -> Image:
    """(h, w, 3) albedo of the triangles that the pixels show, the board's print included."""
    own = colors[np.minimum(faces, len(colors) - 1)]
    if scene.board is not None:
        on_print = faces < PRINTED_FACES
        if on_print.any():
            T_sensor_board = invert(T_base_sensor) @ scene.poses[0]
            printed, _ = board_print(scene.board).draw(sensor, T_sensor_board, window)
            own[on_print] = printed[on_print, None]
    return own


def shading(points: Image, normals: Image, lit: Image | np.float32) -> Image:
    """(..., ) brightness factor of Lambertian surfaces under the lamp and a soft sky."""
    way = _LIGHT_M.astype(np.float32) - points
    distance = _length(way)
    cosine = np.clip(np.einsum("...i,...i->...", way, normals) / distance, 0.0, 1.0)
    falloff = (1.75 / distance) ** 2
    return np.asarray(_AMBIENT + _SKY * normals[..., 2] + _LAMP * lit * cosine * falloff, dtype=np.float32)


def _length(vectors: Image) -> Image:
    """(...) lengths of (..., 3); several times faster than ``np.linalg.norm``."""
    return np.asarray(np.sqrt(np.einsum("...i,...i->...", vectors, vectors)))


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


def _windows(scene: Scene, sensor: Intrinsics, T_base_sensor: Transform, baseline_m: float) -> list[Window]:
    """The parts of the picture, apart from each other, that the visuals, their shadows and what they hide can touch.

    ``baseline_m``: to the imager that must see it too.
    """
    T_sensor_base = invert(T_base_sensor)
    boxes: list[NDArray[np.int64]] = []
    for visual, pose in zip(scene.visuals, scene.poses, strict=True):
        box = _bounds(apply(T_sensor_base @ pose, visual.vertices), sensor, baseline_m)
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


def _bounds(vertices_sensor: NDArray[np.float64], sensor: Intrinsics, baseline_m: float) -> NDArray[np.int64]:
    """[[left, top], [right, bottom]] of the pixels concerned; the whole picture for what reaches behind the sensor."""
    size = np.array([sensor.width, sensor.height])
    nearest_m = vertices_sensor[:, 2].min()
    if nearest_m < _NEAREST_M:
        return np.array([[0, 0], size])
    pixels = sensor.project(vertices_sensor)
    # What the left imager sees and the right one does not lies to the left of the thing that is in the way.
    blind_px = math.ceil(sensor.fx * baseline_m / nearest_m)
    low = np.floor(pixels.min(axis=0)).astype(int) - (max(_WINDOW_MARGIN_PX, blind_px), _WINDOW_MARGIN_PX)
    high = np.ceil(pixels.max(axis=0)).astype(int) + _WINDOW_MARGIN_PX
    return np.asarray(np.clip(np.array([low, high]), 0, size))
