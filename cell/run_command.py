"""``run_cell.py run``: from the command line to the report."""

from __future__ import annotations

import argparse
import hashlib
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cell.interrupts import terminate_as_interrupt
from detectors.detect_command import FALLBACK_HELP
from robot.arguments import SEED, TRIALS, parse_speed
from robot.commands import ENDED_EARLY
from robot.errors import CellError, SettingsError
from robot.revision import git_revision

DEFAULT_DETECTOR, DEFAULT_SEED = "gqstn", 0
PROTOCOL_HELP = "objects, number of trials and what counts as success: household (default), depierre2021 or a YAML file"
_REPORTED_PACKAGES = (
    "grasp-cell",
    "numpy",
    "scipy",
    "opencv-python",
    "torch",
    "ur-rtde",
    "pyrealsense2",
    "mujoco",
    "open3d",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``run``. Defaults are filled in later: a resumed run has its own."""
    parser.add_argument("--detector", metavar="NAME", help=f"who proposes grasps (default {DEFAULT_DETECTOR})")
    parser.add_argument("--trials", type=TRIALS, metavar="N", help="how many trials (default the protocol's, 60)")
    parser.add_argument("--protocol", metavar="NAME|FILE", help=PROTOCOL_HELP)
    parser.add_argument("--cell", type=Path, metavar="FILE", help="the cell (default cell.yaml, the simulated cell)")
    parser.add_argument("--dry-run", action="store_true", help="simulate whatever the cell file says")
    parser.add_argument(
        "--objects", type=Path, metavar="FILE", help="object set (default the protocol's, household 12)"
    )
    parser.add_argument("--fallback", metavar="NAME|none", help=FALLBACK_HELP)
    parser.add_argument("--seed", type=SEED, metavar="S", help=f"of schedule and placements (default {DEFAULT_SEED})")
    parser.add_argument("--out", type=Path, metavar="DIR", help="run directory (default runs/DATE-DETECTOR)")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="go on with a run that ended early")
    parser.add_argument(
        "--speed",
        metavar="FACTOR|max",
        help="dry run: times real time (default max); hardware: share of the cell file's speeds, at most 1",
    )
    parser.add_argument("--faults", type=Path, metavar="FILE", help="faults that a dry run is to meet")
    parser.add_argument("--step", action="store_true", help="ask before every motion of the arm")
    parser.add_argument("--yes", action="store_true", help="hardware: do not ask before the arm moves")


@dataclass(frozen=True)
class RunRequest:
    """A run as asked for, checked as far as can be without touching a device.

    Attributes:
        detector, trials, seed, fallback: as on the command line.
        cell: the resolved cell file as plain data.
        objects_file: the object set.
        objects: its names.
        objects_sha256: of the object set's file.
        dry_run: whether the simulator plays the cell.
        protocol: the trial protocol as plain data.
    """

    detector: str
    trials: int
    seed: int
    fallback: str
    cell: dict[str, Any]
    objects_file: str
    objects: tuple[str, ...]
    objects_sha256: str
    dry_run: bool
    protocol: dict[str, Any]


def run(args: argparse.Namespace) -> int:
    """Carry out ``run`` and return the exit code.

    Raises:
        CellError: whatever can be foreseen; the caller prints it.
    """
    with terminate_as_interrupt():
        speed = parse_speed(args.speed or "max")
        request, directory, faults = prepare(args, speed)
        try:
            return _session(request, directory, speed, faults, args)
        except KeyboardInterrupt:
            raise CellError("interrupted", f"go on with --resume {directory.path}", exit_code=ENDED_EARLY) from None


def _session(
    request: RunRequest, directory: Any, speed: float | None, faults: tuple[Any, ...], args: argparse.Namespace
) -> int:
    from cell.session import Session

    return Session(request, directory, speed=speed, faults=faults, confirmed=args.yes, step=args.step).run()


def prepare(args: argparse.Namespace, speed: float | None) -> tuple[RunRequest, Any, tuple[Any, ...]]:
    """Check every setting, then create or open the run directory - before anything slow is started."""
    from trials.run_directory import RunDirectory

    faults: tuple[Any, ...] = ()
    if args.faults is not None:
        from cell.fault_schedule import load_faults

        faults = load_faults(args.faults)
    if args.resume is not None:
        request, directory = _resume(args)
        _check_hardware(request, speed, faults)
    else:
        request = _request(args)
        _check_hardware(request, speed, faults)
        directory = RunDirectory.create(args.out or _default_out(request.detector), _run_info(request, args.cell))
    return request, directory, faults


def _check_hardware(request: RunRequest, speed: float | None, faults: tuple[Any, ...]) -> None:
    if request.dry_run:
        return
    if faults:
        raise SettingsError("--faults is for dry runs: this cell is hardware", "add --dry-run, or leave --faults out")
    if speed is not None and speed > 1.0:
        raise SettingsError(f"--speed {speed:g}: on hardware it is a share of the cell's speeds, at most 1")


def _request(args: argparse.Namespace) -> RunRequest:
    from cell.carrying_away import require_room
    from cell.settings import DEFAULT_CELL_FILE, load_cell
    from detectors.registry import check_ready, default_fallback
    from robot.objects import load_objects
    from trials.protocol import DEFAULT_PROTOCOL, load_protocol

    protocol = load_protocol(args.protocol or DEFAULT_PROTOCOL)
    trials = protocol.trials if args.trials is None else args.trials
    detector = args.detector or DEFAULT_DETECTOR
    check_ready(detector)
    fallback = args.fallback or default_fallback(detector)
    _check_fallback(fallback)
    cell = load_cell(args.cell or DEFAULT_CELL_FILE)
    require_room(cell.workspace, protocol)
    objects_file = (args.objects or protocol.objects_file).resolve()
    objects = load_objects(objects_file)
    return RunRequest(
        detector=detector,
        trials=trials,
        seed=DEFAULT_SEED if args.seed is None else args.seed,
        fallback=fallback,
        cell=asdict(cell),
        objects_file=str(objects_file),
        objects=tuple(o.name for o in objects),
        objects_sha256=_sha256(objects_file),
        dry_run=args.dry_run or cell.kind == "simulated",
        protocol=asdict(protocol),
    )


def _run_info(request: RunRequest, cell_file: Path | None) -> dict[str, Any]:
    return {
        **asdict(request),
        "cell_file": str(cell_file or "cell.yaml"),
        "started_at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "git_revision": git_revision(),
        **_weights(request),
        "versions": {"python": platform.python_version(), **_versions()},
    }


def _resume(args: argparse.Namespace) -> tuple[RunRequest, Any]:
    from detectors.registry import check_ready
    from trials.ledger import read_ledger
    from trials.run_directory import RunDirectory

    directory = RunDirectory.open(args.resume)
    directory = replace(directory, run_info={**directory.run_info, "protocol": asdict(directory.protocol)})
    info = directory.run_info
    try:
        request = RunRequest(
            **{k: info[k] for k in RunRequest.__dataclass_fields__ if k != "objects"}, objects=tuple(info["objects"])
        )
    except (KeyError, TypeError) as error:
        raise SettingsError(f"{directory.path}/run.yaml: is not complete: {error} is missing") from None
    check_ready(request.detector)
    _check_fallback(request.fallback)
    planned = {trial.trial: trial for trial in directory.planned()}
    differences = directory.compatible(_given(args))
    if args.out is not None and args.out.resolve() != directory.path.resolve():
        differences.append(f"out: asked for '{args.out}', the run lies in '{directory.path}'")
    if differences:
        raise SettingsError(
            f"{directory.path}: a run can only be resumed with its own settings: " + "; ".join(differences),
            "leave those options out, or start a new run with --out",
        )
    objects_file = Path(request.objects_file)
    if not objects_file.exists() or _sha256(objects_file) != request.objects_sha256:
        raise SettingsError(
            f"{objects_file}: has changed or gone since the run began", "restore it, or start a new run"
        )
    _check_weights(directory.path, info, request)
    if directory.ledger_path.exists():
        records, _ = read_ledger(directory.ledger_path)
        for record in records:
            trial = planned.get(record.trial)
            if trial is None or (trial.object, trial.pose_seed) != (record.object, record.pose_seed):
                raise SettingsError(
                    f"{directory.ledger_path}: trial {record.trial} ({record.object}) is not in this run's schedule",
                    "the ledger or run.yaml was changed by hand: restore it, or start a new run",
                )
        if len({r.trial for r in records if not r.voided}) >= request.trials:
            raise SettingsError(
                f"{directory.path}: this run is finished, all {request.trials} trials are in the ledger",
                f"see run_cell.py report {directory.path}",
            )
    return request, directory


def _check_weights(path: Path, info: Mapping[str, Any], request: RunRequest) -> None:
    """Refuse to go on with other networks than the run began with; runs from before they were noted pass."""
    for key, now in _weights(request).items():
        if info.get(key, now) != now:
            raise SettingsError(
                f"{path}: the run was begun with other weights ({key})", "restore them, or start a new run with --out"
            )


def _weights(request: RunRequest) -> dict[str, str]:
    """Hashes of all networks of a run; gqcnn is also the classifier that says what is robust."""
    return {
        "robustness_weights_sha256": _weights_sha256("gqcnn"),
        "detector_weights_sha256": _weights_sha256(request.detector),
        "fallback_weights_sha256": _weights_sha256(request.fallback),
    }


def _check_fallback(name: str) -> None:
    from detectors.registry import NO_FALLBACK, check_ready

    if name != NO_FALLBACK:
        check_ready(name)


def _given(args: argparse.Namespace) -> dict[str, Any]:
    """What the user named on the command line, in the words of ``run.yaml``."""
    from cell.settings import load_cell
    from trials.protocol import load_protocol

    given: dict[str, Any] = {
        name: getattr(args, name)
        for name in ("detector", "trials", "seed", "fallback")
        if getattr(args, name) is not None
    }
    if args.protocol is not None:
        given["protocol"] = asdict(load_protocol(args.protocol))
    if args.objects is not None:
        given["objects_file"] = str(args.objects.resolve())
    if args.cell is not None:
        given["cell"] = asdict(load_cell(args.cell))
    if args.dry_run:
        given["dry_run"] = True
    return given


def _default_out(detector: str) -> Path:
    return Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-{detector}"


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None


def _weights_sha256(name: str) -> str:
    """Of the network called ``name``; "none" for a detector without one."""
    from detectors.gqcnn.weights_file import file_sha256
    from detectors.registry import shipped_weights

    path = shipped_weights(name)
    if path is None:
        return "none"
    return file_sha256(path) if path.is_file() else "missing"


def _versions() -> dict[str, str]:
    found = {}
    for name in _REPORTED_PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
