"""Where the shipped weights lie, without importing anything heavy."""

from __future__ import annotations

from pathlib import Path

from detectors.gqcnn.weights_file import require_whole

SHIPPED = Path(__file__).resolve().parent / "weights" / "zhou.safetensors"


def require_shipped() -> None:
    """Check the weights that the program ships.

    Raises:
        SettingsError: they are missing or damaged; the program ends with "a part of the cell is missing" (3).
    """
    require_whole(SHIPPED, "zhou")
