"""Watches a long run from outside: what it takes of the machine, and whom it leaves behind."""

from __future__ import annotations

import contextlib
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

POLL_S = 0.5


@dataclass(frozen=True)
class Sample:
    """What the run and its children take at one moment.

    Attributes:
        done: trials in the ledger by then.
        rss_bytes: resident memory of them all.
        main_rss_bytes: of the run's own process.
        handles: open file handles of the run's own process.
        family: how many processes.
    """

    done: int
    rss_bytes: int
    main_rss_bytes: int
    handles: int
    family: int


@dataclass
class Watch:
    """Samples one process and its children until it ends.

    Attributes:
        samples: in the order of time.
        longest_silence_s: longest time in which the ledger did not grow, the start and the end of the run left out.
        family: every child that was ever seen.
    """

    process: subprocess.Popen
    ledger: Path
    samples: list[Sample] = field(default_factory=list)
    longest_silence_s: float = 0.0
    family: set[psutil.Process] = field(default_factory=set)

    def until_the_end(self, silence_max_s: float, start_max_s: float) -> bool:
        """Watch; False when the run was killed because it had written no line for too long."""
        grown_at, done = time.monotonic(), 0
        while self.process.poll() is None:
            now, before = time.monotonic(), done
            done = self._count()
            if done > before:
                if before:
                    self.longest_silence_s = max(self.longest_silence_s, now - grown_at)
                grown_at = now
            elif now - grown_at > (silence_max_s if done else start_max_s):
                self.process.kill()
                self.process.wait()
                return False
            with contextlib.suppress(psutil.Error):
                self._sample(done)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(POLL_S)
        return True

    def orphans(self, grace_s: float = 5.0) -> list[psutil.Process]:
        """Children that have outlived the run."""
        _, alive = psutil.wait_procs(self.family, timeout=grace_s)
        return [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]

    def _count(self) -> int:
        try:
            return self.ledger.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def _sample(self, done: int) -> None:
        main = psutil.Process(self.process.pid)
        children = main.children(recursive=True)
        self.family.update(children)
        own = main.memory_info().rss
        total = own
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += child.memory_info().rss
        self.samples.append(Sample(done, total, own, main.num_fds(), 1 + len(children)))


def middle(values: list[int]) -> float:
    """The median: a moment in which a child is being exchanged must not count."""
    ordered = sorted(values)
    return float(ordered[len(ordered) // 2])
