"""Files that are written whole or not at all, whatever interrupts us."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from robot.errors import SettingsError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose content takes the place of ``path`` once all of it is on the disk; its folder is made if need be.

    What processes that were killed have left of the same file is removed.

    Raises:
        SettingsError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        with part.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror or error}", "is the disk full?") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove the half-written files of killed processes: ``.NAME.PID.part``.

    A process of another machine that shares the folder looks dead from here: should two machines write one file at the
    same moment, one of them fails with an error, and the file is still whole.
    """
    name = re.compile(rf"\.{re.escape(path.name)}\.([0-9]+)\.part")
    with contextlib.suppress(OSError):  # tidying up is no reason to write nothing
        for part in path.parent.iterdir():
            found = name.fullmatch(part.name)
            if found and not alive(int(found[1])):
                part.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Whether a process of this machine has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no number of a process
        return True
    return True
