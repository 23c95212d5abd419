"""Stands between the arm's driver and its controller, passes every byte on, and notes what the driver sent."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import random
import re
import socket
import struct
import threading
from dataclasses import dataclass
from multiprocessing.connection import Connection

from robot.errors import SettingsError
from robot.simulator.rtde_protocol import (
    DATA_PACKAGE,
    HEADER,
    SETUP_INPUTS,
    SETUP_OUTPUTS,
    InputRecipe,
    OutputRecipe,
    parse_names,
    split_packets,
)
from robot.simulator.script_parser import ScriptReader
from robot.simulator.tcp_server import TcpServer, listen, shut

RTDE, SCRIPT, DASHBOARD = 30004, 30003, 29999
PORTS = (RTDE, SCRIPT, DASHBOARD)
_DOUBLE = re.compile(r"input_double_register_(\d+)")
_INT = re.compile(r"input_int_register_(\d+)")
_ADDRESS_TRIES = 50


@dataclass(frozen=True)
class Command:
    """A command to ur_rtde's control script, as it left.

    Attributes:
        code: what stands in the first integer register.
        doubles, ints: the other registers that came with it, in their order.
        q: (6,) the joints as the controller had last reported them [rad]; None before its first report.
    """

    code: int
    doubles: tuple[float, ...] = ()
    ints: tuple[int, ...] = ()
    q: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Upload:
    """A program that was sent to the script port."""

    name: str
    text: str


@dataclass(frozen=True)
class DashboardLine:
    """A line that was sent to the dashboard server."""

    text: str


Sent = Command | Upload | DashboardLine


class WireRecorder:
    """A proxy on an address of its own. A context manager.

    Attributes:
        address: where the driver is to connect.
    """

    def __init__(self, target: str) -> None:
        """``target``: the address of the controller."""
        self._target = target
        self._sent: list[Sent] = []
        self._lock = threading.Lock()
        self._joints = _Joints()
        self.address, listeners = _listeners()
        self._servers = [
            TcpServer(listener, lambda client, port=port: self._serve(client, port), f"recorder {port}")
            for port, listener in listeners.items()
        ]

    @property
    def sent(self) -> tuple[Sent, ...]:
        """Everything that the driver has sent, in the order in which it left."""
        with self._lock:
            return tuple(self._sent)

    def __enter__(self) -> WireRecorder:
        for server in self._servers:
            server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()

    def _serve(self, client: socket.socket, port: int) -> None:
        with socket.create_connection((self._target, port), timeout=5.0) as controller:
            controller.settimeout(None)
            controller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            driver = {RTDE: _RtdeDriver, SCRIPT: _ScriptDriver, DASHBOARD: _DashboardDriver}[port](self._joints)
            back = threading.Thread(target=_pump, args=(controller, client, driver.hear), daemon=True)
            back.start()
            _pump(client, controller, lambda chunk: self._note(driver, chunk))
            back.join()

    def _note(self, driver: _RtdeDriver | _ScriptDriver | _DashboardDriver, chunk: bytes) -> None:
        with self._lock:
            self._sent.extend(driver.say(chunk))


class RecorderProcess:
    """A recorder in a process of its own: it passes on in time whatever keeps ours busy. A context manager.

    Attributes:
        address: where the driver is to connect.
        sent: everything that the driver has sent; there when the context has been left.
    """

    def __init__(self, target: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_record, args=(target, theirs), daemon=True)
        self._process.start()
        self.address: str = self._ours.recv()
        self.sent: tuple[Sent, ...] = ()

    def __enter__(self) -> RecorderProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send("enough")
        self.sent = self._ours.recv()
        self._process.join()


def _record(target: str, parent: Connection) -> None:
    with WireRecorder(target) as recorder:
        parent.send(recorder.address)
        parent.recv()
        parent.send(recorder.sent)


class _Joints:
    """The newest report of the joints on any connection, and how to read it."""

    def __init__(self) -> None:
        self._report: tuple[bytes, int] | None = None

    def put(self, payload: bytes, offset: int) -> None:
        self._report = payload, offset

    def get(self) -> tuple[float, ...] | None:
        if self._report is None:
            return None
        payload, offset = self._report
        return struct.unpack_from(">6d", payload, offset)


class _RtdeDriver:
    """One RTDE connection, both ways."""

    def __init__(self, joints: _Joints) -> None:
        self._joints = joints
        self._said, self._heard = bytearray(), bytearray()
        self._inputs: dict[int, InputRecipe] = {}
        self._joints_offset: int | None = None

    def say(self, chunk: bytes) -> list[Command]:
        """What the driver commands with the next bytes."""
        self._said += chunk
        commands = []
        for packet in split_packets(self._said):
            if packet.kind == SETUP_INPUTS:
                recipe = InputRecipe.of(len(self._inputs) + 1, parse_names(packet.payload))
                self._inputs[recipe.recipe_id] = recipe  # the controller numbers them in the order of asking
            elif packet.kind == SETUP_OUTPUTS:
                self._joints_offset = _offset_of_joints(parse_names(packet.payload[8:]))
            elif packet.kind == DATA_PACKAGE:
                values = self._inputs[packet.payload[0]].decode(packet.payload[1:])
                doubles, ints = _numbered(values, _DOUBLE), _numbered(values, _INT)
                commands.append(Command(int(ints[0]), doubles, ints[1:], self._joints.get()))
        return commands

    def hear(self, chunk: bytes) -> None:
        """Keep the newest report of the joints."""
        if self._joints_offset is None:
            return
        self._heard += chunk
        at = 0
        while len(self._heard) >= at + HEADER.size:
            size, kind = HEADER.unpack_from(self._heard, at)
            if len(self._heard) < at + size:
                break
            if kind == DATA_PACKAGE:
                self._joints.put(bytes(self._heard[at : at + size]), self._joints_offset)
            at += size
        del self._heard[:at]


class _ScriptDriver:
    """One connection to the script port."""

    def __init__(self, joints: _Joints) -> None:
        self._reader = ScriptReader()

    def say(self, chunk: bytes) -> list[Upload]:
        return [Upload(name, text) for name, text in self._reader.feed(chunk)]

    def hear(self, chunk: bytes) -> None:
        """The script port's answers say nothing about motion."""


class _DashboardDriver:
    """One connection to the dashboard server."""

    def __init__(self, joints: _Joints) -> None:
        self._pending = b""

    def say(self, chunk: bytes) -> list[DashboardLine]:
        *lines, self._pending = (self._pending + chunk).split(b"\n")
        return [DashboardLine(line.decode("ascii", "replace").strip()) for line in lines]

    def hear(self, chunk: bytes) -> None:
        """Nor do the dashboard's."""


def _pump(source: socket.socket, sink: socket.socket, note) -> None:
    """Pass everything on until one side has gone, then let the other go as well. What is noted, is noted first."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            note(chunk)
            sink.sendall(chunk)
    shut(source)
    shut(sink)


def _numbered(values, pattern) -> tuple:
    """The registers whose names match, in the order of their numbers."""
    found = {int(match[1]): value for name, value in values.items() if (match := pattern.fullmatch(name))}
    return tuple(found[index] for index in sorted(found))


def _offset_of_joints(names) -> int | None:
    """Where (6,) actual_q begins in a data packet with these outputs, its header included."""
    before = list(itertools.takewhile(lambda name: name != "actual_q", names))
    return None if len(before) == len(names) else OutputRecipe.of(1, before).packer.size


def _listeners() -> tuple[str, dict[int, socket.socket]]:
    for _ in range(_ADDRESS_TRIES):
        address = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.{random.randint(2, 254)}"
        opened: dict[int, socket.socket] = {}
        try:
            for port in PORTS:
                opened[port] = listen(address, port)
        except SettingsError:
            for listener in opened.values():
                listener.close()
        else:
            return address, opened
    raise AssertionError("no address of 127.0.0.0/8 has the controller's ports free")
