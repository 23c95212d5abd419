"""What a test session shows at its end: the fault matrix, cell by cell, whether its tests passed or not."""

from __future__ import annotations

import pytest

FAULT_MATRIX = "fault_matrix"
_LEGEND = "the outcome of the trial that met the fault in that phase; !: another one was due, +: the next trial failed"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [r for reports in terminalreporter.stats.values() for r in reports if isinstance(r, pytest.TestReport)]
    rows = [value for r in reports if r.when == "call" for name, value in r.user_properties if name == FAULT_MATRIX]
    if not rows:
        return
    from cell.states import PHASES
    from robot.simulator.faults import FAULT_NAMES

    terminalreporter.section("fault matrix")
    terminalreporter.write_line(_LEGEND)
    rows.sort(key=lambda row: FAULT_NAMES.index(row[0]))
    for fault, *cells in [["fault", *PHASES, "took"], *rows]:
        terminalreporter.write_line(f"{fault:18}" + "".join(f"{cell:13}" for cell in cells).rstrip())
    cells = [cell for row in rows for cell in row[1:-1]]
    right = sum(cell.isidentifier() for cell in cells)
    terminalreporter.write_line(
        f"{right} of {len(cells)} cells as they should be ({len(FAULT_NAMES)} x {len(PHASES)} in all)"
    )
