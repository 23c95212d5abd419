"""The directory of a run: what was asked for, what came out, and where each file lies."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from robot.errors import SettingsError
from robot.strict_yaml import read_yaml
from trials.protocol import TrialProtocol, protocol_of_run
from trials.schedule import PlannedTrial, make_schedule

RUN_FILE, LEDGER_FILE, FRAMES_FOLDER, REPORT_FILE = "run.yaml", "trials.jsonl", "frames", "report.html"


@dataclass(frozen=True)
class RunDirectory:
    """A run on disk.

    ``run_info`` is the content of ``run.yaml``. The experiment itself needs ``detector``, ``trials``, ``seed`` and
    ``objects`` (names); the report also shows ``fallback``, ``cell_file``, ``dry_run``, ``started_at``,
    ``git_revision``, ``versions`` (a mapping) and, to draw grasps, needs ``camera: {fx: ...}``. ``protocol`` says what
    counts as success; a run without it is of the household protocol. Anything else is kept and printed as is.
    """

    path: Path
    run_info: Mapping[str, Any]

    @classmethod
    def create(cls, path: Path, run_info: Mapping[str, Any]) -> RunDirectory:
        """Make a new run directory; ``run.yaml`` is complete or not there at all.

        Raises:
            SettingsError: the directory holds something already, or cannot be written.
        """
        info = _plain(run_info)
        try:
            path.mkdir(parents=True, exist_ok=True)
            _refuse_used(path)
            (path / FRAMES_FOLDER).mkdir(exist_ok=True)
            write_atomically(path / RUN_FILE, yaml.safe_dump(info, sort_keys=False, allow_unicode=True).encode())
        except (FileExistsError, NotADirectoryError):
            raise SettingsError(f"{path}: is not a directory", "name another one with --out") from None
        except OSError as error:
            hint = "name another directory with --out"
            raise SettingsError(f"{path}: cannot be written: {error.strerror}", hint) from None
        return cls(path, info)

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open a run that was created before.

        Raises:
            SettingsError: there is none, or its ``run.yaml`` cannot be read.
        """
        if not path.is_dir():
            raise SettingsError(f"{path}: no such run directory")
        if not (path / RUN_FILE).exists():
            raise SettingsError(f"{path}: holds no {RUN_FILE}, so no run has begun here", "start one with --out")
        info = read_yaml(path / RUN_FILE)
        if not isinstance(info, dict):
            raise SettingsError(f"{path / RUN_FILE}: expected a mapping")
        return cls(path, info)

    def with_info(self, **found: Any) -> RunDirectory:
        """The same run with more written into its ``run.yaml``: what was only found out once the devices were there.

        Raises:
            SettingsError: the file cannot be written.
        """
        info = {**self.run_info, **_plain(found)}
        try:
            write_atomically(self.path / RUN_FILE, yaml.safe_dump(info, sort_keys=False, allow_unicode=True).encode())
        except OSError as error:
            raise SettingsError(f"{self.path}: cannot be written: {error.strerror}") from None
        return RunDirectory(self.path, info)

    @property
    def ledger_path(self) -> Path:
        """The ledger, one line a trial."""
        return self.path / LEDGER_FILE

    @property
    def frames_path(self) -> Path:
        """The folder of what the camera saw."""
        return self.path / FRAMES_FOLDER

    @property
    def report_path(self) -> Path:
        """Where the report goes."""
        return self.path / REPORT_FILE

    def planned(self) -> tuple[PlannedTrial, ...]:
        """The schedule, made again from what the run was asked for.

        Raises:
            SettingsError: ``run.yaml`` does not say what was planned.
        """
        info = self.run_info
        trials, seed, objects = info.get("trials"), info.get("seed"), info.get("objects")
        if not isinstance(trials, int) or not isinstance(seed, int) or not isinstance(objects, list):
            raise SettingsError(
                f"{self.path / RUN_FILE}: needs the whole numbers 'trials', 'seed' and a list 'objects'"
            )
        return make_schedule([str(name) for name in objects], trials, seed)

    @property
    def protocol(self) -> TrialProtocol:
        """By what protocol the trials are carried out.

        Raises:
            SettingsError: ``run.yaml`` holds something else there.
        """
        return protocol_of_run(self.run_info.get("protocol"), str(self.path / RUN_FILE))

    def compatible(self, other: Mapping[str, Any]) -> list[str]:
        """Which of the settings in ``other`` differ from the run's, one sentence each; empty if it can be resumed.

        Settings that ``other`` does not name are the run's own business.
        """
        return _differences(self.run_info, _plain(other), "")


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that at any moment it is the old one or the new one, and on the disk when this returns."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _refuse_used(path: Path) -> None:
    """A run that was killed before it began leaves nothing worth keeping; anything else is somebody's."""
    if (path / RUN_FILE).exists():
        raise SettingsError(
            f"{path}: a run is there already", f"go on with --resume {path}, or name another with --out"
        )
    for entry in path.iterdir():
        ours = entry.name == f".{RUN_FILE}.tmp" or (entry.name == FRAMES_FOLDER and not any(entry.iterdir()))
        if not ours:
            raise SettingsError(f"{path}: is not empty, it holds '{entry.name}'", "name another directory with --out")


def _differences(stored: Mapping[str, Any], given: Mapping[str, Any], prefix: str) -> list[str]:
    found: list[str] = []
    for key, value in given.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and isinstance(stored.get(key), Mapping):
            found += _differences(stored[key], value, f"{name}.")
        elif key not in stored:
            found.append(f"{name}: asked for {value!r}, the run has none")
        elif stored[key] != value:
            found.append(f"{name}: asked for {value!r}, the run has {stored[key]!r}")
    return found


def _plain(value: Any) -> Any:
    """What YAML can hold: dataclasses and mappings become dicts, tuples and arrays lists, paths and enums text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):  # numpy's arrays and scalars
        return value.tolist()
    return value
