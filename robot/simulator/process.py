"""A simulated cell as a child process: started, watched and stopped."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Literal

from robot.channel import pause
from robot.child_process import spawn_module
from robot.deadline import Deadline
from robot.errors import CellError, SettingsError, SimulatorLost
from robot.objects import HOUSEHOLD_12

_PORTS = (30004, 30003, 29999, 63352, 63360, 63370)
_STOP_TIMEOUT_S = 3.0
_POLL_S = 0.01
_ADDRESS_TRIES = 50


class PortTaken(CellError):
    """A port that the simulator needs is in use."""


class SimulatedCell:
    """One running simulator process; it ends with this process, whatever happens. A context manager."""

    def __init__(self, process: subprocess.Popen[bytes], address: str, said: IO[bytes]) -> None:
        """Use :meth:`start`."""
        self._process = process
        self._said = said
        self.address = address

    @classmethod
    def start(
        cls,
        *,
        address: str | None = None,
        objects: Path = HOUSEHOLD_12,
        seed: int = 0,
        speed: str = "max",
        model: str = "cb3",
        mount: Literal["fixed", "wrist"] = "fixed",
        camera_seed: int = 0,
        timeout_s: float = 60.0,
    ) -> SimulatedCell:
        """Start a simulator and wait until it is ready. Call it from the main thread.

        Args:
            address: where to listen; None takes a free address of 127.0.0.0/8.
            seed: of the camera's noise before any placement.
            mount: where the camera hangs: "fixed" over the table, or on the "wrist".
            camera_seed: by how much, up to a centimetre and a degree, it hangs off its nominal place.
            timeout_s: how long the simulator may show no sign of life: every line it writes (the decomposition of a
                mesh takes a while, once) starts the time anew.

        Raises:
            SettingsError: the simulator refuses its arguments or the object set.
            PortTaken: one of its ports is in use on ``address``.
            SimulatorLost: it ended for another reason, or was not ready in time; the message is its own.
        """
        for attempt in range(1, _ADDRESS_TRIES + 1):
            chosen = address or _free_address()
            said = tempfile.TemporaryFile()  # noqa: SIM115  # closed in stop()
            arguments = ["--address", chosen, "--objects", str(Path(objects).resolve()), "--seed", str(seed)]
            arguments += ["--mount", mount, "--camera-seed", str(camera_seed)]
            process = spawn_module(
                "robot.simulator",
                [*arguments, "--speed", speed, "--model", model],
                stdout=subprocess.PIPE,
                stderr=said,
            )
            cell = cls(process, chosen, said)
            try:
                cell._await_ready(timeout_s)
            except BaseException as error:
                cell.stop()
                taken_meanwhile = address is None and isinstance(error, PortTaken)
                if not taken_meanwhile or attempt == _ADDRESS_TRIES:
                    raise
            else:
                return cell
        raise AssertionError("unreachable")

    def __enter__(self) -> SimulatedCell:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """What the process ended with, or None while it runs."""
        return self._process.poll()

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process; harmless when it has ended."""
        if self.alive():
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._said.close()

    def _await_ready(self, timeout_s: float) -> None:
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        deadline, written, printed = Deadline(timeout_s), 0, b""
        while b"ready" not in printed:
            printed += self._process.stdout.read() or b""
            size = os.fstat(self._said.fileno()).st_size
            if size > written:
                written, deadline = size, Deadline(timeout_s)
            if not self.alive():
                self._raise_ended()
            if deadline.passed:
                raise SimulatorLost(f"the simulator was not ready within {timeout_s:g} s", self._last_words())
            pause(_POLL_S, deadline)

    def _raise_ended(self) -> None:
        words = self._last_words().removeprefix("simulator: ") or "it gave no reason"
        if self._process.returncode == SettingsError.exit_code:
            raise SettingsError(words)
        if self._process.returncode == PortTaken.exit_code:
            raise PortTaken(words)
        raise SimulatorLost(f"the simulator ended while starting: {words}")

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""


def _free_address() -> str:
    """An address of 127.0.0.0/8 on which none of the simulator's ports is taken at this moment."""
    for _ in range(_ADDRESS_TRIES):
        address = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.{random.randint(2, 254)}"
        if all(_is_free(address, port) for port in _PORTS):
            return address
    raise SimulatorLost("no address of 127.0.0.0/8 has the simulator's ports free")


def _is_free(address: str, port: int) -> bool:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
