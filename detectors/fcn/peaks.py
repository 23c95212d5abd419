"""Grasps from grasp maps: local maxima of the smoothed quality (paper, section IV-C)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.fcn.maps import Maps
from detectors.fcn.views import Rows

Array = NDArray[np.float32]
_SMOOTH_PX = 2.0
_ROOM_PX = 12  # a lower maximum this near to a higher one is the same grasp


@dataclass(frozen=True, eq=False)
class Peaks:
    """K local maxima, best first.

    Attributes:
        rows, columns: (K,) where.
        quality: (K,) clipped to [0, 1].
        angle_rad: (K,) from +x towards +y of the view.
        width: (K,) opening in the network's unit; not below 0.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    quality: Array
    angle_rad: Array
    width: Array

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Peaks:
        """Some of them."""
        return Peaks(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def rectangles(self, width_unit_px: float, height_px: float | None) -> Rows:
        """(K, 5) as in ``detectors.fcn.views``; without a height half as high as long."""
        length = self.width * width_unit_px
        height = length / 2 if height_px is None else np.full(len(self), height_px)
        columns = (self.columns, self.rows, self.angle_rad, length, height)
        return np.column_stack(columns).astype(np.float64)


def find_peaks(
    maps: Maps, count: int, threshold: float, allowed: NDArray[np.bool_] | None = None, *, first_always: bool = True
) -> Peaks:
    """Up to ``count`` local maxima of the quality in one view.

    Args:
        maps: of one view (1, H, W).
        count: at most so many.
        threshold: lower maxima are no grasps.
        allowed: (H, W) where a grasp may lie; None allows all.
        first_always: the highest is a grasp whatever the threshold: the caller knows that something is there.
    """
    quality, width = (cv2.GaussianBlur(one[0].numpy(), (0, 0), _SMOOTH_PX) for one in (maps.quality, maps.width))
    angle = _smooth_angle(maps)
    masked = quality if allowed is None else np.where(allowed, quality, -np.inf).astype(np.float32)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _ROOM_PX + 1, 2 * _ROOM_PX + 1))
    highest = np.isfinite(masked) & (masked >= cv2.dilate(masked, kernel))
    rows, columns = np.nonzero(highest)
    order = np.argsort(-masked[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    good = masked[rows, columns] >= threshold
    good[:1] |= first_always
    rows, columns = _apart(rows[good], columns[good], count)
    at = (rows, columns)
    return Peaks(rows, columns, np.clip(quality[at], 0.0, 1.0), angle[at], np.maximum(width[at], 0.0))


def _smooth_angle(maps: Maps) -> Array:
    """(H, W) angles; sine and cosine are smoothed before they become one, a raw angle is left as it is."""
    if maps.angle.shape[1] == 1:
        return np.asarray(maps.angle_rad()[0].numpy())
    sine, cosine = (cv2.GaussianBlur(one.numpy(), (0, 0), _SMOOTH_PX) for one in maps.angle[0])
    return np.asarray(0.5 * np.arctan2(sine, cosine), dtype=np.float32)


def _apart(rows: NDArray[np.intp], columns: NDArray[np.intp], count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first ``count`` places, but for those on one plateau with a place before them."""
    kept: list[int] = []
    for index in range(len(rows)):
        near = (rows[kept] - rows[index]) ** 2 + (columns[kept] - columns[index]) ** 2 <= _ROOM_PX**2
        if not near.any():
            kept.append(index)
        if len(kept) >= count:
            break
    return rows[kept], columns[kept]
