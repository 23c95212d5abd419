"""The simulated camera (port 63360): a request line in, a line and raw pixels out.

``{"get": "info"}`` and ``{"get": "frame"}``; everything else is answered with ``{"error": ...}``.
"""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from robot.errors import CellError
from robot.simulator import camera_model
from robot.simulator.faults import FaultBoard
from robot.simulator.loop import SimulationLoop
from robot.simulator.rendering import Renderer
from robot.simulator.scene import Scene, SceneReader
from robot.simulator.staging import Staging
from robot.simulator.stereo_noise import ColorImage, DepthImage, StereoNoise, noisy_color, noisy_depth
from robot.simulator.tcp_server import TcpServer
from robot.simulator.world import World

PORT = 63360
FRAME_PERIOD_MS = 1000.0 / 30.0
_CALL_TIMEOUT_S = 30.0
_LINE_MAX = 4096


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame as it goes out."""

    number: int
    timestamp_ms: float
    depth: DepthImage
    color: ColorImage


class SimulatedCamera:
    """Takes pictures of a world. Any thread may ask; they are taken one after the other."""

    def __init__(
        self, world: World, staging: Staging, loop: SimulationLoop, faults: FaultBoard, seed: int, noise: StereoNoise
    ) -> None:
        self._world, self._loop, self._faults, self._noise = world, loop, faults, noise
        self._reader = SceneReader(world, staging)
        self._renderer = Renderer()
        self._lock = threading.Lock()
        self._number = 0
        self._timestamp_ms = 0.0
        self._noise_seed: tuple[int, int] = (seed, 0)
        self._last: Picture | None = None
        self._renderer.render(self._reader.read())

    def placed(self, pose_seed: int) -> None:
        """An object has been placed: from now on the noise follows from ``pose_seed``. On the simulation thread."""
        self._noise_seed = (pose_seed % 2**32, self._number)

    def capture(self) -> Picture:
        """Take a picture, or repeat the last one while the camera is frozen."""
        with self._lock:
            if "frozen_frame" in self._faults.active and self._last is not None:
                return self._last
            scene = self._loop.call(self._expose, _CALL_TIMEOUT_S)
            view = self._renderer.render(scene)
            seed, number_when_placed = self._noise_seed
            rng = np.random.default_rng([seed, self._number - number_when_placed])
            depth, color = noisy_depth(view, self._noise, rng), noisy_color(view, self._noise, rng)
            if "all_holes" in self._faults.active:
                depth = np.zeros_like(depth)
            self._last = Picture(self._number, self._timestamp_ms, depth, color)
            return self._last

    def _expose(self) -> Scene:
        self._number += 1
        # A camera's clock goes on when the world stands still.
        self._timestamp_ms = max(self._timestamp_ms + FRAME_PERIOD_MS, self._world.time_s * 1000.0)
        return self._reader.read()


class CameraServer:
    """Serves one simulated camera."""

    def __init__(self, listener: socket.socket, camera: SimulatedCamera, faults: FaultBoard) -> None:
        self._camera, self._faults = camera, faults
        self._server = TcpServer(listener, self._handle, "camera")

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def _handle(self, connection: socket.socket) -> None:
        if "camera_missing" in self._faults.active:
            return
        with connection.makefile("rb") as lines:
            while raw := lines.readline(_LINE_MAX):
                if "camera_missing" in self._faults.active:
                    return
                for block in self._answer(raw):
                    connection.sendall(block)

    def _answer(self, raw: bytes) -> list[bytes]:
        try:
            request = json.loads(raw)
            wanted = request["get"]
        except (ValueError, KeyError, TypeError):
            return [_line({"error": "expected a JSON object with the key 'get'"})]
        if wanted == "info":
            return [_line(info())]
        if wanted != "frame":
            return [_line({"error": f"cannot get {wanted!r}: known are info and frame"})]
        if "camera_silence" in self._faults.active:
            return []
        try:
            picture = self._camera.capture()
        except CellError as error:
            return [_line({"error": str(error)})]
        depth, color = picture.depth.astype("<u2").tobytes(), picture.color.tobytes()
        header = {"number": picture.number, "timestamp_ms": picture.timestamp_ms}
        return [_line(header | {"depth_bytes": len(depth), "color_bytes": len(color)}), depth, color]


def info() -> dict[str, Any]:
    """What the camera says of itself."""
    return {
        "serial": "000000000001",
        "name": "Simulated D435",
        "depth": asdict(camera_model.DEPTH),
        "color": asdict(camera_model.COLOR),
        "T_color_depth": camera_model.T_color_depth().tolist(),
        "depth_unit_m": camera_model.DEPTH_UNIT_M,
        "usb": "3.2",
        "firmware": "5.16.0.1",
        "fps": 30,
        "bytes": 0,
    }


def _line(reply: dict[str, Any]) -> bytes:
    return json.dumps(reply).encode() + b"\n"
