"""One scene of a data set, from its number: things at rest, a picture, grasps, labels, crops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.dexnet.tensors import GraspTensors, concatenate, make_hand_poses
from detectors.gqcnn.crop import crop_depths
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.inpainting import fill_holes
from detectors.synthesis.catalogue import Catalogue, draw_split
from detectors.synthesis.crowds import draw_crowd
from detectors.synthesis.grasp_frames import ImageGrasps, TableGrasps, joined, to_image
from detectors.synthesis.grasp_sampling import sample_grasps
from detectors.synthesis.labels import Labels, LabelSettings, label
from detectors.synthesis.lifting import Lying
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.scene import draw_count, lay_out
from detectors.synthesis.scene_shards import SceneGrasps, SceneRecord
from detectors.synthesis.settings import GRASPS_PER_SCENE, DatasetSettings
from detectors.synthesis.splits import Split
from detectors.synthesis.viewing import Camera, View, sample_camera, take, triangles_of

_LABEL_NAMES = ("collision_free", "force_closure", "robust_ferrari_canny", "physical_success")


@dataclass(frozen=True, eq=False)
class MadeScene:
    """The detection version of a scene, and its grasps as tensors."""

    record: SceneRecord
    tensors: GraspTensors


def make_scene(number: int, settings: DatasetSettings, catalogue: Catalogue) -> MadeScene:
    """Scene ``number``: the same for the same settings, whoever makes it and in whatever order."""
    rng = np.random.default_rng([settings.seed, number])
    split = draw_split(settings, catalogue, number)
    numbers, scene, camera = _things(split, settings, catalogue, rng)
    triangles = triangles_of(scene)
    # Colour has dice of its own: whether it is kept changes nothing else.
    color_rng = np.random.default_rng([settings.seed, number, 1]) if settings.images == "all" else None
    view = take(camera, triangles, rng, color_rng)
    caster = RayCaster(triangles.vertices, triangles.faces)
    tries = settings.tries if split == "train" else settings.held_out_tries
    draws = LabelSettings(samples=max(settings.samples, tries), tries=tries)
    grasps: list[TableGrasps] = []
    labels: list[Labels] = []
    kinds, owners = [], []
    for target, count in enumerate(_shared_out(GRASPS_PER_SCENE, len(scene))):
        sampled = sample_grasps(caster, triangles, target, count, rng)
        grasps.append(sampled.grasps)
        kinds.append(sampled.kind)
        labels.append(label(scene, triangles, caster, target, sampled.grasps, draws, rng))
        owners.append(np.full(count, target))
    image = to_image(joined(grasps), view.camera.intrinsics, view.camera.T_table_camera)
    owner, kind = np.concatenate(owners), np.concatenate(kinds).astype(np.int8)
    values = {name: np.concatenate([getattr(one, name) for one in labels]) for name in _LABEL_NAMES}
    record = _record(number, numbers, scene, view, image, kind, owner, values)
    families = np.array([catalogue.family(int(n)) for n in numbers], dtype=np.int16)
    return MadeScene(record, _tensors(number, numbers[owner], families[owner], view, image, kind, values))


def _things(
    split: Split, settings: DatasetSettings, catalogue: Catalogue, rng: np.random.Generator
) -> tuple[NDArray[np.int64], list[Lying], Camera]:
    """The numbers of the things, how they lie, and the camera above them."""
    if settings.most:
        crowd = draw_crowd(split, settings, catalogue, rng)
        return crowd.numbers, crowd.scene, crowd.camera
    available = catalogue.numbers(split)
    count = min(draw_count(rng), len(available))
    chosen = rng.choice(available, size=count, replace=False)
    specs = {id(spec): int(n) for n, spec in ((n, catalogue.thing(int(n))) for n in chosen)}
    scene = lay_out([catalogue.thing(int(n)) for n in chosen], rng)
    return np.array([specs[id(lying.spec)] for lying in scene], dtype=np.int64), scene, sample_camera(rng)


def _shared_out(total: int, among: int) -> list[int]:
    return [total // among + (i < total % among) for i in range(among)]


def _record(
    number: int, numbers: NDArray[np.int64], scene: Sequence[Lying], view: View, image: ImageGrasps,
    kind: NDArray[np.int8], owner: NDArray[np.int64], values: dict[str, NDArray[np.float32]],
) -> SceneRecord:  # fmt: skip
    return SceneRecord(
        number=number,
        things=numbers,
        T_table_object=np.stack([lying.T_table_object for lying in scene]),
        camera=view.camera.intrinsics,
        T_table_camera=view.camera.T_table_camera,
        depth_m=view.depth_m,
        clean_depth_m=view.clean_depth_m,
        mask=view.mask,
        color=view.color,
        grasps=SceneGrasps(
            **{name: np.asarray(column, dtype=np.float32) for name, column in vars(image).items()},
            kind=kind, object_index=owner.astype(np.int16), **values,
        ),
    )  # fmt: skip


def _tensors(
    number: int, thing: NDArray[np.int64], family: NDArray[np.int16], view: View, image: ImageGrasps,
    kind: NDArray[np.int8], values: dict[str, NDArray[np.float32]],
) -> GraspTensors:  # fmt: skip
    grasps = GraspArrays(image.u, image.v, image.depth_m, image.angle_rad, image.width_m)
    filled = fill_holes(view.depth_m, view.depth_m > 0)
    columns = {name: np.asarray(getattr(image, name), dtype=np.float32) for name in vars(image)}
    return GraspTensors(
        crops_m=crop_depths(filled, view.camera.intrinsics, grasps),
        hand_poses=make_hand_poses(**columns, camera=view.camera.intrinsics),
        width_m=columns["width_m"],
        object_label=thing,
        pose_label=np.full(len(thing), number, dtype=np.int64),
        image_label=np.full(len(thing), number, dtype=np.int64),
        kind=kind,
        family=family,
        **values,
    )


def joined_tensors(made: Sequence[MadeScene]) -> GraspTensors:
    """The grasps of several scenes, in order."""
    return concatenate([one.tensors for one in made])
