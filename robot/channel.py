"""A TCP connection on which nothing can be waited for without a deadline."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import NoReturn

from robot.deadline import Deadline

_MAX_LINE_BYTES = 65536


class ChannelError(Exception):
    """The connection could not be made, broke, timed out, or carried something unreadable."""


class ChannelLost(ChannelError):
    """There is no connection, or there is none any more."""


class ChannelTimeout(ChannelError):
    """No whole answer by the deadline."""


class Channel:
    """One connection: lines and byte blocks out and in.

    After any error the connection is closed, for a late answer to an old question would be taken
    for the answer to the next one.
    """

    def __init__(self, address: str, port: int, timeout_s: float) -> None:
        """Connect within ``timeout_s``.

        Raises:
            ChannelLost: nothing listens there, or it does not answer in time.
        """
        self.name = f"{address}:{port}"
        self._buffer = bytearray()
        try:
            self._socket = socket.create_connection((address, port), timeout=timeout_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise ChannelLost(f"cannot connect to {self.name}: {error}") from None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Send all of ``data``, dropping whatever arrived unasked before it.

        Raises:
            ChannelError: the connection is broken or blocked.
        """
        self._drop_unasked()
        try:
            self._socket.settimeout(max(deadline.remaining_s, 1e-3))
            self._socket.sendall(data)
        except OSError as error:
            self._lose(f"sending failed: {error}")

    def read_line(self, deadline: Deadline) -> str:
        """The next line, without its end.

        Raises:
            ChannelError: no whole line by the deadline, end of stream, or not text.
        """
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > _MAX_LINE_BYTES:
                self._fail("a line without end arrived")
            self._receive(deadline)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            return line.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError:
            self._fail(f"unreadable answer {line[:40]!r}")

    def read_exactly(self, count: int, deadline: Deadline) -> bytes:
        """The next ``count`` bytes.

        Raises:
            ChannelError: fewer by the deadline, or end of stream.
        """
        while len(self._buffer) < count:
            self._receive(deadline)
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _receive(self, deadline: Deadline) -> None:
        if deadline.passed:
            self._fail_late(deadline)
        try:
            self._socket.settimeout(max(deadline.remaining_s, 1e-3))
            data = self._socket.recv(1 << 20)
        except TimeoutError:
            self._fail_late(deadline)
        except OSError as error:
            self._lose(f"the connection broke: {error}")
        else:
            if not data:
                self._lose("the other side closed the connection")
            self._buffer += data

    def _drop_unasked(self) -> None:
        self._buffer.clear()
        with contextlib.suppress(OSError):
            self._socket.settimeout(0.0)
            while self._socket.recv(4096):
                pass

    def _fail_late(self, deadline: Deadline) -> NoReturn:
        self.close()
        raise ChannelTimeout(f"{self.name}: no whole answer within {deadline.timeout_s:g} s")

    def _lose(self, message: str) -> NoReturn:
        self.close()
        raise ChannelLost(f"{self.name}: {message}")

    def _fail(self, message: str) -> NoReturn:
        self.close()
        raise ChannelError(f"{self.name}: {message}")


def pause(duration_s: float, deadline: Deadline) -> None:
    """Sleep, but not past the deadline."""
    time.sleep(min(duration_s, deadline.remaining_s))
