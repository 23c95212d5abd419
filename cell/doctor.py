"""An examination of the cell, real or simulated: everything that a run needs, looked at and left as it is."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from cell.doctoring.camera import camera_part
from cell.doctoring.controller import controller_part
from cell.doctoring.gripper import gripper_part
from cell.doctoring.hand_eye import calibration_part
from cell.doctoring.interface import interface_part
from cell.doctoring.latencies import latency_line
from cell.doctoring.lines import Facts, Line, broken_by, ok
from cell.doctoring.machine import Machine, machine_parts
from cell.doctoring.parts import Examination, Part
from cell.settings import DEFAULT_CELL_FILE, CellSettings, load_cell
from robot.errors import CellError, SettingsError, did_you_mean
from robot.frame_source import FrameSource, realsense
from robot.gripper import Robotiq2F85
from robot.kinematics import ARM_MODELS
from robot.simulator.lab_client import LabClient
from robot.simulator.process import SimulatedCell


@dataclass(frozen=True, kw_only=True)
class DoctorRequest:
    """What is to be examined.

    Attributes:
        cell: the cell file.
        dry_run: examine a simulated cell whatever the file says.
        address: of a simulated cell that is already served; None starts one of its own.
        faults: of the simulator, injected into its own cell before it is examined.
        machine: this computer.
        now: the present, with its time zone.
    """

    cell: Path = DEFAULT_CELL_FILE
    dry_run: bool = False
    address: str | None = None
    faults: tuple[str, ...] = ()
    machine: Machine = field(default_factory=Machine)
    now: datetime = field(default_factory=lambda: datetime.now().astimezone())


def examine(request: DoctorRequest) -> tuple[Line, ...]:
    """Look at everything; what is wrong is in the lines. Call it from the main thread.

    Raises:
        SettingsError: the request contradicts itself, or names an unknown fault.
    """
    examination = Examination()
    for part in machine_parts(request.machine):
        examination.begin(part)
    try:
        settings = load_cell(request.cell)
    except CellError as error:
        return (*examination.lines(), broken_by("settings", error))
    simulated = request.dry_run or settings.kind == "simulated"
    _check(request, simulated)
    examination.begin(_known(_settings_line(request, settings, simulated)))
    threading.Thread(target=_import_ahead, daemon=True).start()
    with ExitStack() as stack:
        source: FrameSource
        if simulated:
            began = time.perf_counter()
            try:
                settings, source = _simulated(stack, settings, request)
            except Exception as error:  # the machine's lines are to be seen, too
                return (*examination.lines(), broken_by("simulator", error))
            words = f"served at {settings.arm.address}, up in {time.perf_counter() - began:.1f} s"
            examination.begin(_known(ok("simulator", words)))
        else:
            from robot.realsense_device import RealSenseDevice

            camera = settings.camera
            source = RealSenseDevice(serial=camera.serial, width=camera.width, height=camera.height, fps=camera.fps)
        return _examine_devices(examination, settings, source, request.now)


def _examine_devices(
    examination: Examination, settings: CellSettings, source: FrameSource, now: datetime
) -> tuple[Line, ...]:
    facts = Facts()
    address = settings.arm.address
    for part in (
        controller_part(address, settings.arm_model, facts),
        interface_part(address, ARM_MODELS[settings.arm_model], facts),
        gripper_part(settings.gripper, facts),
        camera_part(settings.camera, source, facts),
    ):
        examination.begin(part)
    lines = examination.lines()
    judged_by_the_others = Examination()
    judged_by_the_others.begin(calibration_part(settings, facts, now))
    return (*lines, *judged_by_the_others.lines(), latency_line(facts, settings))


def _check(request: DoctorRequest, simulated: bool) -> None:
    if request.address is not None and not simulated:
        raise SettingsError("--address is for simulated cells: this cell is hardware", "set arm.address in its file")
    if request.faults and (request.address is not None or not simulated):
        raise SettingsError("--fault is for a simulated cell of doctor's own", "use it with --dry-run and no --address")
    if request.faults:
        from robot.simulator.faults import FAULT_NAMES

        for name in request.faults:
            if name not in FAULT_NAMES:
                raise SettingsError(f"unknown fault '{name}'", did_you_mean(name, FAULT_NAMES))


def _settings_line(request: DoctorRequest, settings: CellSettings, simulated: bool) -> Line:
    kind = "simulated" if simulated else "hardware"
    return ok("settings", f"{request.cell}: {kind}, {settings.arm_model}, {settings.calibration.mount} camera")


def _simulated(stack: ExitStack, settings: CellSettings, request: DoctorRequest) -> tuple[CellSettings, FrameSource]:
    """The settings and the camera of a simulated cell; its own one's gripper is active, as an operator leaves it."""
    from robot.software_camera import SoftwareCamera

    address = request.address
    if address is None:
        simulator = SimulatedCell.start(
            model=settings.simulator.controller,
            mount=settings.calibration.mount,
            camera_seed=settings.simulator.camera_seed,
            timeout_s=settings.simulator.start_timeout_s,
        )
        address = stack.enter_context(simulator).address
        stack.callback(_end, simulator)
    arm, gripper = replace(settings.arm, address=address), replace(settings.gripper, address=address)
    if request.address is None:
        with Robotiq2F85(gripper) as device:
            device.activate()
    if request.faults:
        with LabClient(address) as lab:
            for name in request.faults:
                lab.fault(name, at_once=True)
    return replace(settings, arm=arm, gripper=gripper), SoftwareCamera(address)


def _end(simulator: SimulatedCell) -> None:
    """At once: the third of a second that a proper end takes is of use to nobody."""
    if simulator.alive():
        os.kill(simulator.pid, signal.SIGKILL)


def _known(line: Line) -> Part:
    return Part((line.name,), lambda: iter((line,)))


def _import_ahead() -> None:
    """Load what the devices' parts will need while the simulator is starting."""
    with suppress(Exception):  # the part that needs it says what is wrong
        realsense()
        importlib.import_module("cell.hand_eye")
