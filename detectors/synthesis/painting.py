"""Colour pictures of a scene under many lights, on many tables, of many materials: what a camera without depth sees.

The usual scenes have one lamp, plain surfaces and a plain table. Who learns from colour, or is tested on it, needs more
variety than that: here lamps have colours, shiny things mirror the lamps and the sky, and the table bears a pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.viewing import Camera, Triangles
from robot.frame import Intrinsics
from robot.geometry import Transform

Array = NDArray[np.float64]
Image = NDArray[np.float32]
Rgb = tuple[float, float, float]

_OFF_SURFACE_M = np.float32(5e-4)
_USUAL_DISTANCE_M = 1.5
_UP = np.array([0.0, 0.0, 1.0], dtype=np.float32)
_GROUND_SHARE = 0.5  # of the sky's light comes back from below


@dataclass(frozen=True)
class Lamp:
    """A small lamp.

    Attributes:
        position_m: in the table's frame.
        color: RGB; 1 lights a white surface 1.5 m away fully.
    """

    position_m: tuple[float, float, float]
    color: Rgb


@dataclass(frozen=True)
class Material:
    """How a thing's surface gives light back.

    Attributes:
        specular: strength of the highlights and of what it mirrors, 0 (matt) to 1.
        shininess: exponent of the highlights (Blinn and Phong); the larger, the smaller they are.
        metal: 1 mirrors in its own colour and is dark otherwise, 0 is plastic.
    """

    specular: float = 0.0
    shininess: float = 20.0
    metal: float = 0.0


@dataclass(frozen=True, eq=False)
class Texture:
    """A square pattern that is laid over the table again and again.

    Attributes:
        image: (S, S, 3) albedo in 0..1.
        side_m: of the square.
    """

    image: Image
    side_m: float

    def at(self, xy_m: Image) -> Image:
        """(N, 3) albedo at (N, 2) places on the table [m]; beyond what a pixel resolves it is not smoothed."""
        size = len(self.image)
        place = np.mod(xy_m / np.float32(self.side_m), 1.0).astype(np.float32) * np.float32(size)
        padded = np.pad(self.image, ((0, 1), (0, 1), (0, 0)), mode="wrap")
        # cv2.remap takes no more than 32,767 columns: the points are laid out in rows.
        rows = -(-len(place) // 1024)
        laid_out = np.zeros((rows * 1024, 2), dtype=np.float32)
        laid_out[: len(place)] = place
        grid = laid_out.reshape(rows, 1024, 2)
        found = cv2.remap(padded, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR)
        return np.asarray(found.reshape(-1, 3)[: len(place)], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Look:
    """Everything that makes the same scene look different.

    Attributes:
        lamps: at least none.
        ambient: RGB light from everywhere.
        table: its pattern.
        table_turn_rad: how the pattern lies on it.
        materials: one for every thing of the scene.
        exposure: factor on all light.
        blur_px: of the lens (standard deviation).
        noise: of the sensor, in steps of 255 (standard deviation).
    """

    lamps: tuple[Lamp, ...]
    ambient: Rgb
    table: Texture
    table_turn_rad: float
    materials: tuple[Material, ...]
    exposure: float = 1.0
    blur_px: float = 0.6
    noise: float = 2.0


def paint(
    caster: RayCaster, camera: Camera, triangles: Triangles, depth_m: Array, faces: NDArray[np.int32], look: Look,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:  # fmt: skip
    """Paint a picture.

    Args:
        caster, triangles: of the things.
        camera: that looks at them.
        depth_m: (H, W) of what each pixel sees, along the optical axis; finite.
        faces: (H, W) the triangle seen, -1 for the table.
        look: how it looks.
        rng: of the sensor's noise.

    Returns:
        (H, W, 3) RGB.
    """
    T = camera.T_table_camera
    directions = rays(camera.intrinsics, T).reshape(-1, 3)
    points = T[:3, 3].astype(np.float32) + directions * depth_m.reshape(-1, 1).astype(np.float32)
    seen = faces.ravel()
    thing = seen >= 0
    sight = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    normals = _normals(caster, seen, thing, sight)
    albedo = _albedo(triangles, seen, thing, points, look)
    light = _light(caster, triangles, seen, thing, points, normals, sight, albedo, look)
    picture = (light * np.float32(look.exposure * 255.0)).reshape(*depth_m.shape, 3)
    if look.blur_px > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), look.blur_px)
    picture = picture + rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(look.noise)
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)


def rays(K: Intrinsics, T_table_camera: Transform) -> Image:
    """(H, W, 3) directions of depth 1 along the optical axis, in the table's frame."""
    u, v = np.meshgrid(np.arange(K.width, dtype=float), np.arange(K.height, dtype=float))
    return np.asarray(K.deproject(u, v, np.ones(u.shape)) @ T_table_camera[:3, :3].T, dtype=np.float32)


def _normals(caster: RayCaster, seen: NDArray[np.int32], thing: NDArray[np.bool_], sight: Image) -> Image:
    normals = np.broadcast_to(_UP, sight.shape).copy()
    own = caster.normals.astype(np.float32)[seen[thing]]
    away = np.einsum("ni,ni->n", own, sight[thing]) > 0
    normals[thing] = np.where(away[:, None], -own, own)
    return normals


def _albedo(
    triangles: Triangles, seen: NDArray[np.int32], thing: NDArray[np.bool_], points: Image, look: Look
) -> Image:
    albedo = np.empty_like(points)
    albedo[thing] = triangles.colors.astype(np.float32)[seen[thing]]
    c, s = np.float32(np.cos(look.table_turn_rad)), np.float32(np.sin(look.table_turn_rad))
    x, y = points[~thing, 0], points[~thing, 1]
    albedo[~thing] = look.table.at(np.stack([c * x - s * y, s * x + c * y], axis=1))
    return albedo


def _light(
    caster: RayCaster, triangles: Triangles, seen: NDArray[np.int32], thing: NDArray[np.bool_], points: Image,
    normals: Image, sight: Image, albedo: Image, look: Look,
) -> Image:  # fmt: skip
    """(N, 3) light that comes from every point."""
    table = np.array([[m.specular, m.shininess, m.metal] for m in look.materials], dtype=np.float32)
    surface = np.zeros((len(points), 3), dtype=np.float32)  # the table is matt
    surface[:, 1] = 1.0
    surface[thing] = table[triangles.owner[seen[thing]]]
    specular, shininess, metal = surface.T
    ambient = np.asarray(look.ambient, dtype=np.float32)
    diffuse = np.broadcast_to(ambient * (0.85 + 0.15 * normals[:, 2:]), points.shape).astype(np.float32)
    gloss = np.zeros_like(diffuse)
    start = points + normals * _OFF_SURFACE_M
    for lamp in look.lamps:
        way = np.asarray(lamp.position_m, dtype=np.float32) - points
        distance = np.linalg.norm(way, axis=1, keepdims=True)
        way /= distance
        cosine = np.clip(np.einsum("ni,ni->n", normals, way), 0.0, 1.0)
        reached = np.zeros(len(points), dtype=np.float32)
        facing = np.flatnonzero(cosine > 0)
        reached[facing] = ~caster.blocked(start[facing], np.broadcast_to(lamp.position_m, (len(facing), 3)))
        strength = (np.asarray(lamp.color, np.float32) * (_USUAL_DISTANCE_M / distance) ** 2) * reached[:, None]
        diffuse = diffuse + strength * cosine[:, None]
        shiny = np.flatnonzero((specular > 0) & (reached > 0))
        half = way[shiny] - sight[shiny]
        half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
        peak = np.clip(np.einsum("ni,ni->n", normals[shiny], half), 0.0, 1.0) ** shininess[shiny]
        gloss[shiny] += strength[shiny] * (peak * specular[shiny] * 2.0)[:, None]
    up = 2 * np.einsum("ni,ni->n", -sight, normals) * normals[:, 2] + sight[:, 2]  # of the mirrored line of sight
    sky = ambient * (_GROUND_SHARE + (1 - _GROUND_SHARE) * (up + 1) / 2)[:, None] * 1.5
    gloss += sky * specular[:, None]
    tint = metal[:, None] * albedo + (1 - metal[:, None])
    return np.asarray(albedo * diffuse * (1 - 0.85 * metal[:, None]) + gloss * tint, dtype=np.float32)
