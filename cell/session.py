"""A run from the first device to the report: assembles the cell, walks the trials, takes everything down."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console

from calibration.result import Calibration
from cell.assembly import Devices, World, WorldRequest, open_devices, open_world
from cell.calibrating import Calibrator
from cell.console import PatientOutput, RunConsole
from cell.fault_schedule import FaultInjector, ScheduledFault
from cell.hand_eye import HandEye
from cell.operator import ConsoleOperator
from cell.preflight import Preflight
from cell.recovery import Recovery
from cell.run_command import RunRequest
from cell.run_loop import RunLoop
from cell.settings import CellSettings
from cell.states import State
from cell.trial_cycle import TrialCycle
from detectors.fallback import FallbackPolicy
from detectors.gqcnn.metric import RobustnessMetric, load_metric
from detectors.registry import NO_FALLBACK, make_detector
from detectors.watched import WatchedDetector
from robot.errors import CellError, SimulatorLost
from robot.frame import Frame
from robot.strict_yaml import build
from trials.frames import write_frame
from trials.ledger import Ledger
from trials.protocol import DEFAULT_PROTOCOL, protocol_of_run
from trials.report import write_report
from trials.run_directory import RunDirectory
from trials.schedule import PlannedTrial
from trials.statistics import summarise
from trials.terminal import print_summary


class Session:
    """One run of the cell.

    Args:
        request: what to run.
        directory: where it is written.
        speed: dry run: times real time, None for as fast as possible; hardware: share of the cell's speeds.
        faults: what a dry run is to meet.
        confirmed: whether the operator has agreed beforehand that hardware may move.
        step: whether every motion of the arm is asked for.
    """

    def __init__(
        self,
        request: RunRequest,
        directory: RunDirectory,
        *,
        speed: float | None,
        faults: tuple[ScheduledFault, ...],
        confirmed: bool,
        step: bool = False,
    ) -> None:
        self._request = request
        self._directory = directory
        self._speed = speed
        self._faults = faults
        self._confirmed = confirmed
        self._step = step
        self._console = Console(file=cast(TextIO, PatientOutput(sys.stdout)), highlight=False)
        self._settings = build(CellSettings, request.cell, "run.yaml: cell")
        self._protocol = protocol_of_run(request.protocol, "run.yaml")

    def run(self) -> int:
        """Run the trials that are missing and write the report.

        Returns:
            0 when every planned trial is recorded, else 1.
        """
        schedule = self._directory.planned()
        with Ledger.open(self._directory.ledger_path) as ledger:
            if ledger.repair:
                self._console.print(ledger.repair, style="yellow")
            try:
                with ExitStack() as stack:
                    exit_code = self._walk(stack, ledger, schedule)
            except SimulatorLost as error:
                self._finish(ledger, schedule)
                raise SimulatorLost(error.message, f"go on with --resume {self._directory.path}") from None
            self._finish(ledger, schedule)
            return exit_code

    def _walk(self, stack: ExitStack, ledger: Ledger, schedule: tuple[PlannedTrial, ...]) -> int:
        request = self._request
        title = f"{self._who()}, {request.trials} trials{self._how()}, seed {request.seed}, {self._directory.path}"
        view = stack.enter_context(RunConsole(self._console, request.trials, ledger.records, title))
        # Before anything is started: weights that are missing or damaged must not wake an arm.
        policy = self._policy(view)
        person = ConsoleOperator(view.quiet)
        world = open_world(stack, self._settings, self._world_request(), lambda: person)
        devices = open_devices(stack, world, person.confirm_step if self._step else None)
        self._warm_up(policy, devices, view)
        hand_eye = HandEye(world.settings, view.warn)
        preflight = self._preflight(world, devices, hand_eye, view)
        cycle = TrialCycle(
            world.settings,
            devices.motion,
            devices.camera,
            policy,
            world.operator,
            view.say,
            self._save_frame,
            hand_eye,
            self._protocol,
        )
        loop = RunLoop(
            preflight,
            cycle,
            Recovery(devices.motion, devices.camera, world.operator, preflight, view.warn),
            ledger,
            schedule,
            self._state_listener(world, view),
            view.recorded,
            world.check,
        )
        return loop.run()

    def _world_request(self) -> WorldRequest:
        request = self._request
        return WorldRequest(
            dry_run=request.dry_run,
            speed=self._speed,
            seed=request.seed,
            objects=Path(request.objects_file),
            confirmed=self._confirmed,
        )

    def _policy(self, view: RunConsole) -> FallbackPolicy:
        """Who is asked, each watched: a detector may come from anybody."""
        request, detection = self._request, self._settings.detection
        detector = WatchedDetector(make_detector(request.detector), detection.deadline_s)
        fallback = None
        if request.fallback != NO_FALLBACK:
            fallback = WatchedDetector(make_detector(request.fallback), detection.deadline_s)
        return FallbackPolicy(detector, fallback, self._metric(view), detection.floor)

    def _who(self) -> str:
        request = self._request
        return request.detector + (f" (fallback {request.fallback})" if request.fallback != NO_FALLBACK else "")

    def _how(self) -> str:
        name = self._protocol.name
        return "" if name == DEFAULT_PROTOCOL else f" by the protocol {name}"

    def _warm_up(self, policy: FallbackPolicy, devices: Devices, view: RunConsole) -> None:
        """Pay for caches and lazy imports, which is no trial's time."""
        for trouble in policy.warm_up(self._first_frame(devices)):
            view.warn(f"on its first image: {trouble}")

    def _first_frame(self, devices: Devices) -> Frame:
        frame = devices.camera.read()
        self._directory = self._directory.with_info(camera=dataclasses.asdict(frame.intrinsics))
        return frame

    def _preflight(self, world: World, devices: Devices, hand_eye: HandEye, view: RunConsole) -> Preflight:
        """With the simulated operator there to hold the board, a missing calibration is made; a person is asked for."""
        calibrator = Calibrator(world.settings, devices, world.operator, view.say)
        return Preflight(
            devices.motion,
            devices.camera,
            hand_eye,
            calibrator if self._request.dry_run else None,
            view.warn,
            self._note_calibration,
        )

    def _note_calibration(self, calibration: Calibration) -> None:
        """Into ``run.yaml``; a run that is resumed with another calibration names both."""
        entry = {"file": str(self._settings.calibration.folder), **calibration.figures()}
        before = self._directory.run_info.get("calibrations", [])
        if entry not in before:
            self._directory = self._directory.with_info(calibrations=[*before, entry])

    def _state_listener(self, world: World, view: RunConsole) -> Callable[[State, PlannedTrial | None], None]:
        injector = None if world.lab is None else FaultInjector(self._faults, world.lab)

        def on_state(state: State, planned: PlannedTrial | None) -> None:
            view.entered(state, planned)
            if injector is not None and planned is not None:
                injector.entered(planned.trial, state)

        return on_state

    def _metric(self, view: RunConsole) -> RobustnessMetric | None:
        """What says whether a grasp is robust; without its weights a run goes on, and nobody says so."""
        try:
            return load_metric()
        except CellError as error:
            view.warn(f"whether grasps are robust is not recorded: {error}")
            return None

    def _save_frame(self, trial: int, look: str, frame: Frame) -> None:
        folder = self._directory.frames_path / look
        folder.mkdir(exist_ok=True)
        write_frame(folder, trial, frame.depth_m, frame.color)

    def _finish(self, ledger: Ledger, schedule: tuple[PlannedTrial, ...]) -> None:
        if not ledger.records:
            return
        print_summary(summarise(ledger.records, schedule), self._console, self._protocol)
        write_report([self._directory.path], self._directory.report_path)
        self._console.print(f"report: {self._directory.report_path}", soft_wrap=True)
