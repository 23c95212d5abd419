import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml

from robot.errors import SettingsError
from tests.trials.fake_run import OBJECTS, run_info
from trials.outcomes import Outcome
from trials.run_directory import RunDirectory, write_atomically
from trials.schedule import make_schedule

INFO = run_info("antipodal", 60, 7, OBJECTS)


@dataclass(frozen=True)
class Box:
    low_m: tuple[float, float]
    file: Path


def test_a_run_is_found_again(tmp_path: Path) -> None:
    made = RunDirectory.create(tmp_path / "a" / "run", INFO)
    assert made.frames_path.is_dir()
    found = RunDirectory.open(tmp_path / "a" / "run")
    assert found.run_info == INFO
    assert found.planned() == make_schedule(OBJECTS, 60, 7)


def test_settings_of_any_shape_become_plain_yaml(tmp_path: Path) -> None:
    info = {"box": Box((0.1, 0.2), Path("/tmp/x")), "pose": np.eye(2), "speed": np.float64(0.5), "end": Outcome.EMPTY}
    RunDirectory.create(tmp_path, info)
    assert yaml.safe_load((tmp_path / "run.yaml").read_text()) == {
        "box": {"low_m": [0.1, 0.2], "file": "/tmp/x"},
        "pose": [[1.0, 0.0], [0.0, 1.0]],
        "speed": 0.5,
        "end": "empty",
    }


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(SettingsError, match=r"not empty.*thesis\.tex.*--out"):
        RunDirectory.create(tmp_path, INFO)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_run_that_is_there_is_not_begun_again(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path, INFO)
    with pytest.raises(SettingsError, match="--resume"):
        RunDirectory.create(tmp_path, INFO)


def test_a_run_killed_before_it_began_can_be_begun_again(tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    (tmp_path / ".run.yaml.tmp").write_text("detector: anti")
    with pytest.raises(SettingsError, match="no run has begun"):
        RunDirectory.open(tmp_path)
    RunDirectory.create(tmp_path, INFO)
    assert RunDirectory.open(tmp_path).run_info == INFO


def test_a_file_in_the_way_and_a_place_that_takes_no_directory_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SettingsError, match=r"is not a directory.*--out"):
            RunDirectory.create(path, INFO)
    with pytest.raises(SettingsError, match=r"cannot be written.*--out"):
        RunDirectory.create(Path("/proc/no-such-place"), INFO)


def test_opening_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such run directory"):
        RunDirectory.open(tmp_path / "nothing")
    (tmp_path / "run.yaml").write_text("just words")
    with pytest.raises(SettingsError, match="expected a mapping"):
        RunDirectory.open(tmp_path)
    (tmp_path / "run.yaml").write_text("detector: antipodal")
    with pytest.raises(SettingsError, match="trials"):
        RunDirectory.open(tmp_path).planned()


def test_only_what_the_user_gave_is_compared(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, INFO)
    assert run.compatible({}) == []
    assert run.compatible({"detector": "antipodal", "seed": 7, "camera": {"fx": 615.0}, "objects": OBJECTS}) == []
    differing = run.compatible({"seed": 8, "trials": 60, "camera": {"fx": 600.0}, "speed": "max"})
    assert differing == [
        "seed: asked for 8, the run has 7",
        "camera.fx: asked for 600.0, the run has 615.0",
        "speed: asked for 'max', the run has none",
    ]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.yaml"
    write_atomically(path, b"old")

    def fail(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new and longer")
    assert path.read_bytes() == b"old"
