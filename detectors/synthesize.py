"""``python -m detectors.synthesize``: make a data set of scenes, grasps and labels."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from detectors.synthesis.settings import MOST_THINGS
from detectors.synthesis.splits import THINGS
from robot.arguments import SEED, whole_number
from robot.commands import Parser, reported
from robot.errors import SettingsError

if TYPE_CHECKING:
    from detectors.synthesis.engine import Progress


def main(argv: Sequence[str]) -> int:
    """Parse and run; every foreseeable error becomes one line on stderr and an exit code."""
    told = "interrupted: what is finished stays; start the same command again to go on"
    return reported(lambda: run(_parser().parse_args(argv)), told)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m detectors.synthesize",
        description="Make a data set: things at rest on a table, depth images, grasps, analytic and physical labels. "
        "The same settings give the same bytes; started again, it goes on where it was.",
    )
    count = whole_number(1, 10_000_000)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the data set goes")
    parser.add_argument("--scenes", type=count, metavar="N", help="how many; 40 grasps each, but none in a benchmark "
                        "(of which 1000 are the default)")  # fmt: skip
    parser.add_argument("--seed", required=True, type=SEED, metavar="S", help="decides everything that is drawn")
    parser.add_argument("--workers", type=whole_number(1, 256), default=os.cpu_count() or 1, metavar="W",
                        help="processes (default: one a core)")  # fmt: skip
    parser.add_argument("--split", choices=("all", "train", "validation", "test"), default="all",
                        help="which things appear (default all: 8 scenes in 10 show training things)")  # fmt: skip
    parser.add_argument("--things", type=whole_number(10, 1_000_000), default=THINGS, metavar="N",
                        help=f"size of the catalogue (default {THINGS})")  # fmt: skip
    parser.add_argument("--tries", type=whole_number(1, 100), metavar="T",
                        help="lifts a grasp (default 1 on training things, 3 on held-out ones)")  # fmt: skip
    parser.add_argument("--samples", type=whole_number(2, 1000), default=10, metavar="K",
                        help="Monte-Carlo draws of the analytic labels (default 10)")  # fmt: skip
    parser.add_argument("--images", choices=("all", "depth", "none"), default="all",
                        help="full images kept beside the tensors: with colour, depth only, none")  # fmt: skip
    parser.add_argument("--things-per-scene", type=_count_range, default=(0, 0), metavar="N|N-M",
                        help=f"so many things in every scene, e.g. 4 or 3-6, at most {MOST_THINGS}, apart and all "
                        "in the picture (default: one to four, mostly one); of a range, what is drawn for a scene, or "
                        "fewer where things seldom find a place")  # fmt: skip
    parser.add_argument("--objects", type=Path, metavar="FILE", help="your own object set in place of the catalogue")
    parser.add_argument("--benchmark", choices=("jacquardplus",), help="make the test scenes of this benchmark "
                        "instead: two to five held-out things, a tilted camera, decor; beside it --scenes, --seed and "
                        "--workers apply")  # fmt: skip
    return parser


def _count_range(text: str) -> tuple[int, int]:
    """``4`` -> (4, 4), ``3-6`` -> (3, 6)."""
    number = whole_number(1, MOST_THINGS)
    first, dash, last = text.partition("-")
    least = number(first)
    most = number(last) if dash else least
    if least > most:
        raise argparse.ArgumentTypeError(f"got {text}, give the smaller number first")
    return least, most


def run(args: argparse.Namespace) -> int:
    """Make or continue the data set.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    if args.benchmark:
        from detectors.jacquardplus.make_command import make_benchmark

        return make_benchmark(args, _parser())
    if args.scenes is None:
        raise SettingsError("--scenes is missing: how many?", "see python -m detectors.synthesize --help")

    from detectors.synthesis.catalogue import open_catalogue
    from detectors.synthesis.engine import make
    from detectors.synthesis.settings import DatasetSettings, object_set_sha256, open_dataset

    settings = DatasetSettings(
        scenes=args.scenes, seed=args.seed, split=args.split, things=args.things,
        samples=args.samples, images=args.images,
        tries=args.tries or DatasetSettings.tries, held_out_tries=args.tries or DatasetSettings.held_out_tries,
        objects=str(args.objects.resolve()) if args.objects else "",
        objects_sha256=object_set_sha256(args.objects.resolve()) if args.objects else "",
        least=args.things_per_scene[0], most=args.things_per_scene[1],
    )  # fmt: skip
    open_catalogue(settings)
    open_dataset(args.out, settings)
    line = _Line()
    try:
        last = make(args.out, settings, args.workers, line.show)
    finally:
        line.end()
    print(f"{args.out}: {settings.scenes} scenes, {settings.scenes * 40} grasps; {last.elapsed_s:.0f} s")
    return 0


class _Line:
    """One line of progress: rewritten on a terminal, now and then a new one elsewhere."""

    _EVERY_S = 15.0

    def __init__(self) -> None:
        self._shown_s = -self._EVERY_S
        self._terminal = sys.stderr.isatty()

    def show(self, progress: Progress) -> None:
        if not self._terminal and progress.elapsed_s - self._shown_s < self._EVERY_S:
            return
        self._shown_s = progress.elapsed_s
        left = "?" if progress.left_s is None else f"{progress.left_s / 60:.1f} min"
        text = f"{progress.done} of {progress.shards} files, {progress.grasps_per_s:.0f} grasps/s, {left} left"
        print(f"\r\033[K{text}" if self._terminal else text, end="" if self._terminal else "\n", file=sys.stderr,
              flush=True)  # fmt: skip

    def end(self) -> None:
        if self._terminal:
            print(file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
