"""``run_cell.py doctor``: one page that says what is well, what is not, and what to do about it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cell.interrupts import terminate_as_interrupt

if TYPE_CHECKING:
    from cell.doctoring.lines import Line

BROKEN = 3
"""Exit code when something is broken."""
_STYLES = {"ok": "green", "warning": "yellow", "broken": "bold red"}
_PLAIN_WIDTH = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``doctor``."""
    parser.add_argument("--cell", type=Path, metavar="FILE", help="the cell (default cell.yaml, the simulated cell)")
    parser.add_argument("--dry-run", action="store_true", help="examine a simulated cell whatever the cell file says")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there as well")
    parser.add_argument("--address", metavar="A", help="examine the simulated cell that is served there")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="dry run: injected first; may be repeated"
    )


def run(args: argparse.Namespace) -> int:
    """Carry out ``doctor``; returns 0, or 3 when something is broken.

    Raises:
        SettingsError: the options contradict each other, or the JSON file cannot be written.
    """
    from cell.doctor import DoctorRequest, examine
    from cell.settings import DEFAULT_CELL_FILE

    with terminate_as_interrupt():
        lines = examine(
            DoctorRequest(
                cell=args.cell or DEFAULT_CELL_FILE,
                dry_run=args.dry_run,
                address=args.address,
                faults=tuple(args.fault),
            )
        )
    print_page(lines)
    if args.json is not None:
        write_json(args.json, lines)
    return 0 if is_well(lines) else BROKEN


def is_well(lines: Sequence[Line]) -> bool:
    """Whether nothing is broken."""
    return all(line.status.value != "broken" for line in lines)


def print_page(lines: Sequence[Line]) -> None:
    """The findings as a table, and how many are bad."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PLAIN_WIDTH)
    table = Table("", "status", "found", "remedy", box=None, pad_edge=False)
    for line in lines:
        status = Text(line.status.value, style=_STYLES[line.status.value])
        table.add_row(Text(line.name), status, Text(line.found), Text(line.remedy))
    with console.capture() as page:
        console.print(table)
    print("\n".join(line.rstrip() for line in page.get().splitlines()))
    bad = [f"{count} {status}" for status in ("broken", "warning") if (count := _count(lines, status))]
    console.print(f"{len(lines)} looked at: {', '.join(bad) or 'all ok'}")


def write_json(path: Path, lines: Sequence[Line]) -> None:
    """``{"ok", "lines": [{"name", "status", "found", "remedy"}]}``. Raises SettingsError."""
    from robot.whole_files import whole_file

    findings = {"ok": is_well(lines), "lines": [line.record for line in lines]}
    with whole_file(path) as stream:
        stream.write((json.dumps(findings, indent=1) + "\n").encode())


def _count(lines: Sequence[Line], status: str) -> int:
    return sum(line.status.value == status for line in lines)
