"""Faults of the controller, on command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from robot.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    from robot.simulator.controller import URController

_MOVING_RAD_S = 1e-3
FAULT_NAMES = ("protective_stop", "emergency_stop", "rtde_silence", "dropped_sockets")


class Faults:
    """What will go wrong. Stops fire once the arm has been moving for their delay; the others at once."""

    def __init__(self, controller: URController) -> None:
        self._controller = controller
        self._armed: dict[str, float] = {}

    def inject(self, name: str, delay_s: float = 0.1) -> None:
        """Arrange for fault ``name``. Raises SettingsError for an unknown one.

        ``delay_s``: for the two stops, simulated time in motion before they fire.
        """
        if name in ("protective_stop", "emergency_stop"):
            self._armed[name] = max(delay_s, 0.0)
        elif name == "rtde_silence":
            self._controller.silent = True
        elif name == "dropped_sockets":
            self._controller.drop_connections()
        else:
            raise SettingsError(f"no such fault of the controller: {name!r}", did_you_mean(name, FAULT_NAMES))

    def clear(self) -> None:
        """Take back what can be taken back; the emergency stop button is released, the power stays off."""
        self._armed.clear()
        self._controller.silent = False
        self._controller.release_emergency_stop()

    def tick(self, period_s: float) -> None:
        """One control period has passed."""
        if not self._armed or float(np.abs(self._controller.arm.runner.qd).max()) < _MOVING_RAD_S:
            return
        fire: dict[str, Callable[[], None]] = {
            "protective_stop": lambda: self._controller.protective_stop("injected fault"),
            "emergency_stop": self._controller.emergency_stop,
        }
        for name in list(self._armed):
            self._armed[name] -= period_s
            if self._armed[name] <= 0.0:
                del self._armed[name]
                fire[name]()
