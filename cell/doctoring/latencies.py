"""How long the parts of the cell take to answer."""

from __future__ import annotations

from cell.doctoring.lines import Facts, Line, ok, warning

_SLOW_MS = {"dashboard": 300.0, "RTDE packet late by": 100.0, "gripper": 300.0, "camera frame": 1000.0}
DASHBOARD, PACKET, GRIPPER, FRAME = _SLOW_MS


def latency_line(facts: Facts) -> Line:
    """All that was measured; to be asked when the other parts are done."""
    name, measured = "latencies", facts.latencies_ms
    if not measured:
        return warning(name, "nothing answered", "mend what is broken first")
    words = ", ".join(f"{what} {measured[what]:.1f} ms" for what in _SLOW_MS if what in measured)
    slow = [f"{what} above {_SLOW_MS[what]:.0f} ms" for what in measured if measured[what] > _SLOW_MS[what]]
    if slow:
        return warning(name, f"{words}; slow: {', '.join(slow)}", "is this computer or its network busy?")
    return ok(name, words)
