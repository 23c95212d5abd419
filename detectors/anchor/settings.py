"""What the anchor network is shown, and how its anchors lie."""

from __future__ import annotations

from detectors.rectangle_detector import INPUT_PX as INPUT_PX

STRIDE_PX = 16
"""Pixels of the input for one of the feature map: 320 x 320 become 20 x 20 (paper, section IV-A)."""
ORIENTATIONS = 6
"""k of the paper."""
PREDICTIONS = 5
"""Regression values of an anchor: x, y, w, h, theta."""
STEP_M = 0.00125
"""Pitch at the table of what is seen with depth: grasps look as large as in Cornell's pictures."""
PRIMARY_ANGLE_RAD_SHARE = 0.5
"""Angle Matching: no further than this share of the 180 / k degrees between orientations."""
SCORER_ANGLE_DEG, SCORER_JACCARD = 15.0, 0.25
"""Jaccard Matching for the scorer (paper, section V-A.2)."""
SCORED = 64
"""T: so many predictions of an image teach the scorer (paper, section V-A.2)."""
NEGATIVES_PER_POSITIVE = 3
REGRESSION_WEIGHT = 2.0
"""alpha of Eq. 5, as in Zhou et al."""
LEAKY_SLOPE = 0.1
"""Of the scorer's ReLU (paper, section IV-A)."""
COLOR_MEAN, COLOR_SPREAD = 127.5, 64.0
