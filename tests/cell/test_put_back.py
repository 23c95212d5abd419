"""A protocol that counts what is put back: when it is judged, on what, and what goes wrong on the way."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from cell.operator import Verdict
from cell.perception import Look
from cell.settings import DEFAULT_CELL_FILE, load_cell
from cell.states import State
from cell.trial_cycle import TrialCycle
from robot.frame import Frame, Intrinsics
from robot.gripper import GripperState
from tests.cell.calibrated_cell import calibrated_cell
from tests.cell.dry_runs import ledger, run, start
from tests.cell.fault_matrix import OBJECTS
from tests.cell.test_dry_run import wait_for
from trials.outcomes import Outcome
from trials.protocol import load_protocol
from trials.schedule import make_schedule

CELL, PUT_BACK = load_cell(DEFAULT_CELL_FILE), load_protocol("depierre2021")
TABLE_M, SOMETHING = 0.70, (slice(200, 260), slice(300, 360))
HOLDING = GripperState(0.03, 0.0, True, False, True, 0)
EMPTY = GripperState(0.0, 0.0, True, False, False, 0)


class FakeMotion:
    """Feels what the test says at each stage, and notes what it was told."""

    def __init__(self, lifted=HOLDING, away=HOLDING, at_home=HOLDING, down=HOLDING):
        self._felt = {"lift": lifted, "carry_away": away, "feel": at_home, "put_down": down}
        self.did = []
        self.arm = SimpleNamespace(state=lambda: SimpleNamespace(timestamp_s=20.0))

    def holds(self, grip):
        return grip.object_detected

    def __getattr__(self, name):
        def act(*_):
            self.did.append(name)
            return self._felt.get(name)

        return act


class Table:
    """What the camera sees at each look: whether something stands there."""

    def __init__(self, *stands):
        self._stands = list(stands)

    def __call__(self):
        depth = np.full((480, 640), TABLE_M, np.float32)
        if self._stands.pop(0):
            depth[SOMETHING] -= 0.03
        frame = Frame(depth, Intrinsics(615.0, 615.0, 321.5, 239.5, 640, 480))
        return Look(frame, CELL.calibration.camera_guess.transform, np.ones(depth.shape, bool))


class Judge:
    def __init__(self):
        self.asked = []

    def judge(self, believed_success, protocol):
        self.asked.append((believed_success, protocol.criterion))
        return Verdict(True)


def walked(motion, table, to=State.PLACING):
    """The trial after the states from lifting on, and who was asked what."""
    judge = Judge()
    cycle = TrialCycle(CELL, motion, None, None, judge, lambda words: None, lambda *_: None, None, PUT_BACK)
    cycle._look = table
    trial = cycle.begin(make_schedule(["mug"], 1, seed=1)[0])
    trial.look, trial.gripped, trial.started_robot_s = table(), True, 5.0
    trial.plan = SimpleNamespace(T_base_grasp=np.eye(4))
    trial.standing_before = trial.look.standing(CELL.table_height_m)
    events = []
    for state in (State.LIFTING, State.VERIFYING, State.PLACING):
        events.append(cycle.handlers[state](trial))
        if state is to or events[-1] == "not_held":
            break
    return trial, judge.asked, events


def test_it_is_judged_only_when_it_is_back():
    motion = FakeMotion()
    trial, asked, _ = walked(motion, Table(True, False), to=State.VERIFYING)
    assert (trial.outcome, asked, trial.cycle_s) == (None, [], 0.0)
    assert "shake" not in motion.did
    motion = FakeMotion()
    trial, asked, events = walked(motion, Table(True, False, True))
    assert (trial.outcome, trial.referee_success) == (Outcome.SUCCESS, True)
    assert trial.reason == "lifted, moved away and put back"
    assert asked == [(True, "put_back")]
    assert events == ["lifted", "held", "put_back"]
    assert trial.cycle_s == 15.0
    assert motion.did.index("carry_away") < motion.did.index("put_down")


@pytest.mark.parametrize(
    ("felt", "seen", "reason"),
    [
        ({"lifted": EMPTY, "at_home": EMPTY}, (True,), "slip out during the lift"),
        ({"away": EMPTY, "at_home": EMPTY}, (True,), "slip out during the way off and back"),
        ({"at_home": EMPTY}, (False,), "lost while it was lifted or moved away"),
        ({"down": EMPTY}, (False, False), "slip out on the way back"),
        ({"down": EMPTY}, (False, True), "slip out on the way back"),
        ({}, (False, False), "nothing stands on the gripping area"),
        ({}, (True, True), "the camera still sees it on the table"),
    ],
)
def test_whatever_is_lost_on_the_way_slipped_and_is_asked_about_once(felt, seen, reason):
    trial, asked, _ = walked(FakeMotion(**felt), Table(True, *seen))
    assert trial.outcome is Outcome.SLIPPED
    assert reason in trial.reason
    assert asked == [(False, "put_back")]


# ---------------------------------------------------------------- in the simulated cell

STRUCK = [
    ("object_lost", "placing", "slipped", False),
    ("object_lost", "verifying", "slipped", False),
    ("protective_stop", "placing", "protective_stop", None),
    ("gripper_fault", "placing", "gripper_fault", None),
    ("camera_silence", "placing", "camera_fault", None),
]


@pytest.fixture
def options(tmp_path, tmp_path_factory):
    """A calibrated cell, the paper's protocol, one easy object."""
    (tmp_path / "objects.yaml").write_text(yaml.safe_dump(OBJECTS))
    cell = calibrated_cell(tmp_path_factory, tmp_path / "cell.yaml")
    return (
        *("--cell", cell, "--objects", tmp_path / "objects.yaml", "--protocol", "depierre2021"),
        *("--detector", "antipodal", "--seed", 5, "--out", tmp_path / "run"),
    )


def test_what_is_lost_or_stopped_on_the_way_back_is_no_success_and_the_referee_agrees(options, tmp_path):
    schedule = [{"fault": fault, "trial": i + 1, "phase": phase} for i, (fault, phase, _, _) in enumerate(STRUCK)]
    (tmp_path / "faults.yaml").write_text(yaml.safe_dump(schedule))
    code, printed = run(*options, "--trials", len(STRUCK) + 1, "--faults", tmp_path / "faults.yaml")
    assert code == 0, printed
    records = ledger(tmp_path / "run")
    found = [(r["outcome"], r["referee_success"]) for r in records]
    assert found == [*((outcome, referee) for _, _, outcome, referee in STRUCK), ("success", True)], printed
    assert "success means lifted, moved away and put back" in " ".join(printed.split())
    report = (tmp_path / "run" / "report.html").read_text()
    assert "The object was lifted, moved away and put back on the gripping area" in report
    assert (tmp_path / "run" / "frames" / "put_back" / "0006_depth.png").exists()


def test_a_killed_run_goes_on_by_its_own_protocol(options, tmp_path):
    out = tmp_path / "run"
    process = start(*options, "--trials", 1)
    wait_for((out / "frames" / "after" / "0001_depth.png").exists, process)
    process.kill()
    process.communicate()
    code, printed = run("--resume", out)
    assert code == 0, printed
    assert [(r["outcome"], r["reason"]) for r in ledger(out)] == [("success", PUT_BACK.words.reason)]
