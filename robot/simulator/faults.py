"""Faults on command, wherever in the simulated cell they strike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from robot.errors import SettingsError, did_you_mean

if TYPE_CHECKING:
    from robot.simulator.gripper_device import GripperDevice
    from robot.simulator.obstacle import UnseenObstacle
    from robot.simulator.staging import Staging
    from robot.simulator.world import World

CONTROLLER_FAULTS = (
    "protective_stop",
    "emergency_stop",
    "safeguard_stop",
    "program_stopped",
    "rtde_silence",
    "dropped_sockets",
    "local_mode",
    "dashboard_down",
    "registers_in_use",
)
GRIPPER_FAULTS = ("gripper_fault", "gripper_silence", "gripper_inactive", "object_lost")
CAMERA_FAULTS = ("camera_silence", "camera_missing", "frozen_frame", "all_holes", "camera_bumped")
FAULT_NAMES = (*CONTROLLER_FAULTS, *GRIPPER_FAULTS, *CAMERA_FAULTS, "unseen_obstacle")

_LASTING = ("gripper_silence", "camera_silence", "camera_missing", "frozen_frame", "all_holes")
_BUMP_SETTINGS = ("move_m", "turn_rad", "axis")
_AXES = ("x", "y", "z")


class ControllerFaults(Protocol):
    """What the simulated UR controller offers."""

    def inject(self, name: str, delay_s: float = 0.1, *, at_once: bool = False) -> None:
        """Arrange for one of ``CONTROLLER_FAULTS``."""
        ...

    def clear_faults(self) -> None:
        """Take back what can be taken back."""
        ...


class FaultBoard:
    """Where all faults are injected and cleared. On the simulation thread, but for ``active``.

    Attributes:
        active: names of the lasting faults of gripper and camera; replaced as a whole, so any thread may read it.
    """

    def __init__(
        self,
        controller: ControllerFaults,
        world: World,
        gripper: GripperDevice,
        staging: Staging,
        obstacle: UnseenObstacle,
        seed: int = 0,
    ) -> None:
        """``seed``: of the camera's bumps before any placement."""
        self._controller, self._world, self._gripper = controller, world, gripper
        self._staging, self._obstacle, self._seed = staging, obstacle, seed
        self._waiting_s: dict[str, float] = {}
        self.active: frozenset[str] = frozenset()

    @property
    def waiting(self) -> tuple[str, ...]:
        """Faults outside the controller whose time has not come."""
        return (*self._waiting_s, *(["unseen_obstacle"] if self._obstacle.waiting else []))

    def inject(self, name: str, delay_s: float = 0.1, *, at_once: bool = False, **settings: Any) -> None:
        """Arrange for a fault.

        Args:
            delay_s: simulated time until the gripper's faults strike; the controller's stops count it from the arm's
                next motion, the loss of an object from the closing of open jaws. The camera's strike at once, the
                obstacle waits for the fingers to come down.
            at_once: do not wait for anything.
            settings: of ``camera_bumped``: how far it moves (``move_m``, 0.010) and turns (``turn_rad``, 0) in its own
                axes, and along and about which ``axis`` ("x", "y" or "z"); without an axis, any direction.

        Raises:
            SettingsError: unknown name, or settings that the fault does not have.
        """
        if name not in FAULT_NAMES:
            raise SettingsError(f"unknown fault '{name}'", did_you_mean(name, FAULT_NAMES))
        known = _BUMP_SETTINGS if name == "camera_bumped" else ()
        for setting in settings:
            if setting not in known:
                hint = did_you_mean(setting, known) if known else "it has none"
                raise SettingsError(f"the fault '{name}' has no setting '{setting}'", hint)
        if name in CONTROLLER_FAULTS:
            self._controller.inject(name, delay_s, at_once=at_once)
        elif name == "camera_bumped":
            self._bump(**settings)
        elif name == "unseen_obstacle":
            (self._obstacle.appear if at_once else self._obstacle.expect)()
        elif name in CAMERA_FAULTS:
            self._strike(name)
        else:
            self._waiting_s[name] = 0.0 if at_once else max(delay_s, 0.0)
            self.tick(0.0)

    def clear(self) -> None:
        """Take back what can be taken back. A gripper that broke down or lost its power has to be activated again."""
        self._controller.clear_faults()
        self._waiting_s.clear()
        self.active = frozenset()
        self._staging.camera.put_back()
        self._obstacle.remove()

    def placed(self, pose_seed: int) -> None:
        """An object has been placed: what stood in the way is gone, and bumps follow from ``pose_seed``."""
        self._seed = pose_seed
        self._obstacle.clear_away()

    @property
    def busy(self) -> bool:
        """Waiting faults alone let no time pass."""
        return False

    def tick(self, period_s: float) -> None:
        """Simulated time has passed."""
        self._obstacle.tick()
        for name in list(self._waiting_s):
            if name == "object_lost" and self._waiting_s[name] > 0.0 and not self._world.jaws_were_closed:
                continue
            self._waiting_s[name] -= period_s
            if self._waiting_s[name] <= 0.0:
                del self._waiting_s[name]
                self._strike(name)

    def _strike(self, name: str) -> None:
        if name in _LASTING:
            self.active = self.active | {name}
        elif name == "gripper_fault":
            self._gripper.break_down()
        elif name == "gripper_inactive":
            self._gripper.lose_power()
        else:
            self._world.lose_object()

    def _bump(self, move_m: float = 0.010, turn_rad: float = 0.0, axis: str | None = None) -> None:
        if axis is None:
            move, turn = _directions(self._seed)
        elif axis in _AXES:
            move = turn = np.eye(3)[_AXES.index(axis)]
        else:
            raise SettingsError(f"axis must be one of {', '.join(_AXES)}, got {axis!r}")
        self._staging.camera.bump(move * float(move_m), turn * float(turn_rad))


def _directions(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from robot.simulator.camera_place import random_direction

    rng = np.random.default_rng(seed % 2**32)
    return random_direction(rng), random_direction(rng)
