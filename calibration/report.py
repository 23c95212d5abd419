"""A calibration as one page to look at: the verdict first, then what it rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np

from calibration.depth_check import depth_remarks
from calibration.plots import coverage_plot, residual_plot, rotation_plot
from calibration.result import Calibration
from calibration.solving import SolverResult
from calibration.views import View
from robot.frame import Intrinsics
from robot.geometry import rotation_angle, transform_to_pose
from robot.whole_files import whole_file

REPORT_FILE = "report.html"
_UNKNOWN = "–"
_ROW, _COLUMN = 'th scope="row"', 'th scope="col"'


def write_report(folder: Path, calibration: Calibration, views: Sequence[View], intrinsics: Intrinsics) -> None:
    """Write ``report.html`` into ``folder``; it needs nothing else, and nothing from the network.

    Raises:
        SettingsError: it cannot be written.
    """
    with whole_file(folder / REPORT_FILE) as stream:
        stream.write(render(calibration, views, intrinsics).encode())


def render(calibration: Calibration, views: Sequence[View], intrinsics: Intrinsics) -> str:
    """The whole page."""
    template = files("calibration").joinpath("template.html").read_text(encoding="utf-8")
    left_out = {view.number for view in calibration.views if view.left_out}
    body = (
        f"<header>{_header(calibration)}</header>"
        f"<section><h2>Figures</h2>{_figures(calibration)}</section>"
        f'<section class="charts"><div><h2>Reprojection by view</h2>{residual_plot(calibration.views, "px")}</div>'
        f"<div><h2>Board off by, by view</h2>{residual_plot(calibration.views, 'mm')}</div>"
        f"<div><h2>Corners in the image</h2>{coverage_plot(views, left_out, intrinsics)}</div>"
        f"<div><h2>Rotation diversity</h2>{rotation_plot(views, left_out)}</div></section>"
        f"<section><h2>Views</h2>{_views(calibration)}</section>"
        f"<section><h2>Solvers</h2>{_solvers(calibration)}</section>"
        f"{_touch(calibration)}{_marks(calibration)}"
    )
    return template.replace("{{title}}", escape(_title(calibration))).replace("{{body}}", body)


def _title(calibration: Calibration) -> str:
    where = "camera beside the table" if calibration.mount == "fixed" else "camera on the wrist"
    return f"Calibration {'passed' if calibration.passed else 'refused'}: {where}"


def _header(calibration: Calibration) -> str:
    verdict = "passed" if calibration.passed else "refused"
    facts = (
        ("Made", calibration.made_at),
        ("Camera", calibration.camera_serial),
        ("Robot", f"{calibration.arm_model} {calibration.robot_serial}"),
        ("Mount", calibration.mount),
        ("Views used", f"{calibration.quality.used} of {calibration.quality.views}"),
        ("SHA-256", calibration.sha256[:16]),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value) or _UNKNOWN}</dd>" for name, value in facts)
    reasons = _list("warning loud", "It may not be used:", calibration.reasons)
    return (
        f'<p class="kicker">Hand-eye calibration</p><h1 class="{verdict}">{escape(_title(calibration))}</h1>'
        f"{reasons}{_list('warning', 'Depth:', depth_remarks(calibration.depth))}"
        f'<dl class="facts">{listed}</dl>'
    )


def _list(kind: str, heading: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<div class="{kind}"><b>{heading}</b><ul>{items}</ul></div>'


def _figures(calibration: Calibration) -> str:
    q, depth = calibration.quality, calibration.depth
    pose, sigmas = transform_to_pose(calibration.T_parent_camera), np.sqrt(np.diag(calibration.covariance))
    parent = "base" if calibration.mount == "fixed" else "flange"
    square_mm = 1e3 * calibration.board.square_m
    rows = (
        (f"Camera in the {parent} frame, x, y, z", ", ".join(f"{1e3 * v:.2f}" for v in pose[:3]) + " mm"),
        ("Its standard deviation", ", ".join(f"{1e3 * v:.2f}" for v in sigmas[:3]) + " mm"),
        ("Rotation vector", ", ".join(f"{math.degrees(v):.3f}" for v in pose[3:]) + " degrees"),
        ("Its standard deviation", ", ".join(f"{math.degrees(v):.3f}" for v in sigmas[3:]) + " degrees"),
        ("Board seen off its place, RMS", f"{_mm(q.position_rms_m)}, {_degrees(q.angle_rms_rad)}"),
        ("Reprojection, RMS", f"{q.reprojection_rms_px:.3f} px"),
        ("Leaving one view out moves the camera by at most", _both(q.leave_one_out_m, q.leave_one_out_rad)),
        ("Rotation diversity: about the second axis, RMS", _degrees(q.turning_rad)),
        ("Agreeing solvers are off the result by at most", _both(q.solver_spread_m, q.solver_spread_rad)),
        (
            f"Side of a square, by the arm's travel; set are {square_mm:g} mm",
            f"{square_mm * q.board_scale:.3f} ± {square_mm * q.board_scale_sigma:.3f} mm",
        ),
        (
            "Depth: measured = scale × true + offset",
            _UNKNOWN
            if depth is None
            else f"{depth.scale:.4f}, {1e3 * depth.offset_m:+.2f} mm ({_mm(depth.rms_m)} RMS, {depth.samples} corners)",
        ),
    )
    return _table((), ((name, value) for name, value in rows))


def _views(calibration: Calibration) -> str:
    rows = (
        (
            str(view.number),
            str(view.corners),
            _UNKNOWN if view.rms_px is None else f"{view.rms_px:.3f}",
            _mm(view.off_m),
            _degrees(view.off_rad),
            _both(view.without_m, view.without_rad),
            view.left_out or "used",
        )
        for view in calibration.views
    )
    out = {i for i, view in enumerate(calibration.views) if view.left_out}
    head = ("View", "Corners", "RMS [px]", "Board off by", "turned by", "Without it the camera moves by", "")
    return _table(head, rows, out)


def _solvers(calibration: Calibration) -> str:
    rows = [
        ("joint refinement", "0", "0", "the result"),
        *((s.name, *_apart(s, calibration), s.dropped or "agrees") for s in calibration.solvers),
    ]
    out = {i for i, solver in enumerate(calibration.solvers, start=1) if solver.dropped}
    return _table(("Solver", "From the result", "turned by", ""), rows, out)


def _apart(solver: SolverResult, calibration: Calibration) -> tuple[str, str]:
    T = solver.T_parent_camera
    if T is None:
        return _UNKNOWN, _UNKNOWN
    off_m = float(np.linalg.norm(T[:3, 3] - calibration.T_parent_camera[:3, 3]))
    return _mm(off_m), _degrees(rotation_angle(T, calibration.T_parent_camera))


def _touch(calibration: Calibration) -> str:
    if not calibration.touch:
        return ""
    rows = (
        (str(t.corner), *(f"{1e3 * v:+.2f} mm" for v in t.miss_m), _mm(math.hypot(*t.miss_m)))
        for t in calibration.touch
    )
    table = _table(("Corner", "x", "y", "z", "Distance"), rows)
    return f"<section><h2>Touched corners: the tip missed by</h2>{table}</section>"


def _marks(calibration: Calibration) -> str:
    if not calibration.marks:
        return '<p class="quiet">No marks on the table: that the camera was moved sideways will not be seen.</p>'
    centers = ((mark.id, mark.corners_base_m.mean(axis=0)) for mark in calibration.marks)
    rows = ((str(number), *(f"{1e3 * v:.1f} mm" for v in center)) for number, center in centers)
    return f"<section><h2>Marks on the table</h2>{_table(('Mark', 'x', 'y', 'z'), rows)}</section>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], out: Iterable[int] = ()) -> str:
    """Figures to the right; a last column without a head holds words. ``out``: rows to be marked."""
    marked = set(out)
    last = len(head) - 1 if head and not head[-1] else None

    def cell(tag: str, column: int, words: str) -> str:
        kind = "" if column in (0, last) else ' class="number"'
        return f"<{tag}{kind}>{escape(words)}</{tag.split()[0]}>"

    lines = ""
    for number, (first, *rest) in enumerate(rows):
        kind = ' class="out"' if number in marked else ""
        cells = "".join(cell("td", i, words) for i, words in enumerate(rest, start=1))
        lines += f"<tr{kind}>{cell(_ROW, 0, first)}{cells}</tr>"
    names = "".join(cell(_COLUMN, i, name) for i, name in enumerate(head))
    top = f"<thead><tr>{names}</tr></thead>" if head else ""
    return f'<div class="scroll"><table>{top}<tbody>{lines}</tbody></table></div>'


def _both(length_m: float | None, angle_rad: float | None) -> str:
    return _UNKNOWN if length_m is None or angle_rad is None else f"{_mm(length_m)}, {_degrees(angle_rad)}"


def _mm(length_m: float | None) -> str:
    return _UNKNOWN if length_m is None else f"{1e3 * length_m:.2f} mm"


def _degrees(angle_rad: float | None) -> str:
    return _UNKNOWN if angle_rad is None else f"{math.degrees(angle_rad):.3f}°"
