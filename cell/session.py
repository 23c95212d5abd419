"""A run from the first device to the report: assembles the cell, walks the trials, takes everything down."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console

from cell.collision import CollisionChecker
from cell.console import PatientOutput, RunConsole
from cell.fault_schedule import FaultInjector, ScheduledFault
from cell.motion import Motion
from cell.operator import ConsoleOperator, Operator
from cell.planning import Planner
from cell.recovery import Recovery
from cell.run_command import RunRequest
from cell.run_loop import RunLoop
from cell.settings import CellSettings, MotionSettings
from cell.simulated_operator import SimulatedOperator
from cell.states import State
from cell.trial_cycle import TrialCycle
from detectors.gqcnn.metric import RobustnessMetric, load_metric
from detectors.registry import make_detector
from robot.arm import UR5Arm
from robot.camera import RealSenseCamera
from robot.errors import CellError, SimulatorLost
from robot.frame import Frame
from robot.frame_source import FrameSource
from robot.gripper import Robotiq2F85
from robot.kinematics import UR5, UR5E
from robot.simulator.lab_client import LabClient
from robot.simulator.process import SimulatedCell
from robot.strict_yaml import build
from trials.frames import write_frame
from trials.ledger import Ledger
from trials.report import write_report
from trials.run_directory import RunDirectory
from trials.schedule import PlannedTrial
from trials.statistics import summarise
from trials.terminal import print_summary

ARM_MODELS = {"UR5": UR5, "UR5e": UR5E}


class Session:
    """One run of the cell.

    Args:
        request: what to run.
        directory: where it is written.
        speed: dry run: times real time, None for as fast as possible; hardware: share of the cell's speeds.
        faults: what a dry run is to meet.
        confirmed: whether the operator has agreed beforehand that hardware may move.
    """

    def __init__(
        self,
        request: RunRequest,
        directory: RunDirectory,
        *,
        speed: float | None,
        faults: tuple[ScheduledFault, ...],
        confirmed: bool,
    ) -> None:
        self._request = request
        self._directory = directory
        self._speed = speed
        self._faults = faults
        self._confirmed = confirmed
        self._console = Console(file=cast(TextIO, PatientOutput(sys.stdout)), highlight=False)
        self._settings = build(CellSettings, request.cell, "run.yaml: cell")
        self._simulator: SimulatedCell | None = None

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
        title = f"{request.detector}, {request.trials} trials, seed {request.seed}, {self._directory.path}"
        view = stack.enter_context(RunConsole(self._console, request.trials, ledger.records, title))
        # Before anything is started: weights that are missing or damaged must not wake an arm.
        detector = make_detector(request.detector)
        fallback = None if request.fallback == "none" else make_detector(request.fallback)
        metric = self._metric(view)
        operator, injector, source = self._prepare_world(stack, view)
        settings = self._settings
        arm = stack.enter_context(UR5Arm(settings.arm))
        gripper = stack.enter_context(Robotiq2F85(settings.gripper))
        camera = stack.enter_context(RealSenseCamera(settings.camera, source))
        frame = camera.read()
        detector.detect(frame)  # the first call pays for caches and lazy imports, which is no trial's time
        self._directory = self._directory.with_info(camera=dataclasses.asdict(frame.intrinsics))
        model = ARM_MODELS[settings.arm_model]
        planner = Planner(settings, model, CollisionChecker.for_cell(settings, model))
        gripper.activate()
        motion = Motion(settings, arm, gripper, planner)
        motion.declare_tool()
        cycle = TrialCycle(
            settings,
            motion,
            camera,
            detector,
            fallback,
            operator,
            planner,
            view.say,
            self._save_frame,
            metric,
        )

        def on_state(state: State, planned: PlannedTrial | None) -> None:
            view.entered(state, planned)
            if injector is not None and planned is not None:
                injector.entered(planned.trial, state.value)

        loop = RunLoop(
            cycle,
            Recovery(motion, camera, operator, view.warn),
            ledger,
            schedule,
            on_state,
            view.recorded,
            self._check_world,
        )
        return loop.run()

    def _prepare_world(self, stack: ExitStack, view: RunConsole) -> tuple[Operator, FaultInjector | None, FrameSource]:
        if not self._request.dry_run:
            from robot.realsense_device import RealSenseDevice

            person = ConsoleOperator(view.quiet)
            if not self._confirmed and not person.confirm_motion():
                raise CellError("the operator did not confirm", "type 'go', or pass --yes")
            self._slow_down()
            return person, None, RealSenseDevice(serial=self._settings.camera.serial)
        from robot.software_camera import SoftwareCamera

        self._simulator = stack.enter_context(
            SimulatedCell.start(
                objects=Path(self._request.objects_file),
                seed=self._request.seed,
                speed="max" if self._speed is None else str(self._speed),
                model=self._settings.simulator.controller,
                timeout_s=self._settings.simulator.start_timeout_s,
            )
        )
        address = self._simulator.address
        self._settings = replace(
            self._settings,
            arm=replace(self._settings.arm, address=address),
            gripper=replace(self._settings.gripper, address=address),
        )
        lab = stack.enter_context(LabClient(address))
        return SimulatedOperator(lab), FaultInjector(self._faults, lab), SoftwareCamera(address)

    def _metric(self, view: RunConsole) -> RobustnessMetric | None:
        """What says whether a grasp is robust; without its weights a run goes on, and nobody says so."""
        try:
            return load_metric()
        except CellError as error:
            view.warn(f"whether grasps are robust is not recorded: {error}")
            return None

    def _slow_down(self) -> None:
        if self._speed is None:
            return
        motion = self._settings.motion
        slower = MotionSettings(**{name: value * self._speed for name, value in dataclasses.asdict(motion).items()})
        self._settings = replace(self._settings, motion=slower)

    def _check_world(self) -> None:
        """Raise SimulatorLost when the simulator of a dry run has died."""
        if self._simulator is not None and not self._simulator.alive():
            raise SimulatorLost("the simulator process has ended; the trial under way is not recorded")

    def _save_frame(self, trial: int, look: str, frame: Frame) -> None:
        folder = self._directory.frames_path / look
        folder.mkdir(exist_ok=True)
        write_frame(folder, trial, frame.depth_m, frame.color)

    def _finish(self, ledger: Ledger, schedule: tuple[PlannedTrial, ...]) -> None:
        if not ledger.records:
            return
        print_summary(summarise(ledger.records, schedule), self._console)
        write_report([self._directory.path], self._directory.report_path)
        self._console.print(f"report: {self._directory.report_path}", soft_wrap=True)
