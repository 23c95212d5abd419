"""A camera channel made for the tests: pictures from arrays, with faults on request."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

COLOR = {"fx": 615.0, "fy": 615.0, "cx": 321.5, "cy": 239.5, "width": 640, "height": 480}
DEPTH = {"fx": 387.0, "fy": 387.0, "cx": 319.5, "cy": 238.5, "width": 640, "height": 480}
T_COLOR_DEPTH = np.array([[1.0, 0, 0, -0.015], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


class CameraChannel:
    """Answers every request from ``depth_mm`` (or ``depths_mm`` in turn) and ``color`` until told to misbehave."""

    def __init__(self) -> None:
        self.depth_mm = np.full((480, 640), 700, np.uint16)
        self.depths_mm: list[np.ndarray] = []
        self.color = np.zeros((480, 640, 3), np.uint8)
        self.number = 0
        self.requests = 0
        self.faults: list[str] = []  # one per frame request, in turn; the last one stays when it ends with "!"
        self.T_color_depth = T_COLOR_DEPTH
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for connection in (self._server, *self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            for line in connection.makefile("rb"):
                what = json.loads(line)["get"]
                if what == "info":
                    connection.sendall(json.dumps(self._info()).encode() + b"\n")
                elif not self._send_frame(connection):
                    return
        except OSError:
            return

    def _info(self) -> dict[str, Any]:
        return {
            "serial": "42",
            "name": "Test camera",
            "depth": DEPTH,
            "color": COLOR,
            "T_color_depth": self.T_color_depth.tolist(),
            "depth_unit_m": 0.001,
            "bytes": 0,
        }

    def _send_frame(self, connection: socket.socket) -> bool:
        self.requests += 1
        fault = self.faults[0] if self.faults else ""
        if self.faults and not fault.endswith("!"):
            self.faults.pop(0)
        fault = fault.rstrip("!")
        if fault == "silence":
            return True
        if fault == "hang_up":
            connection.close()
            return False
        if fault != "frozen":
            self.number += 1
            if self.depths_mm:
                self.depth_mm = self.depths_mm.pop(0)
        depth, color = self.depth_mm.astype("<u2").tobytes(), self.color.tobytes()
        if fault == "all_holes":
            depth = bytes(len(depth))
        if fault == "wrong_size":
            depth = depth[: len(depth) // 4]
        header = {"number": self.number, "timestamp_ms": self.number * 33.0, "depth_bytes": len(depth)}
        connection.sendall(json.dumps(header | {"color_bytes": len(color)}).encode() + b"\n")
        if fault == "half_frame":
            connection.sendall(depth[:1000])
            return True
        connection.sendall(depth + color)
        return True


@contextmanager
def camera_channel() -> Iterator[CameraChannel]:
    channel = CameraChannel()
    try:
        yield channel
    finally:
        channel.close()
