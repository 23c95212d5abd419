"""Ctrl-C, ``kill`` and a closed terminal: all end a run politely, arm first."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_POLITE = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """``kill`` and a closed terminal raise KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {s: signal.signal(s, interrupt) for s in _POLITE}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """A second Ctrl-C must not keep the arm from stopping or the line from being written."""
    before = {s: signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, *_POLITE)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
