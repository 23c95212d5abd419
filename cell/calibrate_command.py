"""``run_cell.py calibrate``: where the camera is, measured and judged; or the board to measure it by, printed."""

from __future__ import annotations

import argparse
import json
import math
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robot.arguments import SEED, parse_speed, whole_number
from robot.errors import CellError, SettingsError
from robot.whole_files import whole_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from calibration.result import Calibration
    from cell.calibrating import Wishes
    from cell.settings import CellSettings

REFUSED = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``calibrate``."""
    parser.add_argument("--cell", type=Path, metavar="FILE", help="the cell (default cell.yaml, the simulated cell)")
    parser.add_argument("--dry-run", action="store_true", help="simulate whatever the cell file says")
    parser.add_argument("--seed", type=SEED, default=0, metavar="S", help="of poses and simulated noise (default 0)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="calibration directory (default: the cell file's)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--views", type=whole_number(3, 200), metavar="N", help="poses to look from (default 20)")
    parser.add_argument("--poses", type=Path, metavar="FILE", help="your own: a YAML list of lists of six joint angles")
    parser.add_argument("--no-touch", action="store_true", help="do not verify by touching the board's corners")
    parser.add_argument("--print-board", type=Path, metavar="PDF", help="only write the board, to scale, and a ruler")
    parser.add_argument("--speed", metavar="FACTOR|max", help="as for run: share of the cell's speeds on hardware")
    parser.add_argument("--step", action="store_true", help="hardware: ask before every motion of the arm")
    parser.add_argument("--yes", action="store_true", help="hardware: do not ask before the arm moves")
    mishaps = parser.add_argument_group("what may go wrong, to be tried in a dry run")
    mishaps.add_argument("--spoil", type=_share, default=0.0, metavar="SHARE", help="of the views")
    mishaps.add_argument("--print-scale", type=float, default=1.0, metavar="F", help="board F times as large")


def run(args: argparse.Namespace) -> int:
    """Carry out ``calibrate``: 0 it passed, 3 it was refused.

    Raises:
        CellError: whatever can be foreseen.
    """
    from cell.interrupts import terminate_as_interrupt
    from cell.settings import DEFAULT_CELL_FILE, load_cell

    settings = load_cell(args.cell or DEFAULT_CELL_FILE)
    if args.print_board is not None:
        from calibration.printing import print_board

        print_board(args.print_board, settings.calibration.board)
        print(f"board: {args.print_board} (print at 100 %, measure the squares, set calibration.board.square_m)")
        return 0
    dry_run = args.dry_run or settings.kind == "simulated"
    speed = parse_speed(args.speed or "max")
    if not dry_run:
        if args.spoil or args.print_scale != 1.0:
            raise SettingsError("--spoil and --print-scale are for dry runs: this cell is hardware")
        if speed is not None and speed > 1.0:
            raise SettingsError(f"--speed {speed:g}: on hardware it is a share of the cell's speeds, at most 1")
    with terminate_as_interrupt():
        calibration, truth = _calibrate(args, settings, dry_run, speed)
    _tell(calibration, truth)
    if args.json is not None:
        _write_json(args.json, calibration, truth)
    return 0 if calibration.passed else REFUSED


def _calibrate(
    args: argparse.Namespace, settings: CellSettings, dry_run: bool, speed: float | None
) -> tuple[Calibration, dict[str, float]]:
    from dataclasses import replace

    from cell.assembly import WorldRequest, open_devices, open_world
    from cell.calibrating import Calibrator
    from cell.operator import ConsoleOperator

    if args.views is not None:
        settings = replace(settings, calibration=replace(settings.calibration, views=args.views))
    wishes = _wishes(args)
    folder = args.out or Path(settings.calibration.folder)
    person = ConsoleOperator()
    with ExitStack() as stack:
        request = WorldRequest(
            dry_run=dry_run, speed=speed, seed=args.seed, confirmed=args.yes, print_scale=args.print_scale
        )
        world = open_world(stack, settings, request, lambda: person)
        devices = open_devices(stack, world, person.confirm_step if args.step else None)
        try:
            calibrator = Calibrator(world.settings, devices, world.operator, print)
            calibration, place = calibrator.run(folder, wishes, refused=args.out)
        except KeyboardInterrupt:
            devices.motion.arm.stop()
            raise
        except CellError:
            world.check()
            with suppress(CellError):
                devices.motion.arm.stop_program()
            raise
        truth = {} if world.lab is None else truth_errors(calibration, world.lab.truth())
    print(f"calibration: {place}")
    return calibration, truth


def _wishes(args: argparse.Namespace) -> Wishes:
    from cell.calibrating import Wishes
    from cell.mishaps import Mishaps

    mishaps = Mishaps(args.spoil, args.seed) if args.spoil else None
    poses = None if args.poses is None else read_poses(args.poses)
    return Wishes(seed=args.seed, poses=poses, touch=not args.no_touch, mishaps=mishaps)


def read_poses(path: Path) -> tuple[NDArray[np.float64], ...]:
    """(6,) joint angles [rad] to look from, out of a YAML list of lists.

    Raises:
        SettingsError: the file is missing, or is no such list.
    """
    import numpy as np

    from robot.strict_yaml import read_yaml

    try:
        poses = np.array(read_yaml(path), dtype=np.float64)
    except (TypeError, ValueError):
        poses = np.zeros(0)
    if poses.ndim != 2 or poses.shape[1:] != (6,) or not np.isfinite(poses).all():
        raise SettingsError(f"{path}: expected a list of poses, each a list of six joint angles in radians")
    return tuple(poses)


def truth_errors(calibration: Calibration, truth: dict[str, Any]) -> dict[str, float]:
    """How far the result is from where the simulated camera really is."""
    import numpy as np

    from robot.geometry import rotation_angle

    T_true = np.array(truth["T_base_camera" if calibration.mount == "fixed" else "T_flange_camera"])
    T = calibration.T_parent_camera
    return {
        "truth_error_mm": float(np.linalg.norm(T[:3, 3] - T_true[:3, 3])) * 1e3,
        "truth_error_deg": math.degrees(rotation_angle(T, T_true)),
    }


def _tell(calibration: Calibration, truth: dict[str, float]) -> None:
    print(calibration.in_words())
    if truth:
        print(f"truth: off by {truth['truth_error_mm']:.2f} mm and {truth['truth_error_deg']:.3f} degrees")


def _write_json(path: Path, calibration: Calibration, truth: dict[str, float]) -> None:
    text = json.dumps({**calibration.figures(), **truth}, indent=2) + "\n"
    with whole_file(path) as stream:
        stream.write(text.encode())


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"got {text}, give a share from 0 to 1")
    return value
