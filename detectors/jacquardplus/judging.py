"""One simulated grasp trial: a prediction in the image becomes a vertical grasp on the table, and is carried out once.

The gripper comes straight down, whatever the camera's tilt. The grasp's middle is half-way through what the ray through
(u, v) meets first: a picture shows a thing's front, and jaws close about its middle. The two plates of the predicted
rectangle are lines in the image; seen from the camera they lie along two parallel lines on the horizontal plane through
that middle, and yaw and opening are across these. So a rectangle drawn about something flat holds it from every side,
and one about something tall is somewhat wide. An opening wider than the stroke is taken as the stroke. How deep the
grasp goes is a rule (``heights``). A prediction with ``depth_m`` of its own has its middle there, and its closing line
is projected along the vertical, as the cell carries grasps out; one with ``width_m`` of its own is open so wide.
There is no noise and one friction, the nominal one: the same prediction always ends the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.jacquardplus.heights import centre_height_m, cut_strip
from detectors.jacquardplus.predictions import Prediction
from detectors.synthesis.catalogue import Catalogue
from detectors.synthesis.contacts import collides, first_contacts
from detectors.synthesis.grasp_frames import TableGrasps
from detectors.synthesis.lifting import FRICTION_FACTORS, LiftBench, Lying
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.scene_shards import SceneRecord
from detectors.synthesis.viewing import Triangles, triangles_of
from robot.frame import Intrinsics
from robot.geometry import Transform, apply
from robot.gripper_geometry import STROKE_M

Array = NDArray[np.float64]
Outcome = Literal["lifted", "dropped", "collision", "empty"]

_NOMINAL = FRICTION_FACTORS.index(1.0)
_TABLE = -1
_MOST_FACES, _PAST_M = 60, 1e-5


@dataclass(frozen=True, eq=False)
class TrueScene:
    """What a judge has to know of a scene: no pictures."""

    number: int
    things: NDArray[np.int64]
    T_table_object: Array
    camera: Intrinsics
    T_table_camera: Transform

    @classmethod
    def of(cls, record: SceneRecord) -> TrueScene:
        """Of a recorded scene."""
        return cls(record.number, record.things, record.T_table_object, record.camera, record.T_table_camera)


@dataclass(frozen=True, eq=False)
class Stage:
    """A scene, put back into the physical world."""

    scene: TrueScene
    lying: tuple[Lying, ...]
    triangles: Triangles
    caster: RayCaster

    @classmethod
    def build(cls, scene: TrueScene, catalogue: Catalogue) -> Stage:
        """From the numbers of the things and where they lie."""
        pairs = zip(scene.things, scene.T_table_object, strict=True)
        return cls.of_things(scene, tuple(Lying(catalogue.thing(int(n)), T) for n, T in pairs))

    @classmethod
    def of_things(cls, scene: TrueScene, lying: tuple[Lying, ...]) -> Stage:
        """From the things themselves."""
        triangles = triangles_of(lying)
        return cls(scene, lying, triangles, RayCaster(triangles.vertices, triangles.faces))

    def seen(self, u: float, v: float) -> tuple[float, int]:
        """Depth [m] of the true surface in a pixel, and the place of the thing there, -1 for the table."""
        T = self.scene.T_table_camera
        direction = T[:3, :3] @ self.scene.camera.deproject(u, v, 1.0)
        flown, face = self.caster.cast(T[:3, 3], direction[None])
        table = -T[2, 3] / direction[2] if direction[2] < 0 else math.inf
        if flown[0] < table:
            return float(flown[0]), int(self.triangles.owner[face[0]])
        return float(table), _TABLE

    def middle(self, u: float, v: float) -> float:
        """Depth [m] half-way through what a pixel shows: from where the ray enters the thing to where it leaves it."""
        depth, thing = self.seen(u, v)
        if thing == _TABLE:
            return depth
        own = self.triangles.faces[self.triangles.owner == thing]
        caster = RayCaster(self.triangles.vertices, own)
        start, direction = (
            self.scene.T_table_camera[:3, 3],
            self.scene.T_table_camera[:3, :3] @ (self.scene.camera.deproject(u, v, 1.0)),
        )
        inside, gone = 0, 0.0
        for _ in range(_MOST_FACES):  # a thing is made of closed parts that overlap: it ends where the last one does
            flown, face = caster.cast((start + direction * gone)[None], direction[None])
            if not np.isfinite(flown[0]):
                break
            gone += float(flown[0]) + _PAST_M
            inside += 1 if caster.normals[face[0]] @ direction < 0 else -1
            if inside <= 0:
                break
        return (depth + max(gone, depth)) / 2


def on_table(stage: Stage, prediction: Prediction) -> TableGrasps | None:
    """The grasp on the table that a prediction stands for; None where the camera looks past the table."""
    camera, T = stage.scene.camera, stage.scene.T_table_camera
    depth = prediction.depth_m if prediction.depth_m is not None else stage.middle(prediction.u, prediction.v)
    if not math.isfinite(depth):
        return None
    c, s = math.cos(prediction.angle_rad), math.sin(prediction.angle_rad)
    if prediction.depth_m is None:
        closing, plate = _laid(T, [c, s, 0.0]), _laid(T, [-s, c, 0.0])
        across = np.array([plate[1], -plate[0]]) / np.linalg.norm(plate)
        shrunk = abs(float(closing @ across))
    else:
        across = (T[:3, :3] @ [c, s, 0.0])[:2]
        shrunk = float(np.linalg.norm(across))
    yaw, width = math.atan2(across[1], across[0]), prediction.width_m
    if width is None:
        width = prediction.width_px * depth / camera.fx * shrunk
    width = min(width, STROKE_M)
    centre = apply(T, camera.deproject(prediction.u, prediction.v, depth))
    if prediction.depth_m is None:
        centre[2] = centre_height_m(cut_strip(stage.caster, centre[:2], yaw), width)
    return TableGrasps(centre[None], np.array([yaw]), np.array([width]))


def _laid(T_table_camera: Transform, direction: list[float]) -> Array:
    """(2,) a direction in the image's plane, moved along the camera's axis until it lies in the table's plane."""
    moved = T_table_camera[:3, :3] @ direction
    axis = T_table_camera[:3, 2]
    return np.asarray((moved - axis * (moved[2] / axis[2]))[:2])


def judge(stage: Stage, prediction: Prediction) -> Outcome:
    """Carry a prediction out.

    The thing meant is the one in the pixel (u, v); where that is the table, the one that both pads meet (the hollow of
    a ring, say). "empty": the pads meet nothing on at least one side. "collision": something is under the open gripper
    on its way down. "dropped": whatever was held, the thing meant did not hang clear of the table at the end.
    """
    grasp = on_table(stage, prediction)
    if grasp is None:
        return "empty"
    contacts = first_contacts(stage.caster, stage.triangles, grasp)
    meant = stage.seen(prediction.u, prediction.v)[1]
    if meant == _TABLE and contacts.owner[0, 0] == contacts.owner[0, 1]:
        meant = int(contacts.owner[0, 0])
    if collides(stage.caster, grasp)[0]:
        return "collision"
    if meant == _TABLE or not np.isfinite(contacts.distance_m).all():
        return "empty"
    others = [lying for place, lying in enumerate(stage.lying) if place != meant]
    outer = np.clip(contacts.distance_m.max(axis=1), 0.0, STROKE_M / 2)
    lifts = LiftBench(stage.lying[meant], others).lift(grasp, outer, np.array([_NOMINAL]))
    return "lifted" if lifts.lifted[0] else "dropped"
