"""The three stages for the eye: what each was shown, and what it made of it."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.gqstn.network import NEAR_STEP_M, Cascade
from detectors.oneshot.detector import Looked
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.looking import HEIGHT_UNIT_M, Images, grasp_heights
from detectors.oneshot.settings import FAR_STEP_M
from detectors.tiles import SIDE_PX, beside

Picture = NDArray[np.uint8]

_TALLEST_M = 0.12
_WHITE = (255, 255, 255)


def draw_stages(overlay: Picture, looked: Looked, stages: Cascade) -> Picture:
    """The picture of the grasps with the four views beside it.

    Args:
        overlay: (H, W, 3) RGB the frame with the grasps drawn.
        looked: where the first stage looked.
        stages: what the cascade did; its first grasp is shown.

    Returns:
        (H', W', 3) RGB: the frame, then STN_trans, STN_rot, STN_scale and what GQ-CNN is shown.
    """
    offset = looked.views.turn[0, 0].T.numpy() @ _metres(looked, stages.grasps)
    width = float(stages.grasps.width_m[0, 0])
    angle = float(stages.views.angle_rad[0, 0])
    tiles = [
        ("STN_trans: where", _far(looked, offset)),
        ("STN_rot: which way", _with_line(_colored(stages.near[0, 0]), angle, width, NEAR_STEP_M)),
        ("STN_scale: how wide, how deep", _with_line(_colored(stages.turned[0, 0]), 0.0, width, NEAR_STEP_M)),
        ("what GQ-CNN is shown", _crop(looked.images, stages.grasps)),
    ]
    return beside(overlay, tiles)


def _metres(looked: Looked, grasps: GraspBatch) -> NDArray[np.float64]:
    """(2,) from the middle of the first view to the grasp, along the image's axes [m]."""
    scale = looked.views.distance_m[0, 0] / looked.images.camera[0, :2]
    return ((grasps.pixels[0, 0] - looked.views.centre_px[0, 0]) * scale).double().numpy()


def _far(looked: Looked, offset_m: NDArray[np.float64]) -> Picture:
    picture = _colored(looked.far[0, 0])
    rows, columns = picture.shape[:2]
    x, y = offset_m / FAR_STEP_M + [(columns - 1) / 2, (rows - 1) / 2]
    cv2.drawMarker(picture, (round(x), round(y)), _WHITE, cv2.MARKER_CROSS, 14, 1, cv2.LINE_AA)
    return picture


def _with_line(picture: Picture, angle_rad: float, width_m: float, step_m: float) -> Picture:
    """With the closing direction and the opening drawn through the middle."""
    large = cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_NEAREST)
    scale = SIDE_PX / picture.shape[1] / step_m
    along = np.array([np.cos(angle_rad), np.sin(angle_rad)])
    across = np.array([-along[1], along[0]]) * 0.011 * scale
    middle = np.full(2, (SIDE_PX - 1) / 2)
    ends = [middle + sign * along * width_m / 2 * scale for sign in (-1, 1)]
    _line(large, *ends)
    for end in ends:
        _line(large, end - across, end + across)
    return np.asarray(large, dtype=np.uint8)


def _crop(images: Images, grasps: GraspBatch) -> Picture:
    with torch.inference_mode():
        shown = grasp_heights(images, grasps.pixels, grasps.depth_m, grasps.angle_rad, grasps.width_m)[0, 0]
        above = shown + images.height_m(grasps.pixels, grasps.depth_m)[0, 0]
    return _colored(above / HEIGHT_UNIT_M)


def _colored(heights: Tensor) -> Picture:
    """Heights in units of 4 cm -> RGB, the table dark, 12 cm bright."""
    share = np.clip(heights.numpy() * HEIGHT_UNIT_M / _TALLEST_M, 0.0, 1.0) ** 0.6
    picture = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.ascontiguousarray(picture[:, :, ::-1])


def _line(picture: Picture, start: NDArray[np.float64], end: NDArray[np.float64]) -> None:
    first, last = (tuple(np.rint(point * 16).astype(int).tolist()) for point in (start, end))
    cv2.line(picture, first, last, _WHITE, 1, cv2.LINE_AA, shift=4)
