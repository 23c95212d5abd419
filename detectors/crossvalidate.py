"""``python -m detectors.crossvalidate``: train a map network on all folds but one, judge that one, and so on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.evaluation.arguments import DEPTHS, NO_DEPTH
from detectors.fcn.train_command import add_forms
from robot.arguments import SEED, whole_number
from robot.commands import ENDED_EARLY, Parser, reported
from robot.errors import SettingsError

if TYPE_CHECKING:
    from detectors.evaluation.folds import By
    from detectors.fcn.crossvalidation import Plan
    from detectors.fcn.rectangle_pictures import RectanglePictures
    from robot.frame import Intrinsics

_FCN = "fcn"
_AGAIN = "start the same command again to go on"
_BOTH: tuple[By, ...] = ("image", "object")


def main(argv: Sequence[str]) -> int:
    """Parse and run; every foreseeable error becomes one line on stderr and an exit code."""
    return reported(lambda: run(_parser().parse_args(argv)), f"interrupted; {_AGAIN}")


def _parser() -> Parser:
    parser = Parser(
        prog="python -m detectors.crossvalidate",
        description="Train a map network from scratch on all folds of a data set but one, judge it on that one, and so "
        "on: Tables I, II and III of the FCN paper, into DIR/report.md and DIR/report.json. Each fold's result is kept "
        f"in DIR as soon as it is there; {_AGAIN} after whatever interrupted it. Our own scenes are split by object as "
        "they are made: train on them with detectors.train and judge with detectors.evaluate.",
    )
    parser.add_argument("name", choices=(_FCN, "ggcnn"), metavar="NAME", help="fcn or ggcnn")
    _add_data(parser)
    _add_training(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where results and report go")
    parser.add_argument("--json", metavar="FILE", help="write the report's figures there, too; '-' prints JSON and "
                        "nothing else")  # fmt: skip
    return parser


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, choices=tuple(sorted(DEPTHS)), help="cornell, jacquard or georgia, "
                        "as published")  # fmt: skip
    parser.add_argument("--path", required=True, type=Path, metavar="DIR", help="where it lies")
    parser.add_argument("--split", choices=("object", "image", "both"), default="both", help="keep all images of a "
                        "thing in one fold, or draw images apart, or one after the other (default both); georgia "
                        "has only image")  # fmt: skip
    parser.add_argument("--folds", type=whole_number(2, 100), default=5, metavar="N", help="how many (default 5)")
    parser.add_argument("--limit", type=whole_number(2, 10**9), metavar="N", help="only the first N usable "
                        "images: all stay in memory, about 2 MB each for Cornell, 7 MB for Jacquard")  # fmt: skip
    parser.add_argument("--input", choices=("depth", "color"), default="depth", help="what the network sees (default "
                        "depth)")  # fmt: skip
    kinds = "; ".join(f"{name}: {', '.join(d for d in of if d != NO_DEPTH)}" for name, of in DEPTHS.items())
    known = dict.fromkeys(depth for of in DEPTHS.values() for depth in of if depth != NO_DEPTH)
    parser.add_argument("--depth", choices=tuple(known), help=f"which depth images, the first by default ({kinds})")
    parser.add_argument("--intrinsics", type=Path, metavar="FILE", help="of the images' camera: fx, fy, ...")


def _add_training(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", type=whole_number(1, 10_000), default=100, metavar="N", help="passes over the "
                        "other folds (default 100, as in the paper)")  # fmt: skip
    parser.add_argument("--batch", type=whole_number(2, 1_000_000), default=32, metavar="N", help="images a step "
                        "(default 32, as in the paper)")  # fmt: skip
    parser.add_argument("--view", type=whole_number(32, 2000), metavar="PX", help="side of a view learnt from (default "
                        "192; the paper: 400); judged is always the whole image: depth at 1.25 mm a pixel, "
                        "up to 1600 pixels a side, colour 400 pixels long")  # fmt: skip
    add_forms(parser)
    parser.add_argument("--layout", choices=("fast", "full"), help="fcn: fast (default) on a CPU; full: 35 MB, as in "
                        "the paper")  # fmt: skip
    parser.add_argument("--threads", type=whole_number(1, 1024), metavar="N", help="of the CPU (default: torch's own); "
                        "another number can change the last digits")  # fmt: skip
    parser.add_argument("--seed", type=SEED, default=0, metavar="S", help="of everything drawn (default 0)")
    parser.add_argument("--max-minutes", type=float, metavar="T", help="stop before so many minutes; the same command "
                        "goes on later")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Begin or go on, and report once every fold that was asked for is done.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    import time

    import torch

    from detectors.evaluation.output import check_writable
    from detectors.fcn.crossvalidation import CrossValidation, data_identity
    from detectors.fcn.crossvalidation_settings import check_settings, open_folder

    _check(args)
    check_writable(args.json)
    camera, plan = _camera(args), _plan(args)
    settings = _settings(args, plan, camera)
    check_settings(args.out, settings)  # before the images are read, which takes its time
    if args.threads:
        torch.set_num_threads(args.threads)
    notes: list[str] = []
    pictures = _read(args, camera, notes)
    work = CrossValidation(plan, pictures, args.out, clock=time.monotonic, tell=_tell, max_minutes=args.max_minutes)
    work.check(_splits(args))
    settings |= data_identity(pictures)
    open_folder(args.out, settings)
    if not work.run(_splits(args)):
        _tell(f"stopped before --max-minutes {args.max_minutes:g}; {_AGAIN}")
        return ENDED_EARLY
    _report(args, settings, notes)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse what does not fit together before anything is read."""
    if not args.path.is_dir():
        raise SettingsError(f"{args.path}: no such folder")
    if args.out.exists() and not args.out.is_dir():
        raise SettingsError(f"--out {args.out}: is a file", "name a folder")
    if args.max_minutes is not None and not args.max_minutes > 0:
        raise SettingsError(f"--max-minutes must be positive, got {args.max_minutes}")
    if args.dataset == "georgia" and args.split != "image":
        raise SettingsError("georgia does not say which thing is which, so there are no folds by object",
                            "give --split image")  # fmt: skip
    if args.depth and args.input == "color":
        raise SettingsError("--depth says which depth images are seen, and --input color sees none", "leave one out")
    if args.depth and args.depth not in DEPTHS[args.dataset]:
        known = ", ".join(depth for depth in DEPTHS[args.dataset] if depth != NO_DEPTH)
        raise SettingsError(f"--depth {args.depth}: {args.dataset} has no such images", f"give one of {known}")
    if args.layout and args.name != _FCN:
        raise SettingsError(f"--layout is for fcn: {args.name} has one only", "leave it out")


def _plan(args: argparse.Namespace) -> Plan:
    from detectors.fcn.crossvalidation import Plan
    from detectors.fcn.recipe import Recipe

    config = {"angle": args.angle} | ({"layout": args.layout or "fast"} if args.name == _FCN else {})
    view = {} if args.view is None else {"view_px": args.view}
    recipe = Recipe(
        epochs=args.epochs, batch=args.batch, variation=args.variation, mask=args.mask, seed=args.seed, **view
    )
    return Plan(args.name, config, recipe, args.folds)


def _settings(args: argparse.Namespace, plan: Plan, camera: Intrinsics | None) -> dict[str, Any]:
    """Everything that decides a fold's numbers. Which splits are asked for does not: one can follow the other."""
    from dataclasses import asdict

    return {
        "detector": args.name, "dataset": args.dataset, "input": args.input,
        "depth": NO_DEPTH if args.input == "color" else args.depth or DEPTHS[args.dataset][0],
        "camera": asdict(camera) if camera else None,
        "limit": args.limit, "folds": plan.folds, **plan.config, **plan.recipe.to_json(),
    }  # fmt: skip


def _camera(args: argparse.Namespace) -> Intrinsics | None:
    if not args.intrinsics:
        return None
    from detectors.reading import read_intrinsics

    return read_intrinsics(args.intrinsics)


def _read(args: argparse.Namespace, camera: Intrinsics | None, notes: list[str]) -> RectanglePictures:
    """All images; what is told of them is told and noted, for the report."""
    from detectors.fcn.data import read_rectangles

    def tell(line: str) -> None:
        notes.append(line)
        _tell(line)

    given = {"depth": args.depth, "camera": camera, "limit": args.limit}
    return read_rectangles(args.path, args.dataset, args.input, tell, **given)


def _splits(args: argparse.Namespace) -> tuple[By, ...]:
    return _BOTH if args.split == "both" else (args.split,)


def _report(args: argparse.Namespace, settings: dict[str, Any], notes: list[str]) -> None:
    from detectors.fcn.crossvalidation_report import print_report, read_results, summary, write_report
    from robot.revision import git_revision

    splits = summary(read_results(args.out, args.folds))
    answer = {"settings": settings, "notes": notes, "revision": git_revision(), "splits": splits}
    write_report(args.out, answer)
    if args.json == "-":
        print(json.dumps(answer, indent=2))
        return
    if args.json:
        Path(args.json).write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    print_report(answer)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
