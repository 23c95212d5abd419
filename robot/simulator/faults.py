"""Faults on command, wherever in the simulated cell they strike."""

from __future__ import annotations

from typing import Protocol

from robot.errors import SettingsError, did_you_mean
from robot.simulator.gripper_device import GripperDevice
from robot.simulator.world import World

CONTROLLER_FAULTS = ("protective_stop", "emergency_stop", "rtde_silence", "dropped_sockets")
GRIPPER_FAULTS = ("gripper_fault", "object_lost")
CAMERA_FAULTS = ("camera_silence", "frozen_frame", "all_holes")
FAULT_NAMES = CONTROLLER_FAULTS + GRIPPER_FAULTS + CAMERA_FAULTS


class ControllerFaults(Protocol):
    """What the simulated UR controller offers."""

    def inject(self, name: str, delay_s: float = 0.1) -> None:
        """Arrange for one of ``CONTROLLER_FAULTS``."""
        ...

    def clear_faults(self) -> None:
        """Take back what can be taken back."""
        ...


class FaultBoard:
    """Where all faults are injected and cleared. On the simulation thread, but for ``camera``.

    Attributes:
        camera: names of the camera's faults that are active now; replaced as a whole, so any thread may read it.
    """

    def __init__(self, controller: ControllerFaults, world: World, gripper: GripperDevice) -> None:
        self._controller, self._world, self._gripper = controller, world, gripper
        self._waiting_s: dict[str, float] = {}
        self.camera: frozenset[str] = frozenset()

    @property
    def waiting(self) -> tuple[str, ...]:
        """Faults of the gripper whose time has not come."""
        return tuple(self._waiting_s)

    def inject(self, name: str, delay_s: float = 0.1) -> None:
        """Arrange for a fault; ``delay_s`` is simulated time, for the camera's faults it is not used.

        Raises:
            SettingsError: unknown name.
        """
        if name not in FAULT_NAMES:
            raise SettingsError(f"unknown fault '{name}'", did_you_mean(name, FAULT_NAMES))
        if name in CONTROLLER_FAULTS:
            self._controller.inject(name, delay_s)
        elif name in CAMERA_FAULTS:
            self.camera = self.camera | {name}
        else:
            self._waiting_s[name] = max(delay_s, 0.0)
            self.tick(0.0)

    def clear(self) -> None:
        """Take back what can be taken back. A broken-down gripper stays so until it is reset and activated."""
        self._controller.clear_faults()
        self._waiting_s.clear()
        self.camera = frozenset()

    @property
    def busy(self) -> bool:
        """Waiting faults alone let no time pass."""
        return False

    def tick(self, period_s: float) -> None:
        """Simulated time has passed."""
        for name in list(self._waiting_s):
            self._waiting_s[name] -= period_s
            if self._waiting_s[name] > 0.0:
                continue
            del self._waiting_s[name]
            if name == "gripper_fault":
                self._gripper.break_down()
            else:
                self._world.lose_object()
