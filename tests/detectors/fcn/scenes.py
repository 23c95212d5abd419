"""A tiny data set of real scenes: each a thing of the catalogue, its picture, and labelled grasps."""

from __future__ import annotations

from pathlib import Path

from detectors.synthesis.catalogue import open_catalogue
from detectors.synthesis.making import make_scene
from detectors.synthesis.scene_shards import scenes_file, write_scenes
from detectors.synthesis.settings import open_dataset
from tests.detectors.synthesis.small_shards import wanted

SHARDS = ((0, 1, 2, 3), (4, 5, 6, 7), (18, 28))
"""Numbers of the scenes in each file; the last two show validation things."""


def write_scene_data(folder: Path) -> Path:
    """The scenes alone, as the data engine makes them; nothing is prepared."""
    settings = wanted(29)
    open_dataset(folder, settings)
    catalogue = open_catalogue(settings)
    for index, numbers in enumerate(SHARDS):
        write_scenes(scenes_file(folder, index), [make_scene(n, settings, catalogue).record for n in numbers])
    return folder
