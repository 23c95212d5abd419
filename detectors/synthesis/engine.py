"""Makes a data set with several worker processes; what is finished is kept, whatever interrupts it."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from detectors.dexnet.writing import is_written
from detectors.synthesis.settings import GRASPS_PER_SCENE, DatasetSettings
from robot.child_process import spawn_module
from robot.errors import CellError
from robot.whole_files import alive

_POLL_S = 0.2
_END_S = 5.0


@dataclass(frozen=True)
class Progress:
    """How far it is; ``left_s`` is None until there is something to go by."""

    done: int
    shards: int
    elapsed_s: float
    left_s: float | None
    grasps_per_s: float


def finished(folder: Path, settings: DatasetSettings) -> set[int]:
    """Numbers of the shards that are complete."""
    return {shard for shard in range(settings.shards) if is_written(folder, shard)}


def make(
    folder: Path,
    settings: DatasetSettings,
    workers: int,
    report: Callable[[Progress], None],
    clock: Callable[[], float] = time.monotonic,
) -> Progress:
    """Make every shard that is missing.

    Raises:
        CellError: a worker failed; its last line says why. What was finished stays.
    """
    _sweep(folder)
    done = finished(folder, settings)
    missing = settings.shards - len(done)
    began, at_begin = clock(), len(done)
    running = [_Worker.start(folder, n, workers) for n in range(min(workers, missing))] if missing else []
    # With fewer shards missing than workers every worker still takes its own share of the numbers.
    running += [_Worker.start(folder, n, workers) for n in range(len(running), workers)] if missing else []
    try:
        while any(worker.process.poll() is None for worker in running):
            done |= finished_of(folder, settings, done)
            report(_progress(len(done), at_begin, settings, clock() - began))
            _raise_if_failed(running)
            time.sleep(_POLL_S)
        _raise_if_failed(running)
    finally:
        for worker in running:
            worker.end()
    done |= finished_of(folder, settings, done)
    if len(done) < settings.shards:
        raise CellError(
            f"{settings.shards - len(done)} shards are missing", "start the same command again", exit_code=1
        )
    last = _progress(len(done), at_begin, settings, clock() - began)
    report(last)
    return last


def finished_of(folder: Path, settings: DatasetSettings, known: set[int]) -> set[int]:
    """Shards that have been completed beside those ``known``."""
    return {shard for shard in range(settings.shards) if shard not in known and is_written(folder, shard)}


@dataclass(frozen=True)
class _Worker:
    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    @classmethod
    def start(cls, folder: Path, number: int, of: int) -> _Worker:
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in end()
        arguments = [str(folder.resolve()), str(number), str(of)]
        return cls(spawn_module("detectors.synthesis.worker", arguments, stderr=errors), errors)

    def last_line(self) -> str:
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no message"

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.errors.close()


def _sweep(folder: Path) -> None:
    """Remove the half-written files of workers that were killed: ``.NAME.PID.part``."""
    for part in folder.glob("*/.*.part"):
        pid = part.name.split(".")[-2]
        if pid.isdigit() and not alive(int(pid)):
            part.unlink(missing_ok=True)


def _raise_if_failed(workers: list[_Worker]) -> None:
    for worker in workers:
        code = worker.process.poll()
        if code not in (None, 0):
            message = worker.last_line().removeprefix("error: ")
            if code is not None and code < 0:
                message = f"ended by signal {-code} ({signal.strsignal(-code)}); is there memory enough?"
            raise CellError(f"a worker failed: {message}", "what is finished stays; start the same command again",
                            exit_code=1)  # fmt: skip


def _progress(done: int, at_begin: int, settings: DatasetSettings, elapsed_s: float) -> Progress:
    made = done - at_begin
    grasps = made * GRASPS_PER_SCENE * settings.scenes / settings.shards
    left = elapsed_s / made * (settings.shards - done) if made else None
    return Progress(done, settings.shards, elapsed_s, left, grasps / max(elapsed_s, 1e-9))
