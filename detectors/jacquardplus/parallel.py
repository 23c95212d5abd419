"""The same work on many items, by several processes; results come as they are done."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from robot.errors import CellError

Item = TypeVar("Item")
Result = TypeVar("Result")

_PR_SET_PDEATHSIG = 1
_AHEAD = 3  # items a worker that are handed out at a time: they may be large


def mapped(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """``work`` of every item, in the order in which they are done; with one worker in this process.

    Processes are started anew (not forked), die with this one, and leave Ctrl-C to it: what they are at is given up.

    Raises:
        CellError: a worker was killed, or what ``work`` raised.
    """
    if workers == 1:
        _one_thread()
        yield from map(work, items)
        return
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(os.getpid(),))
    try:
        waiting: set[Future[Result]] = set()
        for item in items:
            waiting.add(pool.submit(work, item))
            if len(waiting) >= _AHEAD * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (one.result() for one in done)
    except BrokenProcessPool:
        raise CellError("a worker was killed; is there memory enough?",
                        "what is finished stays; start the same command again, perhaps with fewer --workers",
                        exit_code=1) from None  # fmt: skip
    except BaseException:  # an error of one of them, Ctrl-C, or nobody wants the rest
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(parent_pid: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getppid() != parent_pid:  # it died before the kernel knew
        os._exit(1)
    _one_thread()


def _one_thread() -> None:
    import cv2

    cv2.setNumThreads(1)
