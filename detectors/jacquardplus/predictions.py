"""The file of predictions: read with every wrong entry named, so that the rest can still be judged.

``{"benchmark": "jacquardplus", "seed": S, "scenes": N, "detector": "name", "predictions": {"0": [{"u", "v",
"angle_rad", "width_px"}, ...], ...}}``, best first; a scene in which nothing was proposed has an empty list. An entry
may also have ``depth_m``, ``width_m`` and ``quality``; whatever else it has is left alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from detectors.jacquardplus.settings import BENCHMARK, BenchmarkSettings
from robot.errors import SettingsError
from robot.frame import MAX_DEPTH_M
from robot.whole_files import whole_file

_LONGEST_CHARS = 60  # of a wrong value in a message


@dataclass(frozen=True)
class Prediction:
    """A grasp in the image.

    Attributes:
        u, v: its centre [px].
        angle_rad: closing direction from +u towards +v.
        width_px: opening of the jaws in the image; > 0.
        depth_m: of the grasp point along the optical axis, or None: then the benchmark's rule says how deep it goes.
        width_m: opening of the jaws in space, or None: then it follows from ``width_px``.
        quality: the detector's own word, or None; it decides nothing here.
    """

    u: float
    v: float
    angle_rad: float
    width_px: float
    depth_m: float | None = None
    width_m: float | None = None
    quality: float | None = None

    def to_json(self) -> dict[str, float]:
        """What is known, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Predictions:
    """A file of predictions.

    Attributes:
        detector: whose.
        seed, scenes: of the benchmark.
        first: scene -> the best grasp, None where it is wrong or where none was proposed.
        silent: scenes for which the list is empty.
        faults: what is wrong, one line each.
    """

    detector: str
    seed: int
    scenes: int
    first: Mapping[int, Prediction | None]
    silent: frozenset[int]
    faults: tuple[str, ...]


def as_json(
    detector: str, settings: BenchmarkSettings, found: Mapping[int, Sequence[Mapping[str, float]]]
) -> dict[str, Any]:
    """What a detector proposed for the first scenes (as ``Prediction.to_json``), in the form of the file."""
    rows = {str(number): list(found[number]) for number in range(len(found))}
    facts = {"benchmark": BENCHMARK, "seed": settings.seed, "scenes": len(found), "detector": detector}
    return facts | {"predictions": rows}


def write_predictions(path: Path, data: dict[str, Any]) -> None:
    """Write the file, whole or not at all.

    Raises:
        SettingsError: the file cannot be written.
    """
    with whole_file(path) as stream:
        stream.write(json.dumps(data).encode() + b"\n")


def read_predictions(path: Path, settings: BenchmarkSettings) -> Predictions:
    """What the file holds; single wrong entries become ``faults``.

    Raises:
        SettingsError: it is no file of predictions, or one of another benchmark.
    """
    return checked(_read_json(path), str(path), settings)


def checked(data: Any, path: str, settings: BenchmarkSettings) -> Predictions:
    """The same of what a file holds; ``path`` is for messages."""
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: expected an object with benchmark, seed, scenes and predictions, got "
                            f"{_shown(data)}")  # fmt: skip
    _check_benchmark(path, data, settings)
    entries = data.get("predictions")
    if not isinstance(entries, dict):
        raise SettingsError(f"{path}: 'predictions' must be an object of scene number -> list of grasps, got "
                            f"{_shown(entries)}")  # fmt: skip
    scenes, detector = data["scenes"], data.get("detector", "")
    size = (settings.image_px, settings.image_px)
    faults = [f"scene {_shown(name)}: there is no such scene, they are 0 to {scenes - 1}"
              for name in entries if not _names_scene(name, scenes)]  # fmt: skip
    first: dict[int, Prediction | None] = {}
    silent = set()
    for number in range(scenes):
        grasps, wrong = _grasps(entries, number, size)
        faults += wrong
        first[number] = grasps[0] if grasps else None
        if not grasps and not wrong:
            silent.add(number)
    return Predictions(
        detector if isinstance(detector, str) else "", settings.seed, scenes, first, frozenset(silent), tuple(faults)
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise SettingsError(f"{path}: not JSON of predictions: nested too deeply") from None
    except ValueError as error:  # no JSON, no UTF-8, or a number of more digits than Python reads
        raise SettingsError(f"{path}: not JSON: {error}", "see the README for what is expected") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, none of whose keys stands twice: which of two answers to a scene is meant?"""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {_shown(twice)} stands twice in one object")
    return found


def _check_benchmark(path: str, data: dict[str, Any], settings: BenchmarkSettings) -> None:
    if data.get("benchmark") != BENCHMARK:
        raise SettingsError(f"{path}: 'benchmark' must be '{BENCHMARK}', got {_shown(data.get('benchmark'))}")
    for name in ("seed", "scenes"):
        if not isinstance(data.get(name), int) or isinstance(data[name], bool):
            raise SettingsError(f"{path}: '{name}' must be a whole number, got {_shown(data.get(name))}")
    if data["seed"] != settings.seed:
        raise SettingsError(
            f"{path}: is for seed {_shown(data['seed'])}, the scenes are of seed {settings.seed}",
            "give the --path of its own scenes, or make them",
        )
    if not 1 <= data["scenes"] <= settings.scenes:
        raise SettingsError(
            f"{path}: is for {_shown(data['scenes'])} scenes, there are {settings.scenes}",
            "make more with python -m detectors.synthesize",
        )


def _names_scene(name: str, scenes: int) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 10 and str(int(name)) == name and int(name) < scenes


def _grasps(entries: dict[str, Any], number: int, size: tuple[int, int]) -> tuple[list[Prediction | None], list[str]]:
    """The grasps of one scene, None for a wrong one, and what is wrong."""
    where = f"scene {number}"
    if str(number) not in entries:
        return [], [f"{where}: is missing (a scene without a proposal has an empty list)"]
    listed = entries[str(number)]
    if not isinstance(listed, list):
        return [], [f"{where}: expected a list of grasps, got {_shown(listed)}"]
    grasps: list[Prediction | None] = []
    faults = []
    for place, entry in enumerate(listed, start=1):
        wrong = _fault(entry, size)
        if wrong:
            faults.append(f"{where}, grasp {place}: {wrong}")
        grasps.append(None if wrong else _prediction(entry))
    return grasps, faults


_NEEDED, _OPTIONAL = ("u", "v", "angle_rad", "width_px"), ("depth_m", "width_m", "quality")


def _fault(entry: Any, size: tuple[int, int]) -> str:
    """What is wrong with an entry; "" for nothing."""
    if not isinstance(entry, dict):
        return f"expected an object with {', '.join(_NEEDED)}, got {_shown(entry)}"
    for name in _NEEDED:
        if name not in entry:
            return f"{name} is missing"
    for name in (*_NEEDED, *_OPTIONAL):
        value = entry.get(name)
        if not (name in _OPTIONAL and value is None) and not _is_number(value):
            return f"{name} is {_shown(value)}, must be a finite number"
    for name, pixels in zip(("u", "v"), size, strict=True):
        if not -0.5 <= entry[name] < pixels - 0.5:
            return f"{name} is {_shown(entry[name])}, must lie in the image, 0 to {pixels - 1}"
    for name in ("width_px", "depth_m", "width_m"):
        if entry.get(name) is not None and entry[name] <= 0:
            return f"{name} is {_shown(entry[name])}, must be > 0"
    if entry.get("depth_m") is not None and entry["depth_m"] > MAX_DEPTH_M:
        return f"depth_m is {_shown(entry['depth_m'])}, must be at most {MAX_DEPTH_M:g}: metres"
    return ""


def _prediction(entry: dict[str, Any]) -> Prediction:
    values = {name: entry.get(name) for name in (*_NEEDED, *_OPTIONAL)}
    return Prediction(**{name: None if value is None else float(value) for name, value in values.items()})  # type: ignore[arg-type]


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _shown(value: Any) -> str:
    """A value for a message: short, on one line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    try:
        text = json.dumps(value) if isinstance(value, (str, bool)) else str(value)
    except ValueError:  # a whole number of more digits than Python prints
        return "a huge number"
    return text if len(text) <= _LONGEST_CHARS else text[:_LONGEST_CHARS] + "..."
