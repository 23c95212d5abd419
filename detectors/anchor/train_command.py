"""``python -m detectors.train anchor``, and what ``zhou``, the same network without a scorer, shares with it."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.training_output import check_output, checkpoint_of
from robot.arguments import whole_number
from robot.errors import SettingsError

if TYPE_CHECKING:
    from detectors.anchor.batches import Source
    from detectors.anchor.data import Learning
    from detectors.anchor.network import AnchorNetwork
    from detectors.anchor.recipe import Recipe
    from detectors.anchor.training import Trainer

_REAL = ("cornell", "jacquard", "georgia")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what this training takes."""
    add_shared_arguments(parser)
    parser.add_argument("--selection", choices=("primary", "final"), default="primary", help="which predictions teach "
                        "the scorer: the 64 with the best primary score (default), or the best by the scorer itself, "
                        "the paper's worse variant")  # fmt: skip
    parser.add_argument("--only-scorer", action="store_true", default=None, help="with --init: nothing but the scorer "
                        "learns on")  # fmt: skip


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what both networks' trainings take."""
    parser.add_argument("--dataset", choices=("synthetic", *_REAL), default="synthetic", help="what lies in --data "
                        "(default synthetic: made by detectors.synthesize)")  # fmt: skip
    parser.add_argument("--real", type=Path, metavar="DIR", help="photographs in Cornell's layout to learn from beside "
                        "our own scenes; those of about 15 %% of the ids are kept aside")  # fmt: skip
    parser.add_argument("--real-share", type=float, metavar="X", help="of them among the training views (default 0.4)")
    parser.add_argument("--backbone", choices=("small", "resnet50"), default="small", help="small (default) for a CPU; "
                        "resnet50: the paper's, nine times the work")  # fmt: skip
    parser.add_argument("--views", type=whole_number(2, 10**9), metavar="N", help="training views an epoch")
    parser.add_argument("--rate", type=float, metavar="X", help="learning rate at the start (default 0.001)")


def run(args: argparse.Namespace) -> int:
    """Train and write weights and card; see ``run_as``."""
    return run_as("anchor", args, scorer=True)


def run_as(name: str, args: argparse.Namespace, *, scorer: bool) -> int:
    """Prepare the data where that has not been done, train, write weights and card.

    Raises:
        SettingsError: data, weights or an argument is wrong.
    """
    import time

    import torch

    from detectors.anchor.training import Trainer

    _check(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    recipe = recipe_of(args)
    begun = _begun(args, name, scorer) if args.init else None
    learning = _load(args, recipe)
    network, before = begun or (_fresh(args, scorer, learning), {})
    _tell(f"{name}: {network.parameter_count:,} parameters, anchors of {network.config.width_px:g} x "
          f"{network.config.height_px:g} px, seed {recipe.seed}")  # fmt: skip
    trainer = Trainer(
        network, learning.sources, learning.judged, recipe, labels=learning.labels,
        clock=time.monotonic, tell=_tell, checkpoint_file=checkpoint_of(args.out),
    )  # fmt: skip
    if args.resume:
        _tell(f"resumed after epoch {trainer.progress.epoch}" if trainer.resume() else "no checkpoint, from the start")
    trainer.run(args.max_minutes)
    _write(args, name, network, recipe, learning, trainer, before)
    checkpoint_of(args.out).unlink(missing_ok=True)
    return 0


def recipe_of(args: argparse.Namespace) -> Recipe:
    """The recipe with what the command line changes in it."""
    from detectors.anchor.recipe import Recipe

    names = ("epochs", "batch", "views", "rate", "real_share", "selection", "only_scorer")
    given = {name: getattr(args, name, None) for name in names}
    return Recipe(seed=args.seed, **{key: value for key, value in given.items() if value is not None})


def _load(args: argparse.Namespace, recipe: Recipe) -> Learning:
    from detectors.anchor.data import load_learning

    if args.dataset == "synthetic":
        return load_learning(args.data, args.real, "cornell", recipe.real_share, _tell, limit=args.limit)
    return load_learning(None, args.data, args.dataset, recipe.real_share, _tell, limit=args.limit)


def _begun(args: argparse.Namespace, name: str, scorer: bool) -> tuple[AnchorNetwork, dict[str, Any]]:
    """What ``--init`` has learnt, and what is known of its training; a scorer that it lacks is fresh."""
    import torch

    from detectors.anchor.network import AnchorConfig, AnchorNetwork
    from detectors.anchor.weights import begun_from, load_for_training

    torch.manual_seed(args.seed)
    before, training = load_for_training(args.init, name)
    old = before.config
    network = AnchorNetwork(AnchorConfig(args.backbone, scorer, old.width_px, old.height_px, old.orientations))
    return begun_from(network, before).to(memory_format=torch.channels_last), training  # type: ignore[call-overload]


def _fresh(args: argparse.Namespace, scorer: bool, learning: Learning) -> AnchorNetwork:
    """A network that has learnt nothing, with the mean box of what it is to learn from."""
    import torch

    from detectors.anchor.network import AnchorConfig, AnchorNetwork
    from detectors.anchor.training import mean_box_of

    box = mean_box_of(learning.sources)
    torch.manual_seed(args.seed)
    network = AnchorNetwork(AnchorConfig(args.backbone, scorer, *box))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def _write(
    args: argparse.Namespace, name: str, network: AnchorNetwork, recipe: Recipe, learning: Learning, trainer: Trainer,
    before: dict[str, Any],
) -> None:  # fmt: skip
    import torch

    from detectors.anchor.weights import save_weights
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
        "sources": {_kind(source): len(source.rows) for source in learning.sources},
        "kept_aside": {judged.name: len(judged.rows) for judged in learning.judged},
        "threads": torch.get_num_threads(),
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "minutes": round(progress.elapsed_s / 60, 1),
        "history": progress.history,
    }
    sha256 = save_weights(args.out, network, training)
    card = write_card(args.out, {"detector": name, "sha256": sha256, "training": training})
    _tell(f"weights: {args.out}\ncard: {card}")


def _kind(source: Source) -> str:
    from detectors.anchor.samples import RealColors

    return "photographs" if isinstance(source.pictures, RealColors) else "synthetic scenes"


def _as_typed(args: argparse.Namespace) -> str:
    """The arguments that decide the outcome; folders by their last part, since they differ from machine to machine."""
    words = [f"--data {args.data.name}", f"--out {args.out.name}"]
    words += [f"--real {args.real.name}"] if args.real else []
    names = ("dataset", "real_share", "backbone", "selection", "epochs", "views", "batch", "rate", "limit",
             "max_minutes", "seed")  # fmt: skip
    for name in names:
        value = getattr(args, name, None)
        if value is not None:
            words.append(f"--{name.replace('_', '-')} {value}")
    words += ["--only-scorer"] if getattr(args, "only_scorer", None) else []
    words += [f"--init {args.init.name}"] if args.init else []
    return " ".join(words)


def _check(args: argparse.Namespace) -> None:
    if args.max_minutes is not None and not args.max_minutes > 0:
        raise SettingsError(f"--max-minutes must be positive, got {args.max_minutes}")
    if args.rate is not None and not (math.isfinite(args.rate) and args.rate > 0):
        raise SettingsError(f"--rate must be positive, got {args.rate}")
    if args.real is not None and args.dataset != "synthetic":
        raise SettingsError("--real is for photographs beside our own scenes", "leave it out, or --dataset synthetic")
    if args.device not in ("auto", "cpu"):
        raise SettingsError(f"--device {args.device}: these networks are trained on the CPU")
    if getattr(args, "only_scorer", None) and not args.init:
        raise SettingsError("--only-scorer needs a network that has learnt the rest", "name it with --init")
    check_output(args.out, resume=args.resume)


def _tell(line: str) -> None:
    print(line, flush=True)
