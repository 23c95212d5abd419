"""The anchors' scores for the eye: where the network would grasp, before and after the scorer."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anchor.settings import STRIDE_PX
from detectors.tiles import beside

Rgb = NDArray[np.uint8]
_DRAWN = 10


def draw_scores(
    overlay: Rgb, image: Rgb, boxes: NDArray[np.floating], primary: NDArray[np.floating], final: NDArray[np.floating]
) -> Rgb:
    """The picture of the grasps with what the network was shown and its scores beside it.

    Args:
        overlay: (H, W, 3) RGB the frame with the grasps drawn.
        image: (h, w, 3) RGB what the network was shown.
        boxes: (A, 5) its predictions in the order of ``Anchors.grid``.
        primary, final: (A,) their scores.

    Returns:
        (H', W', 3) RGB: the frame, then the view alone and with its ten best predictions, and below them the best
        primary and final score of every cell.
    """
    best = image.copy()
    for index in np.argsort(-final)[:_DRAWN][::-1]:
        x, y, w, h, theta = (float(value) for value in boxes[index])
        corners = cv2.boxPoints(((x, y), (max(w, 1e-3), max(h, 1e-3)), float(np.degrees(theta))))
        shade = int(255 * float(final[index]))
        cv2.polylines(best, [np.rint(corners).astype(np.int32)], True, (255 - shade, shade, 0), 1, cv2.LINE_AA)
    cells = (image.shape[0] // STRIDE_PX, image.shape[1] // STRIDE_PX)
    return beside(
        overlay,
        [
            ("what the network is shown", image),
            ("its ten best", best),
            ("primary score, best of each cell", _map(primary, cells, image)),
            ("final score, best of each cell", _map(final, cells, image)),
        ],
    )


def _map(score: NDArray[np.floating], cells: tuple[int, int], image: Rgb) -> Rgb:
    highest = score.reshape(*cells, -1).max(axis=2)
    large = cv2.resize(highest.astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    colored = cv2.applyColorMap((np.clip(large, 0, 1) * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.ascontiguousarray(colored[:, :, ::-1])
