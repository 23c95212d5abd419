"""The parent's end of the arm process: requests with deadlines, and the end of the process when one passes."""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import threading
import time
from typing import Any

from robot.arm_messages import LinkClosed, Message, MessageLink
from robot.child_process import spawn_module
from robot.errors import ArmError, ArmTimeout, EmergencyStop, ProtectiveStop

_HINTS = {
    "protective_stop": "free the arm, then confirm the recovery",
    "emergency_stop": "release the button when it is safe, then confirm the recovery",
    "timeout": "check the network and the controller, then connect again",
    "lost": "check that the controller runs, then connect again",
    "arm": "look at the log on the teach pendant",
}
_KINDS: dict[str, type[ArmError]] = {
    "protective_stop": ProtectiveStop,
    "emergency_stop": EmergencyStop,
    "timeout": ArmTimeout,
}
_GONE = ("timeout", "lost", "crash")


class ArmLink:
    """One arm process. A request is answered, fails with the error it met, or costs the process its life.

    A second thread may send ``stop`` while the first waits for the end of a motion.
    """

    def __init__(self) -> None:
        """Start the process; call it from the main thread, to whose life the process is bound."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = spawn_module(
                "robot.arm_process", [str(theirs.fileno())], pass_fds=[theirs.fileno()], stderr=subprocess.DEVNULL
            )
        self._messages = MessageLink(ours)
        self._ids = itertools.count(1)
        self._replies: dict[int, Message | None] = {}  # None: waited for
        self._heard_at = time.monotonic()
        self._sending, self._reading = threading.Lock(), threading.Lock()
        self._open = True

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def process_id(self) -> int:
        return self._process.pid

    def request(self, message: Message, *, silence_s: float, timeout_s: float) -> Any:
        """Send ``message`` and return the result.

        Args:
            silence_s: longest time without a sign of life; it gives one regularly while the arm moves.
            timeout_s: longest time until the result.

        Raises:
            ArmTimeout: a deadline passed; the process has been ended.
            ArmError: what the process reports, or that it is gone.
        """
        identity = next(self._ids)
        what = str(message.get("do", "connect")).replace("_", " ")
        begun = self._heard_at = time.monotonic()
        self._replies[identity] = None
        try:
            with self._sending:
                self._messages.send(message | {"id": identity})
            while (reply := self._replies[identity]) is None:
                now = time.monotonic()
                until = min(self._heard_at + silence_s, begun + timeout_s)
                if now >= until:
                    self.kill()
                    raise ArmTimeout(f"arm: '{what}' was not answered within {now - begun:.1f} s", _HINTS["timeout"])
                self._read(identity, until - now)
        except (LinkClosed, OSError, ValueError):
            self.kill()
            raise ArmError(f"arm: the connection ended during '{what}'", _HINTS["lost"]) from None
        finally:
            del self._replies[identity]  # an interrupted caller's answer is not kept either
        return self._result(reply, what)

    def kill(self) -> None:
        """End the process now, whatever it is doing."""
        self._open = False
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5.0)
        self._messages.close()

    def _result(self, reply: Message, what: str) -> Any:
        kind = reply.get("error")
        if kind is None:
            return reply["result"]
        if kind in _GONE:
            self.kill()
        raise _KINDS.get(kind, ArmError)(f"arm: {what}: {reply['message']}", _HINTS.get(kind, ""))

    def _read(self, identity: int, timeout_s: float) -> None:
        """Take in one message, whomever it is for; or let the other thread do so for a moment."""
        if not self._reading.acquire(timeout=0.002):
            return
        try:
            if self._replies[identity] is not None:
                return
            message = self._messages.receive(timeout_s)
            if message is None:
                return
            self._heard_at = time.monotonic()
            if message["id"] in self._replies and not message.get("alive"):
                self._replies[message["id"]] = message
        finally:
            self._reading.release()
        if message.get("error") == "crash":
            self.kill()
            raise ArmError(f"arm: its process failed: {message['message']}", "this is a defect: please report it")
