"""``python -m detectors.train gqcnn``: data in, weights and their card out."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.training_output import check_output, checkpoint_of
from robot.arguments import whole_number
from robot.errors import SettingsError

if TYPE_CHECKING:
    import torch

    from detectors.gqcnn.grasp_data import GraspData
    from detectors.gqcnn.network import GraspQualityNetwork
    from detectors.gqcnn.training import Progress
    from detectors.gqcnn.training_settings import TrainingSettings

_CPU_BATCH, _GPU_BATCH = 256, 2048


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what only this training takes."""
    parser.add_argument("--network", metavar="NAME", help="medium (default), small or dexnet2")
    parser.add_argument(
        "--label", choices=("auto", "physical", "analytic"), default="auto",
        help="what to learn: the lifts' success, robust Ferrari-Canny above 0.002, or the first if there is one (auto)",
    )  # fmt: skip
    parser.add_argument("--rate", type=float, metavar="R", help="highest learning rate (default: by batch and network)")
    parser.add_argument(
        "--dropout", type=float, metavar="P", help="share of features left out (default 0.2; dexnet2 0)"
    )
    parser.add_argument(
        "--calibrate", choices=("truth", "share"), default="truth",
        help="a probability is that most lifts succeed (truth, default), or the share of lifts that succeed",
    )  # fmt: skip
    parser.add_argument(
        "--bfloat16", action="store_true",
        help="compute in bfloat16: always on a GPU; nearly twice as fast on a CPU with AVX512-BF16, slower on others",
    )  # fmt: skip
    parser.add_argument("--also", type=Path, nargs="+", default=[], metavar="DIR",
                        help="further data sets to learn from, such as gqstn.mine makes")  # fmt: skip
    parser.add_argument("--repeat", type=whole_number(1, 100), default=3, metavar="K",
                        help="how often a grasp of --also is seen in an epoch (default 3)")  # fmt: skip
    parser.add_argument("--plain", action="store_true", help="no augmentation but the flips")


def run(args: argparse.Namespace) -> int:
    """Train, judge on the test objects, write weights and card.

    Raises:
        SettingsError: data, weights, device or an argument is wrong.
    """
    import time

    import torch

    from detectors.gqcnn.grasp_data import joined, load_data
    from detectors.gqcnn.training import Trainer

    check_output(args.out, resume=args.resume)
    if args.threads:
        torch.set_num_threads(args.threads)
    device = _device(args.device)
    torch.backends.cudnn.benchmark = True  # one shape of batch, thousands of times
    network, settings = _network_and_settings(args, device)
    _tell(f"{settings.network.architecture}: {network.parameter_count:,} parameters, seed {settings.seed}, on {device}")
    data = load_data(args.data, label=args.label, damaged=args.damaged, tell=_tell, limit=args.limit, seed=args.seed)
    if args.also:
        data = joined(data, [load_data(folder, label=args.label, damaged=args.damaged, tell=_tell, needed=())
                             for folder in args.also], args.repeat)  # fmt: skip
    train, validation, test = (f"{len(data.rows[name]):,}" for name in ("train", "validation", "test"))
    _tell(f"{train} grasps to train, {validation} to validate, {test} to test; label: {data.label_name}")
    trainer = Trainer(
        network, data, settings,
        device=device, clock=time.monotonic, tell=_tell, checkpoint_file=checkpoint_of(args.out),
    )  # fmt: skip
    if args.resume:
        _tell(f"resumed after epoch {trainer.progress.epoch}" if trainer.resume() else "no checkpoint, from the start")
    trained = trainer.run()
    _write(args, trained, data, settings, trainer.progress, device)
    checkpoint_of(args.out).unlink(missing_ok=True)
    return 0


def _network_and_settings(
    args: argparse.Namespace, device: torch.device
) -> tuple[GraspQualityNetwork, TrainingSettings]:
    import torch

    from detectors.gqcnn.augmentation import Augmentation
    from detectors.gqcnn.network import NetworkConfig, build_network
    from detectors.gqcnn.training_settings import TrainingSettings
    from detectors.gqcnn.weights import load_for_training

    torch.manual_seed(args.seed)
    if args.init is not None:
        network, _ = load_for_training(args.init)
        if args.network not in (None, network.config.architecture) or args.dropout is not None:
            raise SettingsError(
                f"{args.init} holds a '{network.config.architecture}'", "leave --network and --dropout out"
            )
    else:
        architecture = args.network or NetworkConfig.architecture
        usual = 0.0 if architecture == "dexnet2" else NetworkConfig.dropout
        network = build_network(NetworkConfig(architecture, usual if args.dropout is None else args.dropout))
    given = {
        "epochs": args.epochs,
        "batch": args.batch,
        "rate": args.rate,
        "calibrate": args.calibrate,
        "bfloat16": args.bfloat16 or device.type == "cuda",
        "max_minutes": args.max_minutes,
    }
    settings: dict[str, Any] = {"batch": _GPU_BATCH if device.type == "cuda" else _CPU_BATCH}
    settings |= {name: value for name, value in given.items() if value is not None}
    augmentation = Augmentation(noisy_share=0.0, hole_share=0.0) if args.plain else Augmentation()
    return network, TrainingSettings(network=network.config, augmentation=augmentation, seed=args.seed, **settings)


def _write(
    args: argparse.Namespace,
    network: GraspQualityNetwork,
    data: GraspData,
    settings: TrainingSettings,
    progress: Progress,
    device: torch.device,
) -> None:
    from detectors.gqcnn.card import write_card
    from detectors.gqcnn.evaluation import evaluate_network
    from detectors.gqcnn.weights import round_weights, save_weights

    round_weights(network)
    judged = "test" if len(data.rows["test"]) else "validation"
    results: dict[str, Any] = {
        "training": _training_facts(args, network, data, settings, progress, device),
        "judged_on": judged,
        "evaluation": evaluate_network(network, data, data.rows[judged]),
    }
    scores = results["evaluation"]["scores"]
    results["training"]["figures"] = {f"{judged}_{name}": value for name, value in scores.items()}
    results["sha256"] = save_weights(args.out, network, results["training"])
    card = write_card(args.out, results)
    _tell(
        f"{judged} grasps: accuracy {_shown(scores['accuracy'])}, AUC {_shown(scores['auc'])}, "
        f"calibration error {_shown(scores['calibration_error'])}"
    )
    _tell(f"weights: {args.out}\ncard: {card}")


def _training_facts(
    args: argparse.Namespace,
    network: GraspQualityNetwork,
    data: GraspData,
    settings: TrainingSettings,
    progress: Progress,
    device: torch.device,
) -> dict[str, Any]:
    """Where the weights come from, in numbers and strings."""
    import numpy as np
    import torch

    from detectors.gqcnn.provenance import data_facts
    from robot.revision import git_revision

    objects = data.columns.get("object_label")
    return {
        "command": f"python -m detectors.train gqcnn {_as_typed(args)}",
        "seed": settings.seed,
        "git_revision": git_revision(),
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        "architecture": network.config.architecture,
        "parameters": network.parameter_count,
        "recipe": settings.recipe(),
        "rate": settings.top_rate,
        "label": data.label_name,
        "data_sha256": data.digest,
        "data": data_facts(args.data),
        "split_by": data.split_by,
        "grasps": {name: len(rows) for name, rows in data.rows.items()},
        "objects": None if objects is None else {n: len(np.unique(objects[rows])) for n, rows in data.rows.items()},
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "minutes": round(progress.elapsed_s / 60, 1),
        "history": progress.history,
    }


def _as_typed(args: argparse.Namespace) -> str:
    """The arguments that decide the outcome; folders by their last part, since they differ from machine to machine."""
    words = [f"--data {args.data.name}", f"--out {args.out.name}"]
    for name in ("network", "label", "epochs", "batch", "limit", "rate", "dropout", "calibrate", "max_minutes", "seed"):
        value = getattr(args, name)
        if value is not None:
            words.append(f"--{name.replace('_', '-')} {value}")
    words += [f"--{name}" for name in ("plain", "bfloat16") if getattr(args, name)]
    words += [f"--init {args.init.name}"] if args.init else []
    words += [f"--also {' '.join(folder.name for folder in args.also)} --repeat {args.repeat}"] if args.also else []
    return " ".join(words)


def _device(name: str) -> torch.device:
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(f"--device {name}: {str(error).splitlines()[0]}", "try --device cpu") from None
    return device


def _shown(value: float | None) -> str:
    return "-" if value is None or math.isnan(value) else f"{value:.4f}"


def _tell(line: str) -> None:
    print(line, file=sys.stdout, flush=True)
