"""The object sets that come with the program; :mod:`robot.objects` reads them."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent

OBJECT_SETS = {name: _FOLDER / f"{name}.yaml" for name in ("household12", "depierre25")}
