"""Faults that a dry run is to meet: read from a file, struck when the trial enters a phase."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cell.states import PHASES, State
from robot.errors import SettingsError, did_you_mean
from robot.simulator.faults import FAULT_NAMES
from robot.simulator.lab_client import LabClient
from robot.strict_yaml import build, read_yaml

_STRIKING = (State.CHECKING.value, *PHASES)


@dataclass(frozen=True, kw_only=True)
class ScheduledFault:
    """One entry of a faults file.

    Attributes:
        fault: name, one of ``FAULT_NAMES``.
        trial: 1-based number of the trial.
        phase: the state on whose entry the fault is armed; what has not struck by the end of its trial is withdrawn.
            ``checking`` comes before the first trial, and lasts.
        move_m, turn_rad: of ``camera_bumped``: how far, and by what angle.
        delay_s: simulated time after arming; arm faults count it from the arm's next motion.
    """

    fault: str
    trial: int
    phase: str
    delay_s: float = 0.1
    move_m: float | None = None
    turn_rad: float | None = None

    def __post_init__(self) -> None:
        if self.fault not in FAULT_NAMES:
            raise SettingsError(f"unknown fault '{self.fault}'", did_you_mean(self.fault, FAULT_NAMES))
        if self.phase not in _STRIKING:
            raise SettingsError(f"unknown phase '{self.phase}'", did_you_mean(self.phase, _STRIKING))
        if self.trial < 1 or self.delay_s < 0:
            raise ValueError("trial counts from 1 and delay_s must not be negative")
        if self.settings and self.fault != "camera_bumped":
            raise ValueError(f"{', '.join(self.settings)}: only a camera_bumped has these")

    @property
    def settings(self) -> dict[str, Any]:
        """The fault's own settings, as far as they are given."""
        own = {"move_m": self.move_m, "turn_rad": self.turn_rad}
        return {name: value for name, value in own.items() if value is not None}


def load_faults(path: Path) -> tuple[ScheduledFault, ...]:
    """Read a faults file: a YAML list of ``{fault, trial, phase}``.

    Raises:
        SettingsError: the file is missing or malformed, or names an unknown fault or phase.
    """
    entries = read_yaml(path)
    if not isinstance(entries, list):
        raise SettingsError(f"{path}: expected a list of faults, each with fault, trial and phase")
    return tuple(build(ScheduledFault, entry, f"{path}[{i}]") for i, entry in enumerate(entries))


class FaultInjector:
    """Watches a dry run's states and strikes at the scheduled ones, each once."""

    def __init__(self, faults: tuple[ScheduledFault, ...], lab: LabClient) -> None:
        self._waiting = list(faults)
        self._lab = lab
        self._armed = False

    def entered(self, trial: int, state: State) -> None:
        """Tell that ``trial`` has entered ``state``."""
        for fault in [f for f in self._waiting if f.trial == trial and f.phase == state.value]:
            self._waiting.remove(fault)
            self._lab.fault(fault.fault, fault.delay_s, **fault.settings)
            self._armed = self._armed or state is not State.CHECKING
        if state is State.RECORDING and self._armed:
            self._armed = False
            self._lab.clear_faults()
