"""Judges a file of predictions and says what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detectors.jacquardplus.predictions import Predictions
from detectors.jacquardplus.progress import ProgressLine
from detectors.jacquardplus.score import outcomes_of, score
from detectors.jacquardplus.settings import BENCHMARK, BenchmarkSettings, scenes_sha256
from detectors.jacquardplus.trials import judge_all


def submit(
    folder: Path, settings: BenchmarkSettings, predictions: Predictions, workers: int, journal: Path
) -> dict[str, Any]:
    """The figures of some predictions, for JSON; a line of progress on stderr.

    Args:
        folder, settings: the benchmark, all of whose scenes are there.
        predictions: to be judged.
        workers: how many processes.
        journal: where what is judged is kept until all is.

    Raises:
        CellError: a file cannot be read or written, or a worker was killed.
    """
    line = ProgressLine("predictions judged")
    scenes_hash = scenes_sha256(folder, predictions.scenes)
    try:
        judged, tilts = judge_all(folder, scenes_hash, predictions, workers, journal, line.show)
    finally:
        line.end()
    outcomes = outcomes_of(predictions, judged)
    return {
        "benchmark": BENCHMARK, "seed": settings.seed, "detector": predictions.detector,
        **score(outcomes, tilts),
        "wrong": len(predictions.faults), "wrong_entries": list(predictions.faults),
        "by_scene": [outcomes[number] for number in sorted(outcomes)],
    }  # fmt: skip
