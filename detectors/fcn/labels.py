"""What the maps of a view should hold, painted from its grasp rectangles (paper, section IV-A, figure 3).

The centre third of each rectangle, along the closing direction, is where its grasp may lie: there the maps hold the
rectangle's angle and opening. Where several lie over each other the one painted last is seen: the narrowest. Of the
directions in which a thing can be held, the one that it is thinnest in can be told from its picture; without an order
the network would learn their mean, which is none of them.

The paper's quality is 1 in all of the centre third. A grasp at the rim of it, however, is off by a sixth of its
opening, more than the jaws have to spare. "tapered" quality is 1 in the inmost third of the mask, 2/3 in the next and
1/3 in the outermost, so that its maximum is the middle; "flat" is the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.fcn.settings import MASK_SHARE
from detectors.fcn.views import Rows

MaskForm = Literal["tapered", "flat"]
MASK_FORMS: tuple[MaskForm, ...] = ("tapered", "flat")
_CORES = {"tapered": (1.0, 2 / 3, 1 / 3), "flat": (1.0,)}
_FRACTION_BITS = 4  # of OpenCV's fixed-point corners


@dataclass(frozen=True, eq=False)
class LabelMaps:
    """What one view should lead to.

    Attributes:
        mask: (H, W) float32, 1 in a mask and 0 elsewhere.
        quality: (H, W) float32 in [0, 1], 0 outside the masks.
        angle_rad: (H, W) float32, 0 outside the masks.
        width: (H, W) float32 in [0, 1], 0 outside the masks.
    """

    mask: NDArray[np.float32]
    quality: NDArray[np.float32]
    angle_rad: NDArray[np.float32]
    width: NDArray[np.float32]


def paint(rectangles: Rows, shape: tuple[int, int], width_unit_px: float, form: MaskForm = "tapered") -> LabelMaps:
    """Label maps of a view.

    Args:
        rectangles: (K, 5) as in ``detectors.fcn.views``.
        shape: rows and columns of the view.
        width_unit_px: an opening of so many pixels becomes 1; wider ones too.
        form: of the quality.
    """
    painted = rectangles[np.argsort(-rectangles[:, 3], kind="stable")]
    which, *cores = (_filled(painted, shape, share) for share in _CORES[form])
    mask = (which > 0).astype(np.float32)
    # Rounding to whole pixels lets a shorter polygon stick out of a longer one here and there.
    quality = mask * np.mean(np.stack([mask, *((core > 0).astype(np.float32) for core in cores)]), axis=0)
    angle = np.concatenate([[0.0], painted[:, 2]]).astype(np.float32)
    width = np.concatenate([[0.0], np.clip(painted[:, 3] / width_unit_px, 0.0, 1.0)]).astype(np.float32)
    return LabelMaps(mask, quality, angle[which], width[which])


def _filled(rectangles: Rows, shape: tuple[int, int], share: float) -> NDArray[np.int32]:
    """(H, W) number, from 1, of the last rectangle whose mask, ``share`` as long, covers a pixel; 0 for none."""
    which = np.zeros(shape, dtype=np.int32)
    corners = np.rint(_mask_corners(rectangles, share) * (1 << _FRACTION_BITS)).astype(np.int32)
    for number, polygon in enumerate(corners, start=1):
        cv2.fillConvexPoly(which, polygon, number, shift=_FRACTION_BITS)
    return which


def _mask_corners(rectangles: Rows, share: float) -> NDArray[np.float64]:
    """(K, 4, 2) corners of the centre thirds, ``share`` as long."""
    along = np.stack([np.cos(rectangles[:, 2]), np.sin(rectangles[:, 2])], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    a = along * rectangles[:, 3:4] * (share * MASK_SHARE / 2)
    b = across * rectangles[:, 4:5] / 2
    centre = rectangles[:, :2]
    return np.stack([centre - a - b, centre + a - b, centre + a + b, centre - a + b], axis=1)
