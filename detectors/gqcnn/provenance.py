"""Where weights come from: the program's revision and what the data set says about itself."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from detectors.dexnet.reading import DATASET_FILE


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


def data_facts(folder: Path) -> dict[str, Any] | None:
    """What ``dataset.yaml`` of a data set of ours says, or None for another one."""
    import yaml

    try:
        found = yaml.safe_load((folder / DATASET_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None
