"""``python -m detectors.evaluate``: how good a detector is on a data set."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detectors.evaluation.arguments import (
    DEXNET,
    JACQUARDPLUS,
    SYNTHETIC,
    as_typed,
    check_data,
    color_alone,
    make_parser,
    variants,
)
from robot.commands import reported
from robot.errors import SettingsError

if TYPE_CHECKING:
    from detectors.evaluation.physical import Watcher
    from detectors.gqcnn.metric import RobustnessMetric
    from detectors.registry import Detector

_CLASSIFIER = "gqcnn"


def main(argv: Sequence[str]) -> int:
    """Parse and run; every foreseeable error becomes one line on stderr and an exit code."""
    return reported(lambda: run(make_parser().parse_args(argv)))


def run(args: argparse.Namespace) -> int:
    """Evaluate and write what was asked for.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    from detectors.evaluation.rectangles import NOT_COMPARED

    _check(args)
    answer: dict[str, Any] = {"detector": args.name, "dataset": args.dataset, "images": 0, "rectangle": NOT_COMPARED,
                              "robust_rate": None, "physical_success": None, "detect_ms_median": None}  # fmt: skip
    if args.dataset == JACQUARDPLUS:
        from detectors.jacquardplus.evaluate_command import evaluate_benchmark

        return evaluate_benchmark(args, answer, _tell)
    if _asks_classifier(args):
        answer["classifier"] = _classify(args)
    if not args.classifier_only and _holds_images(args):
        answer |= _look(args, answer)
    elif args.card:
        _write_into_card(args, answer, None)
    if args.json == "-":
        print(json.dumps(answer, indent=2))
        return 0
    if args.json:
        Path(args.json).write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    from detectors.evaluation.tables import print_answer

    print_answer(answer)
    return 0


def _check(args: argparse.Namespace) -> None:
    """Refuse what cannot work before anything is measured."""
    from detectors.evaluation.output import check_folder, check_writable
    from detectors.registry import check_name

    for name in (args.name, *args.beside):
        check_name(name)
    check_writable(args.json)
    if args.classifier_only and args.name != _CLASSIFIER:
        raise SettingsError(f"--classifier-only is for gqcnn: {args.name} has no classifier of its own")
    if args.classifier_only and args.pictures:
        raise SettingsError("--pictures shows grasps: --classifier-only looks at no images")
    check_data(args)
    if args.card:
        from detectors.evaluation.cards import check_card

        check_card(args.name, args.weights)
    if args.variant:
        from detectors.evaluation.lineup import check_variants

        check_variants(args.name, args.beside, variants(args))
    if args.pictures:
        check_folder(args.pictures)


def _asks_classifier(args: argparse.Namespace) -> bool:
    name: str = args.name
    return name == _CLASSIFIER and args.dataset in (SYNTHETIC, DEXNET)


def _holds_images(args: argparse.Namespace) -> bool:
    """Whether there are whole images to look at; crops alone are enough for gqcnn's network.

    Raises:
        SettingsError: there are none, and the detector needs them.
    """
    if args.dataset != DEXNET:
        return True
    from detectors.dexnet.images import IMAGES, has_images

    if has_images(args.path):
        return True
    if args.name == _CLASSIFIER and not (args.beside or args.variant):
        return False
    raise SettingsError(
        f"{args.path}: holds crops, so only gqcnn's network can be judged on it",
        f"other detectors need whole images: {IMAGES}_*.npz beside hand_poses_*.npz (see detectors/dexnet/images.py), "
        "or scenes/ of our own, which --dataset synthetic reads",
    )


def _classify(args: argparse.Namespace) -> dict[str, Any]:
    from detectors.gqcnn.evaluation import evaluate_network
    from detectors.gqcnn.grasp_data import load_data
    from detectors.gqcnn.metric import ROBUST_THRESHOLD
    from detectors.gqcnn.weights import load_gqcnn

    data = load_data(args.path, damaged=args.damaged, tell=_tell, by=args.split, needed=("test",))
    return evaluate_network(load_gqcnn(args.weights), data, data.rows["test"], ROBUST_THRESHOLD)


def _look(args: argparse.Namespace, answer: dict[str, Any]) -> dict[str, Any]:
    """Ask the detectors about every image; adds to ``answer`` what they are worth."""
    from detectors.evaluation.color_alone import color_line_up
    from detectors.evaluation.comparing import compare, compare_in_color
    from detectors.evaluation.lineup import line_up, load_metric_for

    metric = load_metric_for(args.name, args.weights, args.metric_weights)
    detectors = line_up(args.name, metric, weights=args.weights, beside=args.beside, variants=variants(args))
    if colored := color_line_up(detectors, args.dataset, args.depth):
        args = color_alone(args)
        seen = _pictured(args, lambda watch: compare_in_color(args, colored, watch, _tell, _tell_every))
    elif args.dataset == SYNTHETIC:
        seen = _pictured(args, lambda watch: _lift(args, detectors, metric, watch))
    else:
        seen = _pictured(args, lambda watch: compare(args, detectors, metric, watch, _tell, _tell_every))
    if args.metric_weights:
        seen["metric_weights"] = str(args.metric_weights)
    if args.card:
        _write_into_card(args, answer | seen, getattr(detectors[args.name], "weights_path", None))
    return seen


def _pictured(args: argparse.Namespace, measure: Callable[[Watcher | None], dict[str, Any]]) -> dict[str, Any]:
    """What ``measure`` answers; if they were asked for, pictures are taken on the way."""
    if not args.pictures:
        return measure(None)
    from detectors.evaluation.pictures import Pictures

    pictures = Pictures(args.pictures_count)
    seen = measure(pictures.watch)
    for name, count in pictures.write(args.pictures).items():
        _tell(f"{args.pictures / name}: {count} image(s)")
    return seen


def _lift(
    args: argparse.Namespace, detectors: dict[str, Detector], metric: RobustnessMetric, watch: Watcher | None
) -> dict[str, Any]:
    from detectors.evaluation.answers import physical_answer
    from detectors.evaluation.color_alone import in_color
    from detectors.evaluation.physical import run_physical
    from detectors.evaluation.sources import scenes

    answers = run_physical(
        in_color(islice(scenes(args, _tell), args.images), detectors), detectors, metric,
        tries=args.tries, top=args.top, watch=watch, tell=_tell_every,
    )  # fmt: skip
    if not answers[args.name]:
        raise SettingsError(f"{args.path}: holds no scenes of held-out objects", "make some with --split test")
    return physical_answer(args.name, answers, args.tries, args.top)


def _write_into_card(args: argparse.Namespace, answer: dict[str, Any], shipped: Path | None) -> None:
    """What was measured here replaces what training measured on its own data's test grasps."""
    from detectors.evaluation.cards import write_into_card
    from detectors.gqcnn.weights_file import SHIPPED

    weights = args.weights or shipped or (SHIPPED if args.name == _CLASSIFIER else None)
    write_into_card(args.name, weights, answer, as_typed(args))


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _tell_every(number: int) -> None:
    if number % 25 == 0:
        _tell(f"{number} images")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
