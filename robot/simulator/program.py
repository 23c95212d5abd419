"""The control program: what the script that ur_rtde uploads does, register by register.

The script is not interpreted; its main loop and its threads are re-enacted. A thread is a generator that is advanced
once per control period. The re-enactment is kinder than the script in five ways: commands are queued, so none is lost
between two cycles; what the script skips on a CB3 controller (contact detection) works there too; ``servoC`` and
``setExternalForceTorque`` count as real-time commands, as the client treats them; forward kinematics without a TCP
uses the active one instead of stale registers; and a synchronous ``stopL`` is a stopl.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.simulator.arm import Arm, Steps
from robot.simulator.move_path import Waypoint, cartesian_motion
from robot.simulator.profiles import Limits
from robot.simulator.registers import DONE, NOTHING, READY, Registers

Array = NDArray[np.float64]

Handler = Callable[["Program"], Steps | None]

STOP_SCRIPT = 255
MOVES = frozenset({1, 2, 3, 4, 6, 9, 10, 11, 12, 24, 41, 45, 51, 52, 66})
REALTIME = frozenset({6, 9, 10, 11, 12, 24, 25, 26, 27, 38, 55, 58, 66, 67, 68, 69, 70, 71})

_WRITES = 128


class ProgramError(Exception):
    """The script dies of this, as a real one does of a runtime error."""


class Progress(Enum):
    """What the register of an asynchronous operation tells."""

    STARTED = 0
    FINISHED = -1


class Program:
    """One run of the control script.

    Attributes:
        ended: the program has left its main loop.
        sent_tcp: the command at hand came with doubles 6 and up.
    """

    def __init__(
        self,
        arm: Arm,
        registers: Registers,
        handlers: Mapping[int, Handler],
        waypoints: tuple[Waypoint, ...],
        on_protective_stop: Callable[[str], None],
        set_watchdog: Callable[[float], None],
    ) -> None:
        self.arm = arm
        self.registers = registers
        self.waypoints = waypoints
        self.sent_tcp = False
        self._handlers = handlers
        self.ended = False
        self.protective_stop = on_protective_stop
        self.set_watchdog = set_watchdog
        self.contact_direction = np.zeros(6)
        self.contact_steps_back = 0
        self._queue: deque[Mapping[str, Any]] = deque()
        self._main: Iterator[None] | None = None
        self._move: Iterator[None] | None = None
        self._stop: Iterator[None] | None = None
        self._contact: Iterator[None] | None = None
        self._contact_found = False
        self._main_is_internal = False
        self._executing = False
        self._writes = 0
        self._operation = 0
        # A command left over from before the start is not ours.
        registers.write_inputs({registers.command_name(): NOTHING})
        self.report_progress(Progress.FINISHED.value)
        registers.set_int(0, READY)

    # -- for the controller

    @property
    def busy(self) -> bool:
        """A command runs that needs simulated time."""
        return self._main is not None or self._move is not None or self._stop is not None

    def feed(self, values: Mapping[str, Any]) -> None:
        """A data packet from a client."""
        if int(values.get(self.registers.command_name(), NOTHING)) == STOP_SCRIPT:
            self.ended = True
        self._queue.append(values)

    def pump(self, hold_moves: bool) -> None:
        """Carry out what waits, as far as no simulated time is needed. Raises ProgramError, MotionError."""
        while self._main is None and not self.ended:
            if self._queue:
                command = int(self._queue[0].get(self.registers.command_name(), NOTHING))
                if hold_moves and command in MOVES:
                    return
                values = self._queue.popleft()
                self.sent_tcp = f"input_double_register_{self.registers.offset + 6}" in values
                self.registers.write_inputs(values)
                self._cycle()
            elif self._contact_found and self.registers.int_in(0) == NOTHING:
                self._contact_found, self._main_is_internal = False, True
                self._begin(self._retreat_to_contact())
            else:
                return

    def tick(self) -> None:
        """Advance the threads by one control period. Raises ProgramError, MotionError."""
        self._move = _advanced(self._move)
        self._stop = _advanced(self._stop)
        self._contact = _advanced(self._contact)
        if self._main is not None:
            self._main = _advanced(self._main)
            if self._main is None:
                self._finish()

    # -- the main loop

    def _cycle(self) -> None:
        command = self.registers.int_in(0)
        if command == NOTHING:
            self._executing = False
            self.registers.set_int(0, READY)
            return
        handler = self._handlers.get(command)
        if command in REALTIME:
            if handler is not None:
                handler(self)
            self.registers.set_int(0, READY)
        elif not self._executing:
            self._begin(handler(self) if handler is not None else None)

    def _begin(self, steps: Steps | None) -> None:
        self._main = _advanced(steps)
        if self._main is None:
            self._finish()

    def _finish(self) -> None:
        if self._main_is_internal:
            self._main_is_internal = False
            return
        self._executing = True
        self.registers.set_int(0, DONE)

    # -- threads

    def start_move(self, steps: Steps) -> None:
        """Run a move asynchronously."""
        self._move = self._reported(steps)
        next(self._move)

    def start_stop(self, steps: Steps) -> None:
        """Run a stop asynchronously."""
        self._stop = self._reported(steps)
        next(self._stop)

    def kill_move(self) -> bool:
        """End the asynchronous move, if there is one; the arm keeps moving until somebody stops it."""
        if self._move is None:
            return False
        self._move = None
        self.report_progress(Progress.FINISHED.value)
        return True

    def kill_stop(self) -> bool:
        """End the asynchronous stop, if there is one."""
        if self._stop is None:
            return False
        self._stop = None
        self.report_progress(Progress.FINISHED.value)
        return True

    def take_over(self) -> None:
        """End what runs asynchronously because something else leads the arm from now on."""
        self.kill_move()
        self.kill_stop()

    def start_contact(self, direction: Array) -> None:
        """Watch for a contact against (6,) ``direction`` (all 0: against the motion)."""
        self.contact_direction = direction
        self.contact_steps_back = 0
        self._contact = self._watch_contact(direction)

    def kill_contact(self) -> None:
        """Stop watching."""
        self._contact = None

    def drop_contact(self) -> None:
        """The contact that was found has been dealt with."""
        self._contact_found = False

    def _reported(self, steps: Steps) -> Steps:
        self.report_progress(Progress.STARTED.value)
        yield from steps
        self.report_progress(Progress.FINISHED.value)

    def _watch_contact(self, direction: Array) -> Steps:
        arm = self.arm
        baseline = arm.sensor.wrench
        while True:
            against = direction if direction.any() else arm.tcp_velocity()
            steps = arm.history.steps_since_contact(against, baseline)
            if steps > 0:
                break
            yield
        self.contact_steps_back = steps
        self._contact_found = True

    def _retreat_to_contact(self) -> Steps:
        """The script's internal command 254."""
        self.kill_move()
        yield from self.retreat(self.arm.history.q_before(self.contact_steps_back))

    def retreat(self, q: Array) -> Steps:
        """Stop and go back to (6,) ``q`` in a straight line."""
        arm = self.arm
        arm.stop_linear(3.0)
        while not arm.runner.idle:
            yield
        yield from arm.run(cartesian_motion(arm, [arm.tcp_transform(q)], [Limits(0.25, 1.2)]))

    def report_progress(self, progress: int) -> None:
        """Write the register of the asynchronous operation."""
        self._writes = (self._writes + 1) % _WRITES
        if progress == Progress.STARTED.value:
            self._operation = (self._operation + 1) % _WRITES
        word = self._writes << 16 | self._operation << 24
        if progress >= 0:
            word |= 1 << 15 | min(progress, 0x7FFF)
        self.registers.set_int(2, word)


def _advanced(thread: Iterator[None] | None) -> Iterator[None] | None:
    """The thread after one more step; ``None`` once it has ended."""
    if thread is not None:
        try:
            next(thread)
        except StopIteration:
            return None
    return thread
