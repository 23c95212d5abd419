"""One connected controller as the arm's process knows it: is it there, does it run our program, may the arm move."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from typing import Any, NoReturn

from robot.arm_safety import Safety

POLL_S = 0.001
_ARM_OUTPUTS = ["timestamp", "actual_q", "actual_qd", "actual_TCP_pose", "actual_TCP_force", "speed_scaling"]
_CONTROLLER_OUTPUTS = ["robot_mode", "runtime_state", "safety_status_bits"]
_PLAYING = 2
_AT_REST_RAD_S = 0.01
_STALE_S = 0.05
_EXPLANATION_S = 0.25
_KICK_SHARE = 0.15  # of the watchdog's patience


class Failure(Exception):
    """A command that failed; ``kind`` is the error class that the parent raises."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


_FAILURES = {
    Safety.EMERGENCY_STOP: ("emergency_stop", "the emergency stop is pressed"),
    Safety.FAULT: ("arm", "the safety system reports a fault or a violation"),
    Safety.PROTECTIVE_STOP: ("protective_stop", "the controller made a protective stop"),
    Safety.SAFEGUARD_STOP: ("protective_stop", "the safeguard stop is open"),
}


def failure_of(safety: Safety) -> Failure | None:
    """What a command meets in this state; None where the arm may move."""
    found = _FAILURES.get(safety)
    return Failure(*found) if found else None


class Connection:
    """ur_rtde's two interfaces to one controller.

    Attributes:
        control, receive: the interfaces.
        stamp_s, fresh_at: the controller's clock in the newest packet, and when that came on our monotonic clock.
        tcp_offset: the active TCP, a pose (6,) in flange axes.
    """

    def __init__(self, address: str, version: tuple[int, int, int], link_timeout_s: float, watchdog_hz: float) -> None:
        """Connect, which loads our program onto the controller. Raises RuntimeError, ur_rtde's own."""
        import rtde_control
        import rtde_receive

        self._version = version
        self._link_timeout_s = link_timeout_s
        self._watchdog_hz = watchdog_hz
        self._kicked_at = time.monotonic()
        self.control: Any = rtde_control.RTDEControlInterface(address)
        self.receive: Any = rtde_receive.RTDEReceiveInterface(address, -1.0, _ARM_OUTPUTS + _CONTROLLER_OUTPUTS)
        self.stamp_s = math.nan
        self.fresh_at = time.monotonic()
        self.tcp_offset = [0.0] * 6

    @property
    def detects_contact(self) -> bool:
        """Older controllers lack ``tool_contact``; ur_rtde's program then reports a contact at once."""
        return self._version >= (5, 4, 0)

    @property
    def can_ask_for_solution(self) -> bool:
        """Whether it can say that a pose is out of reach without ending the program over it."""
        return self._version >= (5, 10, 0) or (3, 15, 0) <= self._version < (4, 0, 0)

    def watch(self) -> None:
        """Note whether packets still come, and let the controller know that we are here.

        Raises:
            Failure: the link is dead.
        """
        stamp, now = self.receive.getTimestamp(), time.monotonic()
        if stamp != self.stamp_s:
            self.stamp_s, self.fresh_at = stamp, now
        elif now - self.fresh_at > self._link_timeout_s:
            raise Failure("timeout", f"no packet from the controller for {now - self.fresh_at:.1f} s")
        elif now - self.fresh_at > _STALE_S:
            self.require_connection()
        if (now - self._kicked_at) * self._watchdog_hz > _KICK_SHARE:
            self._kicked_at = now
            self.control.kickWatchdog()

    def wait_for(self, condition: Callable[[], bool], timeout_s: float, message: str) -> None:
        """Poll ``condition``. Raises Failure with ``message`` after ``timeout_s``, or that the link is dead."""
        until = time.monotonic() + timeout_s
        self.watch()
        while not condition():
            if time.monotonic() > until:
                raise Failure("arm", message)
            time.sleep(POLL_S)
            self.watch()

    def settle(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Poll ``condition`` for at most ``timeout_s``. Raises Failure only where the link is dead."""
        until = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < until:
            time.sleep(POLL_S)
            self.watch()

    def prepare(self) -> None:
        """Wait until the program runs; from then on it stops the arm when it no longer hears from us."""
        self.wait_for(lambda: not math.isnan(self.stamp_s), self._link_timeout_s, "no packet arrives")
        self.wait_for(lambda: self.program_runs, 5.0, "the controller did not start the program")
        self.check(self.control.setWatchdog(self._watchdog_hz), "start its watchdog")
        with contextlib.suppress(RuntimeError):  # controllers before 3.6 do not tell
            self.tcp_offset = self.control.getTCPOffset()

    @property
    def program_runs(self) -> bool:
        return bool(self.receive.getRuntimeState() == _PLAYING)

    @property
    def at_rest(self) -> bool:
        return bool(max(map(abs, self.receive.getActualQd())) < _AT_REST_RAD_S)

    @property
    def _safety(self) -> Safety:
        return Safety.from_bits(self.receive.getSafetyStatusBits())

    def require_connection(self) -> None:
        if not (self.receive.isConnected() and self.control.isConnected()):
            raise Failure("lost", "the controller closed the connection")

    def require_ready(self) -> None:
        """Raise what keeps the arm from moving."""
        failure = failure_of(self._safety)
        if failure is not None:
            raise failure
        if not self.program_runs:
            raise Failure("arm", "the program on the controller has ended")

    def require_running(self) -> None:
        """As ``require_ready``, in a motion, where the reason may be late."""
        if not self.program_runs or not self._safety.permits_motion:
            self._explain("the program on the controller has ended")

    def check(self, accepted: bool, what: str) -> None:
        """Raise why the controller did not do ``what``, unless it ``accepted``."""
        if not accepted:
            self._explain(f"the controller did not {what}")

    def _explain(self, otherwise: str) -> NoReturn:
        """Raise why the controller stopped. The reason may come some packets after the stop, on another socket."""
        until = time.monotonic() + _EXPLANATION_S
        while self._safety.permits_motion and time.monotonic() < until:
            self.watch()
            time.sleep(POLL_S)
        self.require_connection()
        self.require_ready()
        raise Failure("arm", otherwise)
