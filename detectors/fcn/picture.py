"""The grasp maps for the eye, as in the paper's figures 1 and 3."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.fcn.maps import Maps
from detectors.tiles import beside

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]

_TALLEST_UNITS = 3.0


def draw_maps(overlay: Picture, heights: Map, maps: Maps) -> Picture:
    """The picture of the grasps with the view and its maps beside it.

    Args:
        overlay: (H, W, 3) RGB the frame with the grasps drawn.
        heights: (h, w) what the network was shown, in units of 4 cm.
        maps: (1, h, w) what it made of it.

    Returns:
        (H', W', 3) RGB: the frame, then the view, quality, angle and opening; the last two as bright as the quality.
    """
    quality = np.clip(maps.quality[0].numpy(), 0.0, 1.0)
    tiles = [
        ("what the network is shown", _colored(np.clip(heights / _TALLEST_UNITS, 0.0, 1.0) ** 0.6)),
        ("quality", _colored(quality)),
        ("angle: red 0, green 60, blue -60 deg", _angles(maps.angle_rad()[0].numpy(), quality)),
        ("opening", _colored(np.clip(maps.width[0].numpy(), 0.0, 1.0) * (quality > 0.1))),
    ]
    return beside(overlay, tiles)


def _colored(share: Map) -> Picture:
    """(h, w) in [0, 1] -> RGB."""
    picture = cv2.applyColorMap((share * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return np.ascontiguousarray(picture[:, :, ::-1])


def _angles(angle_rad: Map, quality: Map) -> Picture:
    """The direction as a colour of the wheel, which is closed as directions are."""
    hue = np.remainder(angle_rad, math.pi) / math.pi * 180.0
    wheel = np.stack([hue, np.full_like(hue, 255.0), quality * 255.0], axis=-1)
    return np.asarray(cv2.cvtColor(wheel.astype(np.uint8), cv2.COLOR_HSV2RGB), dtype=np.uint8)
