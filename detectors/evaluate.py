"""``python -m detectors.evaluate``: how good a detector is on a data set."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robot.arguments import whole_number
from robot.commands import Parser, reported
from robot.errors import SettingsError

if TYPE_CHECKING:
    from collections import Counter

    from detectors.evaluation.judging import JudgedScene
    from detectors.evaluation.labelled import LabelledImage
    from detectors.gqcnn.metric import RobustnessMetric
    from detectors.registry import Detector
    from robot.frame import Intrinsics

DATASETS = ("synthetic", "dexnet", "jacquard")
_CLASSIFIER = "gqcnn"
_NOTHING = {"0.25": None, "0.30": None}


def main(argv: Sequence[str]) -> int:
    """Parse and run; every foreseeable error becomes one line on stderr and an exit code."""
    return reported(lambda: run(_parser().parse_args(argv)))


def _parser() -> Parser:
    parser = Parser(
        prog="python -m detectors.evaluate",
        description="Judge detectors by their top grasps: rectangle metric, robustness metric and, on our own scenes, "
        "lifts in physics beside an oracle and two simple baselines; with --beside this is Table I of the GQ-STN "
        "paper. For gqcnn also how well its network tells good grasps from bad ones.",
    )
    parser.add_argument("name", metavar="NAME", help="which detector, e.g. gqcnn or antipodal")
    parser.add_argument("--beside", nargs="+", default=[], metavar="NAME", help="more detectors for the same table")
    parser.add_argument("--dataset", required=True, choices=DATASETS, help="synthetic: made by detectors.synthesize; "
                        "dexnet: any folder in the Dex-Net 2.0 layout, crops or whole images; jacquard")  # fmt: skip
    parser.add_argument("--path", required=True, type=Path, metavar="DIR", help="where it lies")
    parser.add_argument("--split", choices=("object", "image"), default="object",
                        help="held out by object (default) or by image")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the figures there; '-' prints JSON and nothing else")
    parser.add_argument("--images", type=whole_number(1, 1_000_000), metavar="N", help="at most so many images")
    parser.add_argument("--tries", type=whole_number(1, 1000), default=8, metavar="T", help="lifts a grasp (default 8)")
    parser.add_argument("--variant", nargs="+", default=[], metavar="LABEL=FILE",
                        help="NAME with other weights, as further rows of the table: ablations, say")  # fmt: skip
    parser.add_argument("--weights", type=Path, metavar="FILE", help="other weights for NAME than the ones that ship")
    parser.add_argument("--metric-weights", type=Path, metavar="FILE", help="the GQ-CNN that says what is robust")
    parser.add_argument("--damaged", choices=("stop", "skip"), default="stop", help="what to do at a damaged file")
    parser.add_argument("--card", action="store_true", help="write the figures into the card of NAME's weights, too")
    parser.add_argument("--classifier-only", action="store_true", help="gqcnn: judge its network alone")
    parser.add_argument("--depth", choices=("stereo", "perfect"), default="stereo", help="jacquard: which depth images")
    parser.add_argument("--intrinsics", type=Path, metavar="FILE", help="of jacquard's or dexnet's images: fx, fy, ...")
    parser.add_argument(
        "--focal-px", type=float, metavar="F", help="jacquard: a focal length instead of the assumed one"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Evaluate and write what was asked for.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    _check(args)
    answer: dict[str, Any] = {"detector": args.name, "dataset": args.dataset, "images": 0, "rectangle": _NOTHING,
                              "robust_rate": None, "physical_success": None, "detect_ms_median": None}  # fmt: skip
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
    from detectors.evaluation.output import check_writable
    from detectors.registry import check_name

    for name in (args.name, *args.beside):
        check_name(name)
    check_writable(args.json)
    if args.classifier_only and args.name != _CLASSIFIER:
        raise SettingsError(f"--classifier-only is for gqcnn: {args.name} has no classifier of its own")
    if args.focal_px is not None and (args.dataset != "jacquard" or args.intrinsics or not 1 < args.focal_px < 1e6):
        raise SettingsError("--focal-px is a positive number of pixels, for jacquard, in place of --intrinsics")
    if args.intrinsics and args.dataset == "synthetic":
        raise SettingsError("--intrinsics is for jacquard and dexnet: our own scenes know their camera")
    if not args.path.is_dir():
        raise SettingsError(f"{args.path}: no such folder")
    if args.card:
        from detectors.evaluation.cards import check_card

        check_card(args.name, args.weights)
    if args.variant:
        from detectors.evaluation.lineup import check_variants

        check_variants(args.name, args.beside, _variants(args))


def _asks_classifier(args: argparse.Namespace) -> bool:
    name: str = args.name
    return name == _CLASSIFIER and args.dataset != "jacquard"


def _holds_images(args: argparse.Namespace) -> bool:
    """Whether there are whole images to look at; crops alone are enough for gqcnn's network.

    Raises:
        SettingsError: there are none, and the detector needs them.
    """
    if args.dataset != "dexnet":
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
    from detectors.evaluation.lineup import line_up, load_metric_for

    metric = load_metric_for(args.name, args.weights, args.metric_weights)
    detectors = line_up(args.name, metric, weights=args.weights, beside=args.beside, variants=_variants(args))
    seen = _lift(args, detectors, metric) if args.dataset == "synthetic" else _compare(args, detectors, metric)
    if args.metric_weights:
        seen["metric_weights"] = str(args.metric_weights)
    if args.card:
        _write_into_card(args, answer | seen, getattr(detectors[args.name], "weights_path", None))
    return seen


def _variants(args: argparse.Namespace) -> dict[str, Path]:
    """Label -> weights file.

    Raises:
        SettingsError: one is not written so, or two have one label.
    """
    found: dict[str, Path] = {}
    for text in args.variant:
        label, equals, file = text.partition("=")
        if not (label and equals and file):
            raise SettingsError(f"--variant {text}: expected LABEL=FILE")
        if label in found:
            raise SettingsError(f"--variant {text}: another one is called '{label}'")
        found[label] = Path(file)
    return found


def _lift(args: argparse.Namespace, detectors: dict[str, Detector], metric: RobustnessMetric) -> dict[str, Any]:
    from detectors.evaluation.answers import physical_answer
    from detectors.evaluation.physical import run_physical

    scenes = islice(_scenes(args), args.images)
    answers = run_physical(scenes, detectors, metric, tries=args.tries, tell=_tell_every)
    if not answers[args.name]:
        raise SettingsError(f"{args.path}: holds no scenes of held-out objects", "make some with --split test")
    return physical_answer(args.name, answers, args.tries)


def _compare(args: argparse.Namespace, detectors: dict[str, Detector], metric: RobustnessMetric) -> dict[str, Any]:
    from collections import Counter

    from detectors.evaluation.answers import labelled_answer
    from detectors.evaluation.physical import run_labelled

    skipped: Counter[str] = Counter()
    images = islice(_labelled(args, skipped), args.images)
    answers = run_labelled(images, detectors, metric, tell=_tell_every)
    if not answers[args.name]:
        why = "; ".join(f"{reason}: {count}" for reason, count in skipped.items())
        raise SettingsError(f"{args.path}: no image could be used ({why})")
    return labelled_answer(args.name, answers, dict(skipped))


def _write_into_card(args: argparse.Namespace, answer: dict[str, Any], shipped: Path | None) -> None:
    """What was measured here replaces what training measured on its own data's test grasps."""
    from detectors.evaluation.cards import write_into_card
    from detectors.gqcnn.weights_file import SHIPPED

    weights = args.weights or shipped or (SHIPPED if args.name == _CLASSIFIER else None)
    write_into_card(args.name, weights, answer, _as_typed(args))


def _as_typed(args: argparse.Namespace) -> str:
    words = [f"python -m detectors.evaluate {args.name} --dataset {args.dataset} --path {args.path.name}"]
    words += [f"--split {args.split}"] if args.split != "object" else []
    words += [f"--images {args.images}"] if args.images else []
    words += [f"--beside {' '.join(args.beside)}"] if args.beside else []
    variants = [f"{label}={file.name}" for label, file in _variants(args).items()]
    words += [f"--variant {' '.join(variants)}"] if variants else []
    words += [f"--tries {args.tries}"] if args.dataset == "synthetic" else []
    words += [f"--depth {args.depth}"] if args.dataset == "jacquard" else []
    words += [f"--focal-px {args.focal_px:g}"] if args.focal_px else []
    files = ("weights", "metric_weights", "intrinsics")
    words += [f"--{n.replace('_', '-')} {getattr(args, n).name}" for n in files if getattr(args, n)]
    words += ["--damaged skip"] if args.damaged == "skip" else []
    words += ["--classifier-only"] if args.classifier_only else []
    return " ".join([*words, "--card"])


def _scenes(args: argparse.Namespace) -> Iterator[JudgedScene]:
    """The scenes that show held-out things (all scenes when the split is by image)."""
    from detectors.evaluation.judging import JudgedScene
    from detectors.synthesis.catalogue import open_catalogue
    from detectors.synthesis.scene_shards import iter_scenes
    from detectors.synthesis.settings import read_dataset
    from detectors.synthesis.splits import split_of

    settings = read_dataset(args.path)
    catalogue = open_catalogue(settings)
    for record in iter_scenes(args.path, damaged=args.damaged, tell=_tell):
        if args.split == "image" or settings.objects or split_of(int(record.things[0])) == "test":
            yield JudgedScene.rebuild(record, catalogue)


def _labelled(args: argparse.Namespace, skipped: Counter[str]) -> Iterator[LabelledImage]:
    """The images of a data set that is labelled with rectangles."""
    camera = _camera(args)
    if args.dataset == "dexnet":
        from detectors.dexnet import images

        yield from images.iter_images(args.path, camera=camera, damaged=args.damaged, tell=_tell, skipped=skipped)
        return
    from detectors.jacquard import reading
    from detectors.jacquard.camera import assumed_camera

    yield from reading.iter_images(
        args.path, depth=args.depth, camera=camera or assumed_camera(), skipped=skipped, tell=_tell
    )


def _camera(args: argparse.Namespace) -> Intrinsics | None:
    """What the command line says about the camera, if anything."""
    if args.intrinsics:
        from detectors.reading import read_intrinsics

        return read_intrinsics(args.intrinsics)
    if args.focal_px:
        from detectors.jacquard.camera import assumed_camera

        return assumed_camera(args.focal_px)
    return None


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _tell_every(number: int) -> None:
    if number % 25 == 0:
        _tell(f"{number} images")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
