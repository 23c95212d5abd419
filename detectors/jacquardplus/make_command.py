"""``python -m detectors.synthesize --benchmark jacquardplus``: make or continue the benchmark's scenes."""

from __future__ import annotations

import argparse
import time

from detectors.jacquardplus.progress import ProgressLine
from detectors.jacquardplus.settings import SCENES, BenchmarkSettings, open_benchmark
from robot.errors import SettingsError

_APPLY = ("out", "scenes", "seed", "workers", "benchmark")


def make_benchmark(args: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Make the scenes.

    Args:
        args: of ``detectors.synthesize``.
        parser: that made them; knows the defaults of options that do not apply.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    for name, value in vars(args).items():
        if name not in _APPLY and value != parser.get_default(name):
            raise SettingsError(f"--{name.replace('_', '-')} does not apply to --benchmark {args.benchmark}",
                                "its scenes are the same for everybody: leave it out")  # fmt: skip
    from detectors.jacquardplus.making import make

    began = time.monotonic()
    settings = BenchmarkSettings(seed=args.seed, scenes=args.scenes or SCENES)
    open_benchmark(args.out, settings)
    line = ProgressLine("scenes")
    try:
        make(args.out, settings, args.workers, line.show)
    finally:
        line.end()
    print(f"{args.out}: {settings.scenes} scenes of {settings.benchmark}; {time.monotonic() - began:.0f} s")
    return 0
