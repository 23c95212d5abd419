"""One scene of the benchmark, from its number: held-out things at rest, a tilted camera, decor and light."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.jacquardplus.cameras import LARGEST_TILT_RAD, draw_camera
from detectors.jacquardplus.looks import draw_look
from detectors.jacquardplus.settings import BenchmarkSettings
from detectors.synthesis.catalogue import SyntheticCatalogue
from detectors.synthesis.crowds import lay_out_crowd
from detectors.synthesis.lifting import Lying
from detectors.synthesis.painting import paint, rays
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.scene_shards import SceneGrasps, SceneRecord
from detectors.synthesis.splits import THINGS
from detectors.synthesis.viewing import Camera, Triangles, View, take, triangles_of
from robot.errors import CellError

THINGS_IN_A_SCENE = (2, 5)
_DRAWS = 30  # of other things, where those drawn find no place beside each other
_PHYSICS, _VIEW, _LOOK, _SENSOR = range(4)  # dice of their own: a change of the decor changes no geometry


@lru_cache(maxsize=1)
def catalogue() -> SyntheticCatalogue:
    """The things; those of the split "test" are the benchmark's."""
    return SyntheticCatalogue(THINGS)


def make_scene(number: int, settings: BenchmarkSettings) -> SceneRecord:
    """Scene ``number``: the same for the same seed, whoever makes it and in whatever order. It holds no grasps.

    Raises:
        CellError: however often other things were drawn, they found no place.
    """
    physics, view_rng, look_rng, sensor = (
        np.random.default_rng([settings.seed, number, dice]) for dice in (_PHYSICS, _VIEW, _LOOK, _SENSOR)
    )
    numbers, scene = _draw_things(physics)
    points = np.vstack([lying.vertices_table() for lying in scene])
    camera = draw_camera(float(view_rng.uniform(0.0, LARGEST_TILT_RAD)), points, view_rng)
    triangles = triangles_of(scene)
    view = take(camera, triangles, sensor)
    look = draw_look(len(scene), look_rng)
    color = paint(*_seen(camera, triangles, view), look, sensor)
    return SceneRecord(
        number=number,
        things=numbers,
        T_table_object=np.stack([lying.T_table_object for lying in scene]),
        camera=camera.intrinsics,
        T_table_camera=camera.T_table_camera,
        depth_m=view.depth_m,
        clean_depth_m=view.clean_depth_m,
        mask=view.mask,
        color=color,
        grasps=_no_grasps(),
    )


def _draw_things(rng: np.random.Generator) -> tuple[NDArray[np.int64], list[Lying]]:
    """Numbers of the things, and how they lie: as many as were drawn."""
    available = catalogue().numbers("test")
    count = int(rng.integers(THINGS_IN_A_SCENE[0], THINGS_IN_A_SCENE[1] + 1))
    for _ in range(_DRAWS):
        numbers = rng.choice(available, size=count, replace=False)
        things = [catalogue().thing(int(n)) for n in numbers]
        scene = lay_out_crowd(things, rng)
        if len(scene) == count:
            number_of = {id(thing): int(n) for thing, n in zip(things, numbers, strict=True)}
            return np.array([number_of[id(lying.spec)] for lying in scene], dtype=np.int64), scene
    raise CellError(f"{count} things found no place in {_DRAWS} draws", "take another seed", exit_code=1)


def _seen(
    camera: Camera, triangles: Triangles, view: View
) -> tuple[RayCaster, Camera, Triangles, NDArray[np.float64], NDArray[np.int32]]:
    """What :func:`paint` wants to know of the picture, the same things on the same pixels as in the mask."""
    caster = RayCaster(triangles.vertices, triangles.faces)
    directions = rays(camera.intrinsics, camera.T_table_camera).astype(np.float64)
    _, faces = caster.cast(camera.T_table_camera[:3, 3], directions)
    on_thing = np.where(view.mask > 0, faces, np.int32(-1)).astype(np.int32)
    return caster, camera, triangles, view.clean_depth_m.astype(np.float64), on_thing


def _no_grasps() -> SceneGrasps:
    columns = SceneGrasps.__dataclass_fields__
    return SceneGrasps(**{name: np.zeros(0) for name in columns})  # type: ignore[arg-type]
