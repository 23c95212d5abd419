"""Finding programs in what clients write to the script port, and what matters in ur_rtde's control script."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PROGRAM = re.compile(r"^def\s+(\w+)\s*\(\s*\)\s*:.*?^end[ \t\r]*$", re.MULTILINE | re.DOTALL)
_OFFSET = re.compile(r"#\s*int register offset\s*\n\s*(\d+)")
MAX_PENDING = 4_000_000


class ScriptReader:
    """Cuts a byte stream into programs: from ``def NAME():`` to the line ``end`` in the first column."""

    def __init__(self) -> None:
        self._pending = ""

    def feed(self, data: bytes) -> Iterator[tuple[str, str]]:
        """(name, text) of every program that is complete now."""
        self._pending = (self._pending + data.decode("utf-8", "replace"))[-MAX_PENDING:]
        # Without a line break behind it, "end" may be the beginning of a longer word.
        while (match := _PROGRAM.search(self._pending)) and match.end() < len(self._pending):
            self._pending = self._pending[match.end() :].lstrip("\r\n")
            yield match[1], match[0]


def is_control_script(text: str) -> bool:
    """Whether the program is the one that serves ur_rtde's commands."""
    return "rtde_cmd()" in text and "process_cmd" in text


def register_offset(text: str) -> int:
    """First register of the block that the script uses (0 or 24)."""
    match = _OFFSET.search(text)
    return int(match[1]) if match is not None else 0
