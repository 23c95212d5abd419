"""Small titled pictures beside a large one."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

SIDE_PX = 256
_HEAD_PX, _GAP_PX = 22, 6
_WHITE, _INK = (255, 255, 255), (20, 20, 20)


def beside(picture: Picture, tiles: Sequence[tuple[str, Picture]]) -> Picture:
    """(H, W, 3) RGB ``picture``, and right of it four titled pictures of any size, two by two, each 256 pixels wide."""
    drawn = [_tile(title, small) for title, small in tiles]
    block = np.vstack([np.hstack(drawn[:2]), np.hstack(drawn[2:])])
    height = max(len(picture), len(block))
    return np.ascontiguousarray(np.hstack([_padded(picture, height), _padded(block, height)]))


def _tile(title: str, picture: Picture) -> Picture:
    scale = SIDE_PX / max(picture.shape[:2])
    size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    large = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
    tile = np.full((SIDE_PX + _HEAD_PX + _GAP_PX, SIDE_PX + _GAP_PX, 3), _INK, dtype=np.uint8)
    tile[_HEAD_PX : _HEAD_PX + size[1], _GAP_PX : _GAP_PX + size[0]] = large
    cv2.putText(tile, title, (_GAP_PX, _HEAD_PX - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _WHITE, 1, cv2.LINE_AA)
    return tile


def _padded(picture: Picture, height: int) -> Picture:
    below = np.full((height - len(picture), picture.shape[1], 3), _INK, dtype=np.uint8)
    return np.vstack([picture, below])
