"""The simulation's heartbeat: when simulated time passes, and who may touch the world meanwhile."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from robot.simulator.controller import URController
from robot.simulator.interfaces import ArmWorld
from robot.simulator.mailbox import Job

SETTLE_S = 0.3
REST_WAIT_S = 0.8  # below the second that a gripper's client waits for an answer
_RUNNING_PUBLISH_S = 0.004
_LAG_MAX_S = 0.5
_SWITCH_INTERVAL_S = 0.0005
_BATCH_S = 0.004


class SimulationLoop:
    """Runs a controller and its world on the calling thread.

    With a speed factor, simulated time is locked to that multiple of wall time. As fast as possible (``speed`` None),
    time passes only while something moves and for SETTLE_S after; then the world stands still, so that what happens
    in it depends on the commands alone. Either way time runs no faster than the wall clock while the moving arm meets
    something: a client that watches the force could not react otherwise.
    """

    def __init__(self, controller: URController, world: ArmWorld, speed: float | None) -> None:
        self._controller = controller
        self._world = world
        self._speed = speed
        self._at_rest: deque[Job] = deque()
        self._stop = threading.Event()
        self._settle_left_s = 0.0
        self._next_publish = 0.0

    def call(self, function: Callable[[], Any], timeout_s: float, urgent: bool = False) -> Any:
        """Run ``function`` on the simulation thread between control periods and return its result.

        As fast as possible, it waits for the world to be at rest (for REST_WAIT_S at most) unless ``urgent``. Never
        call this from the simulation thread itself.

        Raises:
            DeviceError: it was not done within ``timeout_s``; and whatever ``function`` raises.
        """
        job = Job(function)
        if urgent:
            self._controller.inbox.post(job.run)
        else:
            self._controller.inbox.post(lambda: self._at_rest.append(job))
        return job.result(timeout_s)

    def request_stop(self) -> None:
        """Make ``run`` return soon. From any thread, or from a signal handler."""
        self._stop.set()
        self._controller.inbox.post(_nothing)

    def run(self) -> None:
        """Run until ``request_stop``."""
        before = sys.getswitchinterval()
        # Server threads must not wait long for the interpreter while the physics computes.
        sys.setswitchinterval(min(before, _SWITCH_INTERVAL_S))
        try:
            if self._speed is None:
                self._run_as_fast_as_possible()
            else:
                self._run_paced(self._speed)
        finally:
            sys.setswitchinterval(before)

    # -- as fast as possible

    def _run_as_fast_as_possible(self) -> None:
        controller = self._controller
        while not self._stop.is_set():
            controller.poll()
            if self._busy:
                self._settle_left_s = SETTLE_S
            if self._settle_left_s > 0:
                controller.hold_moves = not self._busy
                self._tick()
                if controller.jolted:
                    self._linger()
                if self._at_rest and time.monotonic() - self._at_rest[0].asked_at > REST_WAIT_S:
                    self._run_calls()  # a world that does not come to rest must not silence its devices
                if not self._busy:
                    self._settle_left_s -= controller.period_s
                self._publish_if_due(_RUNNING_PUBLISH_S)
                continue
            controller.hold_moves = False
            controller.poll()
            self._run_calls()
            if not self._busy:
                self._stand_still()

    def _stand_still(self) -> None:
        controller = self._controller
        began = time.monotonic()
        self._publish_if_due(controller.period_s)
        controller.inbox.wait(self._next_publish - time.monotonic())
        controller.stand_still(time.monotonic() - began)

    @property
    def _busy(self) -> bool:
        return self._controller.busy or self._world.busy

    # -- locked to wall time

    def _run_paced(self, speed: float) -> None:
        controller = self._controller
        period_wall_s = controller.period_s / speed
        publish_s = controller.period_s if speed <= 1 else min(controller.period_s, _RUNNING_PUBLISH_S)
        start, ticks = time.monotonic(), 0
        while not self._stop.is_set():
            controller.poll()
            self._run_calls()
            now = time.monotonic()
            due = int((now - start) / period_wall_s) - ticks
            if due * period_wall_s > _LAG_MAX_S:
                start, ticks, due = now, 0, 1  # the machine is too slow: what is lost is lost
            batch_end = now + _BATCH_S
            while due > 0:
                self._tick()
                ticks += 1
                due -= 1
                if speed > 1 and controller.jolted:
                    self._linger()
                    start, ticks, due = time.monotonic(), 0, 0
                if controller.publish_wanted or time.monotonic() > batch_end:
                    break
            self._publish_if_due(publish_s)
            wake = min(start + (ticks + 1) * period_wall_s, max(self._next_publish, now + 0.001))
            wait_s = max(wake - time.monotonic(), 0.001 if due <= 0 else 0.0)
            if due <= 0:
                controller.inbox.wait(wait_s)

    # -- both

    def _tick(self) -> None:
        self._controller.tick()
        self._world.advance(self._controller.period_s)

    def _linger(self) -> None:
        """Let as much wall time pass as the last control period took in the world, heeding what comes in."""
        controller = self._controller
        controller.publish()
        until = time.monotonic() + controller.period_s
        while (left_s := until - time.monotonic()) > 0 and not self._stop.is_set():
            controller.inbox.wait(left_s)
            controller.poll()

    def _run_calls(self) -> None:
        while self._at_rest:
            self._at_rest.popleft().run()
            self._controller.world_changed()

    def _publish_if_due(self, interval_s: float) -> None:
        now = time.monotonic()
        if not self._controller.publish_wanted and now < self._next_publish:
            return
        self._controller.publish()
        # On the grid where possible, so that the mean rate is the nominal one.
        self._next_publish = max(self._next_publish + interval_s, now)


def _nothing() -> None:
    """Only wakes the loop."""
