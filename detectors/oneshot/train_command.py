"""``python -m detectors.train gqstn``, ``directgrasp``, ``multigrasp``: what their commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.training_output import check_output, checkpoint_of
from robot.arguments import whole_number
from robot.errors import SettingsError

if TYPE_CHECKING:
    from torch import nn

    from detectors.oneshot.grasp_batch import Teacher
    from detectors.oneshot.prepared import PreparedScenes
    from detectors.oneshot.recipe import Recipe
    from detectors.oneshot.training import Learner, Trainer

    Build = Callable[[dict[str, Any]], nn.Module]
    MakeLearner = Callable[[nn.Module, Teacher, "Recipe"], Learner]


@dataclass(frozen=True)
class Trainable:
    """What differs between the networks.

    Attributes:
        name: the detector's.
        build: a fresh network from a configuration.
        learner: its losses.
    """

    name: str
    build: Build
    learner: MakeLearner


def add_arguments(parser: argparse.ArgumentParser, picks: int = 0) -> None:
    """Declare what these trainings take; ``picks`` is the default of --picks."""
    parser.add_argument("--backbone", default="small", metavar="NAME", help="small (default), medium, or resnet34 as "
                        "in the paper")  # fmt: skip
    parser.add_argument("--schedule", default="short", metavar="NAME",
                        help="short (default), paper (forty epochs), or round (after --init)")  # fmt: skip
    parser.add_argument("--teacher", type=Path, metavar="FILE", help="another GQ-CNN than the one that ships")
    parser.add_argument("--picks", type=whole_number(0, 1000), default=picks, metavar="K",
                        help="targets are an image's K best grasps by GQ-CNN, or with 0 all that lifted, as in the "
                        f"paper (default {picks})")  # fmt: skip


def run(args: argparse.Namespace, trainable: Trainable, config: dict[str, Any], stages: Any, places: int = 2) -> int:
    """Prepare the data where that has not been done, train, write weights and card.

    Raises:
        SettingsError: data, weights or an argument is wrong.
    """
    import time

    import torch

    from detectors.oneshot.layers import encoder
    from detectors.oneshot.recipe import Recipe
    from detectors.oneshot.training import Trainer

    _check(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    encoder(args.backbone)  # an unknown one is refused before the data is prepared
    given = {"batch": args.batch} if args.batch else {}
    recipe = Recipe(stages=_shortened(stages, args.epochs), picks=args.picks, places=places, seed=args.seed, **given)
    begun = _begun(args, trainable)
    teacher, scenes = _teacher_and_scenes(args)
    network, before = begun or (_fresh(args, trainable, config, scenes), {})
    _tell(f"{trainable.name}: {sum(p.numel() for p in network.parameters()):,} parameters, seed {recipe.seed}")
    trainer = Trainer(
        trainable.learner(network, teacher, recipe), scenes, teacher, recipe,
        limit=args.limit, clock=time.monotonic, tell=_tell, checkpoint_file=checkpoint_of(args.out),
    )  # fmt: skip
    _tell(f"{len(trainer.rows):,} images to learn from")
    if args.resume:
        _tell(f"resumed after epoch {trainer.progress.epoch}" if trainer.resume() else "no checkpoint, from the start")
    trained = trainer.run(args.max_minutes)
    _write(args, trainable, trained, recipe, trainer, before)
    checkpoint_of(args.out).unlink(missing_ok=True)
    return 0


def _teacher_and_scenes(args: argparse.Namespace) -> tuple[Teacher, PreparedScenes]:
    from detectors.gqcnn.metric import RobustnessMetric
    from detectors.gqcnn.weights import load_gqcnn
    from detectors.oneshot.prepared import load_prepared, prepare

    teacher = load_gqcnn(args.teacher)
    prepare(args.data, RobustnessMetric(load_gqcnn()), _tell)
    return teacher, load_prepared(args.data)


def _begun(args: argparse.Namespace, trainable: Trainable) -> tuple[nn.Module, dict[str, Any]] | None:
    """The network of --init, and what is known of the training that it comes from."""
    from detectors.oneshot.weights import load_for_training

    return None if args.init is None else load_for_training(args.init, trainable.name, trainable.build)


def _fresh(args: argparse.Namespace, trainable: Trainable, config: dict[str, Any], scenes: PreparedScenes) -> nn.Module:
    """A new network."""
    import torch

    from detectors.gqcnn.crop import window_m
    from detectors.oneshot.batches import POSITIVE

    train = (scenes.split == "train")[scenes.owner]
    good = scenes.grasps[train & (scenes.success > POSITIVE), 4].astype(float)
    if len(good) == 0:
        raise SettingsError(f"{args.data}: none of its grasps lifts", "give another data set")
    torch.manual_seed(args.seed)
    return trainable.build({**config, "gamma_m": round(float(window_m(good).mean()), 4)})


def _shortened(stages: Any, epochs: int | None) -> Any:
    """The first ``epochs`` epochs of a schedule."""
    from dataclasses import replace

    if epochs is None:
        return stages
    kept, left = [], epochs
    for stage in stages:
        if left > 0:
            kept.append(replace(stage, epochs=min(stage.epochs, left)))
            left -= stage.epochs
    return tuple(kept)


def _write(
    args: argparse.Namespace, trainable: Trainable, network: Any, recipe: Recipe, trainer: Trainer,
    before: dict[str, Any],
) -> None:  # fmt: skip
    import torch

    from detectors.gqcnn.provenance import data_facts
    from detectors.gqcnn.weights import round_weights
    from detectors.gqcnn.weights_file import SHIPPED, file_sha256
    from detectors.oneshot.card import write_card
    from detectors.oneshot.weights import save_weights
    from robot.revision import git_revision

    round_weights(network)
    progress = trainer.progress
    training = {
        "command": f"python -m detectors.train {trainable.name} {_as_typed(args)}",
        "before": [*before.get("before", []), before["command"]] if before else [],
        "seed": recipe.seed,
        "git_revision": git_revision(),
        "torch": torch.__version__,
        "network": network.config.to_json(),
        "parameters": sum(p.numel() for p in network.parameters()),
        "recipe": recipe.to_json(),
        "teacher_sha256": file_sha256(args.teacher or SHIPPED),
        "data": data_facts(args.data),
        "images": len(trainer.rows),
        "threads": torch.get_num_threads(),
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "minutes": round(progress.elapsed_s / 60, 1),
        "history": progress.history,
    }
    sha256 = save_weights(args.out, trainable.name, network, training)
    card = write_card(args.out, {"detector": trainable.name, "sha256": sha256, "training": training})
    _tell(f"weights: {args.out}\ncard: {card}")


def _as_typed(args: argparse.Namespace) -> str:
    """The arguments that decide the outcome; folders by their last part, since they differ from machine to machine."""
    words = [f"--data {args.data.name}", f"--out {args.out.name}"]
    names = ("backbone", "head", "schedule", "picks", "places", "epochs", "batch", "limit", "max_minutes", "seed")
    for name in names:
        value = getattr(args, name, None)
        if value is not None:
            words.append(f"--{name.replace('_', '-')} {value}")
    words += [f"--{n.replace('_', '-')}" for n in ("no_robustness", "no_forcing") if getattr(args, n, False)]
    words += [f"--{name} {getattr(args, name).name}" for name in ("teacher", "init") if getattr(args, name)]
    return " ".join(words)


def _check(args: argparse.Namespace) -> None:
    if args.max_minutes is not None and not args.max_minutes > 0:
        raise SettingsError(f"--max-minutes must be positive, got {args.max_minutes}")
    if args.device not in ("auto", "cpu"):
        raise SettingsError(f"--device {args.device}: these networks are small and are trained on the CPU")
    check_output(args.out, resume=args.resume)


def _tell(line: str) -> None:
    print(line, file=sys.stdout, flush=True)
