"""``python -m detectors.train directgrasp``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from detectors.oneshot import train_command
from detectors.oneshot.train_command import add_arguments

if TYPE_CHECKING:
    from detectors.oneshot.train_command import Trainable

__all__ = ["add_arguments", "run"]


def run(args: argparse.Namespace) -> int:
    """Train and write weights and card; see ``detectors.oneshot.train_command.run``."""
    from detectors.oneshot.recipe import stages_of

    stages = stages_of(args.schedule, robustness=False)
    return train_command.run(args, trainable(), {"backbone": args.backbone}, stages)


def trainable() -> Trainable:
    """The baseline as the training commands know it."""
    from detectors.directgrasp.learner import DirectGraspLearner
    from detectors.directgrasp.network import DirectGrasp, DirectGraspConfig

    def build(config: dict[str, Any]) -> DirectGrasp:
        return DirectGrasp(DirectGraspConfig(**config))

    def learner(network: Any, teacher: Any, recipe: Any) -> DirectGraspLearner:
        return DirectGraspLearner(network)

    return train_command.Trainable("directgrasp", build, learner)
