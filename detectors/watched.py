"""A detector by a deadline: it may come from anybody, and one that hangs must not hold the run."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from detectors.grasp import Detection
from detectors.registry import Detector
from robot.deadline import Deadline
from robot.errors import CellError
from robot.frame import Frame


class DetectorTimeout(CellError):
    """A detector did not answer by its deadline."""


class WatchedDetector:
    """Asks a detector in a thread of its own and waits no longer than its deadline; itself a ``Detector``.

    A thread cannot be ended from outside: a call that is given up goes on behind our back, and its answer is thrown
    away. Detectors are not made for two calls at once, so the next one first waits for it, within its own deadline.
    A detector that never lets go of Python's interpreter lock cannot be watched from within its process.

    One thread serves all calls: what libraries keep for each thread (pools, compiled kernels) is paid for once. It is a
    daemon, for what hangs in it must not keep the program from ending.

    Args:
        detector: who answers.
        deadline_s: how long a call may take.
    """

    def __init__(self, detector: Detector, deadline_s: float) -> None:
        self.name = detector.name
        self._detector = detector
        self._deadline_s = deadline_s
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._under_way: _Call | None = None
        _Worker(self._calls, f"detector: {self.name}").start()
        # Not at the program's end: nobody is to wake while the interpreter is taken down.
        weakref.finalize(self, self._calls.put, None).atexit = False

    def detect(
        self, frame: Frame, *, top: int = 1, region: NDArray[np.bool_] | None = None, seed: int = 0
    ) -> Detection:
        """The detector's answer; see ``detectors.registry.Detector``. For one thread.

        Raises:
            DetectorTimeout: none came by the deadline.
            Exception: whatever the detector raised.
        """
        deadline = Deadline(self._deadline_s)
        if self._under_way is not None and not self._under_way.done.wait(deadline.remaining_s):
            raise self._late("is still busy with an earlier image")
        detector = self._detector
        call = _Call(lambda: detector.detect(frame, top=top, region=region, seed=seed))
        self._under_way = call  # noted before it begins: Ctrl-C may come while we wait
        self._calls.put(call)
        if not call.done.wait(deadline.remaining_s):
            raise self._late("did not answer")
        self._under_way = None
        return call.result()

    def _late(self, what: str) -> DetectorTimeout:
        return DetectorTimeout(
            f"{self.name} {what} within its deadline of {self._deadline_s:g} s",
            "choose a faster detector, or raise detection.deadline_s in the cell file",
        )


class _Call:
    """One question and, once ``done``, what came of it."""

    def __init__(self, ask: Callable[[], Detection]) -> None:
        self.done = threading.Event()
        self._ask = ask
        self._answer: Detection | None = None
        self._error: Exception | None = None

    def run(self) -> None:
        try:
            self._answer = self._ask()
        except Exception as error:
            self._error = error
        except BaseException as error:  # sys.exit() in a detector would end this thread, and nobody would answer
            self._error = RuntimeError(f"{type(error).__name__}: {error}")
        finally:
            self.done.set()

    def result(self) -> Detection:
        if self._error is not None:
            raise self._error
        return self._answer  # type: ignore[return-value]  # None only where the detector itself answered so


class _Worker(threading.Thread):
    """Holds nothing but the queue, so that it ends with its owner."""

    def __init__(self, calls: SimpleQueue[_Call | None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.busy = False
        self._calls = calls

    def run(self) -> None:
        while (call := self._calls.get()) is not None:
            self.busy = True
            call.run()
            del call
            self.busy = False


def anybody_busy() -> bool:
    """Whether a detector is at work still, one that was given up, say.

    It would come back to an interpreter that is being taken down, which ends the process with an abort (Python 3.11 and
    3.12): a program that ends meanwhile has to do so by ``os._exit``.
    """
    return any(isinstance(thread, _Worker) and thread.busy for thread in threading.enumerate())
