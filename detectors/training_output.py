"""Where a training leaves its weights and, until it is done, its state."""

from __future__ import annotations

from pathlib import Path

from robot.errors import SettingsError


def checkpoint_of(out: Path) -> Path:
    """Where the state of an unfinished training lies: beside its weights."""
    return out.with_suffix(".checkpoint")


def check_output(out: Path, *, resume: bool) -> None:
    """Refuse a weights file that cannot be, or under which an unfinished training lies, before anything is read.

    Raises:
        SettingsError: the message says what to do.
    """
    if out.suffix != ".safetensors":
        raise SettingsError(f"--out {out}: weights are written as .safetensors", "name a file that ends so")
    if out.is_dir():
        raise SettingsError(f"--out {out}: is a directory", "name a file")
    if checkpoint_of(out).is_file() and not resume:
        raise SettingsError(
            f"{checkpoint_of(out)}: an unfinished training lies there",
            "go on with --resume, or delete it to start again",
        )
