"""What the arm driver and its process say to each other: JSON with its length in front."""

from __future__ import annotations

import json
import select
import socket
import struct
from typing import Any

_LENGTH = struct.Struct(">I")
Message = dict[str, Any]


class LinkClosed(Exception):
    """The other process is gone."""


class MessageLink:
    """One end of a socket pair. One thread may read while others send."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()

    def send(self, message: Message) -> None:
        """Raises LinkClosed when nobody is there to read."""
        text = json.dumps(message).encode()
        try:
            self._connection.sendall(_LENGTH.pack(len(text)) + text)
        except OSError as error:
            raise LinkClosed(str(error)) from None

    def receive(self, timeout_s: float) -> Message | None:
        """The next message, or None after ``timeout_s``. A message in pieces is kept for the next call.

        Raises:
            LinkClosed: the other end is closed.
        """
        while (message := self._take()) is None:
            if not select.select([self._connection], [], [], timeout_s)[0]:
                return None
            try:
                data = self._connection.recv(65536)
            except OSError as error:
                raise LinkClosed(str(error)) from None
            if not data:
                raise LinkClosed("end of stream")
            self._buffer += data
        return message

    def close(self) -> None:
        self._connection.close()

    def _take(self) -> Message | None:
        if len(self._buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._buffer)
        end = _LENGTH.size + length
        if len(self._buffer) < end:
            return None
        message: Message = json.loads(bytes(self._buffer[_LENGTH.size : end]))
        del self._buffer[:end]
        return message
