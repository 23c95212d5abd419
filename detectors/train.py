"""``python -m detectors.train NAME``: train a detector's network.

A detector that can be trained has a module with ``add_arguments(parser)`` and ``run(arguments) -> exit code`` and a
line in ``_TRAINABLE``.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from robot.arguments import SEED, whole_number
from robot.commands import Parser, reported
from robot.errors import SettingsError, did_you_mean

_TRAINABLE = {
    "anchor": "detectors.anchor.train_command",
    "directgrasp": "detectors.directgrasp.train_command",
    "fcn": "detectors.fcn.train_command",
    "ggcnn": "detectors.fcn.ggcnn_train_command",
    "gqcnn": "detectors.gqcnn.train_command",
    "gqstn": "detectors.gqstn.train_command",
    "multigrasp": "detectors.multigrasp.train_command",
    "zhou": "detectors.anchor.zhou_train_command",
}


def main(argv: Sequence[str]) -> int:
    """Parse and train; every foreseeable error becomes one line on stderr and an exit code."""
    return reported(lambda: _run(argv), "interrupted; --resume goes on after the last whole epoch")


def _run(argv: Sequence[str]) -> int:
    parser = Parser(prog="python -m detectors.train", description="Train a detector's network.")
    parser.add_argument("name", metavar="NAME", help=f"what to train: {', '.join(sorted(_TRAINABLE))}")
    if not argv or argv[0] in ("-h", "--help"):
        parser.parse_args(list(argv))
    name = argv[0]
    if name not in _TRAINABLE:
        raise SettingsError(f"'{name}' cannot be trained", did_you_mean(name, _TRAINABLE))
    command = importlib.import_module(_TRAINABLE[name])
    result: int = command.run(_arguments(name, command.add_arguments).parse_args(list(argv[1:])))
    return result


def _arguments(name: str, add_own: Callable[[argparse.ArgumentParser], None]) -> argparse.ArgumentParser:
    """What every training takes, and what only this one does."""
    parser = Parser(prog=f"python -m detectors.train {name}", formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="the data set")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the weights to write")
    parser.add_argument("--device", default="auto", metavar="NAME", help="auto (default), cpu, cuda or cuda:1")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")
    parser.add_argument("--init", type=Path, metavar="FILE", help="start from these weights")
    parser.add_argument("--epochs", type=whole_number(1, 10_000), metavar="N", help="passes over the data")
    parser.add_argument("--batch", type=whole_number(2, 1_000_000), metavar="N", help="samples a step")
    parser.add_argument("--limit", type=whole_number(2, 10**9), metavar="N", help="learn from so many samples only")
    parser.add_argument("--max-minutes", type=float, metavar="T", help="stop before so many minutes and keep the best")
    parser.add_argument("--threads", type=whole_number(1, 1024), metavar="N", help="of the CPU (default: torch's own)")
    parser.add_argument("--seed", type=SEED, default=0, metavar="S", help="of everything drawn (default 0)")
    parser.add_argument(
        "--damaged", choices=("stop", "skip"), default="stop", help="what to do about damaged files (default stop)"
    )
    add_own(parser)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
