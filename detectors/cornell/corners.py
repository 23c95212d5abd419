"""Rectangles as Cornell writes them: the four corners on four lines, ``x y`` in pixels.

The first edge, from corner 1 to corner 2, lies along the closing direction: its angle is the grasp's and its length the
opening. The second edge is the jaws' size. (The data set's own description calls the first edge "the orientation of the
gripper plate". That it is the closing direction is how every loader reads it, GG-CNN's among them, and what the labels
look like on the images.) Hand-made rectangles are not quite rectangular: the centre is the mean of the corners, the
rest is taken from the two edges as they are. Code that rounds the corners, as GG-CNN's does, differs by half a pixel.

Whether the first pixel was (0, 0) or (1, 1) to those who made the labels is not written anywhere; no loader asks.
"""

from __future__ import annotations

import math
from pathlib import Path

from detectors.evaluation.rectangles import Rectangle

_CORNERS = 4


def read_rectangles(path: Path) -> tuple[tuple[Rectangle, ...], int]:
    """The rectangles of a file, and how many are none: NaN, text, no size, or the file ends within."""
    lines = [line for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    parsed = [_rectangle(lines[start : start + _CORNERS]) for start in range(0, len(lines), _CORNERS)]
    whole = tuple(rectangle for rectangle in parsed if rectangle is not None)
    return whole, len(parsed) - len(whole)


def _rectangle(lines: list[str]) -> Rectangle | None:
    if len(lines) != _CORNERS:
        return None
    try:
        (u1, v1), (u2, v2), (u3, v3), (u4, v4) = ([float(word) for word in line.split()] for line in lines)
        return Rectangle(
            (u1 + u2 + u3 + u4) / _CORNERS,
            (v1 + v2 + v3 + v4) / _CORNERS,
            math.atan2(v2 - v1, u2 - u1),
            math.hypot(u2 - u1, v2 - v1),
            math.hypot(u3 - u2, v3 - v2),
        )
    except ValueError:  # text, NaN, another number of words, or no size
        return None
