"""The UR dashboard server (port 29999): power, brakes, safety and program, one text line each way."""

from __future__ import annotations

import re

from robot.channel import Channel, ChannelError, ChannelTimeout, pause
from robot.deadline import Deadline
from robot.errors import ArmError, ArmTimeout

PORT = 29999


class CommandRefused(ArmError):
    """The controller understood a command and will not carry it out, now at least."""


class Dashboard:
    """A client whose every call ends by its deadline. Use it as a context manager, or connect and close it."""

    def __init__(self, address: str, *, port: int = PORT, timeout_s: float = 2.5) -> None:
        self._address = address
        self._port = port
        self._timeout_s = timeout_s
        self._channel: Channel | None = None

    def connect(self) -> None:
        """Connect and read the greeting.

        Raises:
            ArmError: nothing listens there, or something that is no dashboard server.
        """
        self.close()
        try:
            self._channel = Channel(self._address, self._port, self._timeout_s)
            greeting = self._channel.read_line(Deadline(self._timeout_s))
        except ChannelError as error:
            self.close()
            raise _arm_error(error) from None
        if "Dashboard" not in greeting:
            self.close()
            raise ArmError(f"{self._address}:{self._port} greets with {greeting[:40]!r}: not a UR dashboard server")

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def __enter__(self) -> Dashboard:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, command: str) -> str:
        """Send one command and return the line that answers it.

        Raises:
            ArmTimeout: no answer in time.
            ArmError: not connected, or the connection broke.
        """
        if self._channel is None:
            raise ArmError("the dashboard is not connected", "call connect() first")
        deadline = Deadline(self._timeout_s)
        try:
            self._channel.send(command.encode("ascii") + b"\n", deadline)
            return self._channel.read_line(deadline)
        except ChannelError as error:
            self.close()
            raise _arm_error(error) from None

    def polyscope_version(self) -> tuple[int, int, int]:
        """Major, minor and bugfix number of the controller's software."""
        answer = self.ask("PolyscopeVersion")
        found = re.search(r"(\d+)\.(\d+)\.(\d+)", answer)
        if found is None:
            raise ArmError(f"the dashboard names no version: {answer[:60]!r}")
        return int(found[1]), int(found[2]), int(found[3])

    def serial_number(self) -> str:
        """Of the robot."""
        return self.ask("get serial number").strip()

    def robot_mode(self) -> str:
        """RUNNING, IDLE, POWER_OFF, BOOTING, ..."""
        return self._value("robotmode", "Robotmode:")

    def safety_status(self) -> str:
        """NORMAL, REDUCED, PROTECTIVE_STOP, ROBOT_EMERGENCY_STOP, ..."""
        answer = self.ask("safetystatus")
        if answer.startswith("Safetystatus:"):
            return answer.partition(":")[2].strip()
        return self._value("safetymode", "Safetymode:")  # controllers before 3.11 and 5.4

    def is_in_remote_control(self) -> bool:
        """Whether the controller takes commands over the network; a CB3, which has no such switch, always does."""
        answer = self.ask("is in remote control").strip().lower()
        return answer != "false"

    def program_state(self) -> str:
        """PLAYING, PAUSED (as in a protective stop) or STOPPED."""
        return self.ask("programState").partition(" ")[0].upper()

    def stop_program(self) -> None:
        """End the program, if there is one. Raises CommandRefused when it can still go on."""
        try:
            self._command("stop", "Stopped")
        except CommandRefused:  # as the controller answers when there is nothing to stop, too
            if self.program_state() != "STOPPED":
                raise

    def unlock_protective_stop(self) -> None:
        """Raises CommandRefused when the controller will not, as in the first 5 s after the stop."""
        self._command("unlock protective stop", "Protective stop releasing")

    def close_safety_popup(self) -> None:
        self.ask("close safety popup")

    def restart_safety(self) -> None:
        self.ask("restart safety")

    def power_on(self, timeout_s: float = 30.0) -> None:
        """Power the arm and wait until it stands there with its brakes on, or already runs."""
        self._command("power on", "Powering on")
        self._await_mode(("IDLE", "RUNNING"), timeout_s)

    def release_brakes(self, timeout_s: float = 30.0) -> None:
        """Release the brakes and wait until the arm obeys."""
        self._command("brake release", "Brake releasing")
        self._await_mode(("RUNNING",), timeout_s)

    def _await_mode(self, modes: tuple[str, ...], timeout_s: float) -> None:
        deadline = Deadline(timeout_s)
        while (mode := self.robot_mode()) not in modes:
            if deadline.passed:
                raise ArmTimeout(
                    f"the arm is in mode {mode}, not {' or '.join(modes)}, after {timeout_s:g} s",
                    "look at the teach pendant",
                )
            pause(0.02, deadline)

    def _value(self, command: str, prefix: str) -> str:
        answer = self.ask(command)
        if not answer.startswith(prefix):
            raise ArmError(f"the dashboard answered {answer[:60]!r} to '{command}'")
        return answer.partition(":")[2].strip()

    def _command(self, command: str, expected: str) -> None:
        answer = self.ask(command)
        if expected.lower() not in answer.lower():
            raise CommandRefused(
                f"the controller refused '{command}': {answer[:80]!r}",
                "is it in remote control, and is nobody else operating it?",
            )


def _arm_error(error: ChannelError) -> ArmError:
    kind = ArmTimeout if isinstance(error, ChannelTimeout) else ArmError
    return kind(f"dashboard: {error}", "is the controller on, and is its address right?")
