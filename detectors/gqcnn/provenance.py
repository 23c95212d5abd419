"""Where weights come from: what the data set says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from detectors.dexnet.reading import DATASET_FILE


def data_facts(folder: Path) -> dict[str, Any] | None:
    """What ``dataset.yaml`` of a data set of ours says, or None for another one."""
    import yaml

    try:
        found = yaml.safe_load((folder / DATASET_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return found if isinstance(found, dict) else None
