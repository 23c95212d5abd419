"""``python -m detectors.train ggcnn``: the baseline, trained the same way."""

from __future__ import annotations

import argparse

from detectors.fcn.train_command import add_shared_arguments as add_arguments
from detectors.fcn.train_command import run_as

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Train and write weights and card; see ``detectors.fcn.train_command.run_as``."""
    return run_as("ggcnn", args, {"angle": args.angle})
