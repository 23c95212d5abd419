"""Jacquard's files, written in its exact format: float32 TIFF compressed by LZW, -1 without a reading."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.frame import Frame

THING = "1a1ec1cfe633adcdebbf11b1629fc16a"
_LZW = 5


def write_image(
    folder: Path, pose: int, frame: Frame, grasps: str | None, *, thing: str = THING, leave_out: tuple[str, ...] = ()
) -> Path:
    """One image with its five files; returns the stem."""
    home = folder / thing
    home.mkdir(parents=True, exist_ok=True)
    stem = home / f"{pose}_{thing}"
    depth = np.where(frame.depth_m > 0, frame.depth_m, np.float32(-1.0)).astype(np.float32)
    height, width = depth.shape
    files: dict[str, NDArray[np.generic]] = {
        "stereo_depth.tiff": depth,
        "perfect_depth.tiff": np.where(depth > 0, depth, np.float32(0.7)).astype(np.float32),
        "RGB.png": np.full((height, width, 3), 120, np.uint8),
        "mask.png": np.zeros((height, width), np.uint8),
    }
    for ending, image in files.items():
        if ending not in leave_out:
            flags = [cv2.IMWRITE_TIFF_COMPRESSION, _LZW] if ending.endswith("tiff") else []
            assert cv2.imwrite(f"{stem}_{ending}", image, flags)
    if grasps is not None:
        stem.with_name(f"{stem.name}_grasps.txt").write_text(grasps, encoding="utf-8")
    return stem
