"""The report: one self-contained HTML file about one run or several."""

from trials.report.document import write_report

__all__ = ["write_report"]
