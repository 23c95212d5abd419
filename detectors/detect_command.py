"""``detect``: one depth image in, grasps out; needs no cell."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robot.arguments import SEED
from robot.errors import CellError, SettingsError

if TYPE_CHECKING:
    from detectors.fallback import Decision, FallbackPolicy, Proposal
    from detectors.grasp import Grasp
    from detectors.registry import Detector
    from robot.frame import Frame, Intrinsics

FALLBACK_HELP = (
    "who is asked as well when the detector proposes nothing, or nothing robust (default gqcnn for gqstn, else none)"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--detector", required=True, metavar="NAME", help="which detector looks, e.g. gqstn")
    parser.add_argument("--fallback", metavar="NAME|none", help=FALLBACK_HELP)
    parser.add_argument(
        "--depth", required=True, type=Path, metavar="FILE", help="depth: .npy or .tiff in metres, 16-bit .png in mm"
    )
    parser.add_argument("--color", type=Path, metavar="FILE", help="colour image aligned to the depth image")
    parser.add_argument(
        "--intrinsics", required=True, type=Path, metavar="FILE",
        help="JSON or YAML with fx, fy, cx, cy, width, height, or a published .intr",
    )  # fmt: skip
    parser.add_argument("--top", type=_positive, default=1, metavar="K", help="how many grasps at most (default 1)")
    parser.add_argument("--json", metavar="FILE", help="write the grasps there; '-' prints JSON and nothing else")
    parser.add_argument(
        "--overlay",
        type=Path,
        metavar="PNG",
        help="write a picture of the grasps there; with gqstn also of its stages, with fcn and ggcnn of their maps",
    )
    parser.add_argument("--seed", type=SEED, default=0, metavar="S", help="of whatever is drawn at random (default 0)")


def run(args: argparse.Namespace) -> int:
    """Detect once and write what was asked for. No grasp is an answer, not an error.

    Raises:
        SettingsError: unknown detector, unreadable input, or an output that cannot be written.
        CellError: the detector failed.
    """
    from detectors.reading import read_frame

    policy = _policy(args)
    frame = read_frame(args.depth, args.intrinsics, args.color)
    _check_writable(args)
    decision = policy.decide(frame, top=args.top, seed=args.seed)
    if decision.fault:
        raise CellError(decision.fault, "try another detector, or report this to its author")
    name, proposals = policy.detector.name, decision.proposals[: args.top]
    grasps = tuple(proposal.grasp for proposal in proposals)
    answer = to_json(name, decision, proposals, frame.intrinsics)
    if args.json == "-":
        print(json.dumps(answer, indent=2))
    elif args.json:
        _write(Path(args.json), (json.dumps(answer, indent=2) + "\n").encode())
    if args.overlay:
        own = decision.executed in ("", name)
        _write(args.overlay, _overlay_png(policy.detector if own else None, frame, grasps, args.seed))
    if args.json != "-":
        _print_table(name, decision, grasps)
    elif not grasps:
        print(f"no grasp: {decision.reason}", file=sys.stderr)
    return 0


def _policy(args: argparse.Namespace) -> FallbackPolicy:
    """Who is asked, as in the cell; the metric is loaded only where a fallback hangs on its word."""
    from detectors.fallback import FallbackPolicy
    from detectors.registry import NO_FALLBACK, check_ready, default_fallback, make_detector

    fallback = args.fallback or default_fallback(args.detector)
    if fallback == NO_FALLBACK:
        return FallbackPolicy(make_detector(args.detector))
    check_ready(fallback)
    from detectors.gqcnn.metric import load_metric

    return FallbackPolicy(make_detector(args.detector), make_detector(fallback), load_metric())


def to_json(name: str, decision: Decision, proposals: Sequence[Proposal], intrinsics: Intrinsics) -> dict[str, Any]:
    """The public JSON of one answer, best grasp first.

    Args:
        name: of the detector that was asked first.
        decision: what was answered.
        proposals: those that are wanted.
        intrinsics: of the image.
    """
    found = decision.detection
    assert found is not None
    return {
        "detector": name,
        "grasps": [_grasp_json(p.grasp, intrinsics) | {"detector": p.detector} for p in proposals],
        "detect_ms": round(found.detect_ms, 3),
        "inpaint_ms": round(found.inpaint_ms, 3),
        "fallback_used": decision.fallback_used,
        "fallback_reason": decision.fallback_reason,
        "fallback_ms": round(decision.fallback_ms, 3),
        "executed": decision.executed,
    }


def _grasp_json(grasp: Grasp, intrinsics: Intrinsics) -> dict[str, Any]:
    return {
        "u": grasp.u,
        "v": grasp.v,
        "angle_rad": grasp.angle_rad,
        "width_m": grasp.width_m,
        "width_px": grasp.width_px(intrinsics),
        "depth_m": grasp.depth_m,
        "quality": grasp.quality,
        "robust": grasp.robust,
    }


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got '{text}'") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def _check_writable(args: argparse.Namespace) -> None:
    for path in (None if args.json in (None, "-") else Path(args.json), args.overlay):
        if path is None:
            continue
        if path.is_dir():
            raise SettingsError(f"{path}: is a directory", "name a file")
        if not path.resolve().parent.is_dir():
            raise SettingsError(f"{path}: the directory {path.parent} does not exist", "create it first")


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror or error}") from None


def _overlay_png(detector: Detector | None, frame: Frame, grasps: Sequence[Grasp], seed: int) -> bytes:
    """A detector that has more to show than its grasps, such as its stages, has a ``draw(frame, grasps, seed)``."""
    import cv2

    from detectors.overlay import draw_grasps

    draw = getattr(detector, "draw", None)
    picture = draw_grasps(frame, grasps) if draw is None else draw(frame, grasps, seed=seed)
    _, encoded = cv2.imencode(".png", picture[:, :, ::-1])
    return encoded.tobytes()


def _print_table(name: str, decision: Decision, grasps: Sequence[Grasp]) -> None:
    import math

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    assert decision.detection is not None
    took = f"{decision.detection.detect_ms:.0f} ms"
    if decision.fallback_used:
        took += f", the fallback {decision.fallback_ms:.0f} ms ({decision.fallback_reason})"
    if not grasps:
        console.print(f"{name}: no grasp: {decision.reason} ({took})", highlight=False, markup=False)
        return
    table = Table(title=Text(f"{decision.executed}: {len(grasps)} grasp(s) in {took}"))
    for column in ("#", "u [px]", "v [px]", "angle [deg]", "width [mm]", "depth [m]", "quality", "robust"):
        table.add_column(column, justify="right")
    for index, g in enumerate(grasps, start=1):
        robust = "-" if g.robust is None else ("yes" if g.robust else "no")
        table.add_row(
            str(index), f"{g.u:.1f}", f"{g.v:.1f}", f"{math.degrees(g.angle_rad):+.1f}", f"{g.width_m * 1e3:.1f}",
            f"{g.depth_m:.4f}", f"{g.quality:.3f}", robust,
        )  # fmt: skip
    console.print(table)
