"""What the fallback did and cost in words, and planning times side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import permutations

from trials.comparison import Speedup, planning_speedup
from trials.report.run_view import RunView
from trials.report.words import NARROW_SPACE, NOT_MEASURED, counts, milliseconds, plural
from trials.statistics import Summary


def fallback_words(summary: Summary) -> str:
    """Why the fallback was asked, what came of it and what it cost, as plain text; empty where it was never asked."""
    asked, planning = summary.fallback.successes, summary.planning
    if not asked:
        return ""
    reasons = ", ".join(f"{number} {reason}" for reason, number in planning.fallback_reasons.items())
    words = f"Fallback asked in {counts(summary.fallback)} planned trials" + (f": {reasons}. " if reasons else ". ")
    if planning.fallback_executed is not None:
        words += f"Its grasp was the chosen one in {planning.fallback_executed} of {asked}. "
    median, total = milliseconds(summary.fallback_ms_median), milliseconds(planning.fallback_total_ms)
    return f"{words}It took {median} (median), {total} in all."


def planning_table(runs: Sequence[RunView]) -> str:
    """The planning times of several runs, and how much a fallback saves against always asking it."""
    columns = ("Planning time, mean", "in all", "Fallback asked", "its grasp chosen", "its time in all")
    head = '<th scope="col">Run</th><th scope="col">Fallback</th>'
    head += "".join(f'<th scope="col" class="number">{name}</th>' for name in columns) + '<th scope="col">Why</th>'
    rows = "".join(_row(run) for run in runs)
    caption = "From the image in hand to the grasp that is executed, in-painting, judging and fallback included"
    return (
        f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{_speedups(runs)}"
    )


def _row(run: RunView) -> str:
    summary, planning = run.summary, run.summary.planning
    asked = summary.fallback.successes
    executed = NOT_MEASURED if planning.fallback_executed is None else f"{planning.fallback_executed} of {asked}"
    why = "<br>".join(f"{number} {escape(reason)}" for reason, number in planning.fallback_reasons.items())
    numbers = (milliseconds(planning.total_ms), counts(summary.fallback), executed)
    cells = "".join(f'<td class="number">{text}</td>' for text in (*numbers, milliseconds(planning.fallback_total_ms)))
    return (
        f'<tr><th scope="row">{escape(run.label)}</th><td>{escape(run.fallback or "none")}</td>'
        f'<td class="number value">{milliseconds(planning.mean_ms)}</td>{cells}<td>{why or NOT_MEASURED}</td></tr>'
    )


def _speedups(runs: Sequence[RunView]) -> str:
    lines = ""
    for run, other in permutations(runs, 2):
        always = str(other.info.get("detector")) == run.fallback and not other.fallback
        if always and (speedup := planning_speedup(run.records, other.records)) is not None:
            lines += f"<li>{_speedup_words(run.label, other.label, speedup)}</li>"
    return f"<ul>{lines}</ul>" if lines else ""


def _speedup_words(label: str, always: str, speedup: Speedup) -> str:
    words = (
        f"<b>{escape(label)} plans {speedup.times:.1f} times as fast as always asking "
        f"{escape(always)}</b>: {milliseconds(speedup.first_ms)} against {milliseconds(speedup.second_ms)}, the means "
        f"of the {plural(speedup.pairs, 'placement')} that both looked at"
    )
    if speedup.interval is None:
        return f"{words}."
    low, high = speedup.interval.low, speedup.interval.high
    return f"{words}; 95{NARROW_SPACE}% interval over objects {low:.1f} – {high:.1f} times."
