"""What is done stays done, for that very job only."""

from __future__ import annotations

import pytest

from detectors.jacquardplus.journal import Journal
from robot.errors import SettingsError


def lines(path, key="k", fields=("x",)):
    with Journal(path, key, fields) as journal:
        return dict(journal.done)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / ".job.jsonl"
    with Journal(path, "k", ("x",)) as journal:
        journal.append(3, {"x": 1})
        journal.append(0, {"x": 2})
    return path


def test_lines_are_taken_up(path):
    assert lines(path) == {3: {"scene": 3, "x": 1}, 0: {"scene": 0, "x": 2}}


def test_another_job_begins_anew(path):
    assert lines(path, key="other") == {}
    assert lines(path) == {}


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_torn_last_line_is_cut_off_and_the_next_line_is_whole(path, cut):
    path.write_bytes(path.read_bytes()[:-cut])
    with Journal(path, "k", ("x",)) as journal:
        assert set(journal.done) == {3}
        journal.append(0, {"x": 5})
    assert lines(path)[0]["x"] == 5


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"\xff\xfe\n", b'["key"]\n', b'{"scene": 1, "x": 2}\n'])
def test_a_file_of_something_else_counts_for_nothing(path, content):
    path.write_bytes(content)
    assert lines(path) == {}


def test_a_damaged_line_ends_what_is_taken_up(path):
    whole = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([whole[0], whole[1], b'{"scene": "one", "x": 1}', whole[2], b""]))
    assert set(lines(path)) == {3}


def test_two_at_the_same_job_are_refused(path):
    with Journal(path, "k", ("x",)), pytest.raises(SettingsError, match="another process is at work on this"):
        Journal(path, "k", ("x",))
    assert set(lines(path)) == {0, 3}


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(SettingsError, match="cannot be written"):
        Journal(tmp_path / "none" / "job", "k", ())


def test_done_it_is_gone(path):
    with Journal(path, "k", ("x",)) as journal:
        journal.remove()
    assert not path.exists()
