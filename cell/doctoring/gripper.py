"""The gripper by what it says of itself; it is not moved."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cell.doctoring.latencies import GRIPPER
from cell.doctoring.lines import Facts, Line, broken, ok
from cell.doctoring.parts import Part
from robot.gripper import GripperSettings, Robotiq2F85
from robot.gripper_protocol import fault_text

_QUESTIONS = 6  # that one state takes


def gripper_part(settings: GripperSettings, facts: Facts) -> Part:
    """What the Robotiq socket says."""
    return Part(("gripper", "gripper fault"), lambda: _gripper(settings, facts))


def _gripper(settings: GripperSettings, facts: Facts) -> Iterator[Line]:
    with Robotiq2F85(settings) as gripper:
        began = time.perf_counter()
        state = gripper.state()
        facts.latencies_ms[GRIPPER] = (time.perf_counter() - began) / _QUESTIONS * 1e3
    if state.activated:
        yield ok("gripper", f"active, {state.width_m * 1e3:.0f} mm open")
    else:
        yield broken(
            "gripper",
            "gripper inactive: it answers, but does not obey",
            "activate it on the teach pendant (Robotiq URCap); a run does so by itself, the jaws open and close once",
        )
    if state.fault == 0:
        yield ok("gripper fault", "none")
    else:
        yield broken("gripper fault", fault_text(state.fault), "activate it again; if the fault stays, cycle its power")
