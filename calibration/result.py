"""From views to a calibration that is judged, written down and read again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.depth_check import check_depth
from calibration.detection import board_pose
from calibration.errors import CalibrationError
from calibration.file_format import CalibrationEntry, SolverEntry, ViewEntry, ViewsEntry, digest, plain
from calibration.gate import judge
from calibration.outliers import LEAST_VIEWS, select, without_wild_corners
from calibration.quality import Quality, Seen, ViewResidual, measure, view_residuals
from calibration.records import DepthCheck, TableMark, TouchMiss
from calibration.refinement import observe, refine
from calibration.settings import CalibrationSettings, Mount
from calibration.solving import SolverResult, solve
from calibration.summary import in_words, summarise
from calibration.views import View
from robot.calibration_board import BoardSettings
from robot.errors import SettingsError
from robot.frame import Intrinsics
from robot.geometry import Transform
from robot.strict_yaml import build, read_yaml
from robot.whole_files import whole_file

CALIBRATION_FILE = "calibration.yaml"
VIEWS_FILE = "views.json"
UNUSABLE_PX = 2.0
"""Corners that miss the best board of their own view by more (RMS) are not the board's."""
_REMEDY = "calibrate again: run_cell.py calibrate"
_HEADER = "# Where the camera is. Written by `run_cell.py calibrate`; a file that was changed by hand is refused.\n"


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """What the views say, and whether it is good enough.

    Attributes:
        T_parent_camera: (4, 4) T_base_camera of a fixed camera, T_flange_camera of one on the wrist.
        T_other_board: (4, 4) T_flange_board with a fixed camera, T_base_board with one on the wrist.
        covariance: (6, 6) of the camera's pose: translation [m], then rotation vector [rad], in the parent's axes.
        board: as it was set.
        views, solvers: one entry each, with what speaks against it.
        depth: the camera's depth against the board; None when too few corners had one.
        reasons: why it may not be used; empty when it passed its gate.
    """

    mount: Mount
    T_parent_camera: Transform
    T_other_board: Transform
    covariance: NDArray[np.float64]
    board: BoardSettings
    quality: Quality
    views: tuple[ViewResidual, ...]
    solvers: tuple[SolverResult, ...]
    depth: DepthCheck | None
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether it is good enough to move by."""
        return not self.reasons


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration(Result):
    """A result, with what it belongs to and what was measured beside it.

    Attributes:
        made_at: date and time, ISO 8601.
        marks: where the marks on the table were.
        touch: how well the tip met the board's corners; empty when that was not tried.
        sha256: of everything but ``made_at``; empty before it is written.
    """

    made_at: str
    camera_serial: str
    robot_serial: str
    arm_model: str
    marks: tuple[TableMark, ...] = ()
    touch: tuple[TouchMiss, ...] = ()
    sha256: str = ""

    @classmethod
    def of(cls, result: Result, *, made_at: str, camera_serial: str, robot_serial: str, arm_model: str) -> Calibration:
        """The result, labelled."""
        parts: dict[str, Any] = {field.name: getattr(result, field.name) for field in fields(Result)}
        return cls(
            **parts, made_at=made_at, camera_serial=camera_serial, robot_serial=robot_serial, arm_model=arm_model
        )

    def T_base_camera(self, T_base_flange: Transform) -> Transform:
        """(4, 4) where the camera is while the flange is at ``T_base_flange``, which a fixed camera does not mind."""
        return self.T_parent_camera if self.mount == "fixed" else np.asarray(T_base_flange @ self.T_parent_camera)

    def figures(self) -> dict[str, Any]:
        """The figures that count, in millimetres and degrees, as plain numbers and strings."""
        labels = {"passed": self.passed, "mount": self.mount, "made_at": self.made_at, "sha256": self.sha256}
        return {**labels, **plain(summarise(self))}

    def in_words(self) -> str:
        """Verdict and figures, several lines."""
        return in_words(self)


def calibrate(
    views: Sequence[View], intrinsics: Intrinsics, settings: CalibrationSettings, rng: np.random.Generator
) -> Result:
    """Find the camera, by the views that agree; judge the result. Bad views make a result that did not pass.

    Raises:
        CalibrationError: fewer than three views show the board.
    """
    board, mount = settings.board, settings.mount
    views = [without_wild_corners(view, board) for view in views]
    poses = [board_pose(view.ids, view.pixels, intrinsics, board) for view in views]
    usable = {i: pose for i, pose in enumerate(poses) if pose is not None and pose[1] <= UNUSABLE_PX}
    if len(usable) < LEAST_VIEWS:
        raise CalibrationError(
            f"too few views: {len(usable)} show the board, {LEAST_VIEWS} are the least to compute anything from",
            "see that the board is in view, sharp and evenly lit, and that calibration.board describes it",
        )
    chosen, seen = [views[i] for i in usable], list(usable.values())
    observations = observe(chosen, mount, board, intrinsics)
    selection = select(observations, [T for T, _ in seen], settings.camera_guess.transform, rng)
    kept = np.flatnonzero(selection.used)
    with_scale = selection.fit
    fit = refine(observations.only(kept), with_scale.T_parent_camera, with_scale.T_other_board)
    solvers = solve([chosen[i] for i in kept], [seen[i][0] for i in kept], mount)
    numbers = [view.number for view in chosen]
    rows = {row.number: row for row in view_residuals(observations, fit, selection.used, numbers, seen, board)}
    table = tuple(rows.get(view.number) or _unusable(view, poses[i]) for i, view in enumerate(views))
    quality = measure(fit, with_scale, solvers, table, observations.T_parent_others[kept])
    return Result(
        mount=mount,
        T_parent_camera=fit.T_parent_camera,
        T_other_board=fit.T_other_board,
        covariance=fit.covariance[:6, :6],
        board=board,
        quality=quality,
        views=table,
        solvers=solvers,
        depth=check_depth([chosen[i] for i in kept], [seen[i][0] for i in kept], board),
        reasons=judge(quality, settings.gate, board),
    )


def write(calibration: Calibration, folder: Path) -> Calibration:
    """Write ``calibration.yaml`` and return the calibration with its hash.

    Raises:
        SettingsError: the file cannot be written.
    """
    import yaml

    body = plain(calibration)
    names = [field.name for field in fields(CalibrationEntry) if field.name in body]
    content = {"summary": plain(summarise(calibration)), **{name: body[name] for name in names}}
    sealed = replace(calibration, sha256=digest(content))
    text = yaml.safe_dump({**content, "sha256": sealed.sha256}, sort_keys=False, default_flow_style=None, width=120)
    with whole_file(folder / CALIBRATION_FILE) as stream:
        stream.write((_HEADER + text).encode())
    return sealed


def read_calibration(folder: Path) -> Calibration:
    """What ``write`` left in ``folder``.

    Raises:
        CalibrationError: there is none, it is not one, or it was changed.
    """
    path = folder / CALIBRATION_FILE
    if not path.exists():
        raise CalibrationError(f"{path}: there is no calibration", "calibrate: run_cell.py calibrate")
    try:
        content = read_yaml(path)
        entry = build(CalibrationEntry, content, str(path))
    except SettingsError as error:
        raise CalibrationError(error.message, _REMEDY) from None
    if digest(content) != entry.sha256:
        raise CalibrationError(f"{path}: was changed by hand, or is damaged", _REMEDY)
    _check_date(entry.made_at, path)
    parts = {field.name: getattr(entry, field.name) for field in fields(Calibration)}
    parts["T_parent_camera"] = np.array(entry.T_parent_camera)
    parts["T_other_board"] = np.array(entry.T_other_board)
    parts["covariance"] = np.array(entry.covariance)
    parts["solvers"] = tuple(_solver(solver) for solver in entry.solvers)
    parts["marks"] = tuple(TableMark(mark.id, np.array(mark.corners_base_m)) for mark in entry.marks)
    return Calibration(**parts)


def write_views(folder: Path, views: Sequence[View], intrinsics: Intrinsics) -> None:
    """Write ``views.json``, from which it can be solved again. Raises SettingsError: it cannot be written."""
    content = plain({"intrinsics": intrinsics, "views": list(views)})
    with whole_file(folder / VIEWS_FILE) as stream:
        stream.write(json.dumps(content).encode())


def read_views(folder: Path) -> tuple[tuple[View, ...], Intrinsics]:
    """What ``write_views`` left in ``folder``.

    Raises:
        CalibrationError: there is nothing, or something else.
    """
    path = folder / VIEWS_FILE
    try:
        entry = build(ViewsEntry, json.loads(path.read_text(encoding="utf-8")), str(path))
        return tuple(_view(view) for view in entry.views), entry.intrinsics
    except FileNotFoundError:
        raise CalibrationError(f"{path}: no such file", _REMEDY) from None
    except SettingsError as error:
        raise CalibrationError(error.message, _REMEDY) from None
    except (OSError, ValueError) as error:
        raise CalibrationError(f"{path}: cannot be read: {error}", _REMEDY) from None


def _view(entry: ViewEntry) -> View:
    if not len(entry.ids) == len(entry.pixels) == len(entry.depth_m):
        raise ValueError(f"view {entry.number}: ids, pixels and depth_m differ in length")
    return View(
        number=entry.number,
        q=np.array(entry.q),
        T_base_flange=np.array(entry.T_base_flange),
        ids=np.array(entry.ids, dtype=np.int64),
        pixels=np.array(entry.pixels, dtype=np.float64).reshape(-1, 2),
        depth_m=np.array(entry.depth_m, dtype=np.float64),
    )


def _unusable(view: View, pose: Seen | None) -> ViewResidual:
    why = "shows too little of the board" if pose is None else f"corners are not the board's: {pose[1]:.1f} pixels off"
    return ViewResidual(view.number, len(view.ids), why)


def _solver(entry: SolverEntry) -> SolverResult:
    T_parent_camera, T_other_board = (
        None if matrix is None else np.array(matrix) for matrix in (entry.T_parent_camera, entry.T_other_board)
    )
    return SolverResult(entry.name, T_parent_camera, T_other_board, entry.dropped)


def _check_date(made_at: str, path: Path) -> None:
    try:
        datetime.fromisoformat(made_at)
    except ValueError:
        raise CalibrationError(f"{path}: made_at is no date: '{made_at}'", _REMEDY) from None
