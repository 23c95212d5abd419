"""What a long job has done so far: a line each, on the disk before the next begins, and good for that very job only."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from robot.errors import SettingsError


class Journal:
    """Lines by scene number; of a file that belongs to another job, or to an older state of this one, nothing is kept.

    A torn last line, of a job that was killed, is cut off.

    Args:
        path: of the file; it is made if need be.
        key: what decides the lines' content.
        fields: what every line must have.

    Raises:
        SettingsError: the file cannot be written, or another process is at the same job.
    """

    def __init__(self, path: Path, key: str, fields: Sequence[str]) -> None:
        self.path = path
        self.done: dict[int, dict[str, Any]] = {}
        try:
            self._stream = path.open("a+b")
        except OSError as error:
            hint = "what is done is kept there: use a folder that can be written to"
            raise SettingsError(f"{path}: cannot be written: {error.strerror}", hint) from None
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._stream.close()
            raise SettingsError(f"{path}: another process is at work on this", "wait for it, or end it") from None
        self._take_up(key, {"scene", *fields})

    def _take_up(self, key: str, fields: set[str]) -> None:
        self._stream.seek(0)
        *lines, _ = self._stream.read().split(b"\n")
        good = 0
        if lines and _parsed(lines[0]).get("key") == key:
            good = len(lines[0]) + 1
            for line in lines[1:]:
                facts = _parsed(line)
                if not fields <= facts.keys() or not isinstance(facts["scene"], int):
                    break
                self.done[facts["scene"]] = facts
                good += len(line) + 1
        self._stream.truncate(good)
        if not good:
            self._write({"key": key})

    def append(self, scene: int, facts: dict[str, Any]) -> None:
        """Write one line; when this returns, it is on the disk.

        Raises:
            SettingsError: the disk did not take it.
        """
        self.done[scene] = {"scene": scene} | facts
        self._write(self.done[scene])

    def _write(self, facts: dict[str, Any]) -> None:
        try:
            self._stream.write(json.dumps(facts).encode() + b"\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise SettingsError(f"{self.path}: cannot be written: {error.strerror}", "is the disk full?") from None

    def remove(self) -> None:
        """The job is done, nothing has to be kept."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(line)
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
