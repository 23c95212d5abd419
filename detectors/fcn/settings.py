"""What a grasp map's network is shown, and what its numbers mean."""

from __future__ import annotations

from robot.gripper_geometry import STROKE_M

VIEW_PX, STEP_M = 400, 0.00125
"""400 x 400 pixels of 1.25 mm at the table, half a metre: the whole table of the cell."""
WIDTH_UNIT_PX = STROKE_M / STEP_M
"""An opening of so many pixels of a view, the gripper's whole stroke, is 1 on the width map."""
PLATE_M = 0.008
"""How broad dense grasps are drawn on the label maps: neighbours fill what one leaves out."""
MASK_SHARE = 1 / 3
"""The centre third of a rectangle, along its closing direction, is where its grasp may lie (GG-CNN, section V-A)."""
QUALITY_THRESHOLD = 0.2
"""A local maximum of the quality map below this is no grasp (paper, section VI: 0.5 image-wise, 0.2 object-wise)."""
