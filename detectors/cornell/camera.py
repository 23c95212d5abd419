"""The camera of Cornell's images: a Kinect, whose intrinsics the data set does not give.

The point clouds tell them (see ``point_cloud``). Where there is none, or it tells nothing, a Kinect's nominal 525 px at
640 x 480 is assumed. A processed copy of another size is taken for the whole picture, scaled: how it was cropped cannot
be known. If yours is another camera, give --intrinsics.
"""

from __future__ import annotations

from robot.frame import Intrinsics

WIDTH, HEIGHT = 640, 480
FOCAL_PX = 525.0


def assumed_camera(width: int = WIDTH, height: int = HEIGHT) -> Intrinsics:
    """A pinhole in the middle of the image, with a Kinect's field of view."""
    focal = FOCAL_PX * width / WIDTH
    return Intrinsics(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)
