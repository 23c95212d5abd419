"""Types for command-line arguments that say what they accept."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from robot.errors import SettingsError

MOST_TRIALS = 100_000
LARGEST_SEED = 2**63 - 1


def parse_speed(text: str) -> float | None:
    """``max`` -> None, a positive number -> itself. Raises SettingsError."""
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0.0 < factor < 1e4:
        raise SettingsError(f"--speed: got '{text}'", "give a positive factor such as 1 or 20, or max")
    return factor


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """An argparse type: a whole number from ``least`` to ``most``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"invalid int value: '{text}'") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"got {value}, give at least {least}")
        if value > most:
            raise argparse.ArgumentTypeError(f"got {value}, give at most {most}")
        return value

    return parse


SEED = whole_number(0, LARGEST_SEED)
TRIALS = whole_number(1, MOST_TRIALS)
