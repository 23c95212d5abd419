"""Puts a cell together: the world at the far end of its cables, then the devices at the near one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cell.collision import CollisionChecker
from cell.guarded_arm import GuardedArm
from cell.motion import Motion
from cell.operator import ConsoleOperator, Operator
from cell.planning import Planner
from cell.settings import CellSettings, MotionSettings
from cell.simulated_operator import SimulatedOperator
from robot.arm import UR5Arm
from robot.camera import RealSenseCamera
from robot.errors import ArmError, ArmUnpowered, CellError, EmergencyStop, ProtectiveStop, SimulatorLost
from robot.frame_source import FrameSource
from robot.gripper import Robotiq2F85
from robot.gripper_geometry import MIN_SPEED_M_S
from robot.kinematics import ARM_MODELS, ArmModel
from robot.objects import HOUSEHOLD_12
from robot.simulator.lab_client import LabClient
from robot.simulator.process import SimulatedCell


@dataclass(frozen=True, kw_only=True)
class WorldRequest:
    """Which world is wanted.

    Attributes:
        dry_run: a simulated one.
        speed: dry run: times real time, None for as fast as possible; hardware: share of the cell's speeds.
        seed: of the simulated camera's noise, and of how the simulated operator places the board.
        objects: the simulated operator's object set.
        confirmed: the operator has agreed beforehand that hardware may move.
        print_scale: how much too large the simulated board was printed.
    """

    dry_run: bool
    speed: float | None = None
    seed: int = 0
    objects: Path = HOUSEHOLD_12
    confirmed: bool = False
    print_scale: float = 1.0


@dataclass(frozen=True)
class World:
    """What the devices are plugged into.

    Attributes:
        settings: the cell file's, with this world's addresses and speeds.
        operator: the person beside it.
        source: the camera's frames.
        simulator, lab: of a dry run; None on hardware.
    """

    settings: CellSettings
    operator: Operator
    source: FrameSource
    simulator: SimulatedCell | None = None
    lab: LabClient | None = None

    def check(self) -> None:
        """Raise SimulatorLost when the simulator of a dry run has died."""
        if self.simulator is not None and not self.simulator.alive():
            raise SimulatorLost("the simulator process has ended; the trial under way is not recorded")


@dataclass(frozen=True)
class Devices:
    """The connected devices, and what moves them."""

    camera: RealSenseCamera
    motion: Motion
    model: ArmModel


def open_world(
    stack: ExitStack, settings: CellSettings, request: WorldRequest, person: Callable[[], ConsoleOperator]
) -> World:
    """Start the simulator, or ask the person whether hardware may move; ``stack`` takes it all down again.

    Raises:
        CellError: the simulator does not start, or the operator does not agree.
    """
    if request.dry_run:
        return _simulated(stack, settings, request)
    from robot.realsense_device import RealSenseDevice

    operator = person()
    operator.require_terminal()
    if not request.confirmed and not operator.confirm_motion():
        raise CellError("the operator did not confirm", "type 'go', or pass --yes")
    camera = settings.camera
    source = RealSenseDevice(serial=camera.serial, width=camera.width, height=camera.height, fps=camera.fps)
    return World(_slowed(settings, request.speed), operator, source)


def _simulated(stack: ExitStack, settings: CellSettings, request: WorldRequest) -> World:
    from robot.software_camera import SoftwareCamera

    simulator = stack.enter_context(
        SimulatedCell.start(
            objects=request.objects,
            seed=request.seed,
            speed="max" if request.speed is None else str(request.speed),
            model=settings.simulator.controller,
            mount=settings.calibration.mount,
            camera_seed=settings.simulator.camera_seed,
            timeout_s=settings.simulator.start_timeout_s,
        )
    )
    address = simulator.address
    plugged_in = replace(
        settings,
        arm=replace(settings.arm, address=address),
        gripper=replace(settings.gripper, address=address),
    )
    lab = stack.enter_context(LabClient(address))
    operator = SimulatedOperator(lab, settings.workspace, board_seed=request.seed, print_scale=request.print_scale)
    return World(plugged_in, operator, SoftwareCamera(address), simulator, lab)


def open_devices(stack: ExitStack, world: World, confirm: Callable[[str], bool] | None = None) -> Devices:
    """Connect arm, gripper and camera, activate the gripper and tell the controller what hangs at the flange.

    A stop that an earlier session left behind is released on the operator's word; what may still be in the jaws is
    taken out by a hand before they open.

    Args:
        confirm: asked before every motion of the arm, with the motion in words; None asks nobody.

    Raises:
        DeviceError: one of them is missing or not ready.
    """
    settings = world.settings
    model = ARM_MODELS[settings.arm_model]
    arm = _connected_arm(stack, world)
    gripper = stack.enter_context(Robotiq2F85(settings.gripper))
    camera = stack.enter_context(RealSenseCamera(settings.camera, world.source))
    checker = CollisionChecker.for_cell(settings, model)
    guarded = GuardedArm(arm, settings, model, checker, confirm=confirm)
    motion = Motion(settings, guarded, gripper, Planner(settings, model, checker))
    _wake(gripper, motion, world.operator)
    motion.declare_tool()
    return Devices(camera, motion, model)


def _wake(gripper: Robotiq2F85, motion: Motion, operator: Operator) -> None:
    """Activate the gripper where it is not, and open the jaws; a hand beside them is told before which of the two."""
    grip = gripper.state()
    if grip.fault or not grip.activated:
        operator.do(
            "The gripper is not active: when you press Enter its jaws open, close and open again, fast. Take out "
            "what is in them, and keep your hands away."
        )
    elif motion.may_hold():
        operator.do(
            f"The jaws are {grip.width_m * 1e3:.0f} mm apart. Hold what may be in them: they open when you press "
            "Enter; then step back."
        )
    gripper.activate()
    motion.let_go_gently()


def _connected_arm(stack: ExitStack, world: World) -> UR5Arm:
    arm = UR5Arm(world.settings.arm)
    stack.callback(arm.disconnect)
    try:
        arm.connect()
    except (ProtectiveStop, EmergencyStop, ArmUnpowered) as stop:
        with suppress(ArmError):  # a program that an earlier session left behind would go on with its motion
            arm.stop_program()
        if not world.operator.confirm_recovery(str(stop)):
            raise
        arm.recover(lambda question: True)  # the word was given
    return arm


def _slowed(settings: CellSettings, share: float | None) -> CellSettings:
    """Every motion of arm and jaws at ``share`` of its speed, with as much more time to end."""
    if share is None:
        return settings
    grasp = settings.grasp
    return replace(
        settings,
        motion=MotionSettings(**{name: value * share for name, value in vars(settings.motion).items()}),
        grasp=replace(
            grasp,
            descend_speed_m_s=grasp.descend_speed_m_s * share,
            jaw_speed_m_s=max(grasp.jaw_speed_m_s * share, MIN_SPEED_M_S),
        ),
        arm=replace(settings.arm, move_timeout_s=settings.arm.move_timeout_s / share),
    )
