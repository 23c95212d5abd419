"""A data set knows what it was made from, and refuses to become another one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from detectors.synthesis.scene_shards import SCENES_PER_FILE
from detectors.synthesis.settings import (
    DATASET_FILE,
    FORMAT,
    GRASPS_PER_SCENE,
    SCENES_PER_SHARD,
    DatasetSettings,
    object_set_sha256,
    open_dataset,
    read_dataset,
)
from robot.errors import SettingsError
from tests.detectors.synthesis.object_sets import write_object_set

MADE = DatasetSettings(scenes=50, seed=7, split="test", tries=3, images="depth", objects="/mine.yaml")


def test_what_was_written_is_read_back(tmp_path):
    crowds = dataclasses.replace(MADE, least=3, most=6)
    open_dataset(tmp_path / "new" / "set", crowds)
    assert read_dataset(tmp_path / "new" / "set") == crowds
    assert set(yaml.safe_load((tmp_path / "new" / "set" / DATASET_FILE).read_text())) == {
        field.name for field in dataclasses.fields(DatasetSettings)
    }


def test_without_crowds_the_file_is_what_it_was_before_they_came(tmp_path):
    open_dataset(tmp_path, MADE)
    assert read_dataset(tmp_path) == MADE
    assert (tmp_path / DATASET_FILE).read_text() == (
        "scenes: 50\nseed: 7\nsplit: test\nthings: 3000\ntries: 3\nheld_out_tries: 3\nsamples: 10\nimages: depth\n"
        "objects: /mine.yaml\nobjects_sha256: ''\nformat: 1\n"
    )


def test_the_same_settings_go_on(tmp_path):
    open_dataset(tmp_path, MADE)
    before = (tmp_path / DATASET_FILE).stat().st_mtime_ns
    open_dataset(tmp_path, MADE)
    assert (tmp_path / DATASET_FILE).stat().st_mtime_ns == before


def test_more_scenes_continue_after_a_full_shard(tmp_path):
    open_dataset(tmp_path, MADE)
    open_dataset(tmp_path, dataclasses.replace(MADE, scenes=60))
    assert read_dataset(tmp_path).scenes == 60
    with pytest.raises(SettingsError, match=r"scenes is 60 there, 75 was asked for"):
        open_dataset(tmp_path, dataclasses.replace(MADE, scenes=75))  # the third shard has ended early


def test_fewer_scenes_are_refused(tmp_path):
    open_dataset(tmp_path, MADE)
    with pytest.raises(SettingsError, match=r"scenes is 50 there, 25 was asked for"):
        open_dataset(tmp_path, dataclasses.replace(MADE, scenes=25))
    assert read_dataset(tmp_path) == MADE


@pytest.mark.parametrize("change", [
    {"seed": 8}, {"split": "all"}, {"things": 100}, {"tries": 1}, {"samples": 3}, {"images": "all"}, {"objects": ""},
    {"held_out_tries": 1}, {"least": 3, "most": 6},
])  # fmt: skip
def test_any_other_difference_is_refused_and_named(tmp_path, change):
    open_dataset(tmp_path, MADE)
    with pytest.raises(SettingsError, match=f"{next(iter(change))} is .* there"):
        open_dataset(tmp_path, dataclasses.replace(MADE, **change))
    with pytest.raises(SettingsError):  # more scenes do not make up for it
        open_dataset(tmp_path, dataclasses.replace(MADE, scenes=100, **change))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(SettingsError, match="not empty and holds no data set"):
        open_dataset(tmp_path, MADE)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_folder_will_do(tmp_path):
    open_dataset(tmp_path, MADE)
    assert [file.name for file in tmp_path.iterdir()] == [DATASET_FILE]


def test_a_file_in_the_way_is_an_error_that_says_so(tmp_path):
    (tmp_path / "set").write_text("")
    with pytest.raises(SettingsError, match="set: cannot be written"):
        open_dataset(tmp_path / "set", MADE)


@pytest.mark.parametrize(("text", "message"), [
    ("scenes: 50\nseed: 1\ncolour: true\n", "unknown key 'colour'"),
    ("scenes: 50\n", "missing key 'seed'"),
    ("scenes: many\nseed: 1\n", "expected int"),
    ("scenes: 50\nseed: 1\nsplit: holdout\n", "holdout"),
    ("[1, 2]", "expected a mapping"),
    ("scenes: [", "not valid YAML"),
    ("scenes: 50\nseed: 1\nleast: 3\n", "least and most are things in a scene"),
    ("scenes: 50\nseed: 1\nleast: 6\nmost: 3\n", "got 6 and 3"),
    ("scenes: 50\nseed: 1\nleast: 1\nmost: 99\n", "1 to 8"),
    (f"scenes: 50\nseed: 1\nformat: {FORMAT + 1}\n", f"is of format {FORMAT + 1}"),
])  # fmt: skip
def test_a_damaged_dataset_file_is_refused(tmp_path, text, message):
    (tmp_path / DATASET_FILE).write_text(text)
    for attempt in (lambda: read_dataset(tmp_path), lambda: open_dataset(tmp_path, MADE)):
        with pytest.raises(SettingsError, match=message):
            attempt()


def test_no_dataset_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        read_dataset(tmp_path / "nowhere")


@given(st.integers(1, 10_000))
def test_every_scene_is_in_one_shard(scenes):
    made = DatasetSettings(scenes=scenes, seed=0)
    listed = [number for shard in range(made.shards) for number in made.scenes_of(shard)]
    assert listed == list(range(scenes))
    assert all(1 <= len(made.scenes_of(shard)) <= SCENES_PER_SHARD for shard in range(made.shards))


def test_a_shard_is_one_file_of_tensors_and_one_of_scenes():
    assert SCENES_PER_SHARD * GRASPS_PER_SCENE == 1000
    assert SCENES_PER_SHARD == SCENES_PER_FILE


def test_the_hash_is_of_the_set_and_its_meshes(tmp_path):
    path = write_object_set(tmp_path)
    first = object_set_sha256(path)
    (tmp_path / "meshes" / "unrelated.obj").write_text("o other\n")
    (tmp_path / "notes.txt").write_text("bought on Monday")
    assert object_set_sha256(path) == first
    mesh = tmp_path / "meshes" / "wedge.obj"
    mesh.write_text(mesh.read_text().replace("0.06", "0.07"))
    second = object_set_sha256(path)
    path.write_text(path.read_text().replace("0.4", "0.3"))
    assert len({first, second, object_set_sha256(path)}) == 3


def test_what_the_hash_cannot_read_is_named(tmp_path):
    with pytest.raises(SettingsError, match="no such file"):
        object_set_sha256(Path("/nowhere/mine.yaml"))
    path = write_object_set(tmp_path)
    (tmp_path / "meshes" / "wedge.obj").unlink()
    with pytest.raises(SettingsError, match=r"wedge\.obj cannot be read"):
        object_set_sha256(path)
    path.write_text("objects: 5\n")
    assert object_set_sha256(path)  # what is wrong with it is said where it is read
