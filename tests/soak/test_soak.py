"""Hundreds of trials with faults in between: nothing is lost, nothing hangs, nothing grows, nobody is left behind.

``make soak``; SOAK_TRIALS (500), SOAK_SEED (1) and WIRE_TRIALS (200) say how many and which.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import datetime
from itertools import pairwise

import pytest
import yaml

from cell.states import PHASES
from robot.simulator.faults import FAULT_NAMES
from tests.cell.calibrated_cell import calibrated_cell
from tests.cell.dry_runs import ROOT, ledger
from tests.soak.soaking import Sample, Watch, middle
from trials.outcomes import Outcome

pytestmark = pytest.mark.soak

TRIALS = int(os.environ.get("SOAK_TRIALS", "500"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
FAULTED_SHARE = 0.1
WARM_UP_SHARE, END_SHARE = 0.2, 0.2
TRIAL_MAX_S, START_MAX_S = 60.0, 180.0
GROWTH_MAX_BYTES = 50 * 2**20
HANDLES_GROWTH_MAX = 2  # the moment of a sample decides whether a frame's file is open


@pytest.fixture(scope="module")
def soaked(tmp_path_factory, request):
    """The run, watched to its end -> (exit code, watch, ledger's lines)."""
    folder = tmp_path_factory.mktemp("soak")
    rng = random.Random(SEED)
    struck = sorted(rng.sample(range(1, TRIALS + 1), round(FAULTED_SHARE * TRIALS)))
    schedule = [{"fault": rng.choice(FAULT_NAMES), "trial": trial, "phase": rng.choice(PHASES)} for trial in struck]
    (folder / "faults.yaml").write_text(yaml.safe_dump(schedule))
    cell_file = calibrated_cell(tmp_path_factory, folder / "cell.yaml")
    command = [sys.executable, ROOT / "run_cell.py", "--cell", cell_file, "--faults", folder / "faults.yaml"]
    command += ["--trials", str(TRIALS), "--seed", str(SEED), "--out", folder / "run"]
    with (folder / "printed.txt").open("w") as printed:
        process = subprocess.Popen(list(map(str, command)), stdout=printed, stderr=subprocess.STDOUT, cwd=ROOT)
        watch = Watch(process, folder / "run" / "trials.jsonl")
        ended = watch.until_the_end(TRIAL_MAX_S, START_MAX_S)
    words = (folder / "printed.txt").read_text()[-4000:]
    assert ended, f"no line was written for too long\n{words}"
    assert process.returncode == 0, words
    records = ledger(folder / "run")
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        _tell(watch, records, schedule)
    return watch, records, schedule


def test_every_planned_trial_is_in_the_ledger_once_and_has_a_name(soaked):
    _, records, _ = soaked
    assert [r["trial"] for r in records] == list(range(1, TRIALS + 1))
    assert all(Outcome(r["outcome"]) is not Outcome.OPERATOR_ABORT for r in records)


def test_a_trial_without_a_fault_never_ends_in_one(soaked):
    _, records, schedule = soaked
    struck = {fault["trial"] for fault in schedule}
    wrong = [r for r in records if r["trial"] not in struck and Outcome(r["outcome"]).family == "fault"]
    assert [(r["trial"], r["outcome"], r["reason"]) for r in wrong] == []


def test_no_trial_takes_a_minute(soaked):
    watch, records, _ = soaked
    assert longest_s(records) < TRIAL_MAX_S
    assert watch.longest_silence_s < TRIAL_MAX_S


def test_memory_does_not_grow(soaked):
    watch, _, _ = soaked
    assert grown(watch.samples, "rss_bytes") < GROWTH_MAX_BYTES


def test_open_files_do_not_grow(soaked):
    watch, _, _ = soaked
    assert grown(watch.samples, "handles") <= HANDLES_GROWTH_MAX


def test_nobody_is_left_behind(soaked):
    watch, _, _ = soaked
    assert len(watch.family) >= 2
    assert watch.orphans() == []


def longest_s(records) -> float:
    """The longest time between two beginnings of trials."""
    starts = [datetime.fromisoformat(r["started_at"]) for r in records]
    return max((b - a).total_seconds() for a, b in pairwise(starts))


def grown(samples: list[Sample], what: str) -> float:
    """By how much ``what`` is more at the end of the run than after its warm-up."""
    ends = samples[-1].done
    after = [getattr(s, what) for s in samples if WARM_UP_SHARE * ends <= s.done <= (WARM_UP_SHARE + END_SHARE) * ends]
    last = [getattr(s, what) for s in samples if (1 - END_SHARE) * ends <= s.done < ends]
    return middle(last) - middle(after)


def _tell(watch, records, schedule) -> None:
    outcomes = {o.value: sum(r["outcome"] == o for r in records) for o in Outcome}
    print(f"\nsoak: {len(records)} trials, {len(schedule)} with a fault, {len(watch.samples)} samples")
    print("  " + ", ".join(f"{name} {count}" for name, count in outcomes.items() if count))
    print(f"  longest trial {longest_s(records):.1f} s, longest silence of the ledger {watch.longest_silence_s:.1f} s")
    rss, growth = [s.rss_bytes / 2**20 for s in watch.samples], grown(watch.samples, "rss_bytes") / 2**20
    print(f"  memory {middle(rss):.0f} MiB, at most {max(rss):.0f}, grown by {growth:.1f} after the warm-up")
    print(f"  the run's own process: {grown(watch.samples, 'main_rss_bytes') / 2**20:.1f} MiB more, ", end="")
    print(f"{grown(watch.samples, 'handles'):.0f} handles more")
