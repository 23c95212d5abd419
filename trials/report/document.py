"""Puts the report together and writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from robot.errors import SettingsError
from trials.report.charts import forest_chart, outcome_chart, time_chart, time_edges
from trials.report.gallery import gallery
from trials.report.planning import fallback_words, planning_table
from trials.report.run_view import RunView, load_runs
from trials.report.tables import PROPORTIONS, comparison_table, headline_table, object_table, side_by_side_table
from trials.report.words import (
    NOT_MEASURED,
    counts,
    definitions_html,
    differing_protocols,
    percent,
    percent_range,
    plural,
    protocol_words,
)
from trials.run_directory import write_atomically

PICTURES = (
    "What the camera saw around each grasp, with the jaws drawn to scale: the thin line is the opening along the "
    "closing direction, the bars are the finger pads. Trials that failed or are disputed also show depth: near is "
    "light, unknown is red."
)


def write_report(run_dirs: Sequence[Path], out: Path) -> None:
    """Write one HTML file about the runs; it needs nothing else, and nothing from the network.

    Raises:
        SettingsError, LedgerError: a run cannot be read, or ``out`` cannot be written.
    """
    if not run_dirs:
        raise SettingsError("report: name at least one run directory")
    runs = load_runs(run_dirs)
    if len({run.directory.path for run in runs}) < len(runs):
        raise SettingsError("report: a run directory is named twice")
    html = render(runs)
    try:
        write_atomically(out, html.encode())
    except OSError as error:
        raise SettingsError(f"{out}: the report cannot be written: {error.strerror}") from None


def render(runs: Sequence[RunView]) -> str:
    """The whole page."""
    template = files("trials.report").joinpath("template.html").read_text(encoding="utf-8")
    title = runs[0].label if len(runs) == 1 else " and ".join(run.label for run in runs)
    body = _single(runs[0]) if len(runs) == 1 else _several(runs)
    body += definitions_html([run.protocol for run in runs]) + _settings(runs)
    return template.replace("{{title}}", escape(f"Grasp trials: {title}")).replace("{{body}}", body)


def _single(run: RunView) -> str:
    header = f'<p class="kicker">Grasp trials</p><h1>{escape(run.label)}</h1>{_verdict(run)}{_facts(run)}'
    results = f'<section id="results"><h2>Results</h2>{headline_table(run)}{_fallback(run)}</section>'
    return f"<header>{header}</header>{_warnings(run)}{_dry_run_note([run])}{results}{_run_sections(run, runs=1)}"


def _several(runs: Sequence[RunView]) -> str:
    lines = "".join(f"<li><b>{escape(run.label)}</b>: {_verdict(run, tag='span')}</li>" for run in runs)
    groups = []
    for name, pick in PROPORTIONS[:3]:
        rows = [(run.label, p) for run in runs if (p := pick(run.summary)) is not None]
        if rows:
            groups.append((name, rows))
    warnings = _different_protocols(runs) + "".join(_warnings(run, named=True) for run in runs)
    html = (
        f'<header><p class="kicker">Grasp trials, compared</p><h1>{" · ".join(escape(r.label) for r in runs)}</h1>'
        f'<ul class="verdicts">{lines}</ul></header>{warnings}{_dry_run_note(runs)}'
        f'<section id="results"><h2>Results</h2>{side_by_side_table(runs)}{forest_chart(groups)}</section>'
        f'<section id="comparison"><h2>Paired comparison</h2>{comparison_table(runs)}</section>'
        f'<section id="planning"><h2>Planning time</h2>{planning_table(runs)}</section>'
    )
    edges = _shared_edges(runs)
    for run in runs:
        html += f'<section class="run"><h2 class="run-title">{escape(run.label)}</h2>{_facts(run)}</section>'
        html += _run_sections(run, runs=len(runs), edges=edges)
    return html


def _fallback(run: RunView) -> str:
    words = fallback_words(run.summary)
    return f"<p>{escape(words)}</p>" if words else ""


def _run_sections(run: RunView, runs: int, edges: Sequence[float] | None = None) -> str:
    edges = edges or _shared_edges([run])
    times = [r.detect_ms for r in run.counting if r.detect_ms is not None]
    median, p95 = run.summary.detect_ms_median, run.summary.detect_ms_p95
    shown = time_chart(times, median, p95, edges) if edges and median is not None and p95 is not None else NOT_MEASURED
    of = "" if runs == 1 else f' <span class="quiet">{escape(run.label)}</span>'
    outcomes = outcome_chart(run.summary.outcomes, len(run.summary.missing))
    return (
        f'<section class="charts"><div><h2>Outcomes{of}</h2>{outcomes}</div>'
        f"<div><h2>Detection time{of}</h2>{shown}</div></section>"
        f"<section><h2>Objects{of}</h2>{object_table(run)}</section>"
        f'<section class="trials"><h2>Trials{of}</h2><p class="quiet">{PICTURES}</p>{gallery(run)}</section>'
    )


def _shared_edges(runs: Sequence[RunView]) -> list[float]:
    times = [r.detect_ms for run in runs for r in run.counting if r.detect_ms is not None]
    return time_edges(times) if times else []


def _verdict(run: RunView, tag: str = "p") -> str:
    summary = run.summary
    by, rate = "the referee", summary.success_referee
    if rate is None:
        by, rate = "the cell's own judgement (nobody refereed)", summary.success_cell
    interval = percent_range(rate.interval)
    text = f"<b>{percent(rate.rate)}</b> success by {by}: {counts(rate)} planned trials, 95 % interval {interval}."
    if summary.missing:
        text += f" <b>Incomplete: {plural(len(summary.missing), 'trial')} missing.</b>"
    return f'<{tag} class="verdict">{text}</{tag}>'


def _facts(run: RunView) -> str:
    info = run.info
    versions = info.get("versions")
    objects = plural(len(run.summary.per_object), "object")
    repeats = max(p.repeat for p in run.planned)
    rows = {
        "World": "dry run (simulated)" if info.get("dry_run") else "hardware" if "dry_run" in info else None,
        "Detector": info.get("detector"),
        "Fallback": run.fallback or "none",
        "Plan": f"{plural(len(run.planned), 'trial')}, {objects}, up to {plural(repeats, 'repeat')}",
        "Protocol": protocol_words(run.protocol),
        "Seed": info.get("seed"),
        "Cell": info.get("cell_file"),
        "Started": _moment(info.get("started_at")),
        "Revision": info.get("git_revision"),
        "Versions": ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, Mapping) else versions,
        "Directory": run.directory.path.name,
    }
    shown = "".join(f"<div><dt>{k}</dt><dd>{escape(_flat(v))}</dd></div>" for k, v in rows.items() if v is not None)
    return f'<dl class="facts">{shown}</dl>'


def _different_protocols(runs: Sequence[RunView]) -> str:
    words = differing_protocols([run.protocol for run in runs])
    return f'<div class="warning loud" role="alert"><b>{escape(words)}</b></div>' if words else ""


def _warnings(run: RunView, named: bool = False) -> str:
    who = f"{escape(run.label)}: " if named else ""
    summary, html = run.summary, ""
    if summary.missing:
        html += (
            f'<div class="warning loud" role="alert"><b>{who}This run is incomplete.</b> '
            f"{plural(len(summary.missing), 'planned trial')} of {summary.planned} "
            f"{'has' if len(summary.missing) == 1 else 'have'} no outcome. In the rates "
            "they count as not successful, so the rates are lower bounds. Finish the run with <code>--resume</code> "
            "before citing it.</div>"
        )
    if run.torn_bytes:
        html += (
            f'<div class="warning">{who}The ledger ends in an unfinished line, left out here: the run is still going '
            "on, or it was cut off while writing.</div>"
        )
    others = sorted({r.detector for r in run.counting} - {str(run.info.get("detector"))})
    if others:
        html += f'<div class="warning">{who}Some trials name another detector: {escape(", ".join(others))}.</div>'
    return html


def _dry_run_note(runs: Sequence[RunView]) -> str:
    dry = [run.label for run in runs if run.info.get("dry_run")]
    if not dry:
        return ""
    which = "" if len(dry) == len(runs) else f" ({escape(', '.join(dry))})"
    return (
        f'<div class="note"><b>Dry run{which}.</b> The controller and the drivers are those that move the real cell; '
        "the world at the far end of their cables is simulated. The rates describe that simulation.</div>"
    )


def _settings(runs: Sequence[RunView]) -> str:
    html = '<section id="settings"><h2>Settings, in full</h2>'
    for run in runs:
        text = yaml.safe_dump(dict(run.info), sort_keys=False, allow_unicode=True, width=100)
        html += f"<details><summary>run.yaml of {escape(run.label)}</summary><pre>{escape(text)}</pre></details>"
    return html + "</section>"


def _moment(value: Any) -> str | None:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return None if value is None else str(value)


def _flat(value: Any) -> str:
    return ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, Mapping) else str(value)
