import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.trials.fake_run import fake_record, make_record, schedule
from trials.ledger import Ledger, LedgerCorrupt, LedgerError, LedgerLocked, LedgerWriteFailed, read_ledger

PLAN = schedule(12)
RECORDS = [fake_record(p) for p in PLAN]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trials.jsonl"


def fill(path: Path, number: int) -> bytes:
    with Ledger.open(path) as ledger:
        for record in RECORDS[:number]:
            ledger.append(record)
    return path.read_bytes()


def test_what_was_appended_is_read_back(path: Path) -> None:
    data = fill(path, 5)
    assert data.count(b"\n") == 5
    with Ledger.open(path) as ledger:
        assert ledger.records == tuple(RECORDS[:5])
        assert ledger.completed() == {1, 2, 3, 4, 5}
        assert ledger.repair == ""
    assert read_ledger(path) == (tuple(RECORDS[:5]), 0)


def test_every_prefix_is_repaired_to_its_complete_lines_and_goes_on(path: Path) -> None:
    data = fill(path, 3)
    for length in range(len(data) + 1):
        prefix = data[:length]
        path.write_bytes(prefix)
        complete = prefix.count(b"\n")
        torn = len(prefix) - (prefix.rfind(b"\n") + 1)
        assert read_ledger(path) == (tuple(RECORDS[:complete]), torn)
        with Ledger.open(path) as ledger:
            assert ledger.records == tuple(RECORDS[:complete])
            assert bool(ledger.repair) == bool(torn)
            assert path.read_bytes() == prefix[: length - torn]
            ledger.append(RECORDS[complete])
        assert read_ledger(path) == (tuple(RECORDS[: complete + 1]), 0)


def test_a_tail_of_zeros_after_a_power_cut_is_cut_off(path: Path) -> None:
    data = fill(path, 2)
    path.write_bytes(data + b"\0" * 300)
    with Ledger.open(path) as ledger:
        assert "300 bytes" in ledger.repair
        assert len(ledger.records) == 2


def test_a_voided_trial_is_kept_but_not_complete(path: Path) -> None:
    void = make_record(PLAN[0], voided=True)
    with Ledger.open(path) as ledger:
        ledger.append(void)
        ledger.append(void)
        assert ledger.completed() == frozenset()
        ledger.append(RECORDS[0])
        assert ledger.completed() == {1}
        with pytest.raises(LedgerError, match="already"):
            ledger.append(void)
    assert read_ledger(path)[0] == (void, void, RECORDS[0])


def test_a_trial_is_not_written_twice(path: Path) -> None:
    data = fill(path, 2)
    with Ledger.open(path) as ledger, pytest.raises(LedgerError, match="trial 2 stands in the ledger already"):
        ledger.append(RECORDS[1])
    assert path.read_bytes() == data


@pytest.mark.parametrize("damage", [b"{}", b"", b"\xff\xfe", b'{"trial": 2', b"null"])
def test_a_damaged_line_in_the_middle_is_named_and_left_alone(path: Path, damage: bytes) -> None:
    lines = fill(path, 4).splitlines()
    damaged = b"\n".join([*lines[:2], damage, *lines[3:]]) + b"\n"
    path.write_bytes(damaged)
    with pytest.raises(LedgerCorrupt, match=r"line 3 "):
        Ledger.open(path)
    with pytest.raises(LedgerCorrupt, match=r"line 3 "):
        read_ledger(path)
    assert path.read_bytes() == damaged
    path.write_bytes(b"")
    Ledger.open(path).close()  # the refusal let go of the lock


def test_a_trial_that_stands_there_twice_is_named(path: Path) -> None:
    lines = fill(path, 3).splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[1]]))
    with pytest.raises(LedgerCorrupt, match="line 4 repeats trial 2 of line 2"):
        Ledger.open(path)


def test_a_disk_that_takes_half_a_line_leaves_no_half_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = fill(path, 2)
    write = os.write
    with Ledger.open(path) as ledger:
        monkeypatch.setattr(os, "write", lambda fd, line: write(fd, line[: len(line) // 2]))
        with pytest.raises(LedgerWriteFailed, match=r"trial 3 .*No space left") as caught:
            ledger.append(RECORDS[2])
        assert caught.value.exit_code == 1
        assert path.read_bytes() == data
        monkeypatch.undo()
        ledger.append(RECORDS[2])
    assert read_ledger(path)[0] == tuple(RECORDS[:3])


def test_a_line_that_cannot_be_synced_does_not_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = fill(path, 1)

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with Ledger.open(path) as ledger:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(LedgerWriteFailed, match="Input/output error"):
            ledger.append(RECORDS[1])
        assert ledger.completed() == {1}
    assert path.read_bytes() == data


@pytest.mark.parametrize("arrived", [True, False])
def test_ctrl_c_inside_append_leaves_all_of_the_line_or_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch, arrived: bool
) -> None:
    write = os.write

    def interrupted(fd: int, line: bytes) -> int:
        write(fd, line if arrived else line[:20])
        raise KeyboardInterrupt

    with Ledger.open(path) as ledger:
        ledger.append(RECORDS[0])
        monkeypatch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ledger.append(RECORDS[1])
        monkeypatch.undo()
        assert ledger.completed() == ({1, 2} if arrived else {1})
        if not arrived:
            ledger.append(RECORDS[1])
    assert read_ledger(path) == (tuple(RECORDS[:2]), 0)


def test_two_runs_cannot_share_a_ledger(path: Path) -> None:
    with Ledger.open(path), pytest.raises(LedgerLocked, match=f"process {os.getpid()} is working on this run"):
        Ledger.open(path)
    Ledger.open(path).close()


def test_another_process_is_named_and_its_death_frees_the_ledger(path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from trials.ledger import Ledger\n"
    code += "held = Ledger.open(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(LedgerLocked, match=f"process {other.pid} "):
            Ledger.open(path)
        other.kill()
        other.wait(10)
        Ledger.open(path).close()


def test_closing_twice_is_harmless_and_a_missing_folder_is_named(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="No such file"):
        Ledger.open(path.parent / "nowhere" / "trials.jsonl")
    with pytest.raises(LedgerError, match="no such file"):
        read_ledger(path.parent / "nothing.jsonl")


APPENDER = """
import sys
from pathlib import Path
from tests.trials.fake_run import fake_record, schedule
from trials.ledger import Ledger
with Ledger.open(Path(sys.argv[1])) as ledger:
    for planned in schedule(2000):
        if planned.trial not in ledger.completed():
            ledger.append(fake_record(planned))
            print(planned.trial, flush=True)
"""


def test_kill_9_at_any_moment_loses_no_finished_trial(path: Path) -> None:
    moments = random.Random(3)
    promised: set[int] = set()
    deadline = time.monotonic() + 4.0
    rounds = 0
    while rounds < 8 and (rounds < 2 or time.monotonic() < deadline):
        rounds += 1
        with subprocess.Popen([sys.executable, "-c", APPENDER, str(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            first = child.stdout.readline()
            time.sleep(moments.uniform(0.0, 0.05))
            child.send_signal(signal.SIGKILL)
            promised |= {int(number) for number in (first + child.stdout.read()).splitlines(keepends=False)}
        written, _ = read_ledger(path)
        numbers = [record.trial for record in written]
        assert numbers == list(range(1, len(numbers) + 1))
        assert promised <= set(numbers)
    assert len(promised) >= rounds
