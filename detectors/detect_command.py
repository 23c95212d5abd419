"""``detect``: one depth image in, grasps out; needs no cell."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robot.arguments import SEED
from robot.errors import SettingsError

if TYPE_CHECKING:
    from detectors.grasp import Detection, Grasp
    from robot.frame import Frame, Intrinsics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("--detector", required=True, metavar="NAME", help="which detector looks, e.g. antipodal")
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
    parser.add_argument("--overlay", type=Path, metavar="PNG", help="write a picture of the grasps there")
    parser.add_argument("--seed", type=SEED, default=0, metavar="S", help="of whatever is drawn at random (default 0)")


def run(args: argparse.Namespace) -> int:
    """Detect once and write what was asked for. No grasp is an answer, not an error.

    Raises:
        SettingsError: unknown detector, unreadable input, or an output that cannot be written.
    """
    from detectors.reading import read_frame
    from detectors.registry import make_detector

    detector = make_detector(args.detector)
    frame = read_frame(args.depth, args.intrinsics, args.color)
    _check_writable(args)
    detection = detector.detect(frame, top=args.top, seed=args.seed)
    answer = to_json(detector.name, detection, frame.intrinsics)
    if args.json == "-":
        print(json.dumps(answer, indent=2))
    elif args.json:
        _write(Path(args.json), (json.dumps(answer, indent=2) + "\n").encode())
    if args.overlay:
        _write(args.overlay, _overlay_png(frame, detection))
    if args.json != "-":
        _print_table(detector.name, detection)
    elif not detection.grasps:
        print(f"no grasp: {detection.reason}", file=sys.stderr)
    return 0


def to_json(name: str, detection: Detection, intrinsics: Intrinsics) -> dict[str, Any]:
    """The public JSON of one detection, best grasp first."""
    return {
        "detector": name,
        "grasps": [_grasp_json(grasp, intrinsics) for grasp in detection.grasps],
        "detect_ms": round(detection.detect_ms, 3),
        "inpaint_ms": round(detection.inpaint_ms, 3),
        "fallback_used": False,
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


def _overlay_png(frame: Frame, detection: Detection) -> bytes:
    import cv2

    from detectors.overlay import draw_grasps

    _, encoded = cv2.imencode(".png", draw_grasps(frame, detection.grasps)[:, :, ::-1])
    return encoded.tobytes()


def _print_table(name: str, detection: Detection) -> None:
    import math

    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not detection.grasps:
        console.print(f"{name}: no grasp: {detection.reason} ({detection.detect_ms:.0f} ms)", highlight=False)
        return
    table = Table(title=f"{name}: {len(detection.grasps)} grasp(s) in {detection.detect_ms:.0f} ms")
    for column in ("#", "u [px]", "v [px]", "angle [deg]", "width [mm]", "depth [m]", "quality", "robust"):
        table.add_column(column, justify="right")
    for index, g in enumerate(detection.grasps, start=1):
        robust = "-" if g.robust is None else ("yes" if g.robust else "no")
        table.add_row(
            str(index), f"{g.u:.1f}", f"{g.v:.1f}", f"{math.degrees(g.angle_rad):+.1f}", f"{g.width_m * 1e3:.1f}",
            f"{g.depth_m:.4f}", f"{g.quality:.3f}", robust,
        )  # fmt: skip
    console.print(table)
