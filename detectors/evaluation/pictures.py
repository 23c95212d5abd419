"""Pictures of hits and misses: what a detector's first grasps looked like beside the ground truths.

Two sheets, as the FCN paper's Figs. 5 and 6: ``hits.png`` and ``misses.png``. Ground truths are thin and green, the
prediction is blue where it is right and red where it is wrong; the plates, the sides that the jaws lie in, are thick.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.evaluation.first_grasps import FirstGrasp, Truths
from detectors.evaluation.rectangles import JACCARD, Rectangle
from robot.errors import SettingsError
from robot.frame import Frame

Pixels = NDArray[np.uint8]

HITS, MISSES = "hits.png", "misses.png"
_COLUMNS = 6
_TILE_PX, _LABEL_PX, _GAP_PX = 320, 20, 4
_PAPER, _INK = 245, (40, 40, 40)
_TRUTH, _HIT, _MISS = (0, 210, 0), (40, 110, 255), (255, 40, 30)
_CLEAR_TRUTHS = 20  # more than so many are drawn fainter, so that the thing can still be seen
_FAINTEST = 0.2
_FINE_BITS = 4  # OpenCV draws at sixteenths of a pixel


class Pictures:
    """Keeps the first pictures of hits and of misses, small, until they are written."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._tiles: dict[str, list[Pixels]] = {HITS: [], MISSES: []}

    def watch(self, name: str, frame: Frame, truths: Truths, answer: FirstGrasp) -> None:
        """Take an image and its answer in; one without a ground truth is neither a hit nor a miss.

        Args:
            name: of the image, to be written below it.
            frame: what the detector saw.
            truths: of which those of the standard metric are drawn.
            answer: the first grasp.
        """
        if answer.overlap is None:
            return
        hit = answer.overlap > JACCARD
        tiles = self._tiles[HITS if hit else MISSES]
        if len(tiles) < self._count:
            tiles.append(_tile(name, frame, truths.any_of, answer, _HIT if hit else _MISS))

    def write(self, folder: Path) -> dict[str, int]:
        """Write both sheets; one without pictures is a blank one, so that none of another evaluation stays.

        Returns:
            How many pictures are on each, by file name.

        Raises:
            SettingsError: one cannot be written.
        """
        for name, tiles in self._tiles.items():
            encoded = cv2.imencode(".png", _sheet(tiles)[:, :, ::-1])[1]
            try:
                (folder / name).write_bytes(encoded.tobytes())
            except OSError as error:
                raise SettingsError(f"{folder / name}: cannot be written: {error.strerror or error}") from None
        return {name: len(tiles) for name, tiles in self._tiles.items()}


def _sheet(tiles: list[Pixels]) -> Pixels:
    """(H, W, 3) RGB, rows of ``_COLUMNS`` tiles."""
    height, width = _TILE_PX + _LABEL_PX + _GAP_PX, _TILE_PX + _GAP_PX
    columns, rows = max(min(_COLUMNS, len(tiles)), 1), max(-(-len(tiles) // _COLUMNS), 1)
    sheet = np.full((rows * height, columns * width, 3), _PAPER, dtype=np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // _COLUMNS * height, i % _COLUMNS * width
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return sheet


def _tile(
    name: str, frame: Frame, truths: tuple[Rectangle, ...], answer: FirstGrasp, color: tuple[int, int, int]
) -> Pixels:
    """(H, W, 3) RGB: the image no larger than a tile, the rectangles on it, its name and the Jaccard index below."""
    image = _background(frame)
    scale = min(_TILE_PX / max(image.shape[:2]), 1.0)
    small = np.ascontiguousarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    marked = small.copy()
    for truth in truths:
        _draw(marked, truth, scale, _TRUTH, 1, 1)
    share = max(min(_CLEAR_TRUTHS / max(len(truths), 1), 1.0), _FAINTEST)
    picture = np.asarray(cv2.addWeighted(marked, share, small, 1.0 - share, 0.0), dtype=np.uint8)
    if answer.rectangle is not None:
        _draw(picture, answer.rectangle, scale, color, 1, 3)
    label = np.full((_LABEL_PX, _TILE_PX, 3), _PAPER, dtype=np.uint8)
    words = f"{name}: {answer.overlap:.2f}" if answer.proposed else f"{name}: no grasp"
    cv2.putText(label, words, (3, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
    tile = np.full((_TILE_PX + _LABEL_PX, _TILE_PX, 3), _PAPER, dtype=np.uint8)
    tile[: picture.shape[0], : picture.shape[1]] = picture
    tile[_TILE_PX:] = label
    return tile


def _background(frame: Frame) -> Pixels:
    """(H, W, 3) RGB: the depth in greys, near is bright and unknown black; the colour image where there is no depth."""
    if not frame.valid.any():
        return frame.color if frame.color is not None else np.zeros((*frame.depth_m.shape, 3), dtype=np.uint8)
    near, far = np.percentile(frame.depth_m[frame.valid], [1.0, 99.0])
    share = np.clip((far - frame.depth_m) / max(float(far - near), 1e-3), 0.0, 1.0)
    gray = np.where(frame.valid, 60.0 + 180.0 * share, 0.0).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def _draw(
    image: Pixels, rectangle: Rectangle, scale: float, color: tuple[int, int, int], opening: int, plates: int
) -> None:
    """The sides along the closing direction ``opening`` pixels thick, those that the jaws lie in ``plates``."""
    corners = (np.array(rectangle.corners()) + 0.5) * scale - 0.5  # pixel centres are whole numbers at either scale
    fixed = np.rint(corners * (1 << _FINE_BITS)).astype(int).tolist()
    for i, thickness in enumerate((opening, plates, opening, plates)):
        cv2.line(image, fixed[i], fixed[(i + 1) % 4], color, thickness, cv2.LINE_AA, shift=_FINE_BITS)
