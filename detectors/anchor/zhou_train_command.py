"""``python -m detectors.train zhou``: the same network without a scorer (Zhou et al., IROS 2018), the baseline."""

from __future__ import annotations

import argparse

from detectors.anchor.train_command import add_shared_arguments as add_arguments
from detectors.anchor.train_command import run_as

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Train and write weights and card; see ``detectors.anchor.train_command.run_as``."""
    return run_as("zhou", args, scorer=False)
