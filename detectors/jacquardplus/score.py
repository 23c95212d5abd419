"""The benchmark's score: the share of all scenes whose first prediction lifts, and the same by the camera's tilt."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from detectors.evaluation.intervals import wilson
from detectors.jacquardplus.predictions import Predictions

TILTS_DEG = (0, 20, 45, 70)
NO_PREDICTION, WRONG_ENTRY, LIFTED = "no prediction", "wrong entry", "lifted"
_TOLD = 20  # wrong entries, at most, on stderr


def outcomes_of(predictions: Predictions, judged: Mapping[int, str]) -> dict[int, str]:
    """Scene -> what became of its first prediction, for all scenes.

    Args:
        predictions: of a detector.
        judged: scene -> outcome, of all scenes that have a prediction that could be tried.
    """
    found: dict[int, str] = {}
    for number, first in predictions.first.items():
        if first is not None:
            found[number] = judged[number]
        else:
            found[number] = NO_PREDICTION if number in predictions.silent else WRONG_ENTRY
    return found


def score(outcomes: Mapping[int, str], tilt_rad: Mapping[int, float]) -> dict[str, Any]:
    """The figures of one detector, for JSON.

    Args:
        outcomes: scene -> outcome.
        tilt_rad: scene -> the camera's tilt.
    """
    by_tilt = {}
    for low, high in itertools.pairwise(TILTS_DEG):
        inside = [number for number in outcomes if low <= math.degrees(tilt_rad[number]) < high]
        if high == TILTS_DEG[-1]:
            inside += [number for number in outcomes if math.degrees(tilt_rad[number]) >= high]
        by_tilt[f"{low}-{high}"] = _share([outcomes[number] for number in inside])
    counted = Counter(outcomes.values())
    return {**_share(list(outcomes.values())), "by_tilt_deg": by_tilt, "outcomes": dict(sorted(counted.items()))}


def _share(outcomes: list[str]) -> dict[str, Any]:
    lifted = sum(outcome == LIFTED for outcome in outcomes)
    low, high = wilson(lifted, len(outcomes))
    share = lifted / len(outcomes) if outcomes else None
    return {"scenes": len(outcomes), "lifted": lifted, "score": share, "interval": [low, high]}


def in_words(name: str, figures: Mapping[str, Any]) -> list[str]:
    """The figures, line by line."""
    lines = [f"{name or 'predictions'}: {_line(figures)}"]
    lines += [f"  tilt {tilt} degrees: {_line(part)}" for tilt, part in figures["by_tilt_deg"].items()]
    return [*lines, "  " + ", ".join(f"{outcome}: {count}" for outcome, count in figures["outcomes"].items())]


def faults_in_words(faults: tuple[str, ...]) -> list[str]:
    """Wrong entries for stderr: the first twenty, and how many there are."""
    if not faults:
        return []
    more = len(faults) - _TOLD
    lines = [*faults[:_TOLD], *([f"... and {more} more"] if more > 0 else [])]
    return [*lines, f"{len(faults)} wrong: a scene whose first grasp is wrong or missing counts as not lifted"]


def _line(part: Mapping[str, Any]) -> str:
    if not part["scenes"]:
        return "no scenes"
    low, high = part["interval"]
    return (
        f"{part['lifted']} of {part['scenes']} scenes lifted = {100 * part['score']:.1f} % "
        f"({100 * low:.1f} - {100 * high:.1f} %)"
    )
