"""The command line of ``detectors.evaluate``: what may be asked for, what fits together, and how a card repeats it."""

from __future__ import annotations

import argparse
from pathlib import Path

from robot.arguments import whole_number
from robot.commands import Parser
from robot.errors import SettingsError

SYNTHETIC, DEXNET, JACQUARD, CORNELL = "synthetic", "dexnet", "jacquard", "cornell"
JACQUARDPLUS = "jacquardplus"
DATASETS = (SYNTHETIC, DEXNET, JACQUARD, CORNELL, "georgia", JACQUARDPLUS)
DEPTHS = {
    JACQUARD: ("stereo", "perfect", "none"),
    CORNELL: ("auto", "cloud", "tiff", "none"),
    "georgia": ("auto", "none"),
}
"""Which depth images a data set has; the first is taken where nothing is said."""
NO_DEPTH = "none"
MOST_GRASPS = 10


def make_parser() -> Parser:
    """The options, without anything heavy."""
    parser = Parser(
        prog="python -m detectors.evaluate",
        description="Judge detectors by their top grasps: rectangle metric, robustness metric and, on our own scenes, "
        "lifts in physics beside an oracle and two simple baselines; with --beside this is Table I of the GQ-STN "
        "paper, with --top 5 also Tables II and III of the FCN paper, with --top 10 Tables I to III of the anchor "
        "scorer's preprint. For gqcnn also how well its network tells good "
        "grasps from bad ones.",
    )
    parser.add_argument("name", metavar="NAME", help="which detector, e.g. gqcnn or antipodal")
    parser.add_argument("--beside", nargs="+", default=[], metavar="NAME", help="more detectors for the same table")
    _add_data(parser)
    parser.add_argument("--json", metavar="FILE", help="write the figures there; '-' prints JSON and nothing else")
    parser.add_argument("--tries", type=whole_number(1, 1000), default=8, metavar="T", help="lifts a grasp (default 8)")
    parser.add_argument("--top", type=whole_number(1, MOST_GRASPS), default=1, metavar="K",
                        help="ask for so many grasps and judge each by its rectangle (default 1); everything else, but "
                        "for the time, is of the first")  # fmt: skip
    parser.add_argument("--pictures", type=Path, metavar="DIR",
                        help="draw NAME's first grasps and ground truths: DIR/hits.png and DIR/misses.png")  # fmt: skip
    parser.add_argument("--pictures-count", type=whole_number(1, 1000), default=24, metavar="N",
                        help="at most so many of each (default 24)")  # fmt: skip
    parser.add_argument("--variant", nargs="+", default=[], metavar="LABEL=FILE",
                        help="NAME with other weights, as further rows of the table: ablations, say")  # fmt: skip
    parser.add_argument("--weights", type=Path, metavar="FILE", help="other weights for NAME than the ones that ship")
    parser.add_argument("--metric-weights", type=Path, metavar="FILE", help="the GQ-CNN that says what is robust")
    parser.add_argument("--card", action="store_true", help="write the figures into the card of NAME's weights, too")
    parser.add_argument("--classifier-only", action="store_true", help="gqcnn: judge its network alone")
    return parser


def _add_data(parser: Parser) -> None:
    parser.add_argument("--dataset", required=True, choices=DATASETS, help="synthetic: made by detectors.synthesize; "
                        "dexnet: any folder in the Dex-Net 2.0 layout, crops or whole images; jacquard, cornell, "
                        "georgia: as published; jacquardplus: made by detectors.synthesize "
                        "--benchmark jacquardplus, one trial in physics a scene")  # fmt: skip
    parser.add_argument("--path", required=True, type=Path, metavar="DIR", help="where it lies")
    parser.add_argument("--predictions-out", type=Path, metavar="FILE", help="jacquardplus: write NAME's predictions "
                        "there, as detectors.submit takes them; another detector's go beside it")  # fmt: skip
    parser.add_argument("--split", choices=("object", "image"), default="object",
                        help="held out by object (default) or by image; jacquard, cornell and georgia have no split of "
                        "their own: every image there is judged, either way, so hold out with weights that were "
                        "trained on other images")  # fmt: skip
    parser.add_argument("--images", type=whole_number(1, 1_000_000), metavar="N", help="at most so many images")
    parser.add_argument("--damaged", choices=("stop", "skip"), default="stop", help="what to do at a damaged file")
    kinds = "; ".join(f"{name}: {', '.join(depths)}" for name, depths in DEPTHS.items())
    parser.add_argument("--depth", choices=tuple(dict.fromkeys(d for depths in DEPTHS.values() for d in depths)),
                        help=f"which depth images, the first by default ({kinds}); none is colour alone, and all that "
                        "anchor, anchor-primary and zhou are shown: images of cornell as they are, but with the "
                        "shorter side scaled to 320 px where it has less, all those of jacquard and georgia with the "
                        "shorter side scaled to 320 px")  # fmt: skip
    parser.add_argument("--intrinsics", type=Path, metavar="FILE", help="of the images' camera: fx, fy, ... ; our own "
                        "scenes know theirs")  # fmt: skip
    parser.add_argument(
        "--focal-px", type=float, metavar="F", help="jacquard: a focal length instead of the assumed one"
    )


def check_data(args: argparse.Namespace) -> None:
    """Refuse options that do not fit the data set, and a folder that is not there.

    Raises:
        SettingsError: one of them.
    """
    if args.focal_px is not None and (args.dataset != JACQUARD or args.intrinsics or not 1 < args.focal_px < 1e6):
        raise SettingsError("--focal-px is a positive number of pixels, for jacquard, in place of --intrinsics")
    if args.intrinsics and args.dataset == SYNTHETIC:
        raise SettingsError("--intrinsics is for images of others: our own scenes know their camera")
    if args.predictions_out and args.dataset != JACQUARDPLUS:
        raise SettingsError(f"--predictions-out is for {JACQUARDPLUS}", "leave it out")
    if args.depth is not None and args.dataset not in DEPTHS:
        raise SettingsError(f"--depth is for {', '.join(DEPTHS)}: {args.dataset} has one depth image only")
    if args.depth is not None and args.depth not in DEPTHS[args.dataset]:
        raise SettingsError(
            f"--depth {args.depth}: {args.dataset} has no such images",
            f"give one of {', '.join(DEPTHS[args.dataset])}",
        )
    if not args.path.is_dir():
        raise SettingsError(f"{args.path}: no such folder")


def depth_of(args: argparse.Namespace) -> str | None:
    """Which depth images are looked at; None where the data set has one kind only."""
    if args.dataset not in DEPTHS:
        return None
    depth: str = args.depth or DEPTHS[args.dataset][0]
    return depth


def color_alone(args: argparse.Namespace) -> argparse.Namespace:
    """The same, as if the images were asked for without their depth."""
    return argparse.Namespace(**{**vars(args), "depth": NO_DEPTH})


def variants(args: argparse.Namespace) -> dict[str, Path]:
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


def as_typed(args: argparse.Namespace) -> str:
    """The command line that measured what goes into a card, without the folders of this machine."""
    words = [f"python -m detectors.evaluate {args.name} --dataset {args.dataset} --path {args.path.name}"]
    words += [f"--split {args.split}"] if args.split != "object" else []
    words += [f"--images {args.images}"] if args.images else []
    words += [f"--beside {' '.join(args.beside)}"] if args.beside else []
    named = [f"{label}={file.name}" for label, file in variants(args).items()]
    words += [f"--variant {' '.join(named)}"] if named else []
    words += [f"--tries {args.tries}"] if args.dataset == SYNTHETIC else []
    words += [f"--top {args.top}"] if args.top > 1 else []
    words += [f"--depth {depth_of(args)}"] if depth_of(args) else []
    words += [f"--focal-px {args.focal_px:g}"] if args.focal_px else []
    files = ("weights", "metric_weights", "intrinsics")
    words += [f"--{n.replace('_', '-')} {getattr(args, n).name}" for n in files if getattr(args, n)]
    words += ["--damaged skip"] if args.damaged == "skip" else []
    words += ["--classifier-only"] if args.classifier_only else []
    return " ".join([*words, "--card"])
