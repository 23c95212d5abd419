"""``detectors.synthesize`` with two scenes a shard in place of 25, so that several shards are made in seconds.

``python -m tests.detectors.synthesis.small_shards [worker] ARGUMENTS``: the command, or one of its worker processes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from detectors import synthesize
from detectors.synthesis import engine, settings, worker
from detectors.synthesis.settings import DatasetSettings
from robot.child_process import PROJECT_ROOT, spawn_module

MODULE = "tests.detectors.synthesis.small_shards"
SCENES_PER_SHARD = 2


def spawn_small_worker(module: str, arguments: Sequence[str], **streams: Any) -> subprocess.Popen[bytes]:
    """In place of ``spawn_module``: a worker that makes small shards."""
    assert module == "detectors.synthesis.worker"
    return spawn_module(MODULE, ["worker", *arguments], **streams)


def start(*arguments: object) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", MODULE, *map(str, arguments)], cwd=PROJECT_ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ, PYTHONPATH=str(PROJECT_ROOT)),
    )  # fmt: skip


def wanted(scenes: int, **changes: Any) -> DatasetSettings:
    """Settings of a data set that is quickly made."""
    return DatasetSettings(**{"scenes": scenes, "seed": 1, "samples": 2, "held_out_tries": 1, **changes})


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def wait_for(condition: Any, seconds: float = 60.0) -> None:
    """Until ``condition()`` holds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it never came to pass"
        time.sleep(0.02)


if __name__ == "__main__":
    settings.SCENES_PER_SHARD = SCENES_PER_SHARD
    engine.spawn_module = spawn_small_worker  # type: ignore[assignment]
    if sys.argv[1] == "worker":
        sys.exit(worker.main(sys.argv[2:]))
    sys.exit(synthesize.main(sys.argv[1:]))
