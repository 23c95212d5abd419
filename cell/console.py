"""What the operator sees: a live view on a terminal, plain lines anywhere else."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cell.states import State
from trials.record import TrialRecord
from trials.schedule import PlannedTrial
from trials.statistics import wilson_interval


class PatientOutput(io.TextIOBase):
    """A stream that goes on when its reader has gone (``| head``): trials matter more than their screen."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or let it be."""
        with suppress(BrokenPipeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush; when nobody reads any more, stop trying for good."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def isatty(self) -> bool:
        """As the stream."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """As the stream."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """As the stream."""
        return self._stream.encoding


class RunConsole:
    """Shows state, the current grasp in words, running success with its interval, and the time left.

    Use it as a context manager around the run.

    Args:
        console: where to print.
        total: how many trials are planned.
        done: records that a resumed run already holds.
        title: what is run, in a few words.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        console: Console,
        total: int,
        done: tuple[TrialRecord, ...],
        title: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._total = total
        self._records = [r for r in done if not r.voided]
        self._title = title
        self._clock = clock
        self._begun_with = len(self._records)
        self._begun_at = clock()
        self._state = State.CHECKING
        self._planned: PlannedTrial | None = None
        self._said = ""
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(self._view(), console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        else:
            self._console.print(self._title)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def entered(self, state: State, planned: PlannedTrial | None) -> None:
        """The run has entered ``state``."""
        if planned is not self._planned:
            self._said = ""
        self._state, self._planned = state, planned
        self._refresh()

    def say(self, words: str) -> None:
        """Something worth a glance happened."""
        self._said = words
        self._refresh()

    def warn(self, words: str) -> None:
        """Something the operator should read afterwards, too."""
        self._console.print(Text(words, style="yellow"), soft_wrap=True)

    def recorded(self, record: TrialRecord) -> None:
        """A line was written to the ledger."""
        if not record.voided:
            self._records.append(record)
        self._console.print(self._line(record), soft_wrap=True)
        self._refresh()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing is drawn while the operator is asked something."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()
        try:
            yield
        finally:
            self._live = live
            if live is not None:
                live.start()

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._view())

    def _line(self, record: TrialRecord) -> Text:
        mark, style = ("✓", "green") if record.success else ("✗", "red")
        if record.voided:
            mark, style = "–", "yellow"
        referee = "" if record.referee_success in (None, record.success) else f"  referee: {record.referee_success}"
        detect = "" if record.detect_ms is None else f"  {record.detect_ms:.0f} ms"
        detect += f" + {record.fallback_ms:.0f} ms" if record.fallback_used else ""
        text = (
            f"{mark} {record.trial:>3}/{self._total}  {record.object:<18} {record.outcome.value:<16}{detect}{referee}"
        )
        return Text(text + ("" if record.success else f"  {record.reason}"), style=style)

    def _view(self) -> Panel:
        trial = f"trial {self._planned.trial} of {self._total}: {self._planned.object}" if self._planned else "starting"
        facts = Table.grid(padding=(0, 2))
        facts.add_row("state", Text(self._state.value, style="bold"))
        facts.add_row("now", Text(self._said or "-"))  # not as markup: what a detector raised may stand in it
        facts.add_row("success", self._success())
        facts.add_row("time left", self._time_left())
        bar = ProgressBar(total=self._total, completed=len(self._records))
        return Panel(Group(Text(trial), facts, bar), title=self._title, border_style="blue")

    def _success(self) -> str:
        done = len(self._records)
        if not done:
            return "-"
        won = sum(r.judged_success for r in self._records)
        interval = wilson_interval(won, done)
        return f"{won} of {done} = {won / done:.0%}  (95 %: {interval.low:.0%} to {interval.high:.0%})"

    def _time_left(self) -> str:
        new = len(self._records) - self._begun_with
        if not new:
            return "-"
        left_s = (self._clock() - self._begun_at) / new * (self._total - len(self._records))
        return f"{left_s / 60:.0f} min" if left_s > 90 else f"{left_s:.0f} s"
