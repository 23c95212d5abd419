"""``--json FILE`` and ``--pictures DIR`` of the commands that measure."""

from __future__ import annotations

import os
from pathlib import Path

from robot.errors import SettingsError


def check_writable(target: str | None) -> None:
    """Refuse a file that cannot be written, before anything is measured; None and "-" name no file.

    Raises:
        SettingsError: it is a folder, or lies in none that can be written to.
    """
    path = None if target in (None, "-") else Path(str(target))
    if path and (path.is_dir() or not os.access(path.resolve().parent, os.W_OK)):
        raise SettingsError(f"{path}: cannot be written", "name a file in a folder that exists")


def check_folder(folder: Path) -> None:
    """Make the folder if need be; refuse one that cannot be written into, before anything is measured.

    Raises:
        SettingsError: it is a file, or cannot be made or written into.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder}: cannot be made: {error.strerror or error}", "name another folder") from None
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"{folder}: cannot be written into", "name another folder")
