"""Whether a client on this machine has read what was sent to it (Linux)."""

from __future__ import annotations

import ipaddress
import socket
import sys
import time
from collections.abc import Collection

_TABLE = "/proc/net/tcp"
_POLL_S = 0.0003


def peer_key(sock: socket.socket) -> str | None:
    """How the kernel's table names the far end of ``sock``; ``None`` if it is gone or not IPv4."""
    try:
        host, port = sock.getpeername()[:2]
        packed = ipaddress.IPv4Address(host).packed
    except (OSError, ValueError):
        return None
    return f"{int.from_bytes(packed, sys.byteorder):08X}:{port:04X}"


def unread(peers: Collection[str]) -> set[str]:
    """Those of ``peers`` that live on this machine and have not read everything."""
    late: set[str] = set()
    try:
        with open(_TABLE, encoding="ascii") as table:
            for line in table:
                fields = line.split(None, 5)
                if fields[1] in peers and not fields[4].endswith(":00000000"):
                    late.add(fields[1])
    except OSError:
        pass
    return late


class ReadWatch:
    """Waits for clients to read, but not again and again for one that has stopped reading."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._given_up: set[str] = set()

    def wait(self, peers: Collection[str]) -> None:
        """Wait until ``peers`` have read everything, or the time is up; peers elsewhere are not waited for."""
        deadline = time.monotonic() + self._timeout_s
        late = unread(peers)
        self._given_up &= late
        while late - self._given_up:
            if time.monotonic() > deadline:
                self._given_up = late
                return
            time.sleep(_POLL_S)
            late = unread(peers)
