"""Jacquard's camera. The data set gives no intrinsics, and no publication that we know of does: this is our inference.

Depths are metres along the optical axis (1 / depth is linear over the table to 1e-4 / m, which a distance from the lens
would not be). In all images that we have, the table is one and the same plane: 1.500 m away in the middle, tilted about
the rows' direction, with tan(tilt) / focal = 9.2275e-5 / px. That is one equation for two unknowns, and a tilt of
10 degrees with a field of view of 30 degrees over 1024 pixels, both round, solves it to 4 parts in 100,000. Independent
of it, a square plate of the sample object measures 64.2 mm on a side when it lies flat, in pixels and by this focal
length, and stands 64.7 mm high by depth alone: with half the focal length (a field of view of 60 degrees) it would be
138 mm wide. And a published line of grasps with jaws of 26.3213 px is a jaw of 2 cm, one of the simulated gripper's
sizes, 1.452 m away: on a thing 5 cm high.

If yours is another camera, give --focal-px or --intrinsics.
"""

from __future__ import annotations

import math

from robot.frame import Intrinsics

SIDE_PX = 1024
FIELD_OF_VIEW_RAD = math.radians(30)
FOCAL_PX = SIDE_PX / 2 / math.tan(FIELD_OF_VIEW_RAD / 2)


def assumed_camera(focal_px: float = FOCAL_PX) -> Intrinsics:
    """A pinhole in the middle of the 1024 x 1024 image."""
    middle = (SIDE_PX - 1) / 2
    return Intrinsics(focal_px, focal_px, middle, middle, SIDE_PX, SIDE_PX)
