"""``python -m detectors.evaluate NAME --dataset jacquardplus``: show detectors the scenes, judge what they propose."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from detectors.jacquardplus.settings import BENCHMARK, BenchmarkSettings, read_benchmark, require_made, scenes_sha256
from robot.errors import SettingsError

if TYPE_CHECKING:
    from detectors.registry import Detector

_HEADLINE = ("interval", "by_tilt_deg", "outcomes", "detect_ms_median")
_NOT_HERE = {"card": "--card", "pictures": "--pictures", "classifier_only": "--classifier-only", "depth": "--depth",
             "intrinsics": "--intrinsics"}  # fmt: skip


def evaluate_benchmark(args: argparse.Namespace, answer: dict[str, Any], tell: Callable[[str], None]) -> int:
    """Ask, judge, print, write.

    Args:
        args: of ``detectors.evaluate``.
        answer: what every evaluation's JSON begins with.
        tell: takes lines for stderr.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    from detectors.jacquardplus.score import in_words

    settings = _open(args)
    scenes = min(args.images or settings.scenes, settings.scenes)
    hashed = scenes_sha256(args.path, scenes)
    rows = {name: _try(args, settings, scenes, hashed, name, detector, tell)
            for name, detector in _detectors(args).items()}  # fmt: skip
    own = rows[args.name]
    answer |= {"images": scenes, "physical_success": own["score"], "seed": settings.seed,
               **{key: own[key] for key in _HEADLINE}, BENCHMARK: rows}  # fmt: skip
    if args.json == "-":
        print(json.dumps(answer, indent=2))
        return 0
    if args.json:
        Path(args.json).write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    for name, row in rows.items():
        print("\n".join([*in_words(name, row), f"  detection time, median: {row['detect_ms_median']:.0f} ms"]))
    return 0


def _open(args: argparse.Namespace) -> BenchmarkSettings:
    """The benchmark; refuses options that do not apply, and a folder that cannot be written into."""
    for name, option in _NOT_HERE.items():
        if getattr(args, name):
            raise SettingsError(f"{option} does not apply to --dataset {BENCHMARK}", "leave it out")
    settings = read_benchmark(args.path)
    require_made(args.path, settings)
    folder = args.predictions_out.parent if args.predictions_out else args.path
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise SettingsError(f"{folder}: cannot be written into, and what is done is kept there",
                            "name a file in a folder of yours with --predictions-out")  # fmt: skip
    if args.predictions_out and args.predictions_out.is_dir():
        raise SettingsError(f"--predictions-out {args.predictions_out}: is a folder", "name a file")
    return settings


def _detectors(args: argparse.Namespace) -> dict[str, Detector]:
    """Those that were asked for, by name."""
    from detectors.evaluation.arguments import variants
    from detectors.evaluation.lineup import line_up, load_metric_for

    metric = load_metric_for(args.name, args.weights, args.metric_weights)
    wanted = variants(args)
    lined_up = line_up(args.name, metric, weights=args.weights, beside=args.beside, variants=wanted)
    return {name: lined_up[name] for name in dict.fromkeys((args.name, *args.beside, *wanted))}


def _try(
    args: argparse.Namespace, settings: BenchmarkSettings, scenes: int, hashed: str, name: str, detector: Detector,
    tell: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Ask one detector, write its predictions if that is wanted, judge them: a row for JSON."""
    from detectors.evaluation.arguments import variants
    from detectors.jacquardplus.asking import ask, asking_key
    from detectors.jacquardplus.journal import Journal
    from detectors.jacquardplus.predictions import as_json, checked, write_predictions
    from detectors.jacquardplus.progress import ProgressLine
    from detectors.jacquardplus.score import faults_in_words
    from detectors.jacquardplus.submitting import submit
    from detectors.rectangle_detector import sees_color_alone

    out = _out(args, name)
    weights = variants(args).get(name) or (args.weights if name == args.name else None)
    weights = weights or getattr(detector, "weights_path", None)
    line = ProgressLine(f"scenes shown to {name}")
    key = asking_key(name, weights, hashed, args.top)
    with Journal(_kept(args, name, "asked"), key, ("grasps", "detect_ms")) as journal:
        try:
            asked = ask(detector, args.path, scenes, args.top, journal, line.show)
        finally:
            line.end()
        data = as_json(name, settings, asked.grasps)
        if out:
            write_predictions(out, data)
        predictions = checked(data, name, settings)
        for fault in faults_in_words(predictions.faults):
            tell(fault)
        row = submit(args.path, settings, predictions, os.cpu_count() or 1, _kept(args, name, "judged"))
        journal.remove()
    return row | {"detect_ms_median": median(asked.detect_ms.values()),
                  "input": "color" if sees_color_alone(detector) else "depth"}  # fmt: skip


def _out(args: argparse.Namespace, name: str) -> Path | None:
    """Where a detector's predictions go: NAME's to the file that was named, another's beside it."""
    path: Path | None = args.predictions_out
    return path if path is None or name == args.name else path.with_name(f"{path.stem}-{name}{path.suffix}")


def _kept(args: argparse.Namespace, name: str, what: str) -> Path:
    """Where it is kept what is done, until all is."""
    out = _out(args, name)
    folder, stem = (out.parent, out.name) if out else (args.path, name)
    return Path(folder) / f".{stem}.{what}.jsonl"
