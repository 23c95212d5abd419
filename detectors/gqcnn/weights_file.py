"""Where the shipped weights lie and whether they are whole, without importing anything heavy."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from robot.errors import SettingsError

SHIPPED = Path(__file__).resolve().parent / "weights" / "gqcnn.safetensors"
_RESTORE = "restore the file, or train anew with python -m detectors.train {}"
RETRAIN = _RESTORE.format("gqcnn")
_CARD_HASH = re.compile(r"SHA-256[^0-9a-f]*([0-9a-f]{64})")


def card_path(weights: Path) -> Path:
    """Where the card of a weights file lies: beside it."""
    return weights.with_suffix(".card.md")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_whole(path: Path, hint: str = RETRAIN) -> None:
    """Check that the file is there and is the one that its card, if it has one, describes.

    Args:
        path: a weights file.
        hint: what to do where it is not.

    Raises:
        SettingsError: it is missing, or another.
    """
    if not path.is_file():
        raise SettingsError(f"{path}: no such weights file", hint)
    try:
        found = _CARD_HASH.search(card_path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return
    if found and found.group(1) != file_sha256(path):
        raise SettingsError(f"{path}: the weights file is not the one that {card_path(path).name} describes", hint)


def require_shipped() -> None:
    """Check the weights that the program ships.

    Raises:
        SettingsError: they are missing or damaged; the program ends with "a part of the cell is missing" (3).
    """
    require_whole(SHIPPED, "gqcnn")


def require_whole(path: Path, name: str) -> None:
    """Check the weights that the program ships for the detector called ``name``.

    Raises:
        SettingsError: they are missing or damaged; the program ends with "a part of the cell is missing" (3).
    """
    try:
        check_whole(path, _RESTORE.format(name))
    except SettingsError as error:
        raise SettingsError(error.message, error.hint, exit_code=3) from None
