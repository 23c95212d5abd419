"""What the maps of a view should hold, painted from its grasp rectangles (paper, section IV-A, figure 3).

The centre third of each rectangle, along the closing direction, is where its grasp may lie: quality 1 there, and the
rectangle's angle and opening. Where several lie over each other the one painted last is seen: the narrowest. Of the
directions in which a thing can be held, the one that it is thinnest in can be told from its picture; without an order
the network would learn their mean, which is none of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.fcn.settings import MASK_SHARE
from detectors.fcn.views import Rows

_FRACTION_BITS = 4  # of OpenCV's fixed-point corners


@dataclass(frozen=True, eq=False)
class LabelMaps:
    """What one view should lead to.

    Attributes:
        quality: (H, W) float32, 1 in a mask and 0 elsewhere.
        angle_rad: (H, W) float32, 0 outside the masks.
        width: (H, W) float32 in [0, 1], 0 outside the masks.
    """

    quality: NDArray[np.float32]
    angle_rad: NDArray[np.float32]
    width: NDArray[np.float32]


def paint(rectangles: Rows, shape: tuple[int, int], width_unit_px: float) -> LabelMaps:
    """Label maps of a view.

    Args:
        rectangles: (K, 5) as in ``detectors.fcn.views``.
        shape: rows and columns of the view.
        width_unit_px: an opening of so many pixels becomes 1; wider ones too.
    """
    painted = rectangles[np.argsort(-rectangles[:, 3], kind="stable")]
    which = np.zeros(shape, dtype=np.int32)
    corners = np.rint(_mask_corners(painted) * (1 << _FRACTION_BITS)).astype(np.int32)
    for number, polygon in enumerate(corners, start=1):
        cv2.fillConvexPoly(which, polygon, number, shift=_FRACTION_BITS)
    angle = np.concatenate([[0.0], painted[:, 2]]).astype(np.float32)
    width = np.concatenate([[0.0], np.clip(painted[:, 3] / width_unit_px, 0.0, 1.0)]).astype(np.float32)
    return LabelMaps((which > 0).astype(np.float32), angle[which], width[which])


def _mask_corners(rectangles: Rows) -> NDArray[np.float64]:
    """(K, 4, 2) corners of the centre thirds."""
    along = np.stack([np.cos(rectangles[:, 2]), np.sin(rectangles[:, 2])], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    a = along * rectangles[:, 3:4] * (MASK_SHARE / 2)
    b = across * rectangles[:, 4:5] / 2
    centre = rectangles[:, :2]
    return np.stack([centre - a - b, centre + a - b, centre + a + b, centre - a + b], axis=1)
