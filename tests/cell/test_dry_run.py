"""The main job from the command line to the report, and what happens when it is disturbed."""

from __future__ import annotations

import re
import signal
import time

import psutil
import pytest
import yaml

from cell.settings import DEFAULT_CELL_FILE
from tests.cell.dry_runs import LIMIT_S, ROOT, children, ledger, run, start
from trials.outcomes import Outcome

THIRD_PARTY = '''
from detectors.antipodal.detector import AntipodalDetector


class Pessimist:
    """Looks, and proposes nothing."""

    name = "pessimist"

    def detect(self, frame, *, top=1, region=None, seed=0):
        detection = AntipodalDetector().detect(frame, top=top, region=region, seed=seed)
        return type(detection)(grasps=(), detect_ms=detection.detect_ms, reason="nothing is ever good enough")
'''


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of four trials that went undisturbed."""
    out = tmp_path_factory.mktemp("dry") / "run"
    code, printed = run("--detector", "antipodal", "--trials", 4, "--seed", 7, "--out", out)
    return out, code, printed


MOODY = '''
import os, time
from dataclasses import replace
from pathlib import Path
from detectors.antipodal.detector import AntipodalDetector
from detectors.grasp import Detection


class Moody:
    """Answers late, raises, answers nonsense, behaves, and in the end hangs for good."""

    name = "moody"

    def __init__(self):
        self._asked = -1  # the first question is the warm-up's

    def detect(self, frame, *, top=1, region=None, seed=0):
        self._asked += 1
        detection = AntipodalDetector().detect(frame, top=top, region=region, seed=seed)
        ledger = Path(os.environ["MOODY_LEDGER"])
        if self._asked == 1:
            while not ledger.read_text():  # until it has been given up
                time.sleep(0.01)
        if self._asked == 2:
            raise RuntimeError("no mood")
        if self._asked == 3:
            grasp = replace(detection.grasps[0])
            object.__setattr__(grasp, "width_m", float("nan"))
            return replace(detection, grasps=(grasp,))
        if self._asked == 5:
            while True:
                time.sleep(1.0)
        return detection
'''


def installed(folder, name, source):
    """Somebody else's package with one detector, as if it had been installed in ``folder``."""
    (folder / f"{name}.py").write_text(source)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[grasp_cell.detectors]\n{name} = {name}:{name.title()}\n")
    return folder


@pytest.fixture
def pessimist(tmp_path):
    """A detector that comes from an installed package of somebody else's."""
    return installed(tmp_path, "pessimist", THIRD_PARTY)


def test_a_dry_run_ends_with_a_full_ledger_and_a_report(finished):
    out, code, printed = finished
    assert code == 0, printed
    records = ledger(out)
    assert [r["trial"] for r in records] == [1, 2, 3, 4]
    assert all(Outcome(r["outcome"]) for r in records)
    assert sum(r["referee_success"] is True for r in records) >= 2
    report = (out / "report.html").read_text()
    assert not re.search(r"(src|href)=.?https?:|url\(https?:", report)
    assert len(list((out / "frames").glob("*_depth.png"))) == 4
    assert "Success, by the referee" in printed


def test_any_detector_sees_the_same_placements_bit_for_bit(finished, pessimist, tmp_path):
    out, _, _ = finished
    other = tmp_path / "other"
    code, printed = run("--detector", "pessimist", "--trials", 4, "--seed", 7, "--out", other, path=pessimist)
    assert code == 0, printed
    first, second = ledger(out), ledger(other)
    assert [(r["object"], r["pose_seed"]) for r in first] == [(r["object"], r["pose_seed"]) for r in second]
    assert {r["outcome"] for r in second} == {"no_grasp"}
    for trial in range(1, 5):
        for picture in (f"{trial:04d}_depth.png", f"{trial:04d}_color.png"):
            assert (out / "frames" / picture).read_bytes() == (other / "frames" / picture).read_bytes(), picture


def test_a_fallback_is_asked_when_the_detector_proposes_nothing(pessimist, tmp_path):
    arguments = ("--detector", "pessimist", "--fallback", "antipodal", "--trials", 1, "--seed", 7)
    code, printed = run(*arguments, "--out", tmp_path / "run", path=pessimist)
    assert code == 0, printed
    (record,) = ledger(tmp_path / "run")
    assert record["fallback_used"]
    assert record["fallback_ms"] > 0
    assert record["grasp"] is not None
    assert (record["fallback_reason"], record["executed"]) == ("nothing proposed", "antipodal")
    assert "Fallback asked in 1 of 1 planned trials: 1 nothing proposed." in " ".join(printed.split())


def test_a_detector_that_hangs_raises_or_answers_nonsense_faults_its_trial_and_the_run_goes_on(tmp_path, monkeypatch):
    out, cell_file = tmp_path / "run", tmp_path / "cell.yaml"
    monkeypatch.setenv("MOODY_LEDGER", str(out / "trials.jsonl"))
    cell = yaml.safe_load(DEFAULT_CELL_FILE.read_text())
    cell["calibration"]["folder"] = str(ROOT / cell["calibration"]["folder"])
    cell_file.write_text(yaml.safe_dump(cell | {"detection": {"deadline_s": 2.0}}))
    path = installed(tmp_path, "moody", MOODY)
    code, printed = run(
        "--detector", "moody", "--cell", cell_file, "--objects", block(tmp_path), "--trials", 5, "--seed", 5,
        "--out", out, path=path,
    )  # fmt: skip
    assert code == 0, printed
    records = ledger(out)
    late = "moody did not answer within its deadline of 2 s"
    said = [late, "moody failed: RuntimeError: no mood", "moody failed: ValueError: a grasp needs finite numbers"]
    assert [r["reason"].startswith(words) for r, words in zip(records, said, strict=False)] == [True] * 3
    assert [r["outcome"] for r in records] == [*["detector_fault"] * 3, "success", "detector_fault"]
    assert records[4]["reason"].startswith(late)
    assert (out / "report.html").exists()


def test_a_finished_run_cannot_be_resumed(finished):
    out, _, _ = finished
    code, printed = run("--resume", out)
    assert code == 2
    assert "finished" in printed


def test_kill_9_loses_nothing_and_leaves_nobody_behind(tmp_path):
    out = tmp_path / "run"
    arguments = ["--trials", 5, "--seed", 3, "--out", out]
    for attempt in range(20):
        process = start(*arguments)
        arguments = ["--resume", out]
        if attempt < 3:
            wait_for((out / "frames" / f"{attempt + 1:04d}_depth.png").exists, process)
            family = children(process).values()
            process.kill()
            process.communicate()
            _, alive = psutil.wait_procs(family, timeout=5)
            assert not alive
        else:
            printed, _ = process.communicate(timeout=LIMIT_S)
            assert process.returncode == 0, printed
            break
    assert sorted(r["trial"] for r in ledger(out)) == [1, 2, 3, 4, 5]


def test_a_resume_with_other_settings_is_refused(tmp_path):
    out = tmp_path / "run"
    process = start("--trials", 3, "--seed", 3, "--out", out)
    wait_for((out / "frames" / "0001_depth.png").exists, process)
    process.kill()
    process.communicate()
    code, printed = run("--resume", out, "--seed", 4)
    assert code == 2
    assert "seed: asked for 4, the run has 3" in printed


def test_a_killed_simulator_is_noticed_and_the_run_can_go_on(tmp_path):
    out = tmp_path / "run"
    process = start("--trials", 3, "--seed", 3, "--out", out)
    wait_for((out / "frames" / "0002_depth.png").exists, process)
    children(process)["simulator"].kill()
    printed, _ = process.communicate(timeout=10)
    assert process.returncode == 1, printed
    assert "the simulator" in printed
    code, printed = run("--resume", out)
    assert code == 0, printed
    assert sorted(r["trial"] for r in ledger(out)) == [1, 2, 3]


@pytest.mark.parametrize("polite", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_kill_and_a_closed_terminal_write_the_line_of_the_trial_under_way(tmp_path, polite):
    out = tmp_path / "run"
    process = start("--trials", 3, "--seed", 3, "--out", out)
    wait_for((out / "frames" / "0001_depth.png").exists, process)
    process.send_signal(polite)
    printed, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, printed
    assert ledger(out)[-1]["outcome"] == "operator_abort"
    assert (out / "report.html").exists()


def test_an_interrupt_before_the_first_trial_names_the_way_to_go_on(tmp_path):
    out = tmp_path / "run"
    process = start("--trials", 1, "--seed", 3, "--out", out)
    wait_for((out / "run.yaml").exists, process)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1, printed
    assert f"--resume {out}" in printed


def test_a_run_goes_on_when_nobody_reads_its_output(tmp_path):
    process = start("--trials", 2, "--seed", 3, "--out", tmp_path / "run")
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=LIMIT_S) == 0
    assert len(ledger(tmp_path / "run")) == 2


def test_a_ledger_of_another_schedule_is_refused_before_anything_moves(tmp_path):
    out = tmp_path / "run"
    process = start("--trials", 3, "--seed", 3, "--out", out)
    wait_for((out / "frames" / "0002_depth.png").exists, process)
    process.kill()
    process.communicate()
    foreign = (out / "trials.jsonl").read_text().replace('"trial": 1,', '"trial": 3,')
    (out / "trials.jsonl").write_text(foreign)
    code, printed = run("--resume", out)
    assert code == 2
    assert "is not in this run's schedule" in printed


def block(folder):
    """An object set of one easy object."""
    objects = folder / "block.yaml"
    box = {"shape": "box", "size_m": [0.04, 0.06, 0.05], "position_m": [0, 0, 0]}
    objects.write_text(
        yaml.safe_dump({"objects": [{"name": "block", "mass_kg": 0.1, "friction": 0.8, "primitives": [box]}]})
    )
    return objects


FAULTS = [
    ("protective_stop", "lifting", "protective_stop"),
    ("emergency_stop", "approaching", "arm_fault"),
    ("rtde_silence", "lifting", "arm_fault"),
    ("dropped_sockets", "approaching", "arm_fault"),
    ("gripper_fault", "grasping", "gripper_fault"),
    ("object_lost", "lifting", "slipped"),
    ("camera_silence", "capturing", "camera_fault"),
    ("frozen_frame", "capturing", "camera_fault"),
    ("all_holes", "capturing", "camera_fault"),
]


def test_each_fault_gets_its_outcome_and_the_next_trial_runs_normally(tmp_path):
    """Faults in every second trial, on one easy object; in between nothing may be left of them."""
    objects = block(tmp_path)
    faults = tmp_path / "faults.yaml"
    schedule = [{"fault": f, "trial": 2 * i + 1, "phase": phase} for i, (f, phase, _) in enumerate(FAULTS)]
    faults.write_text(yaml.safe_dump(schedule))
    out = tmp_path / "run"
    code, printed = run(
        "--trials", 2 * len(FAULTS), "--seed", 5, "--objects", objects, "--faults", faults, "--out", out
    )
    assert code == 0, printed
    records = ledger(out)
    assert [r["outcome"] for r in records[0::2]] == [outcome for _, _, outcome in FAULTS]
    assert [r["outcome"] for r in records[1::2]] == ["success"] * len(FAULTS)


def wait_for(condition, process, limit_s=60.0):
    """Wait until ``condition`` holds while ``process`` runs."""
    give_up_at = time.monotonic() + limit_s
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < give_up_at, "the run did not get there in time"
        time.sleep(0.02)
