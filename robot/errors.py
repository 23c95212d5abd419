"""The one tree of errors. Each says what is wrong and, in ``hint``, what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CellError(Exception):
    """Root of every condition that can be foreseen.

    Attributes:
        hint: what the user can do, in one sentence; may be empty.
        exit_code: what ``run_cell.py`` ends with when nothing handles the error.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "", *, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class SettingsError(CellError):
    """A setting, a file or an argument of the user's is wrong."""

    exit_code = 2


class DeviceError(CellError):
    """A part of the cell is missing or does not do what it was told."""


class ArmError(DeviceError):
    """The arm could not carry out a command."""


class ArmTimeout(ArmError):
    """The arm, its controller or the link to it did not answer by our deadline."""


class ArmUnpowered(ArmError):
    """The arm has no power, its brakes are on, or its safety system found a fault; recovering powers it."""


class ProtectiveStop(ArmError):
    """The controller stopped the arm to protect it or its surroundings."""


class EmergencyStop(ArmError):
    """The emergency stop is pressed."""


class GripperError(DeviceError):
    """The gripper reports a fault, does not answer, or answers nonsense."""


class CameraError(DeviceError):
    """No usable frame came from the camera."""


class SimulatorLost(CellError):
    """The simulator process has ended under us; the run can be resumed."""

    exit_code = 1


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known word, or lists all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    listed = "known: " + ", ".join(names)
    return f"did you mean '{near[0]}'? {listed}" if near else listed
