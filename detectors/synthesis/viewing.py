"""What an overhead depth camera sees of a scene: jittered around the cell's camera, clean and with stereo noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from detectors.synthesis.lifting import Lying
from detectors.synthesis.ray_casting import RayCaster
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, transform
from robot.simulator.camera_model import DEPTH_UNIT_M
from robot.simulator.rendering import CleanView
from robot.simulator.stereo_noise import StereoNoise, noisy_depth

Array = NDArray[np.float64]
Image = NDArray[np.float32]

IMAGE_PX = 400
HEIGHT_M = (0.55, 0.85)  # of the camera above the table; the cell's hangs at 0.70 m
TILT_RAD = math.radians(4.0)  # standard deviation from straight down
LARGEST_TILT_RAD = math.radians(10.0)
PIXEL_AT_TABLE_M = (0.9e-3, 1.6e-3)  # what a pixel of the image covers; the cell's 1.14 mm, a Primesense's 1.4 mm
_AIM_M = 0.03
_SENSOR_COARSER = (1.0, 1.75)  # depth is measured on a coarser grid and aligned to the image; the cell's: 1.59
_NOISE_SHARE = (0.1, 0.9)  # of the simulated camera's matching error: the cell takes a median of several frames
_BASELINE_M = (0.04, 0.09)
_ALBEDO_TABLE = (0.15, 0.9)


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera over the table: the image's intrinsics, where it hangs, and its depth sensor's coarseness."""

    intrinsics: Intrinsics
    T_table_camera: Transform
    sensor_coarser: float
    baseline_m: float


@dataclass(frozen=True, eq=False)
class View:
    """One picture of a scene; (H, W) each, as the camera's intrinsics say.

    Attributes:
        camera: that took it.
        depth_m: float32 with stereo noise, 0 where nothing was measured.
        clean_depth_m: float32.
        mask: uint8, 0 table, otherwise 1 + the thing's place in the scene.
        color: (H, W, 3) uint8 RGB, or None where none was asked for.
    """

    camera: Camera
    depth_m: Image
    clean_depth_m: Image
    mask: NDArray[np.uint8]
    color: NDArray[np.uint8] | None


@dataclass(frozen=True, eq=False)
class Triangles:
    """All things of a scene as one set of triangles in the table's frame.

    Attributes:
        vertices, faces: (V, 3) [m] and (F, 3).
        owner: (F,) place of the thing in the scene.
        colors: (F, 3) RGB albedo in 0..1.
    """

    vertices: Array
    faces: NDArray[np.int64]
    owner: NDArray[np.int64]
    colors: Array


def triangles_of(scene: Sequence[Lying]) -> Triangles:
    """Gather the triangles of everything that lies there."""
    vertices, faces, owner, colors, start = [], [], [], [], 0
    for place, lying in enumerate(scene):
        for part in lying.spec.primitives:
            points = apply(lying.T_table_object, part.vertices_object)
            vertices.append(points)
            faces.append(part.faces + start)
            owner.append(np.full(len(part.faces), place))
            colors.append(np.tile(part.color, (len(part.faces), 1)))
            start += len(points)
    return Triangles(np.vstack(vertices), np.vstack(faces), np.concatenate(owner), np.vstack(colors))


def sample_camera(rng: np.random.Generator) -> Camera:
    """A camera like the cell's, hung a little differently."""
    height = rng.uniform(*HEIGHT_M)
    focal = height / rng.uniform(*PIXEL_AT_TABLE_M)
    tilt = min(abs(rng.normal(scale=TILT_RAD)), LARGEST_TILT_RAD)
    lean = Rotation.from_rotvec(tilt * _unit(rng.uniform(0, 2 * np.pi)))
    down = Rotation.from_euler("z", rng.uniform(-np.pi, np.pi)) * Rotation.from_euler("x", np.pi)
    turned = lean * down
    aim = np.array([*rng.uniform(-_AIM_M, _AIM_M, size=2), 0.0])
    ray = turned.as_matrix()[:, 2]
    middle = (IMAGE_PX - 1) / 2 + rng.uniform(-8, 8, size=2)
    return Camera(
        Intrinsics(focal, focal, float(middle[0]), float(middle[1]), IMAGE_PX, IMAGE_PX),
        transform(turned, aim - ray * height / -ray[2]),
        float(rng.uniform(*_SENSOR_COARSER)),
        float(rng.uniform(*_BASELINE_M)),
    )


def take(
    camera: Camera, triangles: Triangles, rng: np.random.Generator, color_rng: np.random.Generator | None = None
) -> View:
    """Render the scene and add the camera's noise; in colour only where there is a generator for it."""
    caster = RayCaster(triangles.vertices, triangles.faces)
    clean, faces = _depth(caster, camera.intrinsics, camera.T_table_camera)
    mask = np.where(faces >= 0, triangles.owner[np.maximum(faces, 0)] + 1, 0).astype(np.uint8)
    noisy = _noisy(caster, camera, triangles, rng)
    picture = None if color_rng is None else _colored(caster, camera, triangles, clean, faces, color_rng)
    return View(camera, noisy, clean.astype(np.float32), mask, picture)


def _unit(angle: float) -> Array:
    return np.array([math.cos(angle), math.sin(angle), 0.0])


def _rays(K: Intrinsics, T_table_camera: Transform) -> Array:
    """(H, W, 3) directions in the table's frame, of depth 1 along the optical axis: a ray's length is a depth."""
    u, v = np.meshgrid(np.arange(float(K.width)), np.arange(float(K.height)))
    return K.deproject(u, v, np.ones(u.shape)) @ T_table_camera[:3, :3].T


def _depth(caster: RayCaster, K: Intrinsics, T: Transform) -> tuple[Array, NDArray[np.int32]]:
    """(H, W) depths [m] of things and table, and the faces seen (-1 for the table)."""
    directions = _rays(K, T)
    flown, faces = caster.cast(T[:3, 3], directions)
    table = -T[2, 3] / directions[..., 2]
    on_thing = flown < table
    return np.where(on_thing, flown, table), np.where(on_thing, faces, -1)


def _noisy(caster: RayCaster, camera: Camera, triangles: Triangles, rng: np.random.Generator) -> Image:
    """(H, W) depth measured on the sensor's coarser grid, and looked up from the image."""
    K = camera.intrinsics
    width, height = round(K.width / camera.sensor_coarser), round(K.height / camera.sensor_coarser)
    x, y = width / K.width, height / K.height
    sensor = Intrinsics(K.fx * x, K.fy * y, (K.cx + 0.5) * x - 0.5, (K.cy + 0.5) * y - 0.5, width, height)
    T = camera.T_table_camera
    depth, faces = _depth(caster, sensor, T)
    directions = _rays(sensor, T)
    length = np.linalg.norm(directions, axis=-1)
    on_thing = faces >= 0
    normals = np.where(on_thing[..., None], caster.normals[np.maximum(faces, 0)], [0.0, 0.0, 1.0])
    incidence = np.abs(np.einsum("hwi,hwi->hw", normals, directions)) / length
    table_albedo = rng.uniform(*_ALBEDO_TABLE)
    albedo = np.where(on_thing, triangles.colors.mean(axis=1)[np.maximum(faces, 0)], table_albedo)
    right = apply(T, [camera.baseline_m, 0.0, 0.0])
    points = T[:3, 3] + directions * depth[..., None]
    # A grain off the surface, towards the camera, so that a point does not hide itself.
    hidden = caster.blocked(points - directions / length[..., None] * 5e-4, np.broadcast_to(right, points.shape))
    view = CleanView(
        depth.astype(np.float32), hidden, incidence.astype(np.float32), albedo.astype(np.float32),
        np.zeros((0, 0, 3), np.float32),
    )  # fmt: skip
    quality = rng.uniform(*_NOISE_SHARE)
    usual = StereoNoise()
    noise = replace(
        usual,
        disparity_px=usual.disparity_px * quality,
        disparity_step_px=usual.disparity_step_px * min(1.0, 2 * quality),
        edge_wander_px=usual.edge_wander_px * rng.uniform(0.3, 1.3),
        edge_hole_share=usual.edge_hole_share * rng.uniform(0.0, 1.3),
        flying_share=usual.flying_share * rng.uniform(0.0, 1.3),
        speck_share=usual.speck_share * rng.uniform(0.0, 1.5),
    )
    units = noisy_depth(view, noise, rng, sensor.fx * camera.baseline_m)
    measured = units.astype(np.float32) * np.float32(DEPTH_UNIT_M)
    aligned = cv2.resize(measured, (K.width, K.height), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(aligned, dtype=np.float32)


def _colored(
    caster: RayCaster, camera: Camera, triangles: Triangles, depth: Array, faces: NDArray[np.int32],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:  # fmt: skip
    """(H, W, 3) RGB under one lamp and a soft sky, on a table of some colour and grain."""
    T = camera.T_table_camera
    directions = _rays(camera.intrinsics, T).astype(np.float32)
    points = T[:3, 3].astype(np.float32) + directions * depth[..., None].astype(np.float32)
    on_thing = (faces >= 0)[..., None]
    seen = np.maximum(faces, 0)
    normals = np.where(on_thing, caster.normals.astype(np.float32)[seen], np.array([0.0, 0.0, 1.0], np.float32))
    albedo = np.where(on_thing, triangles.colors.astype(np.float32)[seen], _table_albedo(depth.shape, rng))
    lamp = np.array([*rng.uniform(-0.8, 0.8, size=2), rng.uniform(0.9, 1.8)], dtype=np.float32)
    way = lamp - points
    cosine = np.clip(np.einsum("hwi,hwi->hw", normals, way) / np.linalg.norm(way, axis=-1), 0.0, 1.0)
    lit = ~caster.blocked(points + normals * np.float32(5e-4), np.broadcast_to(lamp, points.shape))
    ambient = rng.uniform(0.25, 0.55)
    shade = ambient + (1.05 - ambient) * cosine * lit + 0.1 * (normals[..., 2] - 1.0)
    picture = cv2.GaussianBlur((albedo * shade[..., None] * 255.0).astype(np.float32), (0, 0), 0.6)
    picture += rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(rng.uniform(0.5, 3.0))
    return np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)


def _table_albedo(shape: tuple[int, ...], rng: np.random.Generator) -> Image:
    """(H, W, 3) a table of random colour with a smooth grain."""
    base = np.clip(rng.uniform(0.15, 0.9) + rng.normal(scale=0.08, size=3), 0.05, 0.95)
    grain = rng.standard_normal(shape, dtype=np.float32)
    smooth = cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.6, 12.0), sigmaY=rng.uniform(0.6, 12.0))
    smooth /= max(float(smooth.std()), 1e-6)
    return np.asarray(base * (1.0 + rng.uniform(0.0, 0.08) * smooth[..., None]), dtype=np.float32)
