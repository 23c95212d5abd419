"""The robot's controller by its dashboard: version, remote control, power, safety, program. Nothing is commanded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from cell.doctoring.latencies import DASHBOARD
from cell.doctoring.lines import Facts, Line, broken, ok, warning
from cell.doctoring.parts import Part
from robot.dashboard import Dashboard
from robot.errors import ArmError

_GENERATIONS = {3: ("CB3", "UR5"), 5: ("e-Series", "UR5e")}
_LEAST_MINOR = 4  # ur_rtde crashes on older ones, which lack registers
_STOPS = {
    "PROTECTIVE_STOP": "free the arm, find out what it met, and release the stop on the teach pendant",
    "SAFEGUARD_STOP": "close the safeguard (door, light curtain) and reset it",
    "RECOVERY": "move the arm back inside its limits by hand on the teach pendant",
    "VIOLATION": "look at the safety log on the teach pendant, then restart the safety system",
    "FAULT": "look at the safety log on the teach pendant, then restart the safety system",
}
_RELEASE_BUTTON = "release the emergency stop when it is safe, then power the arm on"


def controller_part(address: str, arm_model: str, facts: Facts) -> Part:
    """What the dashboard server says."""
    names = ("controller", "remote control", "power", "safety", "program")
    return Part(names, lambda: controller_lines(Dashboard(address, timeout_s=1.5), arm_model, facts))


def controller_lines(dashboard: Dashboard, arm_model: str, facts: Facts) -> Iterator[Line]:
    """The lines of ``controller_part``; connects and closes ``dashboard``."""
    try:
        dashboard.connect()
    except ArmError as error:
        raise ArmError(f"dashboard down: {error.message}", error.hint) from None
    with closing(dashboard):
        began = time.perf_counter()
        version = dashboard.polyscope_version()
        facts.latencies_ms[DASHBOARD] = (time.perf_counter() - began) * 1e3
        facts.robot_serial = dashboard.serial_number()
        yield _version_line(version, dashboard.ask("get robot model").strip(), facts.robot_serial, arm_model)
        if dashboard.is_in_remote_control():
            yield ok("remote control", "on" if version[0] >= 5 else "always on with a CB3")
        else:
            yield broken(
                "remote control", "the controller is in local control", "switch the teach pendant to remote control"
            )
        yield _power_line(dashboard.robot_mode())
        yield _safety_line(dashboard.safety_status())
        yield _program_line(dashboard.program_state())


def _version_line(version: tuple[int, int, int], model: str, serial: str, arm_model: str) -> Line:
    name, number = "controller", ".".join(map(str, version))
    if version[0] not in _GENERATIONS:
        return broken(name, f"PolyScope {number} is not supported", "use PolyScope 3 (CB3) or 5 (e-Series)")
    generation, expected = _GENERATIONS[version[0]]
    if version[1] < _LEAST_MINOR:
        return broken(name, f"PolyScope {number} is too old", f"update it to {version[0]}.{_LEAST_MINOR} or newer")
    words = f"{model}, {generation}, PolyScope {number}, serial {serial}"
    # An e-Series controller may leave the "e" of its model out.
    if expected != arm_model or model.removesuffix("e") != arm_model.removesuffix("e"):
        return broken(name, f"{words}; the cell file says {arm_model}", "set arm_model in the cell file")
    return ok(name, words)


def _power_line(mode: str) -> Line:
    if mode == "RUNNING":
        return ok("power", "on, brakes released")
    return broken("power", f"the arm is in mode {mode}, not RUNNING", "power it on and release the brakes")


def _safety_line(status: str) -> Line:
    words = status.replace("_", " ").lower()
    if status == "NORMAL":
        return ok("safety", words)
    if status == "REDUCED":
        return warning("safety", "reduced mode: the arm is slower than it is told to be", "leave the reduced zone")
    if "EMERGENCY" in status:
        return broken("safety", words, _RELEASE_BUTTON)
    return broken("safety", words, _STOPS.get(status, "look at the teach pendant"))


def _program_line(state: str) -> Line:
    if state == "STOPPED":
        return ok("program", "none runs")
    verb = {"PLAYING": "runs", "PAUSED": "is paused"}.get(state, f"is in state {state}")
    return warning("program", f"a program {verb} on the controller", "let it end: a run of this cell takes its place")
