"""What a training will need next, made in a thread of its own while the network learns."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Task = TypeVar("Task")
Made = TypeVar("Made")
_AHEAD = 3


def made_ahead(tasks: Iterable[Task], make: Callable[[Task], Made]) -> Iterator[Made]:
    """``make(task)`` of every task in order, up to three ahead; what ``make`` raises is raised here."""
    worker = _Worker(tasks, make)
    worker.thread.start()
    try:
        while (made := worker.ready.get()) is not None:
            if isinstance(made, BaseException):
                raise made
            yield made
    finally:
        worker.over.set()
        worker.thread.join()


class _Worker(Generic[Task, Made]):
    def __init__(self, tasks: Iterable[Task], make: Callable[[Task], Made]) -> None:
        self.ready: queue.Queue[Made | BaseException | None] = queue.Queue(_AHEAD)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(tasks, make), daemon=True)

    def _run(self, tasks: Iterable[Task], make: Callable[[Task], Made]) -> None:
        try:
            for task in tasks:
                if self.over.is_set():
                    return
                self._put(make(task))
            self._put(None)
        except BaseException as error:  # whoever waits is told
            self._put(error)

    def _put(self, item: Made | BaseException | None) -> None:
        while not self.over.is_set():
            try:
                self.ready.put(item, timeout=0.1)
                return
            except queue.Full:
                continue
