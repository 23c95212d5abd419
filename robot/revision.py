"""Which version of the program this is, for what is written down and must be found again."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_revision() -> str:
    """Revision of the program, "-dirty" where it was changed since; "unknown" outside a repository."""
    here = Path(__file__).resolve().parent
    try:
        result = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--dirty"], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return result.stdout.strip() or "unknown"
