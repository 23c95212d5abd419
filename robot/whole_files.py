"""Files that are written whole or not at all, whatever interrupts us."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from robot.errors import SettingsError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose content takes the place of ``path`` once all of it is on the disk; its folder is made if need be.

    Raises:
        SettingsError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
