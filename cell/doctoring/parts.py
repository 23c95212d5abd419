"""Parts of an examination: each in a thread of its own, by a deadline, whatever becomes of the others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cell.doctoring.lines import Line, broken, broken_by, not_examined
from robot.deadline import Deadline


@dataclass(frozen=True)
class Part:
    """One thing to be looked at.

    Attributes:
        names: of the lines that ``examine`` gives, in this order.
        examine: gives the lines one by one; where it raises, those still to come are accounted for here.
        timeout_s: it is given up after this.
    """

    names: tuple[str, ...]
    examine: Callable[[], Iterator[Line]]
    timeout_s: float = 8.0


class Examination:
    """Parts under way. All of its methods are for one thread."""

    def __init__(self) -> None:
        self._running: list[_Running] = []

    def begin(self, part: Part) -> None:
        """Start on one more part; it runs from now on."""
        self._running.append(_Running(part))

    def lines(self) -> tuple[Line, ...]:
        """Wait for all parts and give their lines in the order in which the parts were begun."""
        return tuple(line for running in self._running for line in running.lines())


class _Running:
    def __init__(self, part: Part) -> None:
        self._part = part
        self._given: list[Line] = []
        self._trouble: Line | None = None
        self._deadline = Deadline(part.timeout_s)
        # A daemon: one that hangs in a library must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name=f"doctor: {part.names[0]}", daemon=True)
        self._thread.start()

    def lines(self) -> tuple[Line, ...]:
        self._thread.join(self._deadline.remaining_s)
        given = tuple(self._given)
        missing = self._part.names[len(given) :]
        if not missing:
            return given
        first = missing[0]
        late = f"no answer within {self._deadline.timeout_s:g} s"
        trouble = self._trouble or broken(first, late, "is it switched on, plugged in and not in other use?")
        return (*given, trouble, *(not_examined(name, first) for name in missing[1:]))

    def _work(self) -> None:
        try:
            for line in self._part.examine():
                self._given.append(line)
        except Exception as error:  # whatever it is, the other parts are to be examined
            self._trouble = broken_by(self._next_name(), error)

    def _next_name(self) -> str:
        return self._part.names[min(len(self._given), len(self._part.names) - 1)]
