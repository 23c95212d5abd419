"""``python -m robot.simulator``: one simulated cell, served on one address until it is told to end."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from robot.arguments import parse_speed
from robot.errors import CellError, SettingsError
from robot.objects import HOUSEHOLD_12, load_objects

if TYPE_CHECKING:
    from robot.simulator.loop import SimulationLoop

MODELS, MOUNTS = ("cb3", "e-series"), ("fixed", "wrist")
PORT_TAKEN = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code (2: bad argument or object set, 3: a port is taken)."""
    arguments = _parser().parse_args(argv)
    try:
        with _served(arguments) as loop:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: loop.request_stop())
            print("ready", flush=True)
            loop.run()
    except CellError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return error.exit_code
    return 0


@contextlib.contextmanager
def _served(arguments: argparse.Namespace) -> Iterator[SimulationLoop]:
    """All six ports listening; they are closed at the end."""
    from robot.simulator import camera_server, gripper_server, lab_server
    from robot.simulator.camera_place import CameraMount
    from robot.simulator.camera_server import CameraServer, SimulatedCamera
    from robot.simulator.faults import FaultBoard
    from robot.simulator.gripper_device import GripperDevice
    from robot.simulator.gripper_server import GripperServer
    from robot.simulator.lab_server import LabServer
    from robot.simulator.loop import SimulationLoop
    from robot.simulator.obstacle import UnseenObstacle
    from robot.simulator.staging import Staging
    from robot.simulator.stereo_noise import StereoNoise
    from robot.simulator.tcp_server import listen
    from robot.simulator.ur_controller import start_ur_controller
    from robot.simulator.versions import VERSIONS
    from robot.simulator.world import World

    speed = parse_speed(arguments.speed)
    world = World(VERSIONS[arguments.model].model, load_objects(arguments.objects), _tell)
    with contextlib.ExitStack() as stack:
        try:
            listeners = [
                stack.enter_context(listen(arguments.address, port))
                for port in (gripper_server.PORT, camera_server.PORT, lab_server.PORT)
            ]
            ur = start_ur_controller(arguments.address, world, arguments.model)
        except SettingsError as error:
            raise _CannotListen(error.message, error.hint) from None
        stack.callback(ur.close)
        for name in world.object_names:
            world.prepare(name)
        loop = SimulationLoop(ur.controller, world, speed)
        gripper = GripperDevice(world)
        staging = Staging(world, CameraMount(mount=arguments.mount, seed=arguments.camera_seed))
        faults = FaultBoard(ur.controller, world, gripper, staging, UnseenObstacle(world), arguments.seed)
        for device in (gripper, faults):
            world.attach_device(device)
        camera = SimulatedCamera(world, staging, loop, faults, arguments.seed, StereoNoise())
        for server in (
            GripperServer(listeners[0], gripper, loop, faults),
            CameraServer(listeners[1], camera, faults),
            LabServer(listeners[2], loop, world, staging, camera, gripper, faults),
        ):
            server.start()
            stack.callback(server.close)
        yield loop


class _CannotListen(CellError):
    exit_code = PORT_TAKEN


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m robot.simulator", description=__doc__)
    parser.add_argument("--address", default="127.0.0.1", help="where to listen (default 127.0.0.1)")
    parser.add_argument("--speed", default="1", metavar="FACTOR|max", help="times real time (default 1)")
    parser.add_argument("--model", choices=MODELS, default="cb3", help="UR generation (default cb3)")
    parser.add_argument("--mount", choices=MOUNTS, default=MOUNTS[0], help="of the camera (default fixed)")
    parser.add_argument(
        "--camera-seed", type=int, default=0, metavar="S", help="how far off its nominal place the camera hangs"
    )
    parser.add_argument("--objects", type=Path, default=HOUSEHOLD_12, metavar="FILE", help="object set")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the camera's noise before any placement")
    return parser


if __name__ == "__main__":
    sys.exit(main())
