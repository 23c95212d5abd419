"""A benchmark is gone on with or refused, never mixed with another."""

from __future__ import annotations

import pytest

from detectors.jacquardplus.settings import (
    BENCHMARK_FILE,
    BenchmarkSettings,
    open_benchmark,
    read_benchmark,
    require_made,
    scenes_sha256,
)
from detectors.synthesis.scene_shards import scenes_file
from robot.errors import SettingsError
from tests.detectors.jacquardplus.tiny import write_benchmark


def wanted(scenes: int = 20, seed: int = 1) -> BenchmarkSettings:
    return BenchmarkSettings(seed=seed, scenes=scenes)


def test_what_was_begun_is_read_and_gone_on_with(tmp_path):
    open_benchmark(tmp_path / "b", wanted())
    assert read_benchmark(tmp_path / "b") == wanted()
    open_benchmark(tmp_path / "b", wanted(scenes=25))
    assert read_benchmark(tmp_path / "b").scenes == 25


@pytest.mark.parametrize("other", [wanted(seed=2), wanted(scenes=19)])
def test_another_one_is_refused_and_left(tmp_path, other):
    open_benchmark(tmp_path, wanted())
    with pytest.raises(SettingsError, match="holds 20 scenes of seed 1"):
        open_benchmark(tmp_path, other)
    assert read_benchmark(tmp_path) == wanted()


def test_the_last_shard_must_be_full_to_go_on(tmp_path):
    open_benchmark(tmp_path, wanted(scenes=25))
    with pytest.raises(SettingsError, match="holds 25 scenes"):
        open_benchmark(tmp_path, wanted(scenes=30))


def test_a_folder_of_something_else_and_a_file_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(SettingsError, match="is not empty and holds no benchmark"):
            open_benchmark(place, wanted())


@pytest.mark.parametrize("content", [
    "benchmark: other\nseed: 1\nscenes: 3\n", "seed: 1\n", "[", "benchmark: jacquardplus\nseed: -1\nscenes: 3\n",
    "benchmark: jacquardplus\nseed: 1\nscenes: 3\nformat: 99\n",
])  # fmt: skip
def test_what_is_no_benchmark_is_one_line(tmp_path, content):
    (tmp_path / BENCHMARK_FILE).write_text(content)
    with pytest.raises(SettingsError, match=BENCHMARK_FILE):
        read_benchmark(tmp_path)


def test_without_the_file_it_is_said_how_to_make_the_scenes(tmp_path):
    with pytest.raises(SettingsError, match=r"detectors\.synthesize --benchmark jacquardplus"):
        read_benchmark(tmp_path)


def test_missing_scenes_are_counted(tmp_path):
    settings = write_benchmark(tmp_path, scenes=12)
    require_made(tmp_path, settings)
    scenes_file(tmp_path, 1).unlink()
    with pytest.raises(SettingsError, match="1 of 2 files of scenes are missing"):
        require_made(tmp_path, settings)


def test_the_hash_is_of_the_scenes_that_are_asked_for(tmp_path):
    write_benchmark(tmp_path, scenes=12)
    few, all_of_them = scenes_sha256(tmp_path, 10), scenes_sha256(tmp_path, 12)
    scenes_file(tmp_path, 1).write_bytes(b"changed")
    assert scenes_sha256(tmp_path, 10) == few
    assert scenes_sha256(tmp_path, 11) != all_of_them
