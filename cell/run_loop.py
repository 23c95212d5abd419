"""The walk through the states: one table, one handler a state, faults and Ctrl-C from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transitions import Machine

from cell.guarded_arm import MotionRefused
from cell.interrupts import deaf_to_interrupts
from cell.preflight import Preflight
from cell.recovery import Recovery
from cell.states import TRANSITIONS, State
from cell.trial_cycle import TrialCycle
from cell.trial_progress import TrialProgress
from robot.commands import ENDED_EARLY
from robot.errors import ArmError, CameraError, CellError, DeviceError, GripperError, ProtectiveStop
from trials.ledger import Ledger
from trials.outcomes import Outcome
from trials.record import TrialRecord
from trials.schedule import PlannedTrial


class RunLoop:
    """Carries out the planned trials that the ledger does not hold yet.

    Args:
        preflight: what is checked, and made where it can be, before the first trial.
        cycle: what happens in each state of a trial.
        recovery: what happens after a fault.
        ledger: one line a trial.
        schedule: every planned trial.
        on_state: told of every state entered, with the trial under way.
        on_record: told of every line written.
        check_world: raises :class:`robot.errors.SimulatorLost` when a dry run has lost its simulator.
    """

    state: State

    def __init__(
        self,
        preflight: Preflight,
        cycle: TrialCycle,
        recovery: Recovery,
        ledger: Ledger,
        schedule: tuple[PlannedTrial, ...],
        on_state: Callable[[State, PlannedTrial | None], None],
        on_record: Callable[[TrialRecord], None],
        check_world: Callable[[], None],
    ) -> None:
        self._preflight = preflight
        self._cycle = cycle
        self._recovery = recovery
        self._ledger = ledger
        self._schedule = schedule
        self._on_state = on_state
        self._on_record = on_record
        self._check_world = check_world
        self._trial: TrialProgress | None = None
        self._machine = Machine(
            model=self,
            states=State,
            transitions=[{"trigger": t.event, "source": t.source, "dest": t.target} for t in TRANSITIONS],
            initial=State.CHECKING,
            auto_transitions=False,
            after_state_change=[self._announce_state],
        )

    def run(self) -> int:
        """Walk until every planned trial is recorded.

        Returns:
            0 when all are recorded, 1 when the run ended early and can be resumed.

        Raises:
            SimulatorLost: a dry run lost its simulator; the trial under way is not recorded.
            CellError: the cell is not fit for a run; nothing has been recorded.
        """
        try:
            self._announce_state()
            while self.state is not State.STOPPED:
                self._fire(self._step())
        except KeyboardInterrupt:
            with deaf_to_interrupts():
                self._abort()
        return ENDED_EARLY if self._next_planned() else 0

    def _step(self) -> str:
        if self.state in (State.CHECKING, State.CALIBRATING):
            return self._prepare()
        trial = self._trial
        assert trial is not None
        if self.state is State.RECORDING:
            self._record(trial)
            return "next_trial" if self._begin_next() else "all_recorded"
        if self.state is State.FAULTED:
            self._recovery.make_safe()
            return "made_safe"
        if self.state is State.RECOVERING:
            return self._recover(trial)
        try:
            return self._cycle.handlers[self.state](trial)
        except DeviceError as error:
            self._check_world()
            trial.outcome, trial.reason = _outcome_of(error), f"{self.state.value}: {error}"
            return "fault"
        except CellError:
            self._check_world()
            raise

    def _prepare(self) -> str:
        if self._next_planned() is None:
            return "nothing_to_do"
        try:
            if self.state is State.CALIBRATING:
                self._preflight.calibrate()
                return "calibrated"
            if self._preflight.needs_calibration:
                return "not_calibrated"
            self._preflight.check()
        except CellError:
            self._check_world()
            self._recovery.make_safe()
            raise
        self._begin_next()
        return "ready"

    def _recover(self, trial: TrialProgress) -> str:
        assert trial.outcome is not None
        recovered = self._recovery.recover(trial.outcome, trial.reason)
        self._check_world()
        if recovered:
            return "recovered"
        self._record(trial)
        return "gave_up"

    def _abort(self) -> None:
        """Stop the arm first, then write the line of the trial under way."""
        self._recovery.make_safe()
        trial = self._trial
        if trial is not None and trial.planned.trial not in self._ledger.completed():
            trial.outcome, trial.reason = Outcome.OPERATOR_ABORT, f"Ctrl-C while {self.state.value}"
            self._record(trial)
        if self.state is not State.STOPPED:
            self._fire("abort")

    def _record(self, trial: TrialProgress) -> None:
        self._cycle.close(trial)
        record = self._cycle.record(trial)
        self._ledger.append(record)
        self._on_record(record)

    def _begin_next(self) -> bool:
        planned = self._next_planned()
        if planned is None:
            return False
        self._trial = self._cycle.begin(planned)
        return True

    def _next_planned(self) -> PlannedTrial | None:
        done = self._ledger.completed()
        return next((p for p in self._schedule if p.trial not in done), None)

    def _fire(self, event: str) -> None:
        trigger: Callable[[str], Any] = self.trigger  # type: ignore[attr-defined]  # given by Machine
        trigger(event)

    def _announce_state(self) -> None:
        self._on_state(self.state, self._trial.planned if self._trial else self._next_planned())


def _outcome_of(error: DeviceError) -> Outcome:
    if isinstance(error, MotionRefused):
        return Outcome(error.outcome)
    if isinstance(error, ProtectiveStop):
        return Outcome.PROTECTIVE_STOP
    if isinstance(error, ArmError):
        return Outcome.ARM_FAULT
    if isinstance(error, GripperError):
        return Outcome.GRIPPER_FAULT
    if isinstance(error, CameraError):
        return Outcome.CAMERA_FAULT
    raise error
