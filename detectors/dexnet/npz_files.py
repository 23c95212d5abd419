"""Array files that may be damaged: read with a reason, written whole or not at all and always with the same bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from robot.errors import SettingsError
from robot.whole_files import whole_file

Damaged = Literal["stop", "skip"]
Built = TypeVar("Built")

_DEFLATE_LEVEL = 1  # measured on depth crops: level 6 takes six times as long and saves nothing
_FIRST_KEY = "arr_0"  # what numpy calls an array that was given no name


class DamagedFile(Exception):
    """A file of a data set is missing, unreadable or holds what it should not.

    Attributes:
        path: the file.
        reason: what is wrong with it, in one line.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass
class DamageWatch:
    """Stops at the first damaged file, or leaves out what belongs to it, says so and counts.

    Attributes:
        damaged: "stop" or "skip".
        tell: takes one line for the user.
        skipped: how many parts have been left out so far.
    """

    damaged: Damaged
    tell: Callable[[str], None]
    skipped: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.damaged not in ("stop", "skip"):
            raise SettingsError(f"damaged must be 'stop' or 'skip', got {self.damaged!r}")

    def attempt(self, part: str, read: Callable[[], Built]) -> Built | None:
        """What ``read`` gives, or None when it met a damaged file and ``part`` is to be left out.

        Raises:
            SettingsError: a file is damaged and the run is to stop.
        """
        try:
            return read()
        except DamagedFile as error:
            if self.damaged == "stop":
                hint = f"restore the file, delete {part}, or leave {part} out with --damaged skip"
                raise SettingsError(str(error), hint) from None
            self.skipped += 1
            self.tell(f"{error}; {part} is left out")
            return None

    def sum_up(self, total: int, parts: str) -> None:
        """Say how much was left out of ``total``, if anything was."""
        if self.skipped:
            self.tell(f"{self.skipped} of {total} {parts} left out as damaged")


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of an ``.npz`` by name; that of an ``.npy`` as ``arr_0``.

    Raises:
        DamagedFile: missing, truncated, corrupt, or holding Python objects.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {_FIRST_KEY: loaded}
        with loaded:
            return {key: np.asarray(loaded[key]) for key in loaded.files}
    except Exception as error:  # garbage makes zipfile, zlib, tokenize and numpy raise nearly anything
        raise DamagedFile(path, _reason(path, error)) from None


def load_array(path: Path) -> NDArray[Any]:
    """The one array of a file: ``arr_0``, or the only one there is, whatever its name.

    Raises:
        DamagedFile: the file cannot be read, or it is not clear which array is meant.
    """
    arrays = load_arrays(path)
    if _FIRST_KEY in arrays:
        return arrays[_FIRST_KEY]
    if len(arrays) != 1:
        raise DamagedFile(path, f"holds {len(arrays)} arrays, none of them called {_FIRST_KEY}")
    return next(iter(arrays.values()))


def array_length(path: Path) -> int:
    """Length of a file's array along its first axis, from the header where possible; 0 where nothing can be read."""
    try:
        if not zipfile.is_zipfile(path):
            return len(np.load(path, mmap_mode="r", allow_pickle=False))
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            name = f"{_FIRST_KEY}.npy" if f"{_FIRST_KEY}.npy" in names else names[0]
            with archive.open(name) as stream:
                major, _ = np.lib.format.read_magic(stream)
                read = np.lib.format.read_array_header_1_0 if major == 1 else np.lib.format.read_array_header_2_0
                return int(read(stream)[0][0])
    except Exception:  # as above; reading the file itself will say what is wrong
        return 0


def save_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a compressed ``.npz``. The same arrays give the same bytes, and ``path`` is never half written.

    Raises:
        SettingsError: the file cannot be written.
    """
    with whole_file(path) as stream:
        _write_zip(stream, arrays)


def _write_zip(stream: Any, arrays: Mapping[str, NDArray[Any]]) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=_DEFLATE_LEVEL) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # its time stamp is 1980, not now
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry._compresslevel = _DEFLATE_LEVEL  # type: ignore[attr-defined]
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    if path.suffix == ".npz" and not zipfile.is_zipfile(path):
        return f"not a whole .npz archive ({path.stat().st_size} bytes): truncated or overwritten"
    words = str(error).strip().splitlines()
    return f"cannot be read: {words[0] if words else type(error).__name__}"
