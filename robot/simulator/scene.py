"""What the camera could see: coloured triangles of everything that moves, gathered from the world."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from robot.calibration_board import BoardSettings
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert, transform
from robot.shapes import Faces, Vertices, triangles
from robot.simulator import camera_model
from robot.simulator.contacts import robot_geoms
from robot.simulator.staging import Staging
from robot.simulator.world import Thing, World

_SEGMENTS = 48
_SHAPES = {"mjGEOM_BOX": "box", "mjGEOM_CYLINDER": "cylinder", "mjGEOM_CAPSULE": "capsule"}
_PLATE_RGB = (0.75, 0.75, 0.73)
PRINTED_FACES = 2
"""So many of a board's triangles, the first ones, carry its print."""


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
    """Everything that moves, and where it is seen from.

    Attributes:
        visuals: the shown board's plate first, if there is one.
        poses: (N, 4, 4) of the visuals in the base frame.
        T_base_color: (4, 4) of the colour sensor.
        board: the shown board as it was printed, or None.
        key: equal for scenes that look the same.
    """

    visuals: tuple[Visual, ...]
    poses: NDArray[np.float64]
    T_base_color: Transform
    board: BoardSettings | None
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
    """Takes snapshots of a world and what people have put into it. On the simulation thread."""

    def __init__(self, world: World, staging: Staging) -> None:
        self._world, self._staging = world, staging
        self._geoms = robot_geoms(world.model)  # the robot comes first in every model: the numbers never change
        self._robot = [_geom_visual(world.model, geom) for geom in self._geoms]
        self._radii = np.array([visual.radius_m for visual in self._robot])
        self._things: dict[str, Visual] = {}

    def read(self) -> Scene:
        """Everything that is, at least partly, in view of either sensor."""
        T_base_color = self._staging.T_base_color
        seen, poses = self._robot_in_view(T_base_color)
        visuals = [self._robot[i] for i in seen]
        shown, T_base_board, name = self._staging.board, self._staging.T_base_board, b""
        if shown is not None and T_base_board is not None:
            visuals, poses = [plate(shown.board), *visuals], [T_base_board, *poses]
            name = repr(shown.board).encode()
        thing, T_base_object = self._world.thing, self._world.T_base_object
        if thing is not None and T_base_object is not None:
            visuals, poses = [*visuals, self._thing_visual(thing)], [*poses, T_base_object]
            name += thing.spec.name.encode()
        where = np.round(np.array([T_base_color, *poses]), 7)
        key = b"|".join([name, bytes(seen), where.tobytes()])
        board = None if shown is None else shown.board
        return Scene(tuple(visuals), np.array(poses).reshape(-1, 4, 4), T_base_color, board, key)

    def _robot_in_view(self, T_base_color: Transform) -> tuple[list[int], list[Transform]]:
        """Numbers of the robot's visuals of which anything can be seen, and their poses."""
        T_base_depth = T_base_color @ camera_model.T_color_depth()
        sensors = ((invert(T_base_color), camera_model.COLOR), (invert(T_base_depth), camera_model.DEPTH))
        positions, rotations = self._world.geom_poses()
        seen, poses = [], []
        for i, geom in enumerate(self._geoms):
            pose = transform(rotations[geom], positions[geom])
            if any(_sees(self._robot[i], self._radii[i], T @ pose, sensor) for T, sensor in sensors):
                seen.append(i)
                poses.append(pose)
        return seen, poses

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


@functools.lru_cache(maxsize=4)
def plate(board: BoardSettings) -> Visual:
    """The board's plate in the board's frame; its first ``PRINTED_FACES`` triangles are the printed side."""
    (width, height), margin, thickness = board.size_m, board.margin_m, board.thickness_m
    size = (width + 2 * margin, height + 2 * margin, thickness)
    vertices, faces = triangles("box", size)
    vertices = vertices + np.array([width / 2, height / 2, thickness / 2])
    behind = (vertices[faces][..., 2] > thickness / 2).any(axis=1)
    faces = np.concatenate([faces[~behind], faces[behind]])
    return Visual(vertices, faces, _plain(_PLATE_RGB, len(faces)))


def _sees(visual: Visual, radius_m: float, T_sensor_visual: Transform, sensor: Intrinsics) -> bool:
    center = T_sensor_visual[:3, 3]
    if not _in_view(center[None], radius_m, sensor):
        return False
    return _in_view(apply(T_sensor_visual, visual.vertices), 0.0, sensor)


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
