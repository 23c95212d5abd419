"""A picture of a sample of the catalogue: each thing seen obliquely from above, its family and longest side below.

``python -m detectors.synthesis.contact_sheet --out FILE.png [--count 96]``
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detectors.synthesis.ray_casting import RayCaster
from detectors.synthesis.things import SyntheticThing, make_thing
from robot.errors import CellError, SettingsError

Pixels = NDArray[np.uint8]

_CELL_PX, _LABEL_PX = 128, 18
_FINER = 2  # rays a pixel and side, for smooth edges
_MARGIN = 1.08
_MOST_THINGS = 2000
_PAPER, _INK = (245, 244, 240), (40, 40, 40)
_VIEW_FROM = np.array([0.55, -0.75, 0.62])  # in the thing's frame, z up
_LIGHT_FROM = np.array([-0.15, -0.55, 0.82])


def sample_numbers(count: int) -> list[int]:
    """Thing numbers that walk through the families one after the other, and through the splits."""
    return [10 * i + i % 10 for i in range(count)]


def contact_sheet(numbers: Sequence[int], columns: int) -> Pixels:
    """(H, W, 3) RGB picture of the things ``numbers`` in rows of ``columns``."""
    rows = -(-len(numbers) // columns)
    sheet = np.empty((rows * (_CELL_PX + _LABEL_PX), columns * _CELL_PX, 3), dtype=np.uint8)
    sheet[:] = _PAPER
    for i, number in enumerate(numbers):
        top, left = i // columns * (_CELL_PX + _LABEL_PX), i % columns * _CELL_PX
        sheet[top : top + _CELL_PX + _LABEL_PX, left : left + _CELL_PX] = _cell(make_thing(number))
    return sheet


def _cell(thing: SyntheticThing) -> Pixels:
    import cv2

    vertices = np.vstack([part.vertices_object for part in thing.spec.primitives])
    picture = cv2.resize(_picture(thing, vertices), (_CELL_PX, _CELL_PX), interpolation=cv2.INTER_AREA)
    label = np.empty((_LABEL_PX, _CELL_PX, 3), dtype=np.uint8)
    label[:] = _PAPER
    words = f"{thing.family} {np.ptp(vertices, axis=0).max() * 1e3:.0f} mm"
    cv2.putText(label, words, (3, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.36, _INK, 1, cv2.LINE_AA)
    return np.vstack([picture, label])


def _picture(thing: SyntheticThing, vertices: NDArray[np.float64]) -> Pixels:
    """Square RGB picture in parallel projection, Lambert shading, filled by the thing."""
    parts = thing.spec.primitives
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    faces = np.vstack([part.faces + start for part, start in zip(parts, starts[:-1], strict=True)])
    owners = np.repeat(np.arange(len(parts)), [len(part.faces) for part in parts])
    caster = RayCaster(vertices, faces)
    back = _VIEW_FROM / np.linalg.norm(_VIEW_FROM)
    right = np.cross([0.0, 0.0, 1.0], back) / np.linalg.norm(np.cross([0.0, 0.0, 1.0], back))
    up = np.cross(back, right)
    seen = vertices @ np.column_stack([right, up])
    middle, side = (seen.min(axis=0) + seen.max(axis=0)) / 2, float(np.ptp(seen, axis=0).max()) * _MARGIN
    steps = (np.arange(_CELL_PX * _FINER) + 0.5) / (_CELL_PX * _FINER) - 0.5
    across, down = np.meshgrid(middle[0] + side * steps, middle[1] - side * steps)
    origins = across[..., None] * right + down[..., None] * up + back
    _, hit = caster.cast(origins, -back)
    light = _LIGHT_FROM / np.linalg.norm(_LIGHT_FROM)
    shade = 0.35 + 0.65 * np.clip(caster.normals[hit] @ light, 0.0, 1.0)
    albedo = np.array([part.color for part in parts])[owners[hit]]
    lit = np.clip(albedo * shade[..., None] * 255.0, 0.0, 255.0)
    return np.where((hit >= 0)[..., None], lit, _PAPER).astype(np.uint8)


def main(argv: Sequence[str]) -> int:
    """Draw the sheet into a file; every foreseeable error becomes one line on stderr and an exit code."""
    parser = argparse.ArgumentParser(prog="python -m detectors.synthesis.contact_sheet", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.png", help="where the picture goes")
    parser.add_argument("--count", type=int, default=96, metavar="N", help="how many things (default 96)")
    parser.add_argument("--columns", type=int, default=12, metavar="N", help="things in a row (default 12)")
    arguments = parser.parse_args(argv)
    try:
        _write(arguments.out, arguments.count, arguments.columns)
    except CellError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _write(out: Path, count: int, columns: int) -> None:
    import cv2

    if not (1 <= count <= _MOST_THINGS and 1 <= columns <= _MOST_THINGS):
        raise SettingsError(f"--count and --columns must lie in 1..{_MOST_THINGS}, got {count} and {columns}")
    if out.suffix.lower() != ".png":
        raise SettingsError(f"--out {out}: the picture is a PNG", "let the name end in .png")
    sheet = contact_sheet(sample_numbers(count), min(columns, count))
    encoded = cv2.imencode(".png", sheet[:, :, ::-1])[1]
    try:
        out.write_bytes(encoded.tobytes())
    except OSError as error:
        raise SettingsError(f"--out {out}: cannot be written: {error.strerror}") from None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
