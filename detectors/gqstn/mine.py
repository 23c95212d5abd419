"""``python -m detectors.gqstn.mine``: lift what a network proposes, for its teacher to learn from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from robot.commands import Parser, reported
from robot.errors import SettingsError


def main(argv: Sequence[str]) -> int:
    """Parse and run; every foreseeable error becomes one line on stderr and an exit code."""
    told = "interrupted: what is finished stays; start the same command again to go on"
    return reported(lambda: run(_parser().parse_args(argv)), told)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m detectors.gqstn.mine",
        description="Carry out what a GQ-STN proposes in the scenes of a data set, three grasps a scene, one noisy "
        "lift each, and write them as a data set that GQ-CNN can be trained on beside its own (--also).",
    )
    parser.add_argument("--weights", required=True, type=Path, metavar="FILE", help="the network's")
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="a data set with images")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="the data set to write")
    parser.add_argument("--part", type=_part, default=(0, 1), metavar="I/N",
                        help="every N-th shard from the I-th, so that processes can share the work (0/1)")  # fmt: skip
    return parser


def run(args: argparse.Namespace) -> int:
    """Mine.

    Raises:
        SettingsError: anything that can be foreseen; the caller prints it.
    """
    import cv2
    import torch

    from detectors.gqstn.mining import mine
    from detectors.gqstn.network import GqStn, GqStnConfig
    from detectors.oneshot.weights import load_weights

    if args.out.resolve() == args.data.resolve():
        raise SettingsError("--out must be another folder than --data")
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    network = load_weights(args.weights, "gqstn", lambda config: GqStn(GqStnConfig(**config)))
    mine(network, args.weights, args.data, args.out, lambda line: print(line, flush=True), args.part)
    return 0


def _part(text: str) -> tuple[int, int]:
    try:
        first, of = (int(word) for word in text.split("/"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected I/N, such as 0/2, got '{text}'") from None
    if not 0 <= first < of:
        raise argparse.ArgumentTypeError(f"I/N must have 0 <= I < N, got '{text}'")
    return first, of


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
