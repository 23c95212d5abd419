"""What runs the cell: Python, packages, the networks' weights, room on the disk."""

from __future__ import annotations

import os
import platform
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from cell.doctoring.lines import Line, broken, ok, warning
from cell.doctoring.parts import Part
from detectors.gqcnn.weights_file import card_path, check_whole, file_sha256
from robot.errors import SettingsError

_ROOT = Path(__file__).resolve().parents[2]
_PROJECT = "grasp-cell"
_INSTALL = "install what the project asks for: pip install -c constraints.txt -e ."
_NOTABLE = ("ur-rtde", "pyrealsense2", "opencv-python", "open3d", "mujoco", "torch", "numpy")
_LITTLE_BYTES, _TOO_LITTLE_BYTES = 5e9, 0.5e9


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What is looked at; a test may put something else in its place.

    Attributes:
        project_file: what says which versions are wanted; where there is none, the installed package's word counts.
        weights: the folder whose ``*/weights`` are the shipped networks.
        runs: where runs are written; it need not be there yet.
        python: version of the interpreter.
        package_version: version of an installed package; raises PackageNotFoundError.
        free_bytes: free room where a path is; raises OSError.
    """

    project_file: Path = _ROOT / "pyproject.toml"
    weights: Path = _ROOT / "detectors"
    runs: Path = Path("runs")
    python: str = platform.python_version()
    package_version: Callable[[str], str] = version
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free


def machine_parts(machine: Machine) -> tuple[Part, ...]:
    """Everything that can be looked at before any device is."""
    return (
        Part(("python", "packages"), lambda: _versions(machine)),
        Part(("weights",), lambda: _weights(machine.weights)),
        Part(("disk",), lambda: _disk(machine)),
    )


def _versions(machine: Machine) -> Iterator[Line]:
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    python, wanted = _wanted(machine.project_file)
    if SpecifierSet(python).contains(machine.python, prereleases=True):
        yield ok("python", machine.python)
    else:
        yield broken("python", f"{machine.python}, wanted {python}", "make the virtual environment with another Python")
    wrong, known = [], {}
    for requirement in map(Requirement, wanted):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = machine.package_version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is not installed")
            continue
        known[requirement.name] = found
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} {found}, wanted {requirement.specifier}")
    if wrong:
        yield broken("packages", "; ".join(wrong), _INSTALL)
        return
    notable = ", ".join(f"{name} {known[name]}" for name in _NOTABLE if name in known)
    yield ok("packages", f"{len(known)} as wanted: {notable}")


def _wanted(project_file: Path) -> tuple[str, list[str]]:
    """Specifier of Python and requirements of the project."""
    if project_file.is_file():
        project = tomllib.loads(project_file.read_text(encoding="utf-8"))["project"]
        return project["requires-python"], project["dependencies"]
    return ">=3.11", requires(_PROJECT) or []


def _weights(folder: Path) -> Iterator[Line]:
    shipped = set(folder.glob("*/weights/*.safetensors"))
    for card in folder.glob("*/weights/*.card.md"):  # a card without its file tells that it is gone
        shipped.add(card.with_name(card.name.replace(".card.md", ".safetensors")))
    damaged, whole, hint = [], [], ""
    for path in sorted(shipped):
        try:
            check_whole(path)
        except SettingsError as error:
            damaged.append(error.message)
            hint = error.hint
        else:
            whole.append(path)
    without_card = [path.name for path in whole if not card_path(path).is_file()]
    if damaged:
        yield broken("weights", "; ".join(damaged), hint)
    elif not shipped:
        yield broken("weights", f"{folder}: there are none", "restore the files that the project ships")
    elif without_card:
        yield warning("weights", f"no card tells the hash of {', '.join(without_card)}", "restore the card beside it")
    else:
        yield ok("weights", ", ".join(f"{path.name} {file_sha256(path)[:12]}" for path in whole) + ", as on the card")


def _disk(machine: Machine) -> Iterator[Line]:
    folder = next(path for path in (machine.runs.absolute(), *machine.runs.absolute().parents) if path.exists())
    free = machine.free_bytes(folder)
    words = f"{free / 1e9:.1f} GB free where runs go ({folder})"
    if free < _TOO_LITTLE_BYTES:
        yield broken("disk", f"disk full: {words}", "delete old runs, or write elsewhere with --out")
    elif not os.access(folder, os.W_OK):
        yield broken("disk", f"{folder} cannot be written to", "start the program elsewhere, or give --out")
    elif free < _LITTLE_BYTES:
        yield warning("disk", words, "delete old runs before a long one")
    else:
        yield ok("disk", words)
