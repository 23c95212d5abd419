"""A run in this process with a recorder on its wires and an adversary for its detector."""

from __future__ import annotations

import dataclasses

import yaml

import cell.assembly
import cell.session
from cell.command_line import main
from tests.cell.adversary import Adversary
from tests.cell.calibrated_cell import calibrated_cell
from tests.cell.dry_runs import ledger
from tests.cell.wire_limits import LimitChecker
from tests.cell.wire_recorder import RecorderProcess
from trials.outcomes import Outcome


def check_wires(trials, tmp_path, tmp_path_factory, monkeypatch, capfd) -> None:
    """Run ``trials`` against the adversary: every line is written, and nothing sent to the arm breaks a limit."""
    out = tmp_path / "run"
    cell_file = calibrated_cell(tmp_path_factory, tmp_path / "cell.yaml")
    recorders = record_wires(monkeypatch)
    monkeypatch.setattr(cell.session, "make_detector", lambda name: Adversary())
    alone = ["--detector", "antipodal", "--fallback", "none"]  # with a fallback the metric's floor stops most of it
    code = main(["run", *alone, "--cell", str(cell_file), "--trials", str(trials), "--seed", "11", "--out", str(out)])
    assert code == 0, capfd.readouterr()
    records = ledger(out)
    assert [r["trial"] for r in records] == list(range(1, trials + 1))
    assert {r["detector"] for r in records} == {Adversary.name}
    checker = LimitChecker(yaml.safe_load((out / "run.yaml").read_text())["cell"])
    violations = [words for recorder in recorders for words in checker.violations(recorder.sent)]
    assert violations == []
    assert checker.moves > trials, "the arm has hardly moved: nothing was tried"
    assert any(r["outcome"] == Outcome.SUCCESS for r in records)
    assert any(r["outcome"] == Outcome.DETECTOR_FAULT for r in records)


def record_wires(monkeypatch) -> list[RecorderProcess]:
    """Put a recorder between every simulator and its arm's driver -> the recorders, as they come."""
    recorders: list[RecorderProcess] = []
    simulated = cell.assembly._simulated

    def recorded(stack, settings, request):
        world = simulated(stack, settings, request)
        recorder = stack.enter_context(RecorderProcess(world.settings.arm.address))
        recorders.append(recorder)
        arm = dataclasses.replace(world.settings.arm, address=recorder.address)
        return dataclasses.replace(world, settings=dataclasses.replace(world.settings, arm=arm))

    monkeypatch.setattr(cell.assembly, "_simulated", recorded)
    return recorders
