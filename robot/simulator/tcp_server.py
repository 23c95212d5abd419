"""A listening socket with one thread per connection."""

from __future__ import annotations

import contextlib
import errno
import socket
import sys
import threading
from collections.abc import Callable

from robot.errors import SettingsError

Handler = Callable[[socket.socket], None]


def listen(address: str, port: int) -> socket.socket:
    """A listening socket. Raises SettingsError, which names the port, where it is taken or the address is not ours."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(16)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"port {port} on {address} is already in use",
                "end the other program, or choose another address such as "
                + ("127.0.0.2" if address != "127.0.0.2" else "127.0.0.3"),
            ) from error
        raise SettingsError(f"cannot listen on {address}:{port}: {error.strerror or error}") from error
    return listener


class TcpServer:
    """Accepts connections on ``listener`` and gives each to ``handle`` on a thread of its own.

    Whatever goes wrong in ``handle`` costs that one connection, which is closed so that its client notices.
    """

    def __init__(self, listener: socket.socket, handle: Handler, name: str) -> None:
        self._listener = listener
        self._handle = handle
        self._name = name
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False

    def start(self) -> None:
        """Begin to accept."""
        threading.Thread(target=self._accept, name=self._name, daemon=True).start()

    def drop_connections(self) -> None:
        """Close every connection; new ones are accepted."""
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            shut(connection)

    def close(self) -> None:
        """Stop accepting and close everything."""
        self._closed = True
        shut(self._listener)
        self._listener.close()
        self.drop_connections()

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name=self._name, daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self._handle(connection)
        except OSError:
            pass  # the client has gone
        except Exception as error:
            print(f"{self._name}: connection closed after {type(error).__name__}: {error}", file=sys.stderr)
        finally:
            with self._lock:
                self._connections.discard(connection)
            shut(connection)
            connection.close()


def shut(connection: socket.socket) -> None:
    """Wake whoever reads from the socket; the reader's thread closes it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
