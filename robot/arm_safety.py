"""What the controller's safety system says."""

from __future__ import annotations

import enum


class Safety(enum.Enum):
    """What the controller's safety system says."""

    NORMAL = "normal"
    REDUCED = "reduced"
    PROTECTIVE_STOP = "protective stop"
    SAFEGUARD_STOP = "safeguard stop"
    EMERGENCY_STOP = "emergency stop"
    FAULT = "fault"

    @classmethod
    def from_bits(cls, bits: int) -> Safety:
        """From ``safety_status_bits`` of the RTDE interface; the gravest bit decides."""
        for mask, state in (
            (1 << 5 | 1 << 6 | 1 << 7, cls.EMERGENCY_STOP),
            (1 << 8 | 1 << 9, cls.FAULT),
            (1 << 2, cls.PROTECTIVE_STOP),
            (1 << 4, cls.SAFEGUARD_STOP),
            (1 << 1, cls.REDUCED),
        ):
            if bits & mask:
                return state
        return cls.NORMAL

    @property
    def permits_motion(self) -> bool:
        return self in (Safety.NORMAL, Safety.REDUCED)
