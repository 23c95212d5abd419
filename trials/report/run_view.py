"""A run as the report sees it: what was asked for, what stands in the ledger, and the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from trials.ledger import read_ledger
from trials.protocol import TrialProtocol
from trials.record import TrialRecord
from trials.run_directory import RunDirectory
from trials.schedule import PlannedTrial
from trials.statistics import Summary, summarise


@dataclass(frozen=True)
class RunView:
    """One run, read from its directory without changing anything there.

    Attributes:
        label: what the run is called in the report, by its detector and its fallback; unique there.
        key: the same for addresses inside the page.
        records: the lines of the ledger, voided ones too.
        torn_bytes: length of an unfinished last line, which is left out.
    """

    label: str
    key: str
    directory: RunDirectory
    planned: tuple[PlannedTrial, ...]
    records: tuple[TrialRecord, ...]
    torn_bytes: int
    summary: Summary

    @property
    def info(self) -> Mapping[str, Any]:
        """The content of ``run.yaml``."""
        return self.directory.run_info

    @property
    def protocol(self) -> TrialProtocol:
        """What counted as success."""
        return self.directory.protocol

    @property
    def fallback(self) -> str:
        """The detector that the run falls back on; empty for none."""
        name = str(self.info.get("fallback") or "none")
        return "" if name == "none" else name

    @property
    def counting(self) -> tuple[TrialRecord, ...]:
        """The records that are not voided."""
        return tuple(record for record in self.records if not record.voided)

    @property
    def fx(self) -> float | None:
        """Focal length of the stored frames [pixels], if the run knows it."""
        camera = self.info.get("camera")
        fx = camera.get("fx") if isinstance(camera, Mapping) else None
        return float(fx) if isinstance(fx, (int, float)) and fx > 0 else None


def load_runs(paths: Sequence[Path]) -> tuple[RunView, ...]:
    """Read runs; those of one detector with one fallback are told apart by their directories' names.

    Raises:
        SettingsError, LedgerError: a directory is no run, or what stands in it is damaged.
    """
    runs = [_load(path, f"run{number}") for number, path in enumerate(paths, start=1)]
    labels = [run.label for run in runs]
    return tuple(
        replace(run, label=f"{run.label} ({run.directory.path.name})") if labels.count(run.label) > 1 else run
        for run in runs
    )


def _load(path: Path, key: str) -> RunView:
    directory = RunDirectory.open(path.resolve())
    planned = directory.planned()
    records, torn = read_ledger(directory.ledger_path) if directory.ledger_path.exists() else ((), 0)
    label = str(directory.run_info.get("detector", path.name))
    view = RunView(label, key, directory, planned, records, torn, summarise(records, planned))
    # What a fallback lifts is not the first one's merit alone.
    return replace(view, label=f"{label} + {view.fallback}") if view.fallback else view
