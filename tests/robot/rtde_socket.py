"""An RTDE interface made for the tests: knows some outputs, has some inputs taken, may fall silent."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator

TYPES = {"timestamp": "DOUBLE", "actual_q": "VECTOR6D", "runtime_state": "UINT32"}
VALUES = {"timestamp": (12.5,), "actual_q": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6), "runtime_state": (2,)}
CODES = {"DOUBLE": "d", "VECTOR6D": "6d", "UINT32": "I"}


class RtdeSocket:
    """Serves one connection after the other.

    Attributes:
        in_use: inputs that somebody else holds.
        period_s: between two data packets; None sends none.
        chatty: says something unasked before every answer, as controllers do.
        mute: answers nothing.
    """

    def __init__(self) -> None:
        self.in_use: set[str] = set()
        self.period_s: float | None = 0.005
        self.chatty = False
        self.mute = False
        self.asked: list[int] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection, contextlib.suppress(OSError):
                    self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        outputs: list[str] = []
        stream = connection.makefile("rb")
        while header := stream.read(3):
            size, kind = struct.unpack(">HB", header)
            payload = stream.read(size - 3)
            self.asked.append(kind)
            if self.mute:
                continue
            if self.chatty:
                connection.sendall(_packet(77, b"\x05hello\x04test\x01"))
            if kind == 79:
                outputs = payload[8:].decode().split(",")
                types = [TYPES.get(name, "NOT_FOUND") for name in outputs]
                connection.sendall(_packet(79, b"\x01" + ",".join(types).encode()))
            elif kind == 73:
                names = payload.decode().split(",")
                types = ["IN_USE" if name in self.in_use else "DOUBLE" for name in names]
                connection.sendall(_packet(73, b"\x01" + ",".join(types).encode()))
            elif kind == 118:
                connection.sendall(_packet(118, struct.pack(">4I", 5, 11, 1, 108318)))
            else:
                connection.sendall(_packet(kind, b"\x01"))
            if kind == 83 and self.period_s is not None:
                self._stream(connection, outputs, self.period_s)

    def _stream(self, connection: socket.socket, outputs: list[str], period_s: float) -> None:
        """Until the client hangs up."""
        layout = ">" + "".join(CODES[TYPES[name]] for name in outputs)
        data = struct.pack(layout, *(value for name in outputs for value in VALUES[name]))
        while True:
            connection.sendall(_packet(85, b"\x01" + data))
            time.sleep(period_s)


def _packet(kind: int, payload: bytes) -> bytes:
    return struct.pack(">HB", 3 + len(payload), kind) + payload


@contextlib.contextmanager
def rtde_socket() -> Iterator[RtdeSocket]:
    served = RtdeSocket()
    try:
        yield served
    finally:
        served.close()
