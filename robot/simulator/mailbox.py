"""How the server threads hand work to the one thread that owns the physics."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from robot.errors import DeviceError


class Job:
    """A call to be made on the simulation thread, and its result."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.asked_at = time.monotonic()
        self._function = function
        self._done = threading.Event()
        self._result: Any = None
        self._error: BaseException | None = None
        self._abandoned = False

    def run(self) -> None:
        """Make the call, unless nobody waits for it any more; its exception goes to whoever waits."""
        if self._abandoned:
            return
        try:
            self._result = self._function()
        except Exception as error:
            self._error = error
        self._done.set()

    def result(self, timeout_s: float) -> Any:
        """Wait for the result. Raises what the call raised, or DeviceError after ``timeout_s``."""
        if not self._done.wait(timeout_s):
            self._abandoned = True
            raise DeviceError(f"the simulator did not get to the request within {timeout_s:g} s")
        if self._error is not None:
            raise self._error
        return self._result


class Mailbox:
    """Callables for the simulation thread. ``post`` may be used from any thread and from signal handlers."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()

    def post(self, function: Callable[[], Any]) -> None:
        """Have ``function`` run soon; its result is dropped, and an exception is only reported on stderr."""
        self._queue.put(function)

    def call(self, function: Callable[[], Any], timeout_s: float) -> Any:
        """Have ``function`` run soon and wait for its result (see Job.result)."""
        job = Job(function)
        self._queue.put(job.run)
        return job.result(timeout_s)

    def run_waiting(self) -> int:
        """Run everything that waits, in order; the number of calls made."""
        count = 0
        while True:
            try:
                function = self._queue.get_nowait()
            except queue.Empty:
                return count
            _run(function)
            count += 1

    def wait(self, timeout_s: float) -> int:
        """Sleep until something arrives or the time is up, then run everything that waits."""
        try:
            first = self._queue.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            return 0
        _run(first)
        return 1 + self.run_waiting()


def _run(function: Callable[[], Any]) -> None:
    """No client may bring the simulation down."""
    try:
        function()
    except Exception:
        traceback.print_exc()
