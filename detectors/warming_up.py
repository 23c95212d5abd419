"""What a detector is shown before its first real image."""

from __future__ import annotations

import numpy as np

from robot.frame import Frame, Intrinsics


def bar_on_a_table() -> Frame:
    """A small picture with something to grasp in it: a network's first call costs more than the later ones."""
    depth_m = np.full((240, 320), 0.70, dtype=np.float32)
    depth_m[112:128, 120:200] = 0.66
    color = np.full((240, 320, 3), 180, dtype=np.uint8)
    color[112:128, 120:200] = (40, 90, 160)
    return Frame(depth_m, Intrinsics(fx=300.0, fy=300.0, cx=159.5, cy=119.5, width=320, height=240), color=color)
