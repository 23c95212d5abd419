"""``python -m detectors.train fcn``, and what ``ggcnn`` shares with it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from detectors.training_output import check_output, checkpoint_of
from robot.arguments import whole_number
from robot.errors import SettingsError

if TYPE_CHECKING:
    from detectors.fcn.data import Learning
    from detectors.fcn.recipe import Recipe
    from detectors.fcn.training import Trainer
    from detectors.fcn.weights import MapNetwork

_CHANNELS = {"depth": 1, "color": 3}
_OPTIONS = {"channels": "input"}
"""What of a network's configuration is asked for by another name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what this training takes."""
    add_shared_arguments(parser)
    parser.add_argument("--layout", choices=("fast", "full"), default="fast",
                        help="fast (default) on a CPU; full: 35 MB, as in the paper")  # fmt: skip


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what both map networks' trainings take."""
    parser.add_argument("--dataset", choices=("synthetic", "cornell", "jacquard", "georgia"), default="synthetic",
                        help="what lies in --data (default synthetic: made by detectors.synthesize). Of the others "
                        "every image stays in memory, about 2 MB each for Cornell, 7 MB for Jacquard: no more are "
                        "read than --limit needs")  # fmt: skip
    parser.add_argument("--input", choices=("depth", "color"), default="depth", help="what the network sees (default "
                        "depth; our own scenes have nothing else)")  # fmt: skip
    add_forms(parser)
    parser.add_argument("--view", type=whole_number(32, 2000), metavar="PX", help="side of a view (default 192)")


def add_forms(parser: argparse.ArgumentParser) -> None:
    """Declare what has one form in the paper and another one here, wherever map networks are trained."""
    parser.add_argument("--angle", choices=("double", "raw"), default="double", help="double (default): sine and "
                        "cosine of twice the angle; raw: the angle in one map, as in the paper")  # fmt: skip
    parser.add_argument("--variation", choices=("strong", "paper"), default="strong", help="strong (default): any "
                        "direction, mirrored, 0.8 to 1.2; paper: 20 degrees, 0.8 to 1")  # fmt: skip
    parser.add_argument("--mask", choices=("tapered", "flat"), default="tapered", help="quality in a centre third: "
                        "tapered (default) towards its rim; flat: 1, as in the paper")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Train and write weights and card; see ``run_as``."""
    return run_as("fcn", args, {"layout": args.layout, "angle": args.angle})


def run_as(name: str, args: argparse.Namespace, config: dict[str, Any]) -> int:
    """Prepare the data where that has not been done, train, write weights and card.

    Raises:
        SettingsError: data, weights or an argument is wrong.
    """
    import time

    import torch

    from detectors.fcn.training import Trainer
    from detectors.fcn.weights import build

    _check(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = recipe_of(args)
    config = {**config, "channels": _CHANNELS[args.input]}
    start, before = _start(args, name, config)  # before the data are read, which takes its time
    learning = _load(args)
    torch.manual_seed(args.seed)
    network = start or build(name, config)
    _tell(f"{name}: {network.parameter_count:,} parameters, seed {recipe.seed}")
    trainer = Trainer(
        network, learning.pictures, learning.judged, recipe,
        rows=learning.rows[: args.limit], judged_rows=learning.judged_rows, labels=learning.labels,
        clock=time.monotonic, tell=_tell, checkpoint_file=checkpoint_of(args.out),
    )  # fmt: skip
    _tell(f"{len(trainer.rows):,} pictures to learn from")
    if args.resume:
        _tell(f"resumed after epoch {trainer.progress.epoch}" if trainer.resume() else "no checkpoint, from the start")
    trainer.run(args.max_minutes)
    _write(args, name, network, recipe, trainer, before)
    checkpoint_of(args.out).unlink(missing_ok=True)
    return 0


def _start(args: argparse.Namespace, name: str, config: dict[str, Any]) -> tuple[MapNetwork | None, dict[str, Any]]:
    """The network of ``--init`` and what is known of its training; None and nothing where it is not given.

    Raises:
        SettingsError: the file is no such network's, or of another layout, angle form or input.
    """
    from detectors.fcn.weights import load_for_training

    if not args.init:
        return None, {}
    network, before = load_for_training(args.init, name)
    found = network.config.to_json()
    differences = [
        f"--{_OPTIONS.get(key, key)} is {_named(found[key])} there, {_named(value)} was asked for"
        for key, value in config.items()
        if found[key] != value
    ]
    if differences:
        raise SettingsError(
            f"--init {args.init}: is another network: {'; '.join(differences)}",
            "ask for what it was trained with, or start from other weights",
        )
    return network, before


def _named(value: Any) -> str:
    return next((shown for shown, channels in _CHANNELS.items() if channels == value), str(value))


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The recipe with what the command line changes in it."""
    from detectors.fcn.recipe import Recipe

    given = {"epochs": args.epochs, "batch": args.batch, "view_px": args.view}
    return Recipe(
        variation=args.variation, mask=args.mask, seed=args.seed, **{k: v for k, v in given.items() if v is not None}
    )


def _load(args: argparse.Namespace) -> Learning:
    from detectors.fcn.data import SYNTHETIC, load_rectangles, load_scenes

    if args.dataset == SYNTHETIC:
        return load_scenes(args.data, _tell)
    return load_rectangles(args.data, args.dataset, args.input, _tell, seed=args.seed, limit=args.limit)


def _write(
    args: argparse.Namespace, name: str, network: MapNetwork, recipe: Recipe, trainer: Trainer, before: dict[str, Any]
) -> None:
    import torch

    from detectors.fcn.weights import save_weights
    from detectors.gqcnn.provenance import data_facts
    from detectors.gqcnn.weights import round_weights
    from detectors.oneshot.card import write_card
    from robot.revision import git_revision

    with torch.no_grad():
        round_weights(network)
    progress = trainer.progress
    training = {
        "command": f"python -m detectors.train {name} {_as_typed(args)}",
        "before": [*before.get("before", []), before["command"]] if before else [],
        "seed": recipe.seed,
        "git_revision": git_revision(),
        "torch": torch.__version__,
        "network": network.config.to_json(),
        "parameters": network.parameter_count,
        "recipe": recipe.to_json(),
        "data": data_facts(args.data) if args.dataset == "synthetic" else {"dataset": args.dataset},
        "images": len(trainer.rows),
        "judged": trainer.judged_count,
        "threads": torch.get_num_threads(),
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "minutes": round(progress.elapsed_s / 60, 1),
        "history": progress.history,
    }
    sha256 = save_weights(args.out, name, network, training)
    card = write_card(args.out, {"detector": name, "sha256": sha256, "training": training})
    _tell(f"weights: {args.out}\ncard: {card}")


def _as_typed(args: argparse.Namespace) -> str:
    """The arguments that decide the outcome; folders by their last part, since they differ from machine to machine."""
    words = [f"--data {args.data.name}", f"--out {args.out.name}"]
    names = ("dataset", "input", "layout", "angle", "mask", "variation", "view", "epochs", "batch", "limit",
             "max_minutes", "seed")  # fmt: skip
    for name in names:
        value = getattr(args, name, None)
        if value is not None:
            words.append(f"--{name.replace('_', '-')} {value}")
    words += [f"--init {args.init.name}"] if args.init else []
    return " ".join(words)


def _check(args: argparse.Namespace) -> None:
    if args.max_minutes is not None and not args.max_minutes > 0:
        raise SettingsError(f"--max-minutes must be positive, got {args.max_minutes}")
    if args.dataset == "synthetic" and args.input == "color":
        raise SettingsError("--input color: our own scenes are learnt from by their depth", "leave it out")
    if args.device not in ("auto", "cpu"):
        raise SettingsError(f"--device {args.device}: these networks are trained on the CPU")
    check_output(args.out, resume=args.resume)


def _tell(line: str) -> None:
    print(line, file=sys.stdout, flush=True)
