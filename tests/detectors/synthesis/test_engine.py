"""Several workers make what one makes; a dead worker is reported, and what was finished stays."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import pytest

from detectors.dexnet.writing import is_written, tensor_file
from detectors.synthesis import engine
from detectors.synthesis import settings as settings_module
from detectors.synthesis.engine import Progress, finished, make
from detectors.synthesis.settings import open_dataset
from robot.errors import CellError
from tests.detectors.synthesis.small_shards import SCENES_PER_SHARD, contents, spawn_small_worker, wanted

SETTINGS = wanted(5)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(settings_module, "SCENES_PER_SHARD", SCENES_PER_SHARD)
    monkeypatch.setattr(engine, "spawn_module", spawn_small_worker)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three shards by two workers, and what was reported meanwhile."""
    folder, told = tmp_path_factory.mktemp("two"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings_module, "SCENES_PER_SHARD", SCENES_PER_SHARD)
        patch.setattr(engine, "spawn_module", spawn_small_worker)
        open_dataset(folder, SETTINGS)
        last = make(folder, SETTINGS, 2, told.append)
    return folder, told, last


def test_one_worker_makes_the_same_bytes_as_two(made, tmp_path):
    open_dataset(tmp_path, SETTINGS)
    make(tmp_path, SETTINGS, 1, lambda progress: None)
    assert contents(tmp_path) == contents(made[0])
    assert finished(tmp_path, SETTINGS) == {0, 1, 2}


def test_progress_goes_from_nothing_to_all(made):
    _, told, last = made
    done = [progress.done for progress in told]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (0, 3)
    assert told[0].left_s is None
    assert last == told[-1]
    assert last.left_s == 0.0
    assert last.grasps_per_s == pytest.approx(5 * 40 / last.elapsed_s)


def test_a_missing_shard_is_made_again_and_only_that(made):
    folder = made[0]
    whole = contents(folder)
    others = {f: f.stat().st_mtime_ns for f in (folder / "tensors").iterdir() if not f.stem.endswith("00001")}
    tensor_file(folder, "depth_ims_tf_table", 1).unlink()
    assert finished(folder, SETTINGS) == {0, 2}
    told: list[Progress] = []
    make(folder, SETTINGS, 2, told.append)
    assert contents(folder) == whole
    assert {f: f.stat().st_mtime_ns for f in others} == others
    assert told[0].done == 2


def test_nothing_missing_starts_nobody(made, monkeypatch):
    def refuse(*arguments, **streams):
        raise AssertionError("a worker was started")

    monkeypatch.setattr(engine, "spawn_module", refuse)
    assert make(made[0], SETTINGS, 4, lambda progress: None).done == 3


def test_more_scenes_continue_a_data_set(tmp_path, made):
    short, long = wanted(2), wanted(5)
    open_dataset(tmp_path, short)
    make(tmp_path, short, 2, lambda progress: None)
    open_dataset(tmp_path, long)
    make(tmp_path, long, 2, lambda progress: None)
    assert contents(tmp_path) == contents(made[0])


def test_a_workers_error_is_passed_on(tmp_path):
    open_dataset(tmp_path, SETTINGS)
    (tmp_path / "scenes").write_text("in the way")
    with pytest.raises(CellError, match=r"a worker failed: .*scenes.*cannot be written") as error:
        make(tmp_path, SETTINGS, 2, lambda progress: None)
    assert error.value.exit_code == 1
    assert "\n" not in str(error.value)
    assert "start the same command again" in str(error.value)


def started(program: str):
    """Workers that run a line of Python in place of their work; they are kept to be looked at."""
    kept: list[subprocess.Popen[bytes]] = []

    def spawn(module, arguments, *, stderr):
        kept.append(subprocess.Popen([sys.executable, "-c", program.format(number=arguments[1])], stderr=stderr))
        return kept[-1]

    return spawn, kept


def test_a_killed_worker_is_reported_and_the_others_end(tmp_path, monkeypatch):
    spawn, kept = started("import os, time; os.kill(os.getpid(), 9) if {number} else time.sleep(600)")
    monkeypatch.setattr(engine, "spawn_module", spawn)
    open_dataset(tmp_path, SETTINGS)
    with pytest.raises(CellError, match="a worker failed: ended by signal 9"):
        make(tmp_path, SETTINGS, 2, lambda progress: None)
    assert all(worker.poll() is not None for worker in kept)


def test_a_traceback_becomes_its_last_line(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "spawn_module", started("1 / 0")[0])
    open_dataset(tmp_path, SETTINGS)
    with pytest.raises(CellError, match="a worker failed: ZeroDivisionError: division by zero"):
        make(tmp_path, SETTINGS, 1, lambda progress: None)


def test_workers_that_do_nothing_are_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "spawn_module", started("pass")[0])
    open_dataset(tmp_path, SETTINGS)
    with pytest.raises(CellError, match="3 shards are missing"):
        make(tmp_path, SETTINGS, 1, lambda progress: None)


def test_an_interrupt_ends_the_workers(tmp_path, monkeypatch):
    spawn, kept = started("import time; time.sleep(600)")
    monkeypatch.setattr(engine, "spawn_module", spawn)
    open_dataset(tmp_path, SETTINGS)

    def interrupt(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, SETTINGS, 2, interrupt)
    assert len(kept) == 2
    assert all(worker.poll() is not None for worker in kept)


def test_time_left_goes_by_what_was_made_since_the_start(tmp_path, monkeypatch):
    """One of three shards is there; the second appears after ten seconds, so the third takes ten more."""
    spawn, _ = started("import time; time.sleep(1.0)")
    monkeypatch.setattr(engine, "spawn_module", spawn)
    open_dataset(tmp_path, SETTINGS)
    there = {0}
    monkeypatch.setattr(engine, "is_written", lambda folder, shard: shard in there)
    seconds = itertools.count(0.0, 10.0)
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        there.add(len(told))

    make(tmp_path, SETTINGS, 1, tell, clock=lambda: next(seconds))
    first, second = told[:2]
    assert (first.done, first.left_s) == (1, None)
    assert (second.done, second.elapsed_s, second.left_s) == (2, 20.0, 20.0)


def test_half_written_files_of_the_dead_are_swept_away(made):
    folder = made[0]
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    leftover = folder / "tensors" / f".widths_m_00001.npz.{dead.pid}.part"
    of_the_living = folder / "scenes" / f".scenes_00001.npz.{os.getpid()}.part"
    leftover.write_bytes(b"half")
    of_the_living.write_bytes(b"half")
    make(folder, SETTINGS, 1, lambda progress: None)
    assert not leftover.exists()
    assert of_the_living.exists()
    of_the_living.unlink()
    assert is_written(folder, 1)
