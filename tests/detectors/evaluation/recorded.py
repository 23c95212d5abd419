"""Recorded scenes of plain things, as they come back from the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.grasp import Grasp
from detectors.synthesis.making import make_scene
from detectors.synthesis.scene_shards import SceneRecord, read_scenes, write_scenes
from detectors.synthesis.settings import DatasetSettings
from detectors.synthesis.splits import Split
from robot.objects import ObjectSpec
from tests.detectors.synthesis.lying_things import box, part, thing

BLOCK, POST, SLAB = range(3)
SETTINGS = DatasetSettings(scenes=10, seed=3, samples=4, tries=3, images="depth")


class PlainThings:
    """A block, a post, and a slab that is too large for the jaws whichever way it lies."""

    def __init__(self, *only: int) -> None:
        self._specs = (
            box(0.04, 0.07, 0.05, mass_kg=0.15),
            thing(part("cylinder", (0.035, 0.08)), mass_kg=0.1),
            box(0.13, 0.14, 0.12),
        )
        self._only = only

    def numbers(self, split: Split) -> NDArray[np.int64]:
        return np.array(self._only, dtype=np.int64)

    def thing(self, number: int) -> ObjectSpec:
        return self._specs[number]

    def family(self, number: int) -> int:
        return -1


def record_scenes(folder: Path, catalogue: PlainThings, count: int) -> list[SceneRecord]:
    """Made, written and read again."""
    path = folder / "scenes_00000.npz"
    write_scenes(path, [make_scene(number, SETTINGS, catalogue).record for number in range(count)])
    return read_scenes(path)


def grasp_of(record: SceneRecord, index: int) -> Grasp:
    """One of a scene's labelled grasps."""
    g = record.grasps
    columns = (g.u, g.v, g.depth_m, g.angle_rad, g.width_m)
    return Grasp(*(float(column[index]) for column in columns), quality=0.5)
