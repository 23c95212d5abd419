"""``python -m detectors.bench``: times, parameters and file sizes of the detectors, measured in one run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robot.arguments import SEED, whole_number
from robot.commands import Parser, reported
from robot.errors import CellError, SettingsError

if TYPE_CHECKING:
    from detectors.registry import Detector

SIZES = {"400x400": (400, 400), "640x480": (640, 480)}


def main(argv: Sequence[str]) -> int:
    """Parse and measure; every foreseeable error becomes one line on stderr and an exit code."""
    return reported(lambda: run(_parser().parse_args(argv)))


def _parser() -> Parser:
    parser = Parser(
        prog="python -m detectors.bench",
        description="Time every detector on the same frames, turn by turn, in one process. Leave the machine alone.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which detectors (default: all)")
    parser.add_argument("--json", metavar="FILE", help="write the figures there; '-' prints JSON and nothing else")
    parser.add_argument("--repeats", type=whole_number(1, 10_000), default=10, metavar="N", help="a frame (default 10)")
    parser.add_argument("--frames", type=whole_number(1, 1000), default=6, metavar="N", help="how many (default 6)")
    parser.add_argument("--size", choices=SIZES, default="400x400", help="of the frames (default 400x400)")
    parser.add_argument("--seed", type=SEED, default=0, metavar="S", help="of the scenes (default 0)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Measure and write what was asked for.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    _check(args)
    from detectors.evaluation.timing import machine, make_frames, measure, rows

    detectors, missing = _build(args.names)
    frames = make_frames(args.frames, *SIZES[args.size], args.seed)
    times = measure(detectors, frames, args.repeats, lambda n: print(f"{n} of {args.repeats} rounds", file=sys.stderr))
    answer = {
        **machine(), "size": args.size, "frames": args.frames, "repeats": args.repeats, "seed": args.seed,
        "detectors": rows(detectors, times), "missing": missing,
    }  # fmt: skip
    if args.json == "-":
        print(json.dumps(answer, indent=2))
        return 0
    if args.json:
        Path(args.json).write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    _print(answer)
    return 0


def _check(args: argparse.Namespace) -> None:
    from detectors.evaluation.output import check_writable
    from detectors.registry import check_name

    for name in args.names:
        check_name(name)
    check_writable(args.json)


def _build(names: Sequence[str]) -> tuple[dict[str, Detector], dict[str, str]]:
    """The detectors that can be had, the reference always among those wanted, and why the others cannot."""
    from detectors.evaluation.timing import REFERENCE
    from detectors.registry import detector_names, make_detector

    detectors: dict[str, Detector] = {}
    missing: dict[str, str] = {}
    for name in dict.fromkeys([*names, REFERENCE] if names else detector_names()):
        try:
            detectors[name] = make_detector(name)
        except (CellError, ImportError) as error:
            missing[name] = str(error)
    if not detectors:
        raise SettingsError("no detector can be built: " + "; ".join(missing.values()))
    return detectors, missing


def _print(answer: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from detectors.evaluation.timing import REFERENCE

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for column in ("median", "p95", "top 10", "maps", "fill", "parameters", "kB", "speed"):
        table.add_column(column, justify="right")
    for name, row in sorted(answer["detectors"].items(), key=lambda item: item[1]["detect_ms_median"]):
        size = row["weights_bytes"]
        table.add_row(
            name, f"{row['detect_ms_median']:.1f}", f"{row['detect_ms_p95']:.1f}",
            f"{row['several_ms_median']:.1f}", _or_dash(row["whole_view_ms_median"], ".1f"),
            f"{row['inpaint_ms_median']:.1f}",
            _or_dash(row["parameters"], ","), _or_dash(None if size is None else size / 1e3, ",.0f"),
            _or_dash(row["times_faster"], ".1f"),
        )  # fmt: skip
    console = Console()
    console.print(table)
    for name, why in answer["missing"].items():
        console.print(f"{name}: not measured: {why}", highlight=False)
    threads = answer["threads"]
    console.print(
        "Milliseconds from image to grasp, in-painting (fill) apart; top 10: asked for ten grasps, as the cell asks; "
        "maps: the network alone on a whole view of 400 x 400; kB: of the weights' file; "
        f"speed: {REFERENCE}'s median by one's own. "
        f"{answer['frames']} frames of {answer['size']}, each {answer['repeats']} times a detector, by turns, after a "
        f"first time that does not count. {answer['cpu']}, {answer['cores']} cores, load average "
        f"{answer['load_average']:.1f}; threads: networks 1, OpenCV {threads['opencv']}.",
        highlight=False,
    )


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
