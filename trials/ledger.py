"""The ledger of a run: append-only, one JSON line a trial, on the disk before the next trial begins."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from robot.errors import CellError
from trials.record import TrialRecord


class LedgerError(CellError):
    """Something is wrong with the ledger."""

    exit_code = 2


class LedgerCorrupt(LedgerError):
    """A line in the ledger cannot be what this program wrote."""


class LedgerLocked(LedgerError):
    """Another process works on the same run."""


class LedgerWriteFailed(LedgerError):
    """A line did not reach the disk; the run can be resumed once there is room."""

    exit_code = 1


class Ledger:
    """An open ledger, held by this process alone until it is closed. Use ``Ledger.open``, best in a ``with``.

    Attributes:
        path: the file.
        repair: what had to be repaired on opening, in words; empty when nothing was.
    """

    def __init__(self, path: Path, fd: int, lock_fd: int, records: Iterable[TrialRecord], repair: str) -> None:
        self.path = path
        self.repair = repair
        self._fd = fd
        self._lock_fd = lock_fd
        self._records = list(records)

    @classmethod
    def open(cls, path: Path) -> Ledger:
        """Open or create the ledger, lock it, and cut off a torn last line.

        Raises:
            LedgerLocked: another process has it open.
            LedgerCorrupt: a complete line is not a trial's record, or a trial stands there twice.
            LedgerError: the file cannot be opened.
        """
        try:
            lock_fd = _lock(path)
        except OSError as error:
            raise LedgerError(f"{path}: cannot be locked: {error.strerror}") from None
        try:
            data = path.read_bytes() if path.exists() else b""
            records, torn = parse_ledger(data, path)
            fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            if torn:
                os.ftruncate(fd, len(data) - torn)
                os.fsync(fd)
            _sync_directory(path.parent)
        except OSError as error:
            os.close(lock_fd)
            raise LedgerError(f"{path}: cannot be opened: {error.strerror}") from None
        except LedgerError:
            os.close(lock_fd)
            raise
        repair = f"{path}: cut off {torn} bytes of an unfinished last line; that trial is repeated" if torn else ""
        return cls(path, fd, lock_fd, records, repair)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def records(self) -> tuple[TrialRecord, ...]:
        """Every line in its order, the voided ones too."""
        return tuple(self._records)

    def completed(self) -> frozenset[int]:
        """The numbers of the trials that need no repeating."""
        return frozenset(record.trial for record in self._records if not record.voided)

    def append(self, record: TrialRecord) -> None:
        """Write one line; when this returns, it is on the disk.

        Raises:
            LedgerError: the trial stands in the ledger already.
            LedgerWriteFailed: the disk did not take the whole line; what it took is removed again.
        """
        if record.trial in self.completed():
            raise LedgerError(f"{self.path}: trial {record.trial} stands in the ledger already")
        size = os.fstat(self._fd).st_size
        try:
            self._write(record.to_json().encode() + b"\n")
            self._records.append(record)
        except OSError as error:
            os.ftruncate(self._fd, size)
            hint = "make room and go on with --resume"
            raise LedgerWriteFailed(
                f"{self.path}: trial {record.trial} was not written: {error.strerror}", hint
            ) from None
        except BaseException:  # Ctrl-C in the middle of it: the line counts if all of it has arrived
            self._read_again()
            raise

    def _write(self, line: bytes) -> None:
        if os.write(self._fd, line) < len(line):  # one write, so that no other line can come between its parts
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._fd)

    def _read_again(self) -> None:
        data = self.path.read_bytes()
        records, torn = parse_ledger(data, self.path)
        os.ftruncate(self._fd, len(data) - torn)
        self._records = list(records)

    def close(self) -> None:
        """Let go of the file and the lock; further calls do nothing."""
        for fd in (self._fd, self._lock_fd):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock_fd = -1


def read_ledger(path: Path) -> tuple[tuple[TrialRecord, ...], int]:
    """Read a ledger without locking or changing it, also while a run writes it.

    Returns:
        The records, and how many bytes of an unfinished last line were left out.

    Raises:
        LedgerError: the file is missing, unreadable or corrupt.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise LedgerError(f"{path}: no such file", "is this a run directory?") from None
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_ledger(data, path)


def parse_ledger(data: bytes, path: Path) -> tuple[tuple[TrialRecord, ...], int]:
    """Split a ledger's bytes into the records of its complete lines and the number of bytes after the last of them.

    Raises:
        LedgerCorrupt: a complete line is no record, or a trial goes on after it was completed; names the line.
    """
    *lines, torn = data.split(b"\n")
    records: list[TrialRecord] = []
    completed: dict[int, int] = {}
    for number, line in enumerate(lines, start=1):
        try:
            record = TrialRecord.from_json(line.decode())
        except (ValueError, TypeError) as error:
            hint = "restore the file from a copy, or remove that line by hand: its trial is then repeated"
            raise LedgerCorrupt(f"{path}: line {number} is not a trial's record: {error}", hint) from None
        if record.trial in completed:
            first = completed[record.trial]
            hint = "remove one of the two lines by hand"
            raise LedgerCorrupt(f"{path}: line {number} repeats trial {record.trial} of line {first}", hint)
        if not record.voided:
            completed[record.trial] = number
        records.append(record)
    return tuple(records), len(torn)


def _lock(path: Path) -> int:
    """Hold the run's lock file; the kernel lets go of it when this process ends, however it ends."""
    lock_path = path.with_name(f".{path.name}.lock")
    fd = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(fd, 32).decode(errors="replace").strip()
        os.close(fd)
        who = f"process {holder}" if holder else "another process"
        hint = "wait for it, or end it, before resuming"
        raise LedgerLocked(f"{path.parent}: {who} is working on this run", hint) from None
    except OSError:
        os.close(fd)
        raise
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
