"""``python -m detectors.train gqstn``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from detectors.oneshot import train_command
from robot.arguments import whole_number

if TYPE_CHECKING:
    from detectors.oneshot.train_command import Trainable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what only this training takes."""
    train_command.add_arguments(parser, picks=4)
    parser.add_argument("--head", choices=("peaks", "paper"), default="peaks",
                        help="how places and angles are read off: peaks of maps (default), or regression")  # fmt: skip
    parser.add_argument("--places", type=whole_number(1, 16), default=2, metavar="K",
                        help="places an image that the robustness loss follows (default 2; paper: 1)")  # fmt: skip
    parser.add_argument("--no-robustness", action="store_true", help="learn by localisation alone (an ablation)")
    parser.add_argument("--no-forcing", action="store_true", help="learn without teacher forcing (an ablation)")


def run(args: argparse.Namespace) -> int:
    """Train and write weights and card; see ``detectors.oneshot.train_command.run``."""
    from detectors.oneshot.recipe import stages_of

    stages = stages_of(args.schedule, robustness=not args.no_robustness, forcing=not args.no_forcing)
    config = {"backbone": args.backbone, "head": args.head}
    return train_command.run(args, trainable(), config, stages, args.places)


def trainable() -> Trainable:
    """GQ-STN as the training commands know it."""
    from detectors.gqstn.learner import GqStnLearner
    from detectors.gqstn.network import GqStn, GqStnConfig

    def build(config: dict[str, Any]) -> GqStn:
        return GqStn(GqStnConfig(**config))

    def learner(network: Any, teacher: Any, recipe: Any) -> GqStnLearner:
        return GqStnLearner(network, teacher, recipe.places)

    return train_command.Trainable("gqstn", build, learner)
