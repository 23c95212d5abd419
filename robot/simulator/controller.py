"""The simulated UR controller: power, safety, one program, one arm. Everything here runs on the simulation thread.

Kinder than a real one: the force it reports is that of the contacts, without the noise and the drift of a CB3's
estimate and without what acceleration and friction add to it; and a program that starts finds the TCP and the payload
as the one before left them. A safeguard stop is not kind: once the light curtain is free, a program that nobody has
stopped goes on by itself, as it does on a controller whose safeguard resets automatically.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from robot.deadline import Clock
from robot.simulator.arm import Arm
from robot.simulator.commands import HANDLERS
from robot.simulator.digital_io import InputsOutputs
from robot.simulator.interfaces import ArmWorld
from robot.simulator.mailbox import Mailbox
from robot.simulator.motion import MotionError
from robot.simulator.move_path import parse_path
from robot.simulator.program import Program, ProgramError
from robot.simulator.registers import DONE, Registers
from robot.simulator.report import Report
from robot.simulator.safety import RobotMode, RuntimeState, Safety, SafetyMonitor, SafetySettings
from robot.simulator.script_parser import is_control_script, register_offset
from robot.simulator.ur_faults import Faults
from robot.simulator.versions import ControllerVersion
from robot.simulator.watchdog import Watchdog

Publisher = Callable[[Report, int, bool], None]


class URController:
    """A UR controller around one arm.

    Attributes:
        inbox: how other threads reach this one.
        hold_moves: set by the loop while new motions have to wait.
        publish_wanted: something changed that a client may be waiting for.
        arrived: the latest change is the end of a motion; receivers should hear of the arm before of the handshake.
    """

    def __init__(
        self,
        world: ArmWorld,
        version: ControllerVersion,
        settings: SafetySettings | None = None,
        wall_clock: Clock = time.monotonic,
    ) -> None:
        self.version = version
        self.period_s = version.period_s
        self.arm: Arm = Arm(world, version.model, version.period_s)
        self.registers: Registers = Registers()
        self.io: InputsOutputs = InputsOutputs()
        self.inbox = Mailbox()
        self.faults = Faults(self)
        self.robot_mode: RobotMode = RobotMode.RUNNING
        self.safety: Safety = Safety.NORMAL
        self.runtime_state: RuntimeState = RuntimeState.STOPPED
        self.program_name = ""
        self.loaded_program = ""
        self.timestamp_s: float = 0.0
        self.hold_moves = False
        self.publish_wanted = True
        self.arrived = False
        self.stop_reason = ""
        self.drop_connections: Callable[[], None] = _nothing
        self.drop_dashboard: Callable[[], None] = _nothing
        self._publisher: Publisher = _nobody
        self._monitor = SafetyMonitor(settings or SafetySettings())
        self._program: Program | None = None
        self._state_version = 0
        self._registers_seen = 0
        self._watchdog = Watchdog(wall_clock)

    # -- the loop's side

    @property
    def busy(self) -> bool:
        """Simulated time is needed: the arm moves, or a command waits for it to."""
        if self.arm.active:
            return not (self._paused_for_good or (self.io.slider == 0.0 and self.io.scaling == 0.0))
        return self._program is not None and self._program.busy and self.runtime_state is RuntimeState.PLAYING

    @property
    def jolted(self) -> bool:
        """The moving arm has just met something: a moment that clients must be able to follow."""
        return self.arm.active and self.arm.sensor.jolted

    @property
    def _paused_for_good(self) -> bool:
        return self.runtime_state is RuntimeState.PAUSED and not self.arm.runner.qd.any()

    def poll(self) -> None:
        """Carry out what came in, as far as that needs no simulated time."""
        self.inbox.run_waiting()
        if self._program is not None and self._watchdog.expired:
            print("program stopped: no input in time (watchdog)", file=sys.stderr)
            self.stop_program()
        self._guarded(self._pump)
        if self.registers.version != self._registers_seen:
            self._registers_seen = self.registers.version
            self._changed()

    def tick(self) -> None:
        """One control period: measure, watch, advance the program, lead the target on."""
        self.timestamp_s += self.period_s
        self._state_version += 1
        before = self.registers.version
        self.arm.measure()
        self.faults.tick(self.period_s)
        self._watch()
        if self.runtime_state is RuntimeState.PLAYING and self._program is not None:
            self._guarded(self._program.tick)
        self._guarded(self._drive)
        self.poll()
        if self.registers.version != before and self.registers.int_out(0) == DONE:
            self.arrived = True

    def stand_still(self, duration_s: float) -> None:
        """Wall time passes while the world does not move."""
        self.timestamp_s += duration_s

    def world_changed(self) -> None:
        """Somebody touched the world between ticks."""
        self._state_version += 1

    def publish(self) -> None:
        """Send the state to whoever listens."""
        self.publish_wanted = False
        arrived, self.arrived = self.arrived, False
        if not self.faults.silent:
            self._publisher(Report(self), self._state_version, arrived)

    def attach(
        self,
        publisher: Publisher,
        drop_connections: Callable[[], None],
        drop_dashboard: Callable[[], None] | None = None,
    ) -> None:
        """Where the state goes, and how to cut the clients of RTDE and of the dashboard off."""
        self._publisher = publisher
        self.drop_connections = drop_connections
        self.drop_dashboard = drop_dashboard or _nothing

    # -- what clients do (via the inbox)

    def receive(self, values: Mapping[str, Any]) -> None:
        """A data packet from an RTDE client."""
        self._watchdog.feed()
        if self.io.write(values):
            self._changed()
        if self._program is None or self.registers.command_name() not in values:
            self.registers.write_inputs(values)
            return
        self._program.feed(values)
        if self._program.ended:
            self.stop_program()

    def load_script(self, text: str, name: str) -> None:
        """A program was uploaded: it runs at once, if the arm may."""
        if self.robot_mode is not RobotMode.RUNNING or self.safety is not Safety.NORMAL or self.faults.local_mode:
            why = "local control" if self.faults.local_mode else f"{self.robot_mode.name}, {self.safety.name}"
            print(f"program {name} not started: {why}", file=sys.stderr)
            return
        self.stop_program()
        if not is_control_script(text):
            print(f"program {name} ignored: only ur_rtde's control script can be simulated", file=sys.stderr)
            self.registers.set_int(0, DONE)
            self._changed()
            return
        try:
            waypoints = parse_path(text)
        except ValueError as error:
            print(f"program {name} not started: {error}", file=sys.stderr)
            return
        self.registers.offset = register_offset(text)
        self._program = Program(self.arm, self.registers, HANDLERS, waypoints, self.protective_stop, self._watchdog.arm)
        self.program_name = name
        self.runtime_state = RuntimeState.PLAYING
        self._watchdog.disarm()
        self._changed()

    def stop_program(self) -> None:
        """End the program; the arm brakes if it moves."""
        self._program = None
        self._watchdog.disarm()
        self.runtime_state = RuntimeState.STOPPED
        if self.arm.in_force_mode:
            self.arm.coast()
        else:
            self.arm.runner.resume()
            self.arm.stop_hard()
        self._changed()

    def pause(self) -> bool:
        """Hold the program and the arm; whether there was one to hold."""
        if self.runtime_state is not RuntimeState.PLAYING:
            return False
        self.runtime_state = RuntimeState.PAUSED
        self.arm.runner.pause()
        self._changed()
        return True

    def play(self) -> bool:
        """Go on with a paused program, or run the loaded one (which does nothing); whether something plays now."""
        if self.safety is not Safety.NORMAL or self.robot_mode is not RobotMode.RUNNING:
            return False
        if self.runtime_state is RuntimeState.PAUSED:
            self.arm.runner.resume()
        elif self.runtime_state is RuntimeState.STOPPED and self.loaded_program:
            self.program_name = self.loaded_program
        else:
            return False
        self.runtime_state = RuntimeState.PLAYING
        self._changed()
        return True

    # -- power and safety

    def power_on(self) -> None:
        if self.robot_mode is RobotMode.POWER_OFF and self.safety is not Safety.ROBOT_EMERGENCY_STOP:
            self._set_mode(RobotMode.IDLE)

    def release_brakes(self) -> None:
        if self.safety is not Safety.ROBOT_EMERGENCY_STOP:
            self._set_mode(RobotMode.RUNNING)

    def power_off(self) -> None:
        self.stop_program()
        self.arm.hold_measured()
        if self.safety is Safety.PROTECTIVE_STOP:
            self.safety = Safety.NORMAL
        self._set_mode(RobotMode.POWER_OFF)

    def protective_stop(self, reason: str, yielding: bool = False) -> None:
        """Stop the arm and hold the program; only unlocking makes it usable again.

        ``yielding``: give way to where the arm was pushed instead of braking on.
        """
        if self.safety is not Safety.NORMAL:
            return
        self._stop_for_safety(Safety.PROTECTIVE_STOP, RuntimeState.PAUSED, reason)
        if yielding:
            self.arm.hold_measured()

    def emergency_stop(self) -> None:
        """The button: stop, brakes on, power off."""
        self._stop_for_safety(Safety.ROBOT_EMERGENCY_STOP, RuntimeState.STOPPED, "emergency stop pressed")
        self._set_mode(RobotMode.POWER_OFF)

    def release_emergency_stop(self) -> None:
        """The button is pulled out again; the arm stays without power."""
        if self.safety is Safety.ROBOT_EMERGENCY_STOP:
            self.safety = Safety.NORMAL
            self._changed()

    def open_safeguard(self) -> None:
        """Somebody steps into the light curtain: the arm stops on its path, and the program waits."""
        if self.safety is Safety.NORMAL:
            self.pause()
            self.safety = Safety.SAFEGUARD_STOP
            self._changed()

    def close_safeguard(self) -> None:
        """The light curtain is free: a program that still waits goes on, and the arm with it."""
        if self.safety is Safety.SAFEGUARD_STOP:
            self.safety = Safety.NORMAL
            if self.runtime_state is RuntimeState.PAUSED:
                self.play()
            self._changed()

    def unlock(self) -> None:
        """After a protective stop: the arm may move again, the program that ran is gone."""
        if self.safety is Safety.PROTECTIVE_STOP:
            self.safety = Safety.NORMAL
            self.runtime_state = RuntimeState.STOPPED
            self._monitor.reset(float(np.linalg.norm(self.arm.sensor.wrench[:3])))
            self._changed()

    def shut_down(self) -> None:
        """Tell every client that the program has stopped, for the last time."""
        self.stop_program()
        self.faults.silent = False
        self.publish()

    # -- faults on command

    def inject(self, name: str, delay_s: float = 0.1, *, at_once: bool = False) -> None:
        """See Faults.inject."""
        self.faults.inject(name, delay_s, at_once=at_once)

    def clear_faults(self) -> None:
        """See Faults.clear."""
        self.faults.clear()

    # -- inside

    def _changed(self) -> None:
        self._state_version += 1
        self.publish_wanted = True

    def _set_mode(self, mode: RobotMode) -> None:
        self.robot_mode = mode
        self._changed()

    def _stop_for_safety(self, safety: Safety, state: RuntimeState, reason: str) -> None:
        had_program = self._program is not None
        self._program = None
        self.safety = safety
        self.stop_reason = reason
        self.runtime_state = state if had_program else RuntimeState.STOPPED
        self.arm.coast()
        print(f"{safety.name.lower().replace('_', ' ')}: {reason}", file=sys.stderr)
        self._changed()

    def _pump(self) -> None:
        if self._program is not None and self.runtime_state is RuntimeState.PLAYING:
            self._program.pump(self.hold_moves)

    def _drive(self) -> None:
        scaling = self.io.tick(self.period_s)
        if self.robot_mode is RobotMode.RUNNING or self.arm.runner.active:
            self.arm.drive(scaling if self.safety is Safety.NORMAL else 1.0)

    def _watch(self) -> None:
        if self.robot_mode is not RobotMode.RUNNING or self.safety is not Safety.NORMAL:
            return
        force_n = float(np.linalg.norm(self.arm.sensor.wrench[:3]))
        reason = self._monitor.check(self.arm.runner.q, self.arm.q, force_n, self.period_s)
        if reason is not None:
            self.protective_stop(reason, yielding=True)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except MotionError as error:
            if self.safety is Safety.NORMAL:
                self.protective_stop(str(error))
            else:
                self.arm.hold_target()
        except (ProgramError, ValueError, ArithmeticError) as error:  # such as a client's NaN
            print(f"program stopped: {error}", file=sys.stderr)
            self.stop_program()


def _nobody(report: Report, version: int, arrived: bool) -> None:
    """Before any server is attached."""


def _nothing() -> None:
    """Before any server is attached."""
