"""The state of an unfinished training on disk: never half written, and never mixed up with another training's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from robot.errors import SettingsError
from robot.whole_files import whole_file


def save(path: Path, identity: dict[str, Any], state: dict[str, Any]) -> None:
    """Write ``state``; whenever the program is killed, the file is the last one written or the one before.

    Args:
        path: the file.
        identity: recipe and data of the training.
        state: tensors, numbers, strings and containers of them.

    Raises:
        SettingsError: the file cannot be written.
    """
    with whole_file(path) as stream:
        torch.save({"identity": identity, "state": state}, stream)


def load(path: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The saved state, or None where there is no file.

    Raises:
        SettingsError: the file is damaged, or belongs to a training with another recipe or other data.
    """
    if not path.is_file():
        return None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
        saved, state = found["identity"], found["state"]
    except Exception as error:  # torch raises nearly anything on garbage
        raise SettingsError(f"{path}: the checkpoint is damaged: {error}", "delete it and start again") from None
    for name, value in identity.items():
        if saved.get(name) != value:
            which = _differing(saved.get(name), value)
            raise SettingsError(
                f"{path}: the checkpoint is of another training, {name}{which} differs",
                "resume with the arguments it was started with, or delete it and start again",
            )
    return dict(state)


def _differing(saved: Any, given: Any) -> str:
    if not (isinstance(saved, dict) and isinstance(given, dict)):
        return ""
    return " (" + ", ".join(sorted(k for k in {*saved, *given} if saved.get(k) != given.get(k))) + ")"
