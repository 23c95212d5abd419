"""A dashboard server made for the tests: answers from a table."""

from __future__ import annotations

import contextlib
import socket
import threading

HANG_UP = "hang up"


class DashboardSocket:
    """Answers from a table; a list gives its answers in turn and repeats the last, None stays silent,
    HANG_UP ends the connection."""

    def __init__(self) -> None:
        self.greeting = b"Connected: Universal Robots Dashboard Server\n"
        self.answers: dict[str, str | list[str] | None] = {}
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                with connection, contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.sendall(self.greeting)
                    for line in connection.makefile():
                        if not self._answer(connection, line.strip()):
                            break

    def _answer(self, connection: socket.socket, command: str) -> bool:
        self.asked.append(command)
        answer = self.answers.get(command, f'could not understand: "{command}"')
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if answer is not None and answer != HANG_UP:
            connection.sendall(answer.encode() + b"\n")
        return answer != HANG_UP
