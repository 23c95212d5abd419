"""Faults of the controller, on command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from robot.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    from robot.simulator.controller import URController

_MOVING_RAD_S = 1e-3
IN_MOTION = ("protective_stop", "emergency_stop", "safeguard_stop", "program_stopped", "local_mode")
FAULT_NAMES = (*IN_MOTION, "rtde_silence", "dropped_sockets", "dashboard_down", "registers_in_use")


class Faults:
    """What goes wrong. On the simulation thread; its flags may be read by any.

    Attributes:
        silent: no state is sent.
        local_mode: somebody works at the teach pendant, and the network may only ask.
        dashboard_down: nobody answers on the dashboard's port.
        registers_in_use: another client has taken the input registers.
    """

    def __init__(self, controller: URController) -> None:
        self._controller = controller
        self._armed: dict[str, float] = {}
        self.silent = self.local_mode = self.dashboard_down = self.registers_in_use = False

    def inject(self, name: str, delay_s: float = 0.1, *, at_once: bool = False) -> None:
        """Arrange for fault ``name``. Raises SettingsError for an unknown one.

        ``delay_s``: for those that strike a moving arm (``IN_MOTION``), simulated time in motion before they do;
        ``at_once`` does not wait for a motion.
        """
        if name not in FAULT_NAMES:
            raise SettingsError(f"no such fault of the controller: {name!r}", did_you_mean(name, FAULT_NAMES))
        if name in IN_MOTION and not at_once:
            self._armed[name] = max(delay_s, 0.0)
        else:
            self._strike(name)

    def clear(self) -> None:
        """Take back what can be taken back; the emergency stop button is released, the power stays off."""
        self._armed.clear()
        self.silent = self.local_mode = self.dashboard_down = self.registers_in_use = False
        self._controller.release_emergency_stop()
        self._controller.close_safeguard()

    def tick(self, period_s: float) -> None:
        """One control period has passed."""
        if not self._armed or float(np.abs(self._controller.arm.runner.qd).max()) < _MOVING_RAD_S:
            return
        for name in list(self._armed):
            self._armed[name] -= period_s
            if self._armed[name] <= 0.0:
                del self._armed[name]
                self._strike(name)

    def _strike(self, name: str) -> None:
        controller = self._controller
        strike: dict[str, Callable[[], None]] = {
            "protective_stop": lambda: controller.protective_stop("injected fault"),
            "emergency_stop": controller.emergency_stop,
            "safeguard_stop": controller.open_safeguard,
            "program_stopped": controller.stop_program,
            "local_mode": self._take_local_control,
            "rtde_silence": lambda: setattr(self, "silent", True),
            "dropped_sockets": controller.drop_connections,
            "dashboard_down": self._take_dashboard_down,
            "registers_in_use": lambda: setattr(self, "registers_in_use", True),
        }
        strike[name]()

    def _take_local_control(self) -> None:
        self.local_mode = True
        self._controller.stop_program()

    def _take_dashboard_down(self) -> None:
        self.dashboard_down = True
        self._controller.drop_dashboard()
