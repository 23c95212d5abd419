"""``python -m detectors.evaluate``: how good a detector is on a data set."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robot.arguments import whole_number
from robot.commands import Parser, reported
from robot.errors import SettingsError

if TYPE_CHECKING:
    from detectors.evaluation.judging import JudgedScene
    from detectors.registry import Detector

DATASETS = ("synthetic", "dexnet")
_CLASSIFIER = "gqcnn"
_RECTANGLE = {"0.25": None, "0.30": None}  # rectangles belong to data sets that are labelled with them


def main(argv: Sequence[str]) -> int:
    """Parse and run; every foreseeable error becomes one line on stderr and an exit code."""
    return reported(lambda: run(_parser().parse_args(argv)))


def _parser() -> Parser:
    parser = Parser(
        prog="python -m detectors.evaluate",
        description="Judge a detector on held-out scenes by lifting its top grasps in physics, beside an oracle and "
        "two simple baselines; for gqcnn also how well its network tells good grasps from bad ones.",
    )
    parser.add_argument("name", metavar="NAME", help="which detector, e.g. gqcnn or antipodal")
    parser.add_argument("--dataset", required=True, choices=DATASETS, help="synthetic: made by detectors.synthesize; "
                        "dexnet: any folder in the Dex-Net 2.0 tensor layout")  # fmt: skip
    parser.add_argument("--path", required=True, type=Path, metavar="DIR", help="where it lies")
    parser.add_argument("--split", choices=("object", "image"), default="object",
                        help="held out by object (default) or by image")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the figures there; '-' prints JSON and nothing else")
    parser.add_argument("--images", type=whole_number(1, 1_000_000), metavar="N", help="at most so many scenes")
    parser.add_argument("--tries", type=whole_number(1, 1000), default=8, metavar="T", help="lifts a grasp (default 8)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="other weights than the ones that ship")
    parser.add_argument("--damaged", choices=("stop", "skip"), default="stop", help="what to do at a damaged file")
    parser.add_argument("--card", action="store_true", help="write the figures into the card of gqcnn's weights, too")
    parser.add_argument("--classifier-only", action="store_true", help="leave the lifts out")
    return parser


def run(args: argparse.Namespace) -> int:
    """Evaluate and write what was asked for.

    Raises:
        CellError: anything that can be foreseen; the caller prints it.
    """
    from detectors.registry import check_name

    check_name(args.name)
    _check_writable(args.json)
    answer: dict[str, Any] = {"detector": args.name, "dataset": args.dataset, "images": 0, "rectangle": _RECTANGLE,
                              "robust_rate": None, "physical_success": None, "detect_ms_median": None}  # fmt: skip
    is_classifier = args.name == _CLASSIFIER
    if args.dataset == "dexnet" and not is_classifier:
        raise SettingsError("tensors hold no whole images, so only gqcnn's network can be judged on them")
    if is_classifier:
        answer["classifier"] = _classify(args)
    if args.dataset == "synthetic" and not args.classifier_only:
        answer |= _lift(args)
    if args.card:
        _write_into_card(args, answer)
    if args.json == "-":
        print(json.dumps(answer, indent=2))
        return 0
    if args.json:
        Path(args.json).write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    from detectors.evaluation.tables import print_answer

    print_answer(answer)
    return 0


def _classify(args: argparse.Namespace) -> dict[str, Any]:
    from detectors.gqcnn.evaluation import evaluate_network
    from detectors.gqcnn.grasp_data import load_data
    from detectors.gqcnn.metric import ROBUST_THRESHOLD
    from detectors.gqcnn.weights import load_gqcnn

    data = load_data(args.path, damaged=args.damaged, tell=_tell, by=args.split, needed=("test",))
    return evaluate_network(load_gqcnn(args.weights), data, data.rows["test"], ROBUST_THRESHOLD)


def _lift(args: argparse.Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    from detectors.evaluation.baselines import BASELINES
    from detectors.evaluation.physical import figures, run_physical
    from detectors.gqcnn.detector import GqcnnDetector
    from detectors.gqcnn.metric import ROBUST_THRESHOLD, RobustnessMetric
    from detectors.gqcnn.settings import plain_settings
    from detectors.gqcnn.weights import load_gqcnn
    from detectors.registry import make_detector

    metric = RobustnessMetric(load_gqcnn(args.weights))
    detectors: dict[str, Detector] = {args.name: _detector(args, metric)}
    if args.name == _CLASSIFIER:  # beside it the papers' plain version, and what geometry alone can do
        detectors |= {"gqcnn-1000": GqcnnDetector(metric, plain_settings()), "antipodal": make_detector("antipodal")}
    detectors |= {name: make() for name, make in BASELINES.items()}
    scenes = islice(_scenes(args), args.images)
    tallies = run_physical(scenes, detectors, metric, tries=args.tries, tell=_tell_every)
    if not tallies[args.name].success:
        raise SettingsError(f"{args.path}: holds no scenes of held-out objects", "make some with --split test")
    rows = {name: asdict(figures(tally, ROBUST_THRESHOLD)) for name, tally in tallies.items()}
    own = rows.pop(args.name)
    return {
        **{key: own[key] for key in ("images", "robust_rate", "physical_success", "detect_ms_median")},
        "physical": {args.name: own, **rows},
        "no_grasp_reasons": tallies[args.name].reasons,
        "tries": args.tries,
    }


def _write_into_card(args: argparse.Namespace, answer: dict[str, Any]) -> None:
    """What was measured here replaces what training measured on its own data's test grasps."""
    from detectors.evaluation.tables import physical_rows
    from detectors.gqcnn.card import read_results, write_card
    from detectors.gqcnn.weights_file import SHIPPED

    if "classifier" not in answer:
        raise SettingsError("--card is for gqcnn: other detectors have no card")
    weights = args.weights or SHIPPED
    results = read_results(weights)
    results |= {"evaluation": answer["classifier"], "judged_on": "held-out", "evaluated_with": _as_typed(args)}
    if "physical" in answer:
        tables = results.setdefault("tables", {})
        title = f"First grasps on {answer['images']} held-out images, each lifted {answer['tries']} times"
        tables[title] = physical_rows(answer)
    write_card(weights, results)


def _as_typed(args: argparse.Namespace) -> str:
    words = [f"python -m detectors.evaluate {args.name} --dataset {args.dataset} --path {args.path.name}"]
    words += [f"--split {args.split}"] if args.split != "object" else []
    words += [f"--images {args.images}"] if args.images else []
    return " ".join([*words, f"--tries {args.tries} --card"])


def _detector(args: argparse.Namespace, metric: Any) -> Detector:
    from detectors.registry import make_detector

    if args.weights is None:
        return make_detector(args.name)
    from detectors.gqcnn.detector import GqcnnDetector
    from detectors.gqcnn.settings import GqcnnSettings, plain_settings

    known = {"gqcnn": GqcnnSettings, "gqcnn-1000": plain_settings}
    if args.name not in known:
        raise SettingsError(f"--weights is for {' and '.join(known)}, not for {args.name}")
    return GqcnnDetector(metric, known[args.name]())


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


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _tell_every(number: int, tallies: dict[str, Any]) -> None:
    if number % 25 == 0:
        _tell(f"{number} scenes")


def _check_writable(target: str | None) -> None:
    if target in (None, "-"):
        return
    path = Path(str(target))
    if path.is_dir() or not path.resolve().parent.is_dir() or not os.access(path.resolve().parent, os.W_OK):
        raise SettingsError(f"{path}: cannot be written", "name a file in a folder that exists")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
