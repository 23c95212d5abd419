"""The Robotiq URCap's socket (port 63352): ``SET A x B y`` -> ``ack`` without a line end, ``GET VAR`` -> ``VAR n``."""

from __future__ import annotations

import socket

from robot.simulator.faults import FaultBoard
from robot.simulator.gripper_device import WRITABLE, GripperDevice
from robot.simulator.loop import SimulationLoop
from robot.simulator.tcp_server import TcpServer

PORT = 63352
_ALIASES = {"ADR": "ARD"}
_CALL_TIMEOUT_S = 30.0
_LINE_MAX = 4096


class GripperServer:
    """One thread per connection; one answer in one packet per request."""

    def __init__(
        self, listener: socket.socket, device: GripperDevice, loop: SimulationLoop, faults: FaultBoard
    ) -> None:
        self._device, self._loop, self._faults = device, loop, faults
        self._server = TcpServer(listener, self._handle, "gripper")

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def _handle(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            while raw := lines.readline(_LINE_MAX):
                words = raw.decode("ascii", "replace").split()
                if words and "gripper_silence" not in self._faults.active:
                    connection.sendall(self._answer(words))

    def _answer(self, words: list[str]) -> bytes:
        command, *rest = words
        if command == "GET" and len(rest) == 1:
            name = _ALIASES.get(rest[0], rest[0])
            value = self._device.readable.get(name)
            return b"?\n" if value is None else f"{rest[0]} {value}\n".encode()
        values = _assignments(rest) if command == "SET" else None
        if values is None:
            return b"?\n"
        # Stopping must not wait for the world to come to rest.
        urgent = values.get("ACT") == 0 or values.get("GTO") == 0
        self._loop.call(lambda: self._device.write(values), _CALL_TIMEOUT_S, urgent=urgent)
        return b"ack"


def _assignments(words: list[str]) -> dict[str, int] | None:
    """``A x B y`` -> {A: x, B: y}, or None where that is not what the words say."""
    if not words or len(words) % 2:
        return None
    values: dict[str, int] = {}
    for name, text in zip(words[::2], words[1::2], strict=True):
        name = _ALIASES.get(name, name)
        if name not in WRITABLE or not text.isdecimal():
            return None
        values[name] = int(text)
    return values
