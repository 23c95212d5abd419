"""Filling the holes of a depth image before anything is cut out of it.

A stereo or structured-light camera sees no depth where one of its two eyes is blocked, so most holes lie beside an
object and are shadows of it: what they hide is the background. Each hole therefore takes the farther of its rims.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Depth = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SAME_SURFACE_M = (
    0.006  # rims no farther apart than this are one surface: their mean has less noise than their farthest
)
_ROUNDS = 2  # the first reaches every row and column that holds a reading, the second all the rest


def fill_holes(depth_m: NDArray[np.floating], valid: Mask) -> Depth:
    """Fill every hole with the farthest depth met first to its left, right, above or below.

    Rims within 6 mm of the farthest are averaged with it.

    Args:
        depth_m: (H, W) depth along the optical axis [m]; anything at all where not valid.
        valid: (H, W) True where the depth was measured.

    Returns:
        (H, W) float32 depth without holes [m]; a new array, equal to ``depth_m`` where valid.

    Raises:
        ValueError: no pixel is valid, or the shapes differ.
    """
    if depth_m.ndim != 2 or depth_m.shape != valid.shape:
        raise ValueError(f"depth {depth_m.shape} and validity {valid.shape} must be of one shape (H, W)")
    filled: Depth = np.array(depth_m, dtype=np.float32, order="C")
    holes: Mask = ~valid
    if holes.all():
        raise ValueError("an image without any reading cannot be filled")
    for _ in range(_ROUNDS):
        if not holes.any():
            break
        index = np.flatnonzero(holes)
        value = _farthest(_rims(filled, holes, index))
        filled.ravel()[index] = value
        holes = np.zeros_like(holes)
        holes.ravel()[index] = ~np.isfinite(value)
    return filled


def _rims(depth: Depth, holes: Mask, index: NDArray[np.intp]) -> Depth:
    """(4, n) depths first met left, right, above and below of each hole pixel [m]; -inf where there is none."""
    across = _rims_along_rows(depth, index)
    turned = np.ascontiguousarray(holes.T)
    turned_index = np.flatnonzero(turned)
    rims = np.empty((2, *turned.shape), dtype=np.float32)
    rims.reshape(2, -1)[:, turned_index] = _rims_along_rows(np.ascontiguousarray(depth.T), turned_index)
    row, column = np.divmod(index, holes.shape[1])
    return np.concatenate([across, rims[:, column, row]])


def _rims_along_rows(depth: Depth, index: NDArray[np.intp]) -> Depth:
    """(2, n) depths at the two ends of the run of hole pixels that each pixel lies in; -inf at the image's edge."""
    width, flat = depth.shape[1], depth.ravel()
    column = index % width
    opens = (np.diff(index, prepend=-2) != 1) | (column == 0)
    first = np.flatnonzero(opens)
    start, end = index[first], index[np.append(first[1:], len(index)) - 1]
    left = np.where(start % width > 0, flat[start - 1], -np.inf)
    right = np.where(end % width < width - 1, flat[np.minimum(end + 1, flat.size - 1)], -np.inf)
    run = np.cumsum(opens) - 1
    return np.asarray(np.stack([left[run], right[run]]), dtype=np.float32)


def _farthest(rims: Depth) -> Depth:
    """(n,) mean of the rims that belong to the farthest surface [m]; -inf where there is no rim."""
    farthest = rims.max(axis=0)
    same = rims >= farthest - np.float32(_SAME_SURFACE_M)
    total = np.where(same, rims, np.float32(0)).sum(axis=0)
    return np.asarray(np.where(np.isfinite(farthest), total / same.sum(axis=0), farthest), dtype=np.float32)
