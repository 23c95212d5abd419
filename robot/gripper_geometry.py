"""The 2F-85's measures: what its registers mean in metres, and how its fingertips travel.

The fingers are parallel linkages: while they close, the tips move on a circular arc and advance
along the approach direction by up to 13.5 mm. A controller that ignores this pushes the tips into
the table, or closes above the object.
"""

from __future__ import annotations

import math

STROKE_M = 0.085
REGISTER_OPEN, REGISTER_CLOSED = 3, 230
TIP_FROM_FLANGE_OPEN_M = 0.1493
TIP_FROM_FLANGE_CLOSED_M = 0.1628
MIN_FORCE_N, MAX_FORCE_N = 20.0, 235.0
MIN_SPEED_M_S, MAX_SPEED_M_S = 0.020, 0.150
PAD_WIDTH_M, PAD_LENGTH_M, PAD_THICKNESS_M = 0.022, 0.0375, 0.008
OPENING_CLEARANCE_M = 0.016
"""What a detector usually leaves between an object and the open jaws, both sides together."""

# The arc through both published tip positions: 42.5 mm sideways and 13.5 mm forward per finger.
_LINK_M = 0.05715
_CHORD_M = math.hypot(STROKE_M / 2, TIP_FROM_FLANGE_CLOSED_M - TIP_FROM_FLANGE_OPEN_M)
_HALF_SWEEP = math.asin(_CHORD_M / 2 / _LINK_M)
_MEAN_ANGLE = math.atan2(TIP_FROM_FLANGE_CLOSED_M - TIP_FROM_FLANGE_OPEN_M, STROKE_M / 2)
_CLOSED_ANGLE = _MEAN_ANGLE - _HALF_SWEEP


def fingertip_advance_m(width_m: float) -> float:
    """How far the tips stand beyond their fully open position when the jaws are ``width_m`` apart [m]."""
    width = min(max(width_m, 0.0), STROKE_M)
    angle = math.asin(math.sin(_CLOSED_ANGLE) + width / 2 / _LINK_M)
    return _LINK_M * (math.cos(angle) - math.cos(_MEAN_ANGLE + _HALF_SWEEP))


def tip_from_flange_m(width_m: float) -> float:
    """Distance from the flange to the fingertips along the approach axis [m]."""
    return TIP_FROM_FLANGE_OPEN_M + fingertip_advance_m(width_m)


def still_to_come_m(width_m: float) -> float:
    """How much lower the tips would get if the jaws closed fully from ``width_m`` [m]; never negative."""
    return max(TIP_FROM_FLANGE_CLOSED_M - tip_from_flange_m(width_m), 0.0)


def closed_tip_drop_m(opening_m: float, tip_below_grasp_m: float) -> float:
    """How far below a grasp's centre the tips would stand if the jaws closed fully [m].

    The pads meet the object at about ``opening_m`` less the usual clearance, with the tips ``tip_below_grasp_m`` below
    the centre; from there to closed they would advance on their arc.
    """
    return tip_below_grasp_m + still_to_come_m(max(opening_m - OPENING_CLEARANCE_M, 0.0))


def register_to_width_m(position: int) -> float:
    """POS register -> jaw opening [m]; registers beyond the mechanical ends count as the ends."""
    share_closed = (position - REGISTER_OPEN) / (REGISTER_CLOSED - REGISTER_OPEN)
    return STROKE_M * (1.0 - min(max(share_closed, 0.0), 1.0))


def width_to_register(width_m: float) -> int:
    """Jaw opening [m] -> the nearest register."""
    share_closed = 1.0 - min(max(width_m / STROKE_M, 0.0), 1.0)
    return round(REGISTER_OPEN + share_closed * (REGISTER_CLOSED - REGISTER_OPEN))


def force_to_register(force_n: float) -> int:
    """Grip force [N] -> FOR register, clamped to what the gripper can do."""
    return round(255 * (min(max(force_n, MIN_FORCE_N), MAX_FORCE_N) - MIN_FORCE_N) / (MAX_FORCE_N - MIN_FORCE_N))


def speed_to_register(speed_m_s: float) -> int:
    """Closing speed of the jaw opening [m/s] -> SPE register, clamped to what the gripper can do."""
    span = MAX_SPEED_M_S - MIN_SPEED_M_S
    return round(255 * (min(max(speed_m_s, MIN_SPEED_M_S), MAX_SPEED_M_S) - MIN_SPEED_M_S) / span)
