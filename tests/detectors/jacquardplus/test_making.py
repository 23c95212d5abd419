"""Scenes are made once, kept as they are finished, and the command says what does not apply."""

from __future__ import annotations

import pytest

from detectors import synthesize
from detectors.jacquardplus import make_command, making
from detectors.jacquardplus.making import make
from detectors.jacquardplus.settings import read_benchmark
from detectors.synthesis.scene_shards import read_scenes, scenes_file
from tests.detectors.jacquardplus.tiny import write_benchmark


@pytest.fixture
def made(monkeypatch, tmp_path):
    """A way to make scenes that costs nothing; the numbers made."""
    source = tmp_path / "source"
    write_benchmark(source, scenes=25)
    ready = {record.number: record for shard in range(3) for record in read_scenes(scenes_file(source, shard))}
    numbers: list[int] = []

    def make_scene(number, settings):
        numbers.append(number)
        if numbers.count(-1):
            raise KeyboardInterrupt
        return ready[number]

    monkeypatch.setattr(making, "make_scene", make_scene)
    return numbers


def command(folder, *arguments) -> int:
    return synthesize.main(["--benchmark", "jacquardplus", "--out", str(folder), "--seed", "5", "--workers", "1",
                            *arguments])  # fmt: skip


def test_the_command_makes_all_and_the_same_again_nothing(made, tmp_path, capsys):
    assert command(tmp_path / "b", "--scenes", "25") == 0
    assert made == list(range(25))
    assert "25 scenes of jacquardplus" in capsys.readouterr().out
    assert command(tmp_path / "b", "--scenes", "25") == 0
    assert len(made) == 25
    assert scenes_file(tmp_path / "b", 2).read_bytes() == scenes_file(tmp_path / "source", 2).read_bytes()


def test_interrupted_it_goes_on_where_it_was(made, tmp_path, capsys):
    settings = write_benchmark(tmp_path / "b", scenes=25)
    for shard in (0, 2):
        scenes_file(tmp_path / "b", shard).unlink()
    reported = []
    make(tmp_path / "b", settings, 1, lambda done, total: reported.append((done, total)))
    assert made == [*range(10), *range(20, 25)]
    assert reported == [(10, 25), (20, 25), (25, 25)]
    made[:] = [-1]
    scenes_file(tmp_path / "b", 1).unlink()
    assert command(tmp_path / "b", "--scenes", "25") == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("interrupted: what is finished stays")
    made.clear()
    assert command(tmp_path / "b", "--scenes", "25") == 0
    assert made == list(range(10, 20))


def test_a_thousand_scenes_are_the_default(monkeypatch, tmp_path):
    monkeypatch.setattr(making, "make", lambda folder, settings, workers, report: None)
    assert command(tmp_path / "b") == 0
    assert read_benchmark(tmp_path / "b").scenes == 1000
    assert make_command.SCENES == 1000


@pytest.mark.parametrize("arguments", [
    ("--split", "train"), ("--images", "depth"), ("--tries", "3"), ("--things-per-scene", "4"), ("--samples", "3"),
    ("--things", "500"), ("--objects", "mine.yaml"),
])  # fmt: skip
def test_what_does_not_apply_is_refused(tmp_path, capsys, arguments):
    assert command(tmp_path / "b", *arguments) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {arguments[0]} does not apply to --benchmark jacquardplus")
    assert not (tmp_path / "b").exists()


def test_without_a_benchmark_scenes_must_be_counted(tmp_path, capsys):
    assert synthesize.main(["--out", str(tmp_path / "b"), "--seed", "5"]) == 2
    assert "--scenes is missing" in capsys.readouterr().err
