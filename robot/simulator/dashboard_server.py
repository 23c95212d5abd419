"""The dashboard server (port 29999): one line in, one line out.

It is kinder than a real one: a protective stop is unlocked at once and as often as asked, where a controller refuses
for its first 5 s; power and brakes take no time; a CB3 knows ``is in remote control`` too, and, under the fault
``local_mode``, refuses as an e-Series in local control does. ``unlock protective stop`` also ends the program, which on
a controller stays paused until somebody stops it, and could be played on.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType

from robot.simulator.controller import URController
from robot.simulator.safety import RobotMode, RuntimeState, Safety
from robot.simulator.tcp_server import TcpServer

PORT = 29999
_GREETING = "Connected: Universal Robots Dashboard Server\n"
_ANSWER_TIMEOUT_S = 2.0
_LINE_MAX = 65536


class DashboardServer:
    """Answers dashboard commands; they are carried out on the simulation thread."""

    def __init__(self, listener: socket.socket, controller: URController) -> None:
        self._controller = controller
        self._server = TcpServer(listener, self._handle, "dashboard")

    def start(self) -> None:
        self._server.start()

    def close(self) -> None:
        self._server.close()

    def drop_connections(self) -> None:
        """Close every connection once."""
        self._server.drop_connections()

    def _handle(self, sock: socket.socket) -> None:
        if self._controller.faults.dashboard_down:
            return
        sock.sendall(_GREETING.encode())
        with sock.makefile("rb") as lines:
            while raw := lines.readline(_LINE_MAX):
                line = raw.decode("utf-8", "replace").strip()
                if not line:
                    continue
                act = functools.partial(answer, self._controller, line)
                sock.sendall((self._controller.inbox.call(act, _ANSWER_TIMEOUT_S) + "\n").encode())
                if line.lower() == "quit":
                    return


def answer(controller: URController, line: str) -> str:
    """Carry out one dashboard command; the line to answer with."""
    wanted = line.lower()
    if controller.faults.local_mode and wanted.startswith(_REFUSED_IN_LOCAL_CONTROL):
        return _NOT_ALLOWED if wanted.startswith(_SAFETY_RELATED) else f"Failed to execute: {line}"
    handler = _COMMANDS.get(wanted)
    if handler is not None:
        return handler(controller)
    for prefix, with_argument in _WITH_ARGUMENT.items():
        if wanted.startswith(prefix + " "):
            return with_argument(controller, line[len(prefix) + 1 :].strip())
    return f"could not understand: '{line}'"


def _power_on(controller: URController) -> str:
    controller.power_on()
    return "Powering on"


def _power_off(controller: URController) -> str:
    controller.power_off()
    return "Powering off"


def _brake_release(controller: URController) -> str:
    controller.release_brakes()
    return "Brake releasing"


def _unlock(controller: URController) -> str:
    controller.unlock()
    return "Protective stop releasing"


def _stop(controller: URController) -> str:
    controller.stop_program()
    return "Stopped"


def _play(controller: URController) -> str:
    return "Starting program" if controller.play() else "Failed to execute: play"


def _pause(controller: URController) -> str:
    return "Pausing program" if controller.pause() else "Failed to execute: pause"


def _load(controller: URController, name: str) -> str:
    controller.loaded_program = name
    return f"Loading program: {name}"


def _version(controller: URController) -> str:
    number = ".".join(str(part) for part in controller.version.number)
    return f"URSoftware {number} ({controller.version.date})"


def _program_state(controller: URController) -> str:
    state = {RuntimeState.PLAYING: "PLAYING", RuntimeState.PAUSED: "PAUSED"}.get(controller.runtime_state, "STOPPED")
    return f"{state} {controller.program_name or '<unnamed>'}"


def _running(controller: URController) -> str:
    return f"Program running: {'true' if controller.runtime_state is RuntimeState.PLAYING else 'false'}"


def _loaded(controller: URController) -> str:
    return f"Loaded program: {controller.loaded_program}" if controller.loaded_program else "No program loaded"


def _robot_mode(controller: URController) -> str:
    return f"Robotmode: {controller.robot_mode.name}"


def _restart_safety(controller: URController) -> str:
    if controller.safety is Safety.NORMAL and controller.robot_mode is RobotMode.RUNNING:
        controller.power_off()
    return "Restarting safety"


def _fixed(text: str) -> Callable[[URController], str]:
    return lambda controller: text


_NOT_ALLOWED = "Command is not allowed due to safety reasons"
_SAFETY_RELATED = ("power", "brake release", "unlock", "restart safety")
_REFUSED_IN_LOCAL_CONTROL = (*_SAFETY_RELATED, "stop", "play", "pause", "load", "shutdown", "set operational mode")
_COMMANDS: Mapping[str, Callable[[URController], str]] = MappingProxyType(
    {
        "power on": _power_on,
        "power off": _power_off,
        "brake release": _brake_release,
        "unlock protective stop": _unlock,
        "restart safety": _restart_safety,
        "stop": _stop,
        "play": _play,
        "pause": _pause,
        "polyscopeversion": _version,
        "version": _version,
        "get serial number": lambda controller: controller.version.serial,
        "get robot model": _fixed("UR5"),
        "is in remote control": lambda controller: "false" if controller.faults.local_mode else "true",
        "get operational mode": _fixed("AUTOMATIC"),
        "robotmode": _robot_mode,
        "safetymode": lambda controller: f"Safetymode: {controller.safety.name}",
        "safetystatus": lambda controller: f"Safetystatus: {controller.safety.name}",
        "running": _running,
        "programstate": _program_state,
        "get loaded program": _loaded,
        "isprogramsaved": lambda controller: f"true {controller.program_name or '<unnamed>'}",
        "close popup": _fixed("closing popup"),
        "close safety popup": _fixed("closing safety popup"),
        "popup": _fixed("showing popup"),
        "clear operational mode": _fixed("operational mode is no longer controlled by Dashboard Server"),
        "shutdown": _fixed("Shutting down"),
        "quit": _fixed("Disconnected"),
    }
)
_WITH_ARGUMENT: Mapping[str, Callable[[URController, str], str]] = MappingProxyType(
    {
        "load": _load,
        "load installation": lambda controller, name: f"Loading installation: {name}",
        "popup": lambda controller, text: "showing popup",
        "addtolog": lambda controller, text: "Added log message",
        "setuserrole": lambda controller, role: f"Setting user role: {role}",
        "set operational mode": lambda controller, mode: f"Operational mode '{mode}' is set",
    }
)
