"""Child processes that cannot outlive us, however we end."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
PROJECT_ROOT = Path(__file__).resolve().parent.parent


def _die_with(parent_pid: int, set_signal: Callable[[int, int], int]) -> Callable[[], None]:
    def prepare() -> None:
        os.setpgid(0, 0)  # Ctrl-C goes to us alone; we stop the arm first and the children after
        set_signal(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:  # the parent died between fork and prctl
            os.kill(os.getpid(), signal.SIGKILL)

    return prepare


# Images come and go in every thread: kept in one heap, and given back whole, they leave no holes that add up over days.
_HEAP = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(1 << 20)}


def spawn_module(
    module: str,
    arguments: Sequence[str] = (),
    *,
    pass_fds: Sequence[int] = (),
    stdout: int | IO[bytes] | None = subprocess.DEVNULL,
    stderr: int | IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``python -m module``; the kernel kills it the moment this process ends (Linux).

    Call it from the main thread: the kernel's promise is bound to the thread that spawned.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    path = os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {**_HEAP, **os.environ, "PYTHONPATH": path}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=pass_fds,
        env=environment,
        preexec_fn=_die_with(os.getpid(), libc.prctl),
    )
