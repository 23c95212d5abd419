"""Cornell's files in their exact formats: PNG, corners, ASCII PCD in the robot's frame, GG-CNN's float TIFF."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from robot.frame import Frame

RECTANGLE = "50 40\n80 40\n80 50\n50 50\n"
"""30 px wide along the rows, jaws of 10 px, about (65, 45)."""
BASE_TILT_RAD = math.radians(52)
BASE_TO_CAMERA_M = np.array([0.607, -0.188, 0.707])


def write_image(
    folder: Path,
    number: int,
    frame: Frame,
    corners: str | None = RECTANGLE,
    *,
    color: bool = True,
    tiff: bool = False,
    cloud: str | None = None,
) -> Path:
    """One image with the files that are asked for; returns the stem. The folder is that of the number's hundred."""
    home = folder / f"{number // 100:02d}"
    home.mkdir(parents=True, exist_ok=True)
    stem = home / f"pcd{number:04d}"
    height, width = frame.depth_m.shape
    if color:
        assert cv2.imwrite(f"{stem}r.png", np.full((height, width, 3), (200, 100, number % 256), np.uint8))
    if tiff:
        assert cv2.imwrite(f"{stem}d.tiff", frame.depth_m)
    for ending, text in (("cpos.txt", corners), ("cneg.txt", corners), (".txt", cloud)):
        if text is not None:
            stem.with_name(f"{stem.name}{ending}").write_text(text, encoding="utf-8")
    return stem


def in_base(frame: Frame) -> NDArray[np.float64]:
    """(H, W, 3) points [m] in the frame of a robot's base, as the data set has them: x forward, y left, z up."""
    tilt = BASE_TILT_RAD
    forward, right = np.array([math.cos(tilt), 0.0, -math.sin(tilt)]), np.array([0.0, -1.0, 0.0])
    axes = np.stack([right, np.cross(forward, right), forward])
    return frame.points_camera() @ axes + BASE_TO_CAMERA_M


def cloud_text(frame: Frame, points_m: NDArray[np.float64] | None = None, *, per_m: float = 1000.0) -> str:
    """The PCD file of the valid pixels, seven digits a number."""
    points = (in_base(frame) if points_m is None else points_m).reshape(-1, 3) * per_m
    rows = [f"{' '.join(f'{x:.7g}' for x in points[i])} 0 {i}" for i in np.flatnonzero(frame.valid)]
    return "\n".join([*header(len(rows)), *rows]) + "\n"


def header(points: int) -> Sequence[str]:
    return (
        "# .PCD v.7 - Point Cloud Data file format",
        "FIELDS x y z rgb index",
        "SIZE 4 4 4 4 4",
        "TYPE F F F F U",
        "COUNT 1 1 1 1 1",
        f"WIDTH {points}",
        "HEIGHT 1",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {points}",
        "DATA ascii",
    )
