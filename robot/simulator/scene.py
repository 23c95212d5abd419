"""What the camera could see: coloured triangles of everything that moves, gathered from the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from robot.frame import Intrinsics
from robot.geometry import apply, invert
from robot.shapes import Faces, Vertices, triangles
from robot.simulator import camera_model
from robot.simulator.contacts import robot_geoms
from robot.simulator.world import Thing, World

_SEGMENTS = 48
_SHAPES = {"mjGEOM_BOX": "box", "mjGEOM_CYLINDER": "cylinder", "mjGEOM_CAPSULE": "capsule"}


@dataclass(frozen=True, eq=False)
class Visual:
    """Triangles in a body's own frame; ``colors`` (F, 3) is the RGB albedo of every triangle."""

    vertices: Vertices
    faces: Faces
    colors: NDArray[np.float32]

    @property
    def radius_m(self) -> float:
        """Of a sphere about the body's origin that holds all vertices."""
        return float(np.linalg.norm(self.vertices, axis=1).max())


@dataclass(frozen=True, eq=False)
class Scene:
    """Visuals with their poses in the base frame, and whether the board lies on the table.

    ``key`` is equal for scenes that look the same.
    """

    visuals: tuple[Visual, ...]
    poses: NDArray[np.float64]
    board_shown: bool
    key: bytes

    def merged(self) -> tuple[Vertices, Faces, NDArray[np.float32]]:
        """All triangles, in the base frame."""
        moved = [
            Visual(apply(pose, visual.vertices), visual.faces, visual.colors)
            for visual, pose in zip(self.visuals, self.poses, strict=True)
        ]
        whole = joined(moved)
        return whole.vertices, whole.faces, whole.colors


def joined(visuals: Sequence[Visual]) -> Visual:
    """One visual of several in the same frame."""
    if not visuals:
        return Visual(np.zeros((0, 3)), np.zeros((0, 3), np.int64), np.zeros((0, 3), np.float32))
    starts = np.cumsum([0, *(len(visual.vertices) for visual in visuals)])
    faces = [visual.faces + start for visual, start in zip(visuals, starts, strict=False)]
    return Visual(np.vstack([v.vertices for v in visuals]), np.vstack(faces), np.vstack([v.colors for v in visuals]))


class SceneReader:
    """Takes snapshots of a world. On the simulation thread."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._geoms = robot_geoms(world.model)  # the robot comes first in every model: the numbers never change
        self._robot = [_geom_visual(world.model, geom) for geom in self._geoms]
        self._radii = np.array([visual.radius_m for visual in self._robot])
        self._things: dict[str, Visual] = {}
        self._sensors = [
            (invert(camera_model.T_base_color()), camera_model.COLOR),
            (invert(camera_model.T_base_depth()), camera_model.DEPTH),
        ]

    def read(self) -> Scene:
        """Everything that is, at least partly, in view of either sensor."""
        positions, rotations = self._world.geom_poses()
        centers = positions[self._geoms]
        visible = self._visible(positions[self._geoms], rotations[self._geoms])
        visuals = [self._robot[i] for i in visible]
        poses = np.zeros((len(visible), 4, 4))
        poses[:, 3, 3] = 1.0
        poses[:, :3, 3] = centers[visible]
        poses[:, :3, :3] = rotations[self._geoms[visible]]
        thing, T_base_object = self._world.thing, self._world.T_base_object
        name = b""
        if thing is not None and T_base_object is not None:
            visuals.append(self._thing_visual(thing))
            poses = np.concatenate([poses, T_base_object[None]])
            name = thing.spec.name.encode()
        board = self._world.board_shown
        key = b"|".join([name, bytes([board]), visible.tobytes(), np.round(poses, 7).tobytes()])
        return Scene(tuple(visuals), poses, board, key)

    def _visible(self, centers: NDArray[np.float64], rotations: NDArray[np.float64]) -> NDArray[np.int64]:
        """Numbers of the robot's visuals of which anything can be seen."""
        seen = []
        for i in range(len(centers)):
            for T, sensor in self._sensors:
                center = apply(T, centers[i])
                if not _in_view(center[None], self._radii[i], sensor):
                    continue
                vertices = self._robot[i].vertices @ (T[:3, :3] @ rotations[i]).T + center
                if _in_view(vertices, 0.0, sensor):
                    seen.append(i)
                    break
        return np.array(seen, dtype=np.int64)

    def _thing_visual(self, thing: Thing) -> Visual:
        if thing.spec.name not in self._things:
            self._things[thing.spec.name] = _thing_visual(thing)
        return self._things[thing.spec.name]


def _thing_visual(thing: Thing) -> Visual:
    if thing.spec.mesh is not None:
        faces = thing.spec.mesh.faces
        return Visual(thing.spec.mesh.vertices, faces, _plain(thing.spec.color, len(faces)))
    visuals = []
    for part in thing.parts:
        vertices, faces = triangles(part.shape, part.size_m, _SEGMENTS)
        visuals.append(Visual(apply(part.T_object_part, vertices), faces, _plain(part.color, len(faces))))
    return joined(visuals)


def _geom_visual(model: Any, geom: int) -> Visual:
    half = model.geom_size[geom]
    shape = _SHAPES[mujoco.mjtGeom(int(model.geom_type[geom])).name]
    if shape == "box":
        size = list(2 * half)
    elif shape == "cylinder":
        size = [2 * half[0], 2 * half[1]]
    else:
        size = [2 * half[0], 2 * (half[0] + half[1])]
    vertices, faces = triangles(shape, size, _SEGMENTS)
    return Visual(vertices, faces, _plain(tuple(model.geom_rgba[geom][:3]), len(faces)))


def _plain(color: tuple[float, ...], count: int) -> NDArray[np.float32]:
    return np.tile(np.asarray(color, dtype=np.float32), (count, 1))


def _in_view(points: NDArray[np.float64], radius_m: float, sensor: Intrinsics) -> bool:
    """Whether the hull of (N, 3) points in the sensor's frame, grown by a radius, may reach into its view pyramid."""
    x, y, z = points.T
    if z.max() < -radius_m:
        return False
    axes = ((x, sensor.fx, sensor.cx, sensor.width), (y, sensor.fy, sensor.cy, sensor.height))
    for along, focal, center, size in axes:
        for edge, sign in ((-0.5, 1.0), (size - 0.5, -1.0)):
            slope = (edge - center) / focal
            if (sign * (along - slope * z)).max() < -radius_m * np.hypot(1.0, slope):
                return False
    return True
