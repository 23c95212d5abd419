"""A network's own proposals, carried out in physics: what its teacher has to learn next.

A network that climbs a frozen teacher ends where the teacher is wrong in its favour. So its proposals are taken back
to the scenes that they were made for, lifted, and become a data set of their own in the layout of
``detectors.dexnet``: GQ-CNN trained on it beside its usual data no longer falls for them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

from detectors.antipodal.table import fit_table
from detectors.dexnet.fields import KINDS
from detectors.dexnet.reading import DATASET_FILE
from detectors.dexnet.tensors import GraspTensors, concatenate, make_hand_poses
from detectors.dexnet.writing import is_written, write_tensors
from detectors.evaluation.judging import JudgedScene
from detectors.gqcnn.crop import crop_depths
from detectors.gqcnn.provenance import data_facts
from detectors.gqcnn.weights_file import file_sha256
from detectors.gqstn.network import GqStn
from detectors.inpainting import fill_holes
from detectors.oneshot.detector import as_arrays, look
from detectors.synthesis.catalogue import Catalogue, open_catalogue
from detectors.synthesis.contacts import first_contacts
from detectors.synthesis.grasp_frames import ImageGrasps, TableGrasps, to_table
from detectors.synthesis.labels import Labels, LabelSettings, label
from detectors.synthesis.scene_shards import SCENES_FOLDER, SceneRecord, read_scenes
from detectors.synthesis.settings import read_dataset
from detectors.synthesis.splits import split_of
from robot.errors import SettingsError
from robot.whole_files import whole_file

DRAWN = 2
"""Places drawn by their weight in each scene, beside the best one: what the network might do next."""
_LABELS = ("collision_free", "force_closure", "robust_ferrari_canny", "physical_success")


def mine(
    network: GqStn, weights: Path, data: Path, out: Path, tell: Callable[[str], None], part: tuple[int, int] = (0, 1)
) -> None:
    """Propose, lift and write, for every scene of training and validation things; goes on where it was.

    Args:
        network: trained.
        weights: where it came from.
        data: a data set with images.
        out: the data set to be written.
        tell: takes a line for each shard.
        part: (i, n) does every n-th shard only, so that several processes can share the work.

    Raises:
        SettingsError: the data set has no images, ``out`` holds something else, or a file cannot be read or written.
    """
    settings = read_dataset(data)
    catalogue = open_catalogue(settings)
    files = sorted((data / SCENES_FOLDER).glob("scenes_*.npz"))
    if not files:
        raise SettingsError(f"{data}: holds no images", "make the data set with --images depth or --images all")
    facts = {"mined_with": file_sha256(weights), "from": data_facts(data)}
    _check_out(out, facts)
    with whole_file(out / DATASET_FILE) as stream:
        stream.write(yaml.safe_dump(facts, sort_keys=False).encode())
    for file in files[part[0] :: part[1]]:
        index = int(file.stem.split("_")[1])
        if is_written(out, index):
            continue
        scenes = [r for r in read_scenes(file) if split_of(int(r.things[0])) != "test"]
        mined = [found for found in (_mine_scene(network, r, catalogue, settings.seed) for r in scenes) if found]
        if mined:
            write_tensors(out, index, concatenate(mined))
            tell(f"{file.name}: {sum(len(m) for m in mined)} proposals, {_share(mined):.3f} of them lifted")


def _check_out(out: Path, facts: dict[str, Any]) -> None:
    """Refuse to mix what is in a folder with what another network or data set gives; more scenes go on with it."""
    begun = data_facts(out)
    if begun is None:
        return
    of = dict(begun.get("from") or {}), dict(facts["from"] or {})
    for one in of:
        one.pop("scenes", None)
    if begun.get("mined_with") != facts["mined_with"] or of[0] != of[1]:
        raise SettingsError(f"{out}: holds another data set, or what other weights proposed", "give a new folder")


def _mine_scene(network: GqStn, record: SceneRecord, catalogue: Catalogue, seed: int) -> GraspTensors | None:
    """What the network proposes in one scene, labelled; None where no table is seen."""
    frame = record.frame()
    rng = np.random.default_rng([seed, record.number, 2])
    table = fit_table(frame, rng)
    if table is None:
        return None
    filled = fill_holes(frame.depth_m, frame.valid)
    looked = look(frame, filled, table, None, any_size=network.any_size)
    dice = torch.Generator().manual_seed(int(rng.integers(2**31)))
    with torch.inference_mode():
        best, drawn = network.stages(looked, 1), network.stages(looked, DRAWN, dice)
    grasps = as_arrays(best.grasps).joined(as_arrays(drawn.grasps))
    scene = JudgedScene.rebuild(record, catalogue)
    image = ImageGrasps(grasps.u, grasps.v, grasps.depth_m, grasps.angle_rad, grasps.width_m)
    on_table = to_table(image, record.camera, record.T_table_camera)
    target = _targets(scene, on_table)
    values = _labels(scene, on_table, target, rng)
    columns = {name: np.asarray(getattr(grasps, name), np.float32) for name in vars(image)}
    return GraspTensors(
        crops_m=crop_depths(filled, frame.intrinsics, grasps),
        hand_poses=make_hand_poses(**columns, camera=record.camera),
        width_m=columns["width_m"],
        object_label=record.things[target],
        pose_label=np.full(len(grasps), record.number, np.int64),
        image_label=np.full(len(grasps), record.number, np.int64),
        kind=np.full(len(grasps), KINDS.index("on policy"), np.int8),
        family=np.array([catalogue.family(int(n)) for n in record.things[target]], np.int16),
        **values,
    )


def _targets(scene: JudgedScene, grasps: TableGrasps) -> NDArray[np.int64]:
    """(N,) place of the thing between the jaws; where they touch none, of the one whose middle is nearest."""
    owner = first_contacts(scene.caster, scene.triangles, grasps).owner
    middles = np.stack([lying.vertices_table().mean(axis=0)[:2] for lying in scene.lying])
    nearest = np.linalg.norm(grasps.centre_m[:, None, :2] - middles, axis=2).argmin(axis=1)
    touched = np.where(owner[:, 0] >= 0, owner[:, 0], owner[:, 1])
    return np.asarray(np.where(touched >= 0, touched, nearest), dtype=np.int64)


def _labels(
    scene: JudgedScene, grasps: TableGrasps, target: NDArray[np.int64], rng: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    values = {name: np.zeros(len(grasps), np.float32) for name in _LABELS}
    for place in np.unique(target):
        rows = np.flatnonzero(target == place)
        settings = LabelSettings(samples=2, tries=1)
        found: Labels = label(scene.lying, scene.triangles, scene.caster, int(place), grasps[rows], settings, rng)
        for name in _LABELS:
            values[name][rows] = getattr(found, name)
    return values


def _share(mined: list[GraspTensors]) -> float:
    return float(np.concatenate([m.physical_success for m in mined if m.physical_success is not None]).mean())
