"""The Robotiq URCap's socket: registers read and written by name, one question and one answer at a time."""

from __future__ import annotations

import threading

from robot.channel import Channel, ChannelError, ChannelLost
from robot.deadline import Deadline
from robot.errors import GripperError

STATUS_RESET, STATUS_ACTIVATING, STATUS_ACTIVE = 0, 1, 3
OBJECT_MOVING, OBJECT_STOPPED_OPENING, OBJECT_STOPPED_CLOSING, OBJECT_AT_TARGET = 0, 1, 2, 3

# gFLT of the 2F-85 manual.
FAULTS = {
    0x05: "action delayed, the activation must be completed first",
    0x07: "the activation bit must be set before any action",
    0x08: "maximum operating temperature exceeded, let it cool down",
    0x09: "no communication for at least one second",
    0x0A: "supply below the minimum operating voltage",
    0x0B: "automatic release in progress",
    0x0C: "internal fault",
    0x0D: "activation fault, check that nothing blocks the fingers",
    0x0E: "overcurrent",
    0x0F: "automatic release completed",
}
FAULTS_DURING_ACTIVATION = frozenset({0x05, 0x07})


def fault_text(code: int) -> str:
    """What a FLT code means, with the code in hexadecimal."""
    return f"fault 0x{code:02X}: {FAULTS.get(code, 'unknown to the manual')}"


class RegisterLink:
    """One persistent connection to port 63352; lost connections are made anew once per request.

    Registers hold values, not steps, so asking or setting twice does no harm.
    """

    def __init__(self, address: str, port: int, connect_timeout_s: float, answer_timeout_s: float) -> None:
        self._address = address
        self._port = port
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self._channel: Channel | None = None
        self._lock = threading.Lock()
        self._open = False

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self) -> None:
        """Raises GripperError when nothing answers at the address."""
        with self._lock:
            self._open = True
            try:
                self._connected()
            except ChannelError as error:
                self._open = False
                raise self._error(error) from None

    def close(self) -> None:
        with self._lock:
            self._open = False
            self._drop()

    def get(self, variable: str) -> int:
        """The register's value, 0..255.

        Raises:
            GripperError: no answer in time, or not an answer to this question.
        """
        answer = self._ask(f"GET {variable}\n", line=True)
        name, _, value = answer.partition(" ")
        if name != variable or not value.strip().isdecimal() or not 0 <= int(value) <= 255:
            self._distrust()
            raise GripperError(
                f"the gripper answered {answer[:40]!r} to 'GET {variable}'",
                f"does something else listen on {self._address}:{self._port}?",
            )
        return int(value)

    def set(self, **values: int) -> None:
        """Write registers in the given order and wait for the acknowledgement.

        Raises:
            GripperError: no acknowledgement in time, or something else in its place.
        """
        words = " ".join(f"{name} {value}" for name, value in values.items())
        answer = self._ask(f"SET {words}\n", line=False)
        if answer != "ack":
            self._distrust()
            raise GripperError(f"the gripper answered {answer[:40]!r} instead of 'ack' to 'SET {words}'")

    def _ask(self, request: str, *, line: bool) -> str:
        if not self._open:
            raise GripperError("the gripper is not connected", "call connect() first")
        with self._lock:
            try:
                try:
                    return self._exchange(request, line=line)
                except ChannelLost:  # a gripper that is gone shows at the second try
                    self._channel = None
                    return self._exchange(request, line=line)
            except ChannelError as error:
                self._channel = None
                raise self._error(error) from None

    def _exchange(self, request: str, *, line: bool) -> str:
        channel = self._connected()
        deadline = Deadline(self._answer_timeout_s)
        channel.send(request.encode("ascii"), deadline)
        if line:
            return channel.read_line(deadline)
        return channel.read_exactly(3, deadline).decode("ascii", errors="replace")  # "ack" has no line end

    def _connected(self) -> Channel:
        if self._channel is None:
            self._channel = Channel(self._address, self._port, self._connect_timeout_s)
        return self._channel

    def _distrust(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _error(self, error: ChannelError) -> GripperError:
        return GripperError(
            f"gripper: {error}", "check that the Robotiq URCap runs on the controller and that the gripper has power"
        )
