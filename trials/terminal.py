"""The headline table on a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from trials.protocol import DEFAULT_PROTOCOL, TrialProtocol
from trials.report.planning import fallback_words
from trials.report.tables import PROPORTIONS, SO_FAR, VALUES
from trials.report.words import NOT_MEASURED, counts, percent, percent_range, plural
from trials.statistics import Proportion, Summary


def print_summary(summary: Summary, console: Console, protocol: TrialProtocol) -> None:
    """Print what the report's first table holds, how the trials ended, and what success means if not the usual."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    table.add_column("Measure")
    for name in ("Value", "95 % interval", "Trials"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, pick in (*PROPORTIONS[:2], *(SO_FAR if summary.missing else ()), *PROPORTIONS[2:]):
        table.add_row(name, *_cells(pick(summary)))
        if name == PROPORTIONS[0][0] and summary.success_bootstrap:
            table.add_row("  interval over objects", "", percent_range(summary.success_bootstrap), "")
    for name, value in VALUES:
        table.add_row(name, value(summary), "", "")
    console.print(table)
    outcomes = ", ".join(f"{number} {outcome.words}" for outcome, number in summary.outcomes.items())
    console.print(f"Outcomes: {outcomes or 'none yet'}", highlight=False)
    if protocol.name != DEFAULT_PROTOCOL:
        console.print(f"Protocol {protocol.name}: success means {protocol.words.short}", highlight=False, markup=False)
    if words := fallback_words(summary):
        console.print(words, highlight=False, markup=False)
    if summary.missing:
        missing = plural(len(summary.missing), "planned trial")
        console.print(
            f"[bold red]INCOMPLETE: {missing} of {summary.planned} without an outcome; "
            "they count as not successful.[/] Go on with --resume.",
            highlight=False,
        )


def _cells(proportion: Proportion | None) -> tuple[str, str, str]:
    if proportion is None or not proportion.total:
        return NOT_MEASURED, "", ""
    return percent(proportion.rate), percent_range(proportion.interval), counts(proportion)
