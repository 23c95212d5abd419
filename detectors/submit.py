"""``python -m detectors.submit``: judge a file of predictions on the Jacquard+ benchmark."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from robot.arguments import whole_number
from robot.commands import Parser, reported


def main(argv: Sequence[str]) -> int:
    """Parse and run; every foreseeable error becomes one line on stderr and an exit code."""
    told = "interrupted: what is judged stays; start the same command again to go on"
    return reported(lambda: run(_parser().parse_args(argv)), told)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m detectors.submit",
        description="Judge predictions on the Jacquard+ benchmark: one simulated grasp trial a scene, for its first "
        "prediction. The same scenes and predictions give the same score; started again, it goes on where it was.",
    )
    parser.add_argument("predictions", type=Path, metavar="PREDICTIONS.json", help="what is judged")
    parser.add_argument("--path", required=True, type=Path, metavar="DIR",
                        help="the scenes, made by detectors.synthesize --benchmark jacquardplus")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the figures there; '-' prints JSON and nothing else")
    parser.add_argument("--workers", type=whole_number(1, 256), default=os.cpu_count() or 1, metavar="W",
                        help="processes (default: one a core)")  # fmt: skip
    return parser


def run(args: argparse.Namespace) -> int:
    """Judge, print, write.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    from detectors.evaluation.output import check_writable
    from detectors.jacquardplus.predictions import read_predictions
    from detectors.jacquardplus.score import faults_in_words, in_words
    from detectors.jacquardplus.settings import read_benchmark, require_made
    from detectors.jacquardplus.submitting import submit

    check_writable(args.json)
    settings = read_benchmark(args.path)
    require_made(args.path, settings)
    predictions = read_predictions(args.predictions, settings)
    for line in faults_in_words(predictions.faults):
        print(line, file=sys.stderr)
    journal = args.predictions.with_name(f".{args.predictions.name}.judged.jsonl")
    answer = submit(args.path, settings, predictions, args.workers, journal)
    if args.json and args.json != "-":
        Path(args.json).write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(answer, indent=2) if args.json == "-" else "\n".join(in_words(predictions.detector, answer)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
