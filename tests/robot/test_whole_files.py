"""A file is replaced whole, or stays as it was."""

import os
import signal
import subprocess
import sys

import pytest

from robot.errors import SettingsError
from robot.whole_files import whole_file


def test_the_content_takes_the_files_place(tmp_path):
    path = tmp_path / "new" / "file"
    with whole_file(path) as stream:
        stream.write(b"all of it")
        assert not path.exists()
    assert path.read_bytes() == b"all of it"
    assert [p.name for p in path.parent.iterdir()] == ["file"]


def test_what_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def break_off():
        with whole_file(path) as stream:
            stream.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def left_over(path, pid):
    part = path.with_name(f".{path.name}.{pid}.part")
    part.write_bytes(b"half")
    return part


def dead_pid():
    """Of a process that was killed while it wrote."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    child.send_signal(signal.SIGKILL)
    child.wait()
    return child.pid


def test_what_killed_processes_have_left_is_removed(tmp_path):
    path, dead = tmp_path / "file.v2", dead_pid()
    left = left_over(path, dead)
    kept = [
        left_over(path, os.getppid()),
        left_over(tmp_path / "other", dead),
        left_over(tmp_path / "file-v2", dead),
        left_over(path, "notes"),
        left_over(path, 10**30),
    ]
    with whole_file(path) as stream:
        assert not left.exists()
        stream.write(b"all of it")
    assert sorted(tmp_path.iterdir()) == sorted([path, *kept])


def test_what_cannot_be_tidied_up_is_no_reason_to_write_nothing(tmp_path):
    path = tmp_path / "file"
    folder = tmp_path / f".file.{dead_pid()}.part"
    folder.mkdir()
    with whole_file(path) as stream:
        stream.write(b"all of it")
    assert path.read_bytes() == b"all of it"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match="cannot be written"), whole_file(tmp_path / "file" / "below"):
        pass
