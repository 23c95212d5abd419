"""Colour pictures of a data set's scenes, painted once with looks of their own: ``prepared/color_00012.npy``."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.anchor.looks import draw_look
from detectors.oneshot.prepared import FOLDER
from detectors.synthesis.catalogue import Catalogue, open_catalogue
from detectors.synthesis.lifting import Lying
from detectors.synthesis.painting import paint, rays
from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.scene_shards import SCENES_FOLDER, SceneRecord, read_scenes
from detectors.synthesis.settings import read_dataset
from detectors.synthesis.viewing import Camera, triangles_of
from robot.errors import SettingsError
from robot.whole_files import whole_file

_SHARD = re.compile(r"scenes_(\d+)\.npz")
_DICE = 3  # apart from those that made the scene, and from those of its dense grasps
_STORED = "color_{}.npy", "color_numbers_{}.npy"


@dataclass(frozen=True, eq=False)
class ColorScenes:
    """Painted pictures.

    Attributes:
        images: one (n, H, W, 3) uint8 map a shard.
        place: scene number -> shard and row.
    """

    images: tuple[NDArray[np.uint8], ...]
    place: dict[int, tuple[int, int]]

    def of(self, scene: int) -> NDArray[np.uint8]:
        """(H, W, 3) RGB of the scene with this number."""
        shard, row = self.place[scene]
        return np.asarray(self.images[shard][row])


def prepare_color(folder: Path, tell: Callable[[str], None], *, part: tuple[int, int] = (0, 1)) -> None:
    """Paint every shard of scenes that is there and not painted; see ``oneshot.prepared.prepare``.

    Raises:
        SettingsError: there is no data set, or a file cannot be read or written.
    """
    catalogue = open_catalogue(read_dataset(folder))
    (folder / FOLDER).mkdir(exist_ok=True)
    files = sorted((folder / SCENES_FOLDER).glob("scenes_*.npz"))
    if not files:
        raise SettingsError(f"{folder}: holds no images", "make the data set with --images depth or --images all")
    for file in files[part[0] :: part[1]]:
        found = _SHARD.fullmatch(file.name)
        if found is None or (folder / FOLDER / _STORED[0].format(found[1])).is_file():
            continue
        records = read_scenes(file)
        with whole_file(folder / FOLDER / _STORED[1].format(found[1])) as stream:
            np.save(stream, np.array([record.number for record in records], np.int64))
        with whole_file(folder / FOLDER / _STORED[0].format(found[1])) as stream:
            np.save(stream, np.stack([paint_scene(record, catalogue) for record in records]))
        tell(f"painted {file.name}")


def load_color(folder: Path) -> ColorScenes:
    """What ``prepare_color`` has painted.

    Raises:
        SettingsError: nothing is there, or a file is damaged.
    """
    files = sorted(file for file in (folder / FOLDER).glob("color_*.npy") if "numbers" not in file.name)
    if not files:
        raise SettingsError(f"{folder}: no colour pictures are prepared")
    images, place = [], {}
    for shard, file in enumerate(files):
        try:
            pictures = np.load(file, mmap_mode="r", allow_pickle=False)
            numbers = np.load(file.with_name(file.name.replace("color_", "color_numbers_")), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise SettingsError(f"{file}: cannot be read: {error}", "delete it: it will be made again") from None
        if len(pictures) != len(numbers):
            raise SettingsError(f"{file}: does not hold {len(numbers)} pictures", "delete it: it will be made again")
        images.append(pictures)
        place.update({int(number): (shard, row) for row, number in enumerate(numbers)})
    return ColorScenes(tuple(images), place)


def paint_scene(record: SceneRecord, catalogue: Catalogue, dice: int = _DICE) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of a scene in a look that its number decides."""
    lying = [Lying(catalogue.thing(int(n)), T) for n, T in zip(record.things, record.T_table_object, strict=True)]
    triangles = triangles_of(lying)
    caster = RayCaster(triangles.vertices, triangles.faces)
    rng = np.random.default_rng([record.number, dice])
    camera = Camera(record.camera, record.T_table_camera, sensor_coarser=1.0, baseline_m=0.0)
    directions = rays(record.camera, record.T_table_camera)
    flown, faces = caster.cast(record.T_table_camera[:3, 3], directions.astype(np.float64))
    table_m = -record.T_table_camera[2, 3] / directions[..., 2]
    depth_m = np.minimum(flown, table_m)
    return paint(
        caster, camera, triangles, depth_m, np.where(flown < table_m, faces, -1), draw_look(len(lying), rng), rng
    )
