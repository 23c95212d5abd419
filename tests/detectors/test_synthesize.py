"""The command: quick to help, plain about mistakes, and it goes on after kill -9 to the same bytes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time

import psutil
import pytest

from detectors import synthesize
from detectors.synthesis import engine
from detectors.synthesis.engine import Progress
from detectors.synthesis.settings import DATASET_FILE, read_dataset
from robot.child_process import PROJECT_ROOT
from tests.detectors.synthesis.object_sets import write_object_set
from tests.detectors.synthesis.small_shards import contents, start, wait_for

USUAL = ("--scenes", "6", "--seed", "1", "--samples", "2", "--tries", "1")
HEAVY = ("mujoco", "torch", "cv2", "scipy", "embreex", "open3d", "trimesh")


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A data set that was made without a break."""
    folder = tmp_path_factory.mktemp("whole") / "set"
    code, out, err = finish(start("--out", folder, "--workers", "2", *USUAL))
    assert code == 0, err
    return folder, out, err


def test_a_run_says_what_it_made(whole):
    folder, out, err = whole
    assert re.fullmatch(rf"{re.escape(str(folder))}: 6 scenes, 240 grasps; \d+ s\n", out)
    assert re.match(r"0 of 3 files, 0 grasps/s, \? left\n", err)
    assert read_dataset(folder).scenes == 6
    assert {path.split("/")[0] for path in contents(folder)} == {DATASET_FILE, "tensors", "scenes"}


def test_the_same_command_again_makes_nothing_new(whole):
    before = contents(whole[0])
    code, _, err = finish(start("--out", whole[0], "--workers", "1", *USUAL))
    assert code == 0, err
    assert contents(whole[0]) == before


def test_killed_in_the_middle_it_leaves_nobody_behind_and_goes_on_to_the_same_bytes(whole, tmp_path):
    folder = tmp_path / "set"
    process = start("--out", folder, "--workers", "2", *USUAL)
    wait_for(lambda: any((folder / "tensors").glob("depth_ims_tf_table_*")) or process.poll() is not None)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers, "it was killed in the middle"
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert not alive
    done = len(list((folder / "tensors").glob("depth_ims_tf_table_*")))
    assert 1 <= done < 3
    code, _, err = finish(start("--out", folder, "--workers", "2", *USUAL))
    assert code == 0, err
    assert contents(folder) == contents(whole[0])


def test_ctrl_c_ends_it_with_one_line(tmp_path):
    process = start("--out", tmp_path / "set", "--workers", "2", *USUAL)
    wait_for(lambda: len(psutil.Process(process.pid).children()) == 2 or process.poll() is not None)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 1
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "interrupted: what is finished stays; start the same command again to go on"
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert not alive


def test_a_failing_worker_is_one_clear_line(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / DATASET_FILE).write_text("scenes: 6\nseed: 1\nsamples: 2\nheld_out_tries: 1\n")
    (folder / "tensors").write_text("in the way")
    code, _, err = finish(start("--out", folder, "--workers", "1", *USUAL))
    assert code == 1
    line = err.splitlines()[-1]
    assert line.startswith("error: a worker failed: ")
    assert "cannot be written" in line
    assert "Traceback" not in err


def test_help_is_quick_and_needs_nothing_heavy():
    program = (
        "import sys\nfrom detectors import synthesize\n"
        "try:\n    synthesize.main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"heavy = [name for name in {HEAVY} if name in sys.modules]\nprint('HEAVY', heavy)"
    )
    before = time.perf_counter()
    run = subprocess.run([sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "HEAVY []"
    assert "--scenes" in run.stdout
    assert time.perf_counter() - before < 5.0


@pytest.mark.parametrize(("arguments", "message"), [
    ((), "the following arguments are required"),
    (("--out", "x", "--scenes", "0", "--seed", "1"), "got 0, give at least 1"),
    (("--out", "x", "--scenes", "2", "--seed", "-1"), "give at least 0"),
    (("--out", "x", "--scenes", "two", "--seed", "1"), "invalid int value"),
    (("--out", "x", "--scenes", "2", "--seed", "1", "--split", "holdout"), "invalid choice: 'holdout'"),
    (("--out", "x", "--scenes", "2", "--seed", "1", "--workers", "0"), "give at least 1"),
    (("--out", "x", "--scenes", "2", "--seed", "1", "--tries", "0"), "give at least 1"),
    (("--out", "x", "--scenes", "2", "--seed", "1", "--things-per-scene", "6-3"), "give the smaller number first"),
    (("--out", "x", "--scenes", "2", "--seed", "1", "--things-per-scene", "0"), "give at least 1"),
    (("--out", "x", "--scenes", "2", "--seed", "1", "--things-per-scene", "3-9"), "give at most 8"),
    (("--out", "x", "--scenes", "2", "--seed", "1", "--things-per-scene", "3-"), "invalid int value: ''"),
    (("--out", "x", "--scenes", "2", "--seed", "1", "--colour"), "unrecognized arguments"),
])  # fmt: skip
def test_bad_arguments_end_with_two_and_one_line(capsys, arguments, message):
    assert message in in_one_line(capsys, *arguments)


def in_one_line(capsys, *arguments) -> str:
    """What the command says when it ends with exit code 2."""
    assert synthesize.main([str(argument) for argument in arguments]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    return err


def test_a_folder_of_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert "is not empty and holds no data set" in in_one_line(capsys, "--out", tmp_path, *USUAL)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_data_set_is_refused_and_left_as_it_is(whole, capsys):
    before = contents(whole[0])
    other = (*USUAL[:2], "--seed", "2", *USUAL[4:])
    assert "seed is 1 there, 2 was asked for" in in_one_line(capsys, "--out", whole[0], *other)
    assert contents(whole[0]) == before


def test_object_sets_are_checked_before_anything_is_written(tmp_path, capsys):
    out = tmp_path / "set"
    assert "no such file" in in_one_line(capsys, "--out", out, *USUAL, "--objects", tmp_path / "none.yaml")
    path = write_object_set(tmp_path / "mine")
    held_out = ("--objects", path, "--split", "test")
    assert "no thing of the split 'test'" in in_one_line(capsys, "--out", out, *USUAL, *held_out)
    (tmp_path / "mine" / "meshes" / "wedge.obj").unlink()
    assert "wedge.obj cannot be read" in in_one_line(capsys, "--out", out, *USUAL, "--objects", path)
    assert not out.exists()


def test_a_users_own_objects_from_the_command(tmp_path):
    path = write_object_set(tmp_path / "mine")
    code, out, err = finish(start("--out", tmp_path / "set", "--objects", path, "--scenes", "1", "--seed", "1",
                                  "--samples", "2", "--images", "none", "--workers", "1"))  # fmt: skip
    assert code == 0, err
    assert "1 scenes, 40 grasps" in out
    assert read_dataset(tmp_path / "set").objects == str(path.resolve())


@pytest.mark.parametrize(("given", "train", "held_out"), [((), 1, 3), (("--tries", "4"), 4, 4)])
def test_tries_are_one_for_learning_and_three_for_judging_unless_given(tmp_path, monkeypatch, given, train, held_out):
    monkeypatch.setattr(engine, "make", lambda folder, settings, workers, report: Progress(1, 1, 1.0, 0.0, 40.0))
    assert synthesize.main(["--out", str(tmp_path), "--scenes", "1", "--seed", "1", *given]) == 0
    settings = read_dataset(tmp_path)
    assert (settings.tries, settings.held_out_tries) == (train, held_out)


@pytest.mark.parametrize(("given", "least", "most"), [
    ((), 0, 0), (("--things-per-scene", "4"), 4, 4), (("--things-per-scene", "3-6"), 3, 6),
])  # fmt: skip
def test_things_per_scene_are_a_number_or_a_range(tmp_path, monkeypatch, given, least, most):
    monkeypatch.setattr(engine, "make", lambda folder, settings, workers, report: Progress(1, 1, 1.0, 0.0, 40.0))
    assert synthesize.main(["--out", str(tmp_path), "--scenes", "1", "--seed", "1", *given]) == 0
    settings = read_dataset(tmp_path)
    assert (settings.least, settings.most) == (least, most)


def test_a_crowd_of_more_things_than_there_are_is_refused(tmp_path, capsys):
    """Three things of one's own, all of them for training."""
    path = write_object_set(tmp_path / "mine")
    arguments = ("--out", tmp_path / "set", *USUAL, "--objects", path, "--things-per-scene", "4-5")
    assert "the split 'train' has 3 thing(s), fewer than the 4 of a scene" in in_one_line(capsys, *arguments)
    assert not (tmp_path / "set").exists()


def test_progress_elsewhere_than_on_a_terminal_is_a_line_now_and_then(tmp_path, monkeypatch, capsys):
    def make(folder, settings, workers, report):
        for second in range(0, 40, 2):
            report(Progress(second // 10, 4, float(second), None if not second else 60.0, 100.0))
        return Progress(4, 4, 40.0, 0.0, 100.0)

    monkeypatch.setattr(engine, "make", make)
    assert synthesize.main(["--out", str(tmp_path), "--scenes", "100", "--seed", "1"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "0 of 4 files, 100 grasps/s, ? left",
        "1 of 4 files, 100 grasps/s, 1.0 min left",
        "3 of 4 files, 100 grasps/s, 1.0 min left",
    ]
