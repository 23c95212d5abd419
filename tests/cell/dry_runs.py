"""Runs the real program in a process of its own, as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120


def start(*arguments, path=None):
    """Start ``run_cell.py``; ``path`` is put in front of PYTHONPATH."""
    environment = dict(os.environ)
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    return subprocess.Popen(
        [sys.executable, ROOT / "run_cell.py", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=ROOT,
    )


def run(*arguments, path=None):
    """Run to the end -> (exit code, everything it printed)."""
    process = start(*arguments, path=path)
    printed, _ = process.communicate(timeout=LIMIT_S)
    return process.returncode, printed


def ledger(run_directory):
    """The lines of the ledger, parsed."""
    return [json.loads(line) for line in (run_directory / "trials.jsonl").read_text().splitlines()]


def children(process):
    """Live children of a run, by what they are: ``simulator`` and ``arm_process``."""
    found = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        line = " ".join(child.cmdline())
        for module in ("robot.simulator", "robot.arm_process"):
            if module in line:
                found[module.split(".")[1]] = child
    return found
