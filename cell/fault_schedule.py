"""Faults that a dry run is to meet: read from a file, struck when the trial enters a phase."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cell.states import PHASES
from robot.errors import SettingsError, did_you_mean
from robot.simulator.faults import FAULT_NAMES
from robot.simulator.lab_client import LabClient
from robot.strict_yaml import build, read_yaml


@dataclass(frozen=True, kw_only=True)
class ScheduledFault:
    """One entry of a faults file.

    Attributes:
        fault: name, one of ``FAULT_NAMES``.
        trial: 1-based number of the trial.
        phase: the state on whose entry the fault is armed.
        delay_s: simulated time after arming; arm faults count it from the arm's next motion.
    """

    fault: str
    trial: int
    phase: str
    delay_s: float = 0.1

    def __post_init__(self) -> None:
        if self.fault not in FAULT_NAMES:
            raise SettingsError(f"unknown fault '{self.fault}'", did_you_mean(self.fault, FAULT_NAMES))
        if self.phase not in PHASES:
            raise SettingsError(f"unknown phase '{self.phase}'", did_you_mean(self.phase, PHASES))
        if self.trial < 1 or self.delay_s < 0:
            raise ValueError("trial counts from 1 and delay_s must not be negative")


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

    def entered(self, trial: int, phase: str) -> None:
        """Tell that ``trial`` has entered ``phase``."""
        for fault in [f for f in self._waiting if f.trial == trial and f.phase == phase]:
            self._waiting.remove(fault)
            self._lab.fault(fault.fault, fault.delay_s)
