"""The command line: verbs, and how an error reaches the user."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from cell import calibrate_command, doctor_command, run_command
from detectors import detect_command
from robot.arguments import SEED, parse_speed
from robot.commands import Parser, reported

_USAGE_EXAMPLES = """examples:
  python run_cell.py --detector gqstn --trials 60                a dry run of sixty trials
  python run_cell.py --resume runs/20260101-120000-gqstn         go on with a run that ended early
  python run_cell.py detect --detector gqstn --depth depth.npy --intrinsics camera.yaml --overlay grasp.png
  python run_cell.py report runs/A runs/B                        compare two runs
exit codes: 0 done, 1 ended early (--resume goes on), 2 bad usage or settings, 3 a part of the cell is missing or unsafe
"""

Verb = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]


def main(argv: Sequence[str]) -> int:
    """Parse and run; every foreseeable error becomes one line on stderr and an exit code."""
    return reported(lambda: _run(argv))


def leave(exit_code: int) -> NoReturn:
    """End the program, at once where a detector that was given up is still at work."""
    watched = sys.modules.get("detectors.watched")  # imported by now, or nobody is watched
    if watched is not None and watched.anybody_busy():
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(exit_code)
    sys.exit(exit_code)


def _run(argv: Sequence[str]) -> int:
    arguments = _parser().parse_args(_with_default_verb(argv))
    result: int = arguments.handler(arguments)
    return result


def _verbs() -> tuple[Verb, ...]:
    return (
        ("run", run_command.add_arguments, run_command.run),
        ("calibrate", calibrate_command.add_arguments, calibrate_command.run),
        ("doctor", doctor_command.add_arguments, doctor_command.run),
        ("detect", detect_command.add_arguments, detect_command.run),
        ("simulate", _simulate_arguments, _simulate),
        ("report", _report_arguments, _report),
        ("diagram", lambda parser: None, _diagram),
    )


_VERB_HELP = {
    "run": "run trials (the verb may be left out)",
    "calibrate": "measure where the camera is, judge it, and verify it by touch",
    "doctor": "examine the cell, line by line, each with its remedy",
    "detect": "detect grasps in a depth image",
    "simulate": "serve a simulated cell on this machine until Ctrl-C",
    "report": "write the report of one run, or compare several",
    "diagram": "print the state diagram as Mermaid text",
}


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="run_cell.py",
        description="Grasping-cell controller and benchmark: UR5, Robotiq 2F-85, RealSense. "
        "Without hardware the same program runs against a physics simulator.",
        epilog=_USAGE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    for name, add_arguments, handler in _verbs():
        sub = subparsers.add_parser(name, help=_VERB_HELP[name], description=_VERB_HELP[name])
        add_arguments(sub)
        sub.set_defaults(handler=handler)
    options = parser.add_argument_group("options of run, which may be given without the verb")
    run_command.add_arguments(options)  # type: ignore[arg-type]  # groups take arguments as parsers do
    return parser


def _with_default_verb(argv: Sequence[str]) -> list[str]:
    names = [name for name, _, _ in _verbs()]
    if not argv or (argv[0] not in names and argv[0] not in ("-h", "--help") and argv[0].startswith("-")):
        return ["run", *argv]
    return list(argv)


def _simulate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--address", default="127.0.0.1", help="where to listen (default 127.0.0.1)")
    parser.add_argument("--speed", default="1", metavar="FACTOR|max", help="times real time (default 1)")
    parser.add_argument("--realtime", action="store_true", help="the same as --speed 1")
    parser.add_argument("--controller", choices=("cb3", "e-series"), default="cb3", help="UR generation (default cb3)")
    parser.add_argument("--mount", choices=("fixed", "wrist"), default="fixed", help="the camera's (default fixed)")
    parser.add_argument("--objects", type=Path, metavar="FILE", help="object set (default: the household 12)")
    parser.add_argument("--seed", type=SEED, default=0, metavar="S", help="of the camera's noise (default 0)")


def _simulate(args: argparse.Namespace) -> int:
    from robot.simulator.__main__ import main as simulate

    speed = parse_speed("1" if args.realtime else args.speed)
    arguments = ["--address", args.address, "--model", args.controller, "--seed", str(args.seed), "--mount", args.mount]
    arguments += ["--speed", "max" if speed is None else str(speed)]
    if args.objects is not None:
        arguments += ["--objects", str(args.objects)]
    return simulate(arguments)


def _report_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directories")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="default: the run's report.html; comparison.html for several",
    )


def _report(args: argparse.Namespace) -> int:
    from rich.console import Console

    from trials.ledger import read_ledger
    from trials.report import write_report
    from trials.report.words import differing_protocols
    from trials.run_directory import REPORT_FILE, RunDirectory
    from trials.statistics import summarise
    from trials.terminal import print_summary

    out = args.out or (args.runs[0] / REPORT_FILE if len(args.runs) == 1 else Path("comparison.html"))
    for path in args.runs:
        directory = RunDirectory.open(path)
        records, _ = read_ledger(directory.ledger_path)
        print_summary(summarise(records, directory.planned()), Console(), directory.protocol)
    write_report(args.runs, out)
    if words := differing_protocols([RunDirectory.open(path).protocol for path in args.runs]):
        print(words)
    print(f"report: {out}")
    return 0


def _diagram(args: argparse.Namespace) -> int:
    from cell.states import mermaid

    print(mermaid())
    return 0
