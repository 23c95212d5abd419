"""What a cross-validation was begun with, kept beside its results: those of different settings never mix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from robot.errors import SettingsError
from robot.strict_yaml import read_yaml
from robot.whole_files import whole_file

SETTINGS_FILE = "crossvalidation.yaml"


def check_settings(folder: Path, wanted: Mapping[str, Any]) -> bool:
    """Whether a cross-validation was begun there, with these settings as far as they are given.

    Raises:
        SettingsError: it was begun with others, or something else lies there.
    """
    file = folder / SETTINGS_FILE
    if not file.is_file():
        if folder.is_dir() and any(entry.name[:1] != "." for entry in folder.iterdir()):
            raise SettingsError(f"{folder}: is not empty and holds no cross-validation", "give a new folder as --out")
        return False
    found = read_yaml(file)
    if not isinstance(found, dict):
        raise SettingsError(f"{file}: holds no settings", "give a new folder as --out")
    differences = [
        f"{name} is {found.get(name)!r} there, {value!r} was asked for"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    if differences:
        raise SettingsError(
            f"{folder}: holds another cross-validation: {'; '.join(differences)}",
            "give its own settings to go on with it, or another --out",
        )
    return True


def open_folder(folder: Path, settings: Mapping[str, Any]) -> None:
    """Begin a cross-validation, or check that the one there is the same.

    Raises:
        SettingsError: it is another, or the folder cannot be written.
    """
    if not check_settings(folder, settings):
        with whole_file(folder / SETTINGS_FILE) as stream:
            stream.write(yaml.safe_dump(dict(settings), sort_keys=False).encode())
