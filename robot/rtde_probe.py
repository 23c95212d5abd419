"""A look at a controller's RTDE interface (port 30004) that changes nothing: version, packets, who holds which input.

It is no substitute for ur_rtde, which moves the arm; it asks what ur_rtde cannot answer, or answers only by giving up.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from robot.channel import Channel, ChannelError, ChannelTimeout
from robot.deadline import Deadline
from robot.errors import ArmError, ArmTimeout

PORT = 30004
ARM_INPUTS = (
    *(f"input_int_register_{i}" for i in range(8)),
    *(f"input_double_register_{i}" for i in range(18)),
    "external_force_torque",
)
"""What ur_rtde's control interface lays claim to; it does not start when another client holds one of them."""

_PROTOCOL, _VERSION, _TEXT, _OUTPUTS, _INPUTS, _START, _DATA = 86, 118, 77, 79, 73, 83, 85
_HEADER = struct.Struct(">HB")
_CODES = {"DOUBLE": "d", "VECTOR3D": "3d", "VECTOR6D": "6d", "INT32": "i", "UINT32": "I", "UINT64": "Q", "BOOL": "?"}
_NOT_FOUND, _IN_USE = "NOT_FOUND", "IN_USE"


@dataclass(frozen=True)
class Listening:
    """What came in a while.

    Attributes:
        arrived_at: when each packet came, on our monotonic clock [s].
        duration_s: how long it was listened.
        last: values in the newest packet by name, numbers or tuples; without those that the controller does not know.
    """

    arrived_at: tuple[float, ...]
    duration_s: float
    last: dict[str, Any]

    @property
    def rate_hz(self) -> float:
        """Packets per second."""
        return len(self.arrived_at) / self.duration_s

    @property
    def longest_gap_s(self) -> float:
        """Longest time without a packet, between two of them."""
        return max((b - a for a, b in zip(self.arrived_at, self.arrived_at[1:], strict=False)), default=self.duration_s)


class RtdeProbe:
    """One connection. A context manager; every call ends by its deadline and raises ArmError or ArmTimeout."""

    def __init__(self, address: str, *, port: int = PORT, timeout_s: float = 2.5) -> None:
        self._address = address
        self._port = port
        self._timeout_s = timeout_s
        self._channel: Channel | None = None

    def __enter__(self) -> RtdeProbe:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        """Connect and agree on version 2 of the protocol."""
        self.close()
        try:
            self._channel = Channel(self._address, self._port, self._timeout_s)
        except ChannelError as error:
            raise _arm_error(error) from None
        if self._ask(_PROTOCOL, struct.pack(">H", 2)) != b"\x01":
            self.close()
            raise ArmError(f"{self._address}:{self._port} does not speak RTDE 2", "is this the controller's address?")

    def close(self) -> None:
        """Hang up, which gives back whatever ``held_inputs`` laid claim to."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def version(self) -> tuple[int, int, int]:
        """Major, minor and bugfix number of the controller's software."""
        reply = self._ask(_VERSION, b"")
        if len(reply) < 12:
            raise ArmError(f"RTDE: an unreadable version, {reply[:16]!r}")
        major, minor, bugfix = struct.unpack_from(">3I", reply)
        return major, minor, bugfix

    def held_inputs(self, names: Sequence[str] = ARM_INPUTS) -> tuple[str, ...]:
        """Those of ``names`` that another client holds. The free ones are ours until ``close``, so be brief."""
        types = self._ask(_INPUTS, ",".join(names).encode())[1:].decode("ascii", "replace").split(",")
        if len(types) != len(names):
            raise ArmError(f"RTDE: {len(types)} answers to {len(names)} inputs")
        return tuple(name for name, kind in zip(names, types, strict=True) if kind == _IN_USE)

    def listen(self, names: Sequence[str], frequency_hz: float, duration_s: float) -> Listening:
        """Take packets with the outputs ``names`` for a while; none at all is an answer, too."""
        known = self._set_up_outputs(names, frequency_hz)
        if self._ask(_START, b"") != b"\x01":
            raise ArmError("RTDE: the controller refuses to send its state")
        layout = struct.Struct(">" + "".join(_CODES[kind] for kind in known.values()))
        began, deadline = time.monotonic(), Deadline(duration_s)
        arrived: list[float] = []
        payload = b""
        try:
            while True:
                kind, content = self._receive(deadline)
                if kind == _DATA and len(content) == 1 + layout.size:
                    arrived.append(time.monotonic())
                    payload = content[1:]
        except ChannelTimeout:
            pass
        except ChannelError as error:
            raise _arm_error(error) from None
        finally:
            self.close()  # part of a packet may be lost
        return Listening(tuple(arrived), time.monotonic() - began, _values(known, layout, payload) if payload else {})

    def _set_up_outputs(self, names: Sequence[str], frequency_hz: float) -> dict[str, str]:
        """Types of the outputs that the controller knows; it sends none while it is asked for one that it does not."""
        wanted = list(names)
        for _ in range(2):
            reply = self._ask(_OUTPUTS, struct.pack(">d", frequency_hz) + ",".join(wanted).encode())
            types = dict(zip(wanted, reply[1:].decode("ascii", "replace").split(","), strict=False))
            if len(types) == len(wanted) and all(kind in _CODES for kind in types.values()):
                return types
            wanted = [name for name, kind in types.items() if kind != _NOT_FOUND]
        raise ArmError(f"RTDE: the controller cannot send {', '.join(names)}")

    def _ask(self, kind: int, payload: bytes) -> bytes:
        """Send one packet and return the payload of the one that answers it, past whatever is said unasked."""
        if self._channel is None:
            raise ArmError("the RTDE probe is not connected", "call connect() first")
        deadline = Deadline(self._timeout_s)
        try:
            self._channel.send(_HEADER.pack(_HEADER.size + len(payload), kind) + payload, deadline)
            while True:
                answered, content = self._receive(deadline)
                if answered == kind:
                    return content
                if answered not in (_TEXT, _DATA):
                    raise ArmError(f"RTDE: a packet of type {answered} answers one of type {kind}")
        except ChannelError as error:
            self.close()
            raise _arm_error(error) from None

    def _receive(self, deadline: Deadline) -> tuple[int, bytes]:
        assert self._channel is not None
        size, kind = _HEADER.unpack(self._channel.read_exactly(_HEADER.size, deadline))
        if size < _HEADER.size:
            raise ArmError(f"{self._address}:{self._port} does not speak RTDE", "is this the controller's address?")
        return kind, self._channel.read_exactly(size - _HEADER.size, deadline)


def _values(types: dict[str, str], layout: struct.Struct, payload: bytes) -> dict[str, Any]:
    numbers = iter(layout.unpack(payload))
    values: dict[str, Any] = {}
    for name, kind in types.items():
        count = int(_CODES[kind][:-1] or 1)
        values[name] = next(numbers) if count == 1 else tuple(next(numbers) for _ in range(count))
    return values


def _arm_error(error: ChannelError) -> ArmError:
    kind = ArmTimeout if isinstance(error, ChannelTimeout) else ArmError
    return kind(f"RTDE: {error}", "is the controller on, and is its address right?")
