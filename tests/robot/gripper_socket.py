"""A gripper's socket made for the tests: a few registers, jaws that need polls to travel, faults on request."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

OPEN, CLOSED = 3, 230


class GripperSocket:
    """Registers as the URCap shows them.

    Attributes:
        object_at: POS register at which the jaws meet an object while closing, or None.
        lag: readings of OBJ that still tell of the motion before.
        travel: registers that the jaws move per reading of POS.
        faults: what to do with the coming requests, one each: "", "no_ack", "half", "nonsense", "hang_up", "other".
    """

    def __init__(self) -> None:
        self.registers = {"ACT": 0, "GTO": 0, "ATR": 0, "FOR": 0, "SPE": 0, "POS": OPEN, "STA": 0, "PRE": OPEN}
        self.registers |= {"OBJ": 3, "FLT": 0}
        self.object_at: int | None = None
        self.stays_inactive = False
        self.fault_on_activation = 0
        self.lag, self.travel = 2, 40
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.connections = 0
        self._lag_left = 0
        self._shown_object = 3
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for connection in (self._server, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for line in connection.makefile("r"):
                self.requests.append(line.strip())
                fault = self.faults.pop(0) if self.faults else ""
                if fault == "hang_up":
                    connection.shutdown(socket.SHUT_RDWR)
                    return
                answer = self._answer(line.split())
                if fault == "no_ack":
                    continue
                answer = {"half": answer[:-1], "nonsense": b"\xff!\n", "other": b"FOO 1\n"}.get(fault, answer)
                connection.sendall(answer)

    def _answer(self, words: list[str]) -> bytes:
        if words[0] == "GET":
            return f"{words[1]} {self._read(words[1])}\n".encode()
        for name, value in zip(words[1::2], words[2::2], strict=True):
            self._write(name, int(value))
        return b"ack"

    def _write(self, name: str, value: int) -> None:
        if name == "POS":
            self.registers["PRE"], self._lag_left = value, self.lag
            return
        self.registers[name] = value
        if name == "ACT":
            self.registers["STA"] = 1 if value else 0
            self.registers["FLT"] = self.fault_on_activation if value else 0

    def _read(self, name: str) -> int:
        registers = self.registers
        if name == "STA" and registers["STA"] == 1 and not self.stays_inactive:
            registers["STA"] = 3
            return 1
        if name == "POS" and registers["STA"] == 3 and registers["GTO"]:
            self._travel()
        if name == "OBJ":
            if self._lag_left:
                self._lag_left -= 1
                return self._shown_object
            self._shown_object = registers["OBJ"]
        return registers[name]

    def _travel(self) -> None:
        registers = self.registers
        goal, position = registers["PRE"], registers["POS"]
        end = goal if self.object_at is None else min(goal, max(self.object_at, OPEN))
        registers["POS"] = min(position + self.travel, end) if end > position else max(position - self.travel, end)
        moving = registers["POS"] != end
        registers["OBJ"] = 0 if moving else (3 if end == goal else 2)


@contextmanager
def gripper_socket() -> Iterator[GripperSocket]:
    served = GripperSocket()
    try:
        yield served
    finally:
        served.close()
