"""The view that every one-shot network is shown first."""

from __future__ import annotations

FAR_PX, FAR_STEP_M = 128, 0.003
"""In training: 128 x 128 pixels of 3 mm at the table, 384 mm; in use a box about all that stands."""
