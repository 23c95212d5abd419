"""The script interface (port 30003): programs come in, nothing goes out."""

from __future__ import annotations

import functools
import socket

from robot.simulator.controller import URController
from robot.simulator.script_parser import ScriptReader
from robot.simulator.tcp_server import TcpServer

PORT = 30003


class ScriptServer:
    """Hands every complete program to the controller."""

    def __init__(self, listener: socket.socket, controller: URController) -> None:
        self._controller = controller
        self._server = TcpServer(listener, self._handle, "script port")

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def _handle(self, sock: socket.socket) -> None:
        reader = ScriptReader()
        while chunk := sock.recv(65536):
            for name, text in reader.feed(chunk):
                self._controller.inbox.post(functools.partial(self._controller.load_script, text, name))
