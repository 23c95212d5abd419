"""The walk: every planned trial recorded once, whatever happens in between."""

from __future__ import annotations

import pytest

from cell.run_loop import RunLoop
from cell.states import PHASES, State
from cell.trial_progress import TrialProgress
from robot.errors import ArmTimeout, CameraError, CellError, DeviceError, GripperError, ProtectiveStop, SimulatorLost
from trials.ledger import Ledger
from trials.outcomes import Outcome
from trials.record import TrialRecord
from trials.schedule import make_schedule

HAPPY = {
    State.HOMING: "object_placed",
    State.CAPTURING: "frame_taken",
    State.DETECTING: "grasp_chosen",
    State.PLANNING: "planned",
    State.APPROACHING: "at_grasp",
    State.GRASPING: "closed_on_object",
    State.LIFTING: "lifted",
    State.VERIFYING: "held",
    State.PLACING: "put_back",
}
SCHEDULE = make_schedule(["mug", "ball"], 4, seed=1)


class ScriptedCycle:
    """A trial cycle without a cell; ``mishaps`` maps (trial, state) to what is raised there, once."""

    def __init__(self, mishaps=None, voids=()):
        self.mishaps = dict(mishaps or {})
        self.voids = set(voids)
        self.handlers = {state: self._handler(state) for state in HAPPY}

    def _handler(self, state):
        def handle(trial):
            mishap = self.mishaps.pop((trial.planned.trial, state), None)
            if mishap is not None:
                raise mishap
            if state is State.VERIFYING:
                trial.outcome = Outcome.SUCCESS
                trial.voided = trial.planned.trial in self.voids
                self.voids.discard(trial.planned.trial)
            return HAPPY[state]

        return handle

    def begin(self, planned):
        return TrialProgress(planned, started_at="2026-01-01T00:00:00+00:00")

    def close(self, trial):
        trial.cycle_s = 1.0

    def record(self, trial):
        p, outcome = trial.planned, trial.outcome
        return TrialRecord(
            trial=p.trial,
            object=p.object,
            pose_seed=p.pose_seed,
            detector="scripted",
            outcome=outcome,
            success=outcome is Outcome.SUCCESS,
            started_at=trial.started_at,
            reason=trial.reason,
            voided=trial.voided,
        )


class ScriptedPreflight:
    """``uncalibrated``: whether a calibration is to be made first; ``error``: what the check meets."""

    def __init__(self, uncalibrated=False, error=None):
        self.needs_calibration = uncalibrated
        self.error = error
        self.calls = []

    def calibrate(self):
        self.calls.append("calibrate")
        self.needs_calibration = False

    def check(self):
        self.calls.append("check")
        if self.error is not None:
            raise self.error


class ScriptedRecovery:
    def __init__(self, works=True):
        self.works = works
        self.calls = []

    def make_safe(self):
        self.calls.append("stop")

    def recover(self, outcome, reason):
        self.calls.append(outcome)
        return self.works


def run(tmp_path, cycle, recovery=None, check_world=lambda: None, schedule=SCHEDULE, preflight=None):
    recovery = recovery or ScriptedRecovery()
    states = []
    with Ledger.open(tmp_path / "trials.jsonl") as ledger:
        loop = RunLoop(
            preflight or ScriptedPreflight(),
            cycle,
            recovery,
            ledger,
            schedule,
            lambda s, p: states.append(s),
            lambda r: None,
            check_world,
        )
        try:
            code = loop.run()
        finally:
            records = ledger.records
    return code, records, states, recovery


def test_every_planned_trial_is_recorded_once_in_order(tmp_path):
    code, records, states, _ = run(tmp_path, ScriptedCycle())
    assert code == 0
    assert [r.trial for r in records] == [1, 2, 3, 4]
    assert states[-1] is State.STOPPED


def test_a_missing_calibration_is_made_before_the_check(tmp_path):
    preflight = ScriptedPreflight(uncalibrated=True)
    code, _, states, _ = run(tmp_path, ScriptedCycle(), preflight=preflight)
    assert code == 0
    assert preflight.calls == ["calibrate", "check"]
    assert states[:4] == [State.CHECKING, State.CALIBRATING, State.CHECKING, State.HOMING]


def test_a_cell_that_is_not_fit_ends_the_run_before_anything_is_recorded(tmp_path):
    preflight = ScriptedPreflight(error=CellError("the camera has moved by 10 mm"))
    cycle = ScriptedCycle()
    with pytest.raises(CellError, match="has moved"):
        run(tmp_path, cycle, preflight=preflight)
    assert not (tmp_path / "trials.jsonl").read_text()


def test_a_finished_run_is_not_checked(tmp_path):
    run(tmp_path, ScriptedCycle())
    preflight = ScriptedPreflight(error=CellError("never asked"))
    code, _, _, _ = run(tmp_path, ScriptedCycle(), preflight=preflight)
    assert code == 0


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ProtectiveStop("x"), Outcome.PROTECTIVE_STOP),
        (ArmTimeout("x"), Outcome.ARM_FAULT),
        (GripperError("x"), Outcome.GRIPPER_FAULT),
        (CameraError("x"), Outcome.CAMERA_FAULT),
    ],
)
def test_mvp_grasp_a_fault_in_any_phase_gets_its_name_and_the_next_trial_runs(tmp_path, phase, error, outcome):
    code, records, _, recovery = run(tmp_path, ScriptedCycle({(2, State(phase)): error}))
    assert code == 0
    assert [r.outcome for r in records] == [Outcome.SUCCESS, outcome, Outcome.SUCCESS, Outcome.SUCCESS]
    assert recovery.calls == ["stop", outcome]
    assert phase in records[1].reason


def test_when_recovery_gives_up_the_line_is_written_and_the_run_can_go_on_later(tmp_path):
    mishap = {(2, State.LIFTING): ProtectiveStop("x")}
    code, records, _, _ = run(tmp_path, ScriptedCycle(mishap), ScriptedRecovery(works=False))
    assert code == 1
    assert [r.trial for r in records] == [1, 2]
    code, records, _, _ = run(tmp_path, ScriptedCycle())
    assert code == 0
    assert [r.trial for r in records] == [1, 2, 3, 4]


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_stops_the_arm_before_the_line_is_written(tmp_path, phase):
    code, records, states, recovery = run(tmp_path, ScriptedCycle({(3, State(phase)): KeyboardInterrupt()}))
    assert code == 1
    assert recovery.calls == ["stop"]
    assert [(r.trial, r.outcome) for r in records][-1] == (3, Outcome.OPERATOR_ABORT)
    assert states[-1] is State.STOPPED


def test_a_voided_trial_is_repeated(tmp_path):
    code, records, _, _ = run(tmp_path, ScriptedCycle(voids={2}))
    assert code == 0
    assert [(r.trial, r.voided) for r in records] == [(1, False), (2, True), (2, False), (3, False), (4, False)]


def test_a_lost_simulator_leaves_the_trial_unrecorded(tmp_path):
    def lost():
        raise SimulatorLost("gone")

    with pytest.raises(SimulatorLost):
        run(tmp_path, ScriptedCycle({(2, State.LIFTING): ArmTimeout("x")}), check_world=lost)
    with Ledger.open(tmp_path / "trials.jsonl") as ledger:
        assert [r.trial for r in ledger.records] == [1]


def test_an_unnamed_device_error_is_not_hidden(tmp_path):
    with pytest.raises(DeviceError, match="strange"):
        run(tmp_path, ScriptedCycle({(1, State.LIFTING): DeviceError("strange")}))


def test_a_finished_ledger_leaves_nothing_to_do(tmp_path):
    run(tmp_path, ScriptedCycle())
    code, records, states, _ = run(tmp_path, ScriptedCycle())
    assert (code, len(records), states) == (0, 4, [State.CHECKING, State.STOPPED])
