"""The controller's RTDE interface: does state come often enough, are our registers free, does its arm equal ours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cell.doctoring.latencies import PACKET
from cell.doctoring.lines import Facts, Line, broken, not_examined, ok, warning
from cell.doctoring.parts import Part
from robot.geometry import invert, pose_to_transform, rotation_angle
from robot.kinematics import ArmModel, forward
from robot.rtde_probe import Listening, RtdeProbe

_OUTPUTS = ("timestamp", "actual_q", "actual_TCP_pose", "tcp_offset", "runtime_state")
_LISTEN_S = 0.4
_LEAST_SHARE = 0.6
_PLAYING = 2


def interface_part(address: str, model: ArmModel, facts: Facts) -> Part:
    """What the RTDE interface says; ``model`` is the arm by the cell file."""
    return Part(("RTDE rate", "registers", "kinematics"), lambda: _interface(address, model, facts))


def _interface(address: str, model: ArmModel, facts: Facts) -> Iterator[Line]:
    with RtdeProbe(address) as probe:
        nominal_hz = 125.0 if probe.version()[0] < 5 else 500.0
        heard = probe.listen(_OUTPUTS, nominal_hz, _LISTEN_S)
    yield rate_line(heard, nominal_hz, facts)
    with RtdeProbe(address) as probe:
        held = probe.held_inputs()
    yield registers_line(held, heard.last.get("runtime_state") == _PLAYING)
    yield kinematics_line(heard, model)


def rate_line(heard: Listening, nominal_hz: float, facts: Facts) -> Line:
    """Whether the state comes as often as it should."""
    if not heard.last:
        found = f"silent: no packet within {heard.duration_s:.1f} s, its state is stale"
        return broken("RTDE rate", found, "restart the controller if it stays so")
    facts.latencies_ms[PACKET] = max(0.0, heard.longest_gap_s - 1.0 / nominal_hz) * 1e3
    words = f"{heard.rate_hz:.0f} packets/s of {nominal_hz:.0f}, longest gap {heard.longest_gap_s * 1e3:.0f} ms"
    if heard.rate_hz < _LEAST_SHARE * nominal_hz:
        return warning("RTDE rate", words, "use a cable instead of wireless, and nothing else on that network")
    return ok("RTDE rate", words)


def kinematics_line(heard: Listening, model: ArmModel) -> Line:
    """How far the controller's flange is from ours by the same joints."""
    from cell.hand_eye import KINEMATICS_BROKEN_M, KINEMATICS_WARN_M

    name = "kinematics"
    if not heard.last:
        return not_examined(name, "RTDE rate")
    if "tcp_offset" not in heard.last:
        return warning(name, "this controller does not tell its TCP", "not compared; a run compares it")
    ours = forward(model, heard.last["actual_q"])
    theirs = pose_to_transform(heard.last["actual_TCP_pose"]) @ invert(pose_to_transform(heard.last["tcp_offset"]))
    off_m, off_rad = float(np.linalg.norm(theirs[:3, 3] - ours[:3, 3])), rotation_angle(theirs, ours)
    words = f"the controller's flange is {off_m * 1e3:.2f} mm and {np.degrees(off_rad):.2f} degrees from ours"
    if off_m > KINEMATICS_BROKEN_M:
        return broken(name, f"{words} ({model.name})", "is arm_model in the cell file right?")
    if off_m > KINEMATICS_WARN_M:
        return warning(
            name, f"{words}: its factory calibration", "plans allow for less clearance than they say: keep a margin"
        )
    return ok(name, words)


def registers_line(held: tuple[str, ...], playing: bool) -> Line:
    """Whether anybody else holds what ur_rtde needs; ``playing``: a program runs, which may be ours."""
    if not held:
        return ok("registers", "free for ur_rtde")
    more = f" and {len(held) - 3} more" if len(held) > 3 else ""
    found = f"in use by another client: {', '.join(held[:3])}{more}"
    if playing:
        return broken("registers", f"{found}; a program is running", "end the run or program that uses them")
    return broken(
        "registers", found, "disable EtherNet/IP, PROFINET and MODBUS on the controller, and end other RTDE clients"
    )
