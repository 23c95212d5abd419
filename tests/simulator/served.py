"""Serves an ideal world in a process of its own and runs real ur_rtde clients against it in another."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_numbers = itertools.count(1)


def fresh_address() -> str:
    """A loopback address that no other test uses at the moment."""
    pid = os.getpid()
    return f"127.{64 + pid // 250 % 120}.{1 + pid % 250}.{next(_numbers) % 250 + 1}"


class Server:
    """The far end of the cables. It ends when its standard input closes, so it cannot outlive the test."""

    def __init__(self, address: str, model: str, speed: str, lag_s: float) -> None:
        self.address = address
        self.model = model
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.simulator.ideal_world", "--address", address),
                *("--model", model, "--speed", speed, "--lag", str(lag_s)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == "ready"

    def request(self, **request: object) -> dict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{request!r}\n")
        self.process.stdin.flush()
        return eval(self.process.stdout.readline(), {"__builtins__": {}})

    def close(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@contextlib.contextmanager
def serving(model: str = "cb3", speed: str = "max", lag_s: float = 0.0, address: str | None = None) -> Iterator[Server]:
    server = Server(address or fresh_address(), model, speed, lag_s)
    try:
        yield server
    finally:
        server.close()


class Client:
    """One scenario of ur_clients.py in a process that may hang or crash without taking the test along."""

    def __init__(self, scenario: str, server: Server, *arguments: str, timeout_s: float = 60.0) -> None:
        self._server = server
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulator.ur_clients", scenario, server.address, server.model, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._killer = threading.Timer(timeout_s, self._process.kill)
        self._killer.start()

    def result(self) -> dict:
        """What the scenario found, after passing its requests on to the server."""
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        try:
            for line in self._process.stdout:
                if not line.startswith("{"):
                    continue  # the library prints remarks of its own
                message = json.loads(line)
                if "ask" not in message:
                    return message
                self._process.stdin.write(json.dumps(self._server.request(**message["ask"])) + "\n")
                self._process.stdin.flush()
            raise AssertionError(f"the client ended with {self._process.wait(5)} and without a result")
        finally:
            self._killer.cancel()
            self._process.kill()
            self._process.wait()


def run_client(scenario: str, server: Server, *arguments: str, timeout_s: float = 60.0) -> dict:
    return Client(scenario, server, *arguments, timeout_s=timeout_s).result()
