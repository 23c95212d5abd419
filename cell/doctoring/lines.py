"""What the doctor writes down: one line for each thing looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from robot.errors import CellError


class Status(Enum):
    """``BROKEN`` keeps the cell from working; ``WARNING`` should be known."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True)
class Line:
    """One finding.

    Attributes:
        name: what was looked at.
        found: what was found there, in words.
        remedy: what to do about it; empty when nothing needs doing.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""

    @property
    def record(self) -> dict[str, str]:
        """As it stands in the JSON file."""
        return {"name": self.name, "status": self.status.value, "found": self.found, "remedy": self.remedy}


def ok(name: str, found: str) -> Line:
    """All is well."""
    return Line(name, Status.OK, found)


def warning(name: str, found: str, remedy: str) -> Line:
    """The cell works, but not as well as it could."""
    return Line(name, Status.WARNING, found, remedy)


def broken(name: str, found: str, remedy: str) -> Line:
    """The cell will not work."""
    return Line(name, Status.BROKEN, found, remedy)


def broken_by(name: str, error: Exception) -> Line:
    """What an error says, as a line; one that nobody foresaw is no reason to look no further."""
    if isinstance(error, CellError):
        return broken(name, error.message, error.hint or "see what was found")
    found = f"the examination itself failed: {type(error).__name__}: {error}"
    return broken(name, found, "is the installation complete? if so, report this")


def not_examined(name: str, cause: str) -> Line:
    """Nothing is known of it, for what it is asked through does not work."""
    return warning(name, f"not examined, for '{cause}' is broken", f"mend '{cause}' first")


@dataclass
class Facts:
    """What one part learns and another is judged by; empty while it is not known.

    Attributes:
        robot_serial, camera_serial: serial numbers.
        latencies_ms: by what was waited for.
    """

    robot_serial: str = ""
    camera_serial: str = ""
    latencies_ms: dict[str, float] = field(default_factory=dict)
