"""A data set in Cornell's layout, drawn: two small pictures a thing, a bar in each, held across its middle."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_PX, FIRST = 72, 100
OPENING_PX, JAW_PX, BAR_PX = 16.0, 10.0, 41.0
TABLE_M, TOP_M = 0.70, 0.66


def write_drawn(folder: Path, things: int, *, depth: bool = False) -> Path:
    """Colour pictures, their positive rectangles, and z.txt; with ``depth`` also GG-CNN's depth images."""
    lines = []
    for number in range(FIRST, FIRST + 2 * things):
        thing = (number - FIRST) // 2
        home = folder / f"{number // 100:02d}"
        home.mkdir(parents=True, exist_ok=True)
        _write(home / f"pcd{number:04d}", number, thing, depth)
        lines.append(f"{number} thing-{thing} some-category 1 1\n")
    (folder / "z.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def _write(stem: Path, number: int, thing: int, depth: bool) -> None:
    rng = np.random.default_rng(number)
    middle, angle = rng.uniform(30, 42, 2), rng.uniform(-math.pi / 2, math.pi / 2)
    closing = np.array([math.cos(angle), math.sin(angle)])
    along = np.array([-closing[1], closing[0]])
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    place = np.stack([x, y], axis=-1) - middle
    bar = (np.abs(place @ along) <= BAR_PX / 2) & (np.abs(place @ closing) <= rng.uniform(4.0, 5.5))
    color = np.full((SIDE_PX, SIDE_PX, 3), 230, np.uint8)
    shade = 15 * (thing % 9)
    color[bar] = (60 + shade, 195 - shade, 60 + shade)
    assert cv2.imwrite(f"{stem}r.png", color)
    corners = [_corners(middle + off * along, closing, along) for off in (4.0, -4.0)]
    stem.with_name(f"{stem.name}cpos.txt").write_text("".join(corners), encoding="utf-8")
    if depth:
        assert cv2.imwrite(f"{stem}d.tiff", np.where(bar, TOP_M, TABLE_M).astype(np.float32))


def _corners(centre: NDArray[np.float64], closing: NDArray[np.float64], along: NDArray[np.float64]) -> str:
    a, b = closing * OPENING_PX / 2, along * JAW_PX / 2
    return "".join(f"{u:.3f} {v:.3f}\n" for u, v in (centre - a - b, centre + a - b, centre + a + b, centre - a + b))
