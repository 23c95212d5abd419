"""Scenes painted once: the picture is of the very scene, and a killed preparation goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from detectors.anchor import color_shards
from detectors.anchor.color_shards import load_color, paint_scene, prepare_color
from detectors.anchor.looks import draw_look
from detectors.oneshot.prepared import FOLDER
from detectors.synthesis.catalogue import open_catalogue
from detectors.synthesis.painting import Look
from detectors.synthesis.scene_shards import read_scenes, scenes_file
from detectors.synthesis.settings import read_dataset
from robot.errors import SettingsError
from tests.detectors.fcn.scenes import SHARDS


def silent(line: str) -> None:
    """For what is said elsewhere."""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / FOLDER).glob("color_*"))}


@pytest.fixture
def bare(painted_scenes: Path, tmp_path: Path) -> Path:
    """The last shard alone, nothing prepared: quick."""
    (tmp_path / "scenes").mkdir()
    shutil.copy(painted_scenes / "dataset.yaml", tmp_path)
    shutil.copy(scenes_file(painted_scenes, 2), tmp_path / "scenes")
    return tmp_path


def test_every_scene_has_its_picture(painted_scenes: Path) -> None:
    colors = load_color(painted_scenes)
    assert set(colors.place) == {number for shard in SHARDS for number in shard}
    for record in read_scenes(scenes_file(painted_scenes, 1)):
        image = colors.of(record.number)
        assert image.shape == (400, 400, 3)
        assert image.dtype == np.uint8
        assert image.std() > 3


def test_the_picture_is_of_the_scene_itself(painted_scenes: Path) -> None:
    """Pixels change abruptly where the mask's rim is, more than a few pixels beside it."""
    colors, ratios = load_color(painted_scenes), []
    for record in (one for shard in (0, 1) for one in read_scenes(scenes_file(painted_scenes, shard))):
        image = colors.of(record.number).astype(float).mean(axis=2)
        steep = np.hypot(*np.gradient(image))
        inside = record.mask > 0
        rim = inside ^ np.roll(inside, 1, axis=0) | inside ^ np.roll(inside, 1, axis=1)
        ratios.append(steep[rim].mean() / max(np.roll(steep, (25, 25), axis=(0, 1))[rim].mean(), 1e-6))
    assert np.median(ratios) > 1.5


def test_looks_belong_to_the_number_and_the_dice(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue, (record, second) = open_catalogue(read_dataset(bare)), read_scenes(scenes_file(bare, 2))
    drawn: list[Look] = []

    def watched(things: int, rng: np.random.Generator) -> Look:
        drawn.append(draw_look(things, rng))
        return drawn[-1]

    monkeypatch.setattr(color_shards, "draw_look", watched)
    one, same, other = (paint_scene(record, catalogue, dice) for dice in (3, 3, 4))
    paint_scene(second, catalogue)
    np.testing.assert_array_equal(one, same)
    assert (one != other).mean() > 0.5
    assert drawn[0].lamps == drawn[1].lamps
    assert len({look.lamps for look in (drawn[0], drawn[2], drawn[3])}) == 3


def test_painted_again_it_is_the_same_bytes_and_what_is_there_is_left(painted_scenes: Path, bare: Path) -> None:
    said: list[str] = []
    prepare_color(bare, said.append)
    assert said == ["painted scenes_00002.npz"]
    first = contents(bare)
    assert first == {name: data for name, data in contents(painted_scenes).items() if "00002" in name}
    prepare_color(bare, said.append)
    assert len(said) == 1, "nothing was left to do"
    (bare / FOLDER / "color_00002.npy").unlink()  # as if killed between the two files
    prepare_color(bare, said.append)
    assert contents(bare) == first


def test_the_work_can_be_shared(bare: Path) -> None:
    prepare_color(bare, silent, part=(1, 2))
    assert not contents(bare)
    prepare_color(bare, silent, part=(0, 2))
    assert set(load_color(bare).place) == {18, 28}


def test_what_is_missing_or_damaged_is_named(painted_scenes: Path, bare: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no colour pictures are prepared"):
        load_color(bare)
    shutil.copytree(painted_scenes / FOLDER, bare / FOLDER)
    file, numbers = bare / FOLDER / "color_00001.npy", bare / FOLDER / "color_numbers_00001.npy"
    whole = file.read_bytes()
    for damage in (whole[:50_000], b"", b"no picture at all"):
        file.write_bytes(damage)
        with pytest.raises(SettingsError, match=r"color_00001\.npy: cannot be read.*delete it"):
            load_color(bare)
    file.write_bytes(whole)
    np.save(numbers, np.array([4, 5]))
    with pytest.raises(SettingsError, match=r"color_00001\.npy: does not hold 2 pictures.*delete it"):
        load_color(bare)
    numbers.unlink()
    with pytest.raises(SettingsError, match=r"color_00001\.npy: cannot be read.*delete it"):
        load_color(bare)


def test_a_data_set_without_images_says_how_to_make_one_with(bare: Path) -> None:
    shutil.rmtree(bare / "scenes")
    with pytest.raises(SettingsError, match=r"holds no images.*--images depth"):
        prepare_color(bare, silent)
