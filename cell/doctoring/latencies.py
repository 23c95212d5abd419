"""How long the parts of the cell take to answer."""

from __future__ import annotations

from cell.doctoring.lines import Facts, Line, ok, warning
from cell.settings import CellSettings

DASHBOARD, PACKET, GRIPPER, FRAME = "dashboard", "RTDE packet late by", "gripper", "camera frame"
_SHARE = 0.5  # of the time that a run waits


def latency_line(facts: Facts, settings: CellSettings) -> Line:
    """All that was measured, against the patience of a run; to be asked when the other parts are done."""
    patience_s = {
        DASHBOARD: settings.arm.reply_timeout_s,
        PACKET: settings.arm.link_timeout_s,
        GRIPPER: settings.gripper.answer_timeout_s,
        FRAME: settings.camera.frame_timeout_s,
    }
    name, measured = "latencies", facts.latencies_ms
    if not measured:
        return warning(name, "nothing answered", "mend what is broken first")
    words = ", ".join(f"{what} {measured[what]:.1f} ms" for what in patience_s if what in measured)
    slow = [what for what in measured if measured[what] > _SHARE * patience_s[what] * 1e3]
    if slow:
        found = f"{words}; more than half of what a run waits for: {', '.join(slow)}"
        return warning(name, found, "is this computer or its network busy?")
    return ok(name, words)
