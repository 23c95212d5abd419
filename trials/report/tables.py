"""The tables of the report: headline, objects, paired comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import combinations

from trials.comparison import Comparison, compare
from trials.record import TrialRecord
from trials.report.charts import interval_chart
from trials.report.run_view import RunView
from trials.report.words import (
    NOT_MEASURED,
    counts,
    milliseconds,
    p_value,
    percent,
    percent_range,
    signed_points,
)
from trials.schedule import PlannedTrial
from trials.statistics import ObjectSummary, Proportion, Summary, holm_adjusted

PROPORTIONS: tuple[tuple[str, Callable[[Summary], Proportion | None]], ...] = (
    ("Success, by the referee", lambda s: s.success_referee),
    ("Success, by the cell", lambda s: s.success_cell),
    ("Robust-prediction rate", lambda s: s.robust),
    ("Cell agrees with referee", lambda s: s.agreement),
    ("Fallback asked", lambda s: s.fallback),
)
SO_FAR: tuple[tuple[str, Callable[[Summary], Proportion | None]], ...] = (
    ("Completed trials only: by the referee", lambda s: s.success_referee_so_far),
    ("Completed trials only: by the cell", lambda s: s.success_cell_so_far),
)
VALUES: tuple[tuple[str, Callable[[Summary], str]], ...] = (
    ("Detection time, median", lambda s: milliseconds(s.detect_ms_median)),
    ("Detection time, 95th percentile", lambda s: milliseconds(s.detect_ms_p95)),
    ("Fallback's extra time, median", lambda s: milliseconds(s.fallback_ms_median)),
    ("Planning time, mean", lambda s: milliseconds(s.planning.mean_ms)),
    ("Picks per hour", lambda s: NOT_MEASURED if s.picks_per_hour is None else f"{s.picks_per_hour:.0f}"),
    ("Trials completed of planned", lambda s: f"{s.completed} of {s.planned}"),
    ("Voided attempts, repeated", lambda s: str(s.voided)),
)


def headline_table(run: RunView) -> str:
    """The numbers of one run, with their intervals."""
    summary = run.summary
    measures = (*PROPORTIONS[:2], *(SO_FAR if summary.missing else ()), *PROPORTIONS[2:])
    rows = "".join(_proportion_row(name, pick(summary), name == PROPORTIONS[0][0]) for name, pick in measures)
    bootstrap = (
        '<tr><th scope="row" class="inner">interval over objects</th><td></td><td class="number">'
        f'{percent_range(summary.success_bootstrap)}</td><td></td><td class="wide"></td></tr>'
    )
    first, rest = rows.split("</tr>", 1)
    rows = f"{first}</tr>{bootstrap}{rest}" if summary.success_bootstrap else rows
    rows += "".join(
        f'<tr><th scope="row">{name}</th><td class="number value">{pick(summary)}</td><td></td><td></td>'
        f'<td class="wide"></td></tr>'
        for name, pick in VALUES
    )
    head = '<th scope="col">Measure</th>'
    head += "".join(f'<th scope="col" class="number">{name}</th>' for name in ("Value", "95 % interval", "Trials"))
    head += '<th scope="col" class="wide">0 – 100 %</th>'
    return (
        f'<div class="scroll"><table class="headline"><caption>Headline results of {escape(run.label)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def side_by_side_table(runs: Sequence[RunView]) -> str:
    """The numbers of several runs, one column each."""
    head = '<th scope="col">Measure</th>' + "".join(
        f'<th scope="col" class="number">{escape(r.label)}</th>' for r in runs
    )
    incomplete = any(r.summary.missing for r in runs)
    measures = (*PROPORTIONS[:2], *(SO_FAR if incomplete else ()), *PROPORTIONS[2:])
    rows = ""
    for name, pick in measures:
        cells = "".join(f'<td class="number">{_proportion_cell(pick(r.summary))}</td>' for r in runs)
        rows += f'<tr><th scope="row">{name}</th>{cells}</tr>'
    cells = "".join(f'<td class="number">{percent_range(r.summary.success_bootstrap)}</td>' for r in runs)
    bootstrap = f'<tr><th scope="row" class="inner">interval over objects</th>{cells}</tr>'
    first, rest = rows.split("</tr>", 1)
    rows = f"{first}</tr>{bootstrap}{rest}"
    for name, value in VALUES:
        cells = "".join(f'<td class="number value">{value(r.summary)}</td>' for r in runs)
        rows += f'<tr><th scope="row">{name}</th>{cells}</tr>'
    return (
        '<div class="scroll"><table class="headline"><caption>Headline results side by side, with 95 % Wilson intervals'
        f"</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def comparison_table(runs: Sequence[RunView]) -> str:
    """McNemar's test for every two runs, with the counts it rests on."""
    pairs = [
        (a, b, compare(a.records, b.records) if a.protocol.same_success(b.protocol) else None)
        for a, b in combinations(runs, 2)
    ]
    adjusted = iter(holm_adjusted([c.p_value for _, _, c in pairs if c and c.p_value is not None]))
    rows = ""
    for a, b, c in pairs:
        adjusted_p = next(adjusted) if c and c.p_value is not None and len(runs) > 2 else None
        rows += _comparison_row(a.label, b.label, c, adjusted_p)
    columns = ("Pairs", "Both", "Only A", "Only B", "Neither", "A − B, points", "McNemar, exact")
    head = '<th scope="col">Detectors</th><th scope="col">Judged by</th>'
    head += "".join(f'<th scope="col" class="number">{c}</th>' for c in columns)
    caption = (
        "Paired comparison on the same placements; the difference in percentage points with its interval over objects"
    )
    return (
        f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _comparison_row(first: str, second: str, c: Comparison | None, adjusted_p: float | None) -> str:
    names = f'<th scope="row"><span class="quiet">A</span> {escape(first)}<br>'
    names += f'<span class="quiet">B</span> {escape(second)}</th>'
    if c is None:
        return f'<tr>{names}<td colspan="8">not compared: their protocols count different things as success</td></tr>'
    if c.p_value is None or c.difference is None:
        return f'<tr>{names}<td colspan="8">no placement in common: run both with the same seed and objects</td></tr>'
    holm = "" if adjusted_p is None else f'<br><span class="quiet">Holm: {p_value(adjusted_p)}</span>'
    points, interval = signed_points(c.difference), c.difference_interval
    span = f"{signed_points(interval.low)} … {signed_points(interval.high)}" if interval else NOT_MEASURED
    left_over = f'<br><span class="quiet">{c.unpaired} unpaired</span>' if c.unpaired else ""
    counted = "".join(f'<td class="number">{n}</td>' for n in (c.both, c.only_first, c.only_second, c.neither))
    return (
        f'<tr>{names}<td>{c.judged_by}</td><td class="number">{c.pairs}{left_over}</td>{counted}'
        f'<td class="number value">{points}<br><span class="quiet">{span}</span></td>'
        f'<td class="number value">{p_value(c.p_value)}{holm}</td></tr>'
    )


def object_table(run: RunView) -> str:
    """One row an object; a square for each repeat leads to its picture."""
    refereed = run.summary.success_referee is not None
    rows = "".join(_object_row(run.key, summary, refereed) for summary in run.summary.per_object)
    head = '<th scope="col">Object</th><th scope="col">Repeats</th><th scope="col" class="number">Referee</th>'
    head += '<th scope="col" class="number">Cell</th><th scope="col" class="number">95 % interval</th>'
    head += '<th scope="col" class="wide">0 – 100 %</th><th scope="col" class="number">Detection, median</th>'
    by = "the referee's" if refereed else "the cell's"
    return (
        f'<div class="scroll"><table><caption>Success by object; intervals of {by} judgement</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>{_legend(run)}"
    )


def _legend(run: RunView) -> str:
    entries = [f'<span class="mark {o.family}">{o.code}</span> {o.words}' for o in run.summary.outcomes]
    if run.summary.missing:
        entries.append('<span class="mark missing">·</span> not carried out')
    if any(_disputed(record) for record in run.counting):
        entries.append('<span class="mark fault disputed">&nbsp;</span> the referee says otherwise')
    return f'<div class="legend">{"".join(f"<span>{entry}</span>" for entry in entries)}</div>'


def _disputed(record: TrialRecord) -> bool:
    return record.referee_success is not None and record.referee_success != record.success


def _mark(key: str, planned: PlannedTrial, record: TrialRecord | None) -> str:
    if record is None:
        label = f"trial {planned.trial}: not carried out"
        return f'<span class="mark missing" role="img" title="{label}" aria-label="{label}">·</span>'
    label = f"trial {planned.trial}: {record.outcome.words}" + (", disputed" if _disputed(record) else "")
    disputed = " disputed" if _disputed(record) else ""
    return (
        f'<a class="mark {record.outcome.family}{disputed}" href="#{key}-t{planned.trial}" title="{label}" '
        f'aria-label="{label}">{record.outcome.code}</a>'
    )


def _object_row(key: str, summary: ObjectSummary, refereed: bool) -> str:
    judged = summary.success_referee or Proportion(0, len(summary.planned)) if refereed else summary.success_cell
    squares = "".join(_mark(key, p, record) for p, record in zip(summary.planned, summary.records, strict=True))
    referee = f"{judged.successes}/{judged.total}" if refereed else NOT_MEASURED
    return (
        f'<tr><th scope="row">{escape(summary.object)}</th><td class="marks">{squares}</td>'
        f'<td class="number value">{referee}</td>'
        f'<td class="number">{summary.success_cell.successes}/{summary.success_cell.total}</td>'
        f'<td class="number">{percent_range(judged.interval)}</td><td class="wide">{interval_chart(judged)}</td>'
        f'<td class="number">{milliseconds(summary.detect_ms_median)}</td></tr>'
    )


def _proportion_row(name: str, proportion: Proportion | None, first: bool) -> str:
    strong = ' class="first"' if first else ""
    if proportion is None or not proportion.total:
        cells = f'<td class="number value">{NOT_MEASURED}</td><td></td><td></td><td class="wide"></td>'
    else:
        cells = (
            f'<td class="number value">{percent(proportion.rate)}</td>'
            f'<td class="number">{percent_range(proportion.interval)}</td><td class="number">{counts(proportion)}</td>'
            f'<td class="wide">{interval_chart(proportion)}</td>'
        )
    return f'<tr{strong}><th scope="row">{name}</th>{cells}</tr>'


def _proportion_cell(proportion: Proportion | None) -> str:
    if proportion is None or not proportion.total:
        return NOT_MEASURED
    details = f"{counts(proportion)}; {percent_range(proportion.interval)}"
    return f'<span class="value">{percent(proportion.rate)}</span><br><span class="quiet">{details}</span>'
