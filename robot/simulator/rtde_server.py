"""The RTDE interface (port 30004): every client gets the variables it asked for and sets the registers it announced."""

from __future__ import annotations

import functools
import socket
import struct
import threading
import time

from robot.simulator.controller import URController
from robot.simulator.peer_queue import ReadWatch, peer_key
from robot.simulator.report import Report
from robot.simulator.rtde_protocol import (
    DATA_PACKAGE,
    GET_CONTROLLER_VERSION,
    PAUSE,
    REQUEST_PROTOCOL_VERSION,
    SETUP_INPUTS,
    SETUP_OUTPUTS,
    START,
    InputRecipe,
    OutputRecipe,
    Packet,
    ProtocolError,
    frame,
    in_use,
    parse_names,
    split_packets,
)
from robot.simulator.tcp_server import TcpServer, shut
from robot.simulator.versions import ControllerVersion

PORT = 30004
# A client reads the arm and the handshake from two sockets. It gets a head start on the first before it hears on the
# second that a motion is done, so that what it reads next is the arm at its target.
_HEAD_START_S = 0.0005
_HEAD_START_MAX_S = 0.5
_BACKLOG_MAX = 1 << 18
_STAMP = struct.Struct(">d")


class RtdeServer:
    """Serves RTDE on a listening socket; ``publish`` is called by the simulation thread."""

    def __init__(self, listener: socket.socket, controller: URController) -> None:
        self._controller = controller
        self._connections: list[RtdeConnection] = []
        self._lock = threading.Lock()
        self._watch = ReadWatch(_HEAD_START_MAX_S)
        self._server = TcpServer(listener, self._handle, "RTDE")

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def drop_connections(self) -> None:
        """Close every connection once."""
        self._server.drop_connections()

    def publish(self, report: Report, version: int, arrived: bool) -> None:
        """Send ``report`` to everybody; ``version`` tells whether anything but the time has changed."""
        now = time.monotonic()
        with self._lock:
            listeners = [connection for connection in self._connections if connection.started]
        controls = [connection for connection in listeners if connection.commands]
        for connection in listeners:
            if not connection.commands:
                connection.send_state(report, version, now)
        if arrived and controls and len(controls) < len(listeners):
            peers = {connection.peer for connection in listeners if connection.peer and not connection.commands}
            self._watch.wait(peers)
            time.sleep(_HEAD_START_S)
        for connection in controls:
            connection.send_state(report, version, now)

    def _handle(self, sock: socket.socket) -> None:
        connection = RtdeConnection(sock, self._controller)
        with self._lock:
            self._connections.append(connection)
        try:
            connection.serve()
        finally:
            connection.started = False
            with self._lock:
                self._connections.remove(connection)


class RtdeConnection:
    """One RTDE client.

    Attributes:
        started: it wants data packets now.
        commands: it has announced inputs, so it is not a mere listener.
        peer: its end of the connection in the kernel's table.
    """

    def __init__(self, sock: socket.socket, controller: URController) -> None:
        self._socket = sock
        self._controller = controller
        self._outputs: OutputRecipe | None = None
        self._inputs: dict[int, InputRecipe] = {}
        self._send_lock = threading.Lock()
        self._unsent = b""
        self._packet = bytearray()
        self._packet_version = -1
        self._interval_s = 0.0
        self._next_due = 0.0
        self.peer = peer_key(sock)
        self.started = False
        self.commands = False

    def serve(self) -> None:
        """Read until the client goes."""
        buffer = bytearray()
        while chunk := self._socket.recv(65536):
            buffer += chunk
            for packet in split_packets(buffer):
                self._take(packet)

    def _take(self, packet: Packet) -> None:
        if packet.kind == DATA_PACKAGE:
            self._take_data(packet.payload)
        elif packet.kind == REQUEST_PROTOCOL_VERSION:
            wanted = struct.unpack_from(">H", packet.payload)[0]
            self._send(frame(REQUEST_PROTOCOL_VERSION, bytes([int(wanted == 2)])))
        elif packet.kind == GET_CONTROLLER_VERSION:
            self._send(frame(GET_CONTROLLER_VERSION, struct.pack(">4I", *self._version.number)))
        elif packet.kind == SETUP_OUTPUTS:
            self._set_up_outputs(packet.payload)
        elif packet.kind == SETUP_INPUTS:
            self._set_up_inputs(parse_names(packet.payload))
        elif packet.kind in (START, PAUSE):
            ready = self._outputs is not None and self._outputs.complete
            self._send(frame(packet.kind, bytes([int(ready)])))
            self.started = ready and packet.kind == START
        else:
            raise ProtocolError(f"unknown packet type {packet.kind}")

    @property
    def _version(self) -> ControllerVersion:
        return self._controller.version

    def _set_up_outputs(self, payload: bytes) -> None:
        frequency = struct.unpack_from(">d", payload)[0]
        self.started = False
        self._outputs = OutputRecipe.of(1, parse_names(payload[8:]))
        self._packet_version = -1
        nominal_hz = 1.0 / self._version.period_s
        self._interval_s = 0.0 if not 0.0 < frequency < nominal_hz else 1.0 / frequency
        self._send(self._outputs.reply())

    def _set_up_inputs(self, names: list[str]) -> None:
        if self._controller.faults.registers_in_use:
            self._send(in_use(names))
            return
        recipe = InputRecipe.of(len(self._inputs) + 1, names)
        self._inputs[recipe.recipe_id] = recipe
        self.commands = True
        self._send(recipe.reply())

    def _take_data(self, payload: bytes) -> None:
        recipe = self._inputs.get(payload[0]) if payload else None
        if recipe is None:
            raise ProtocolError("data for inputs that were not set up")
        self._controller.inbox.post(functools.partial(self._controller.receive, recipe.decode(payload[1:])))

    def send_state(self, report: Report, version: int, now: float) -> None:
        """Send a data packet, unless the client asked for fewer or has stopped reading."""
        recipe = self._outputs
        if recipe is None:
            return
        changed = version != self._packet_version
        if self._interval_s and now < self._next_due and not (changed and self.commands):
            return
        self._next_due = max(self._next_due + self._interval_s, now)
        if changed or not recipe.names or recipe.names[0] != "timestamp":
            self._packet = bytearray(recipe.pack(report))
            self._packet_version = version
        else:
            _STAMP.pack_into(self._packet, 4, report["timestamp"])
        self._send(bytes(self._packet), wait=False)

    def _send(self, data: bytes, wait: bool = True) -> None:
        """Without ``wait``, what does not fit stays for the next time, and whole packets are dropped behind it."""
        with self._send_lock:
            if not wait and len(self._unsent) > _BACKLOG_MAX:
                shut(self._socket)
                return
            data, self._unsent = self._unsent + data, b""
            try:
                if wait:
                    self._socket.sendall(data)
                    return
                sent = self._socket.send(data, socket.MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.started = False
                return
            self._unsent = data[sent:]
