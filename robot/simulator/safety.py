"""Power, brakes and the safety system: what the controller allows, and the words and numbers it says it with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class RobotMode(IntEnum):
    """``robot_mode`` of the RTDE interface."""

    POWER_OFF = 3
    IDLE = 5
    RUNNING = 7


class RuntimeState(IntEnum):
    """``runtime_state`` of the RTDE interface."""

    STOPPED = 1
    PLAYING = 2
    PAUSED = 4


class Safety(Enum):
    """State of the safety system: (safety_mode, safety_status_bits)."""

    NORMAL = (1, 1 << 0)
    PROTECTIVE_STOP = (3, 1 << 2 | 1 << 10)
    SAFEGUARD_STOP = (5, 1 << 4 | 1 << 10)
    ROBOT_EMERGENCY_STOP = (7, 1 << 6 | 1 << 7 | 1 << 10)

    @property
    def mode(self) -> int:
        return self.value[0]

    @property
    def bits(self) -> int:
        return self.value[1]


FURTHER_N = 20.0


@dataclass(frozen=True)
class SafetySettings:
    """When the controller stops the arm to protect it."""

    contact_force_max_n: float = 150.0
    tracking_error_max_rad: float = 0.1
    tracking_error_max_s: float = 0.1


class SafetyMonitor:
    """Watches the measured arm; tells why it must be stopped, if it must."""

    def __init__(self, settings: SafetySettings) -> None:
        self.settings = settings
        self._strayed_s = 0.0
        self._limit_n = settings.contact_force_max_n

    def reset(self, pressing_n: float) -> None:
        """After unlocking: an arm that still presses with ``pressing_n`` may back off, but not press harder."""
        self._strayed_s = 0.0
        self._limit_n = max(self.settings.contact_force_max_n, pressing_n + FURTHER_N)

    def check(self, q_target: Array, q_measured: Array, force_n: float, period_s: float) -> str | None:
        """The reason for a protective stop, or ``None``. ``force_n``: contact force beyond the flange."""
        if force_n > self._limit_n:
            return f"contact force of {force_n:.0f} N (limit {self._limit_n:.0f} N)"
        if force_n < self.settings.contact_force_max_n - FURTHER_N:
            self._limit_n = self.settings.contact_force_max_n
        error = np.abs(q_target - q_measured)
        if error.max() <= self.settings.tracking_error_max_rad:
            self._strayed_s = 0.0
            return None
        self._strayed_s += period_s
        if self._strayed_s < self.settings.tracking_error_max_s:
            return None
        return f"joint {int(error.argmax()) + 1} deviates from its path by {error.max():.2f} rad"
