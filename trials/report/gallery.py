"""A picture and a few words for every trial, the failures first."""

from __future__ import annotations

import math
from html import escape

from trials.record import TrialRecord
from trials.report.run_view import RunView
from trials.report.thumbnails import Picture, thumbnail
from trials.report.words import NARROW_SPACE, milliseconds, plural


def gallery(run: RunView) -> str:
    """Every planned trial once: failures, disputed ones, successes, missing ones; then the voided attempts."""
    failed = [r for r in run.counting if not r.success and not r.referee_success]
    differing = [r for r in run.counting if r.referee_success is not None and r.success != r.referee_success]
    succeeded = [r for r in run.counting if r.success and r.referee_success is not False]
    groups = (
        ("Failures", failed, "both"),
        ("Judged differently by cell and referee", differing, "both"),
        ("Successes", succeeded, "color"),
    )
    html = ""
    for title, records, picture in groups:
        if records:
            cards = "".join(_card(run, record, picture) for record in sorted(records, key=lambda r: r.trial))
            html += (
                f'<h3>{title} <span class="quiet">{len(records)}</span></h3><div class="cards {picture}">{cards}</div>'
            )
    return html + _missing(run) + _voided(run)


def _card(run: RunView, record: TrialRecord, picture: str) -> str:
    kinds: tuple[Picture, ...] = ("color", "depth") if picture == "both" else ("color",)
    images = [thumbnail(run.directory.frames_path, record, run.fx, kind) for kind in kinds]
    alt = escape(f"trial {record.trial}, {record.object}: {_grasp_words(record)}")
    shown = "".join(f'<img src="{data}" alt="{alt}" loading="lazy">' for data in images if data)
    shown = shown or '<span class="empty">no frame stored</span>'
    judged = _judgement(record)
    return (
        f'<figure class="card" id="{run.key}-t{record.trial}"><div class="pictures">{shown}</div><figcaption>'
        f'<div class="title"><span class="quiet">#{record.trial}</span> <b>{escape(record.object)}</b></div>'
        f'<div><span class="mark {record.outcome.family}" aria-hidden="true">{record.outcome.code}</span> '
        f"{record.outcome.words}{judged}</div>"
        f'<p class="reason">{escape(record.reason)}</p><p class="quiet">{_details(record)}</p></figcaption></figure>'
    )


def _judgement(record: TrialRecord) -> str:
    if record.referee_success is None:
        return ' <span class="quiet">· not refereed</span>'
    if record.referee_success != record.success:
        word = "success" if record.referee_success else "failure"
        return f' <b class="differs">· referee: {word}</b>'
    return ""


def _details(record: TrialRecord) -> str:
    parts = []
    if record.detect_ms is not None:
        parts.append(milliseconds(record.detect_ms))
    if record.quality is not None:
        parts.append(f"quality {record.quality:.2f}")
    if record.robust is not None:
        parts.append("robust" if record.robust else "not robust")
    if record.fallback_used:
        parts.append(f"fallback +{milliseconds(record.fallback_ms)}")
        parts += [escape(record.fallback_reason)] if record.fallback_reason else []
        parts += [f"{escape(record.executed)}'s grasp"] if record.executed else []
    return " · ".join(parts)


def _grasp_words(record: TrialRecord) -> str:
    if record.grasp is None:
        return "no grasp"
    g = record.grasp
    return (
        f"grasp at pixel ({g['u']:.0f}, {g['v']:.0f}), {math.degrees(g['angle_rad']):.0f}°, "
        f"{1000 * g['width_m']:.0f}{NARROW_SPACE}mm wide"
    )


def _missing(run: RunView) -> str:
    if not run.summary.missing:
        return ""
    names = ", ".join(f"#{p.trial}{NARROW_SPACE}{escape(p.object)}" for p in run.summary.missing)
    title = f'Not carried out <span class="quiet">{len(run.summary.missing)}</span>'
    return f'<h3>{title}</h3><p class="missing-list">{names}</p>'


def _voided(run: RunView) -> str:
    voided = [r for r in run.records if r.voided]
    if not voided:
        return ""
    rows = "".join(
        f"<li>#{r.trial} {escape(r.object)}: {escape(r.reason or 'no reason given')} "
        f'<span class="quiet">(cell: {r.outcome.words}, {escape(r.started_at)})</span></li>'
        for r in voided
    )
    return f'<h3>Voided <span class="quiet">{plural(len(voided), "attempt")}, repeated</span></h3><ul>{rows}</ul>'
