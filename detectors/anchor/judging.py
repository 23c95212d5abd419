"""Rectangle accuracy of a network on whole pictures, by each of its scores."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.anchor.matching import match_jaccard
from detectors.anchor.network import AnchorNetwork, Scores
from detectors.anchor.samples import ColorPictures
from detectors.anchor.settings import STRIDE_PX
from detectors.anchor.views import ColorPicture, as_boxes, as_input, cut
from detectors.evaluation.rectangles import ANGLE_RAD, JACCARD
from detectors.fcn.views import Matrix, moved, view_matrix

_ROUNDING_PX = 1e-6
_LARGEST_SIDE_PX = 400.0


ORDERS = ("final", "scorer", "primary")


@torch.inference_mode()
def rectangle_accuracy(network: AnchorNetwork, pictures: ColorPictures, rows: NDArray[np.int64]) -> dict[str, float]:
    """Share of the pictures whose best grasp is right (Jaccard above 0.25, angle within 30 degrees, any truth).

    Returns:
        By each of the scores of ``detectors.anchor.network.Scores``; by "final" alone for a network without a scorer,
        which has but one.
    """
    network.eval()
    orders = ORDERS if network.scorer is not None else ORDERS[:1]
    right = dict.fromkeys(orders, 0)
    for row in rows:
        boxes, scores, truths = look(network, pictures.picture(int(row)))
        for name in orders:
            best = boxes[int(getattr(scores, name)[0].argmax())][None]
            right[name] += bool(match_jaccard(best, truths, angle_rad=ANGLE_RAD, least_jaccard=JACCARD)[0])
    return {name: count / len(rows) for name, count in right.items()}


def look(network: AnchorNetwork, picture: ColorPicture) -> tuple[Tensor, Scores, Tensor]:
    """(A, 5) grasps of a whole picture, their scores (1, A), and (K, 5) its true grasps in that view."""
    image, matrix = whole_view(picture.image, picture.scale)
    boxes, scores = predict(network, image)
    return boxes, scores, torch.from_numpy(as_boxes(moved(picture.truths, matrix)))


def whole_view(image: NDArray[np.uint8], scale: float) -> tuple[NDArray[np.uint8], Matrix]:
    """All of a picture in the network's scale, its sides made multiples of 16 by going on with what is at the edge."""
    rows, columns = (_side(length * scale) for length in image.shape[:2])
    middle = ((image.shape[1] - 1) / 2, (image.shape[0] - 1) / 2)
    # The matrix is that of a square as broad as the view: the shift takes its middle row to the view's.
    matrix = view_matrix(middle, columns, scale, shift_px=(0.0, (rows - columns) / 2))
    return cut(image, matrix, (rows, columns)), matrix


@torch.inference_mode()
def predict(network: AnchorNetwork, image: NDArray[np.uint8]) -> tuple[Tensor, Scores]:
    """(A, 5) grasps and their scores (1, A) for (H, W, 3) RGB whose sides are multiples of 16."""
    shown = torch.from_numpy(as_input(image)).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    found = network(shown)
    anchors = network.config.anchors()
    deltas = found.deltas[0].clamp(-_LARGEST_SIDE_PX, _LARGEST_SIDE_PX)
    deltas[:, 2:4].clamp_(max=math.log(_LARGEST_SIDE_PX / anchors.height_px))
    boxes = anchors.decode(deltas, anchors.grid(*found.grid))
    return boxes, network.scores(found)


def _side(length_px: float) -> int:
    return max(math.ceil((length_px - _ROUNDING_PX) / STRIDE_PX), 1) * STRIDE_PX
