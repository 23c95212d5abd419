"""The gripper's own controller: registers, activation, object flag, faults. On the simulation thread.

Of the manual's functions the automatic release (ATR) is not simulated: its register is kept, nothing moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from robot.gripper_geometry import (
    MAX_FORCE_N,
    MAX_SPEED_M_S,
    MIN_FORCE_N,
    MIN_SPEED_M_S,
    STROKE_M,
    register_to_width_m,
    width_to_register,
)
from robot.simulator.jaws import JawMotion
from robot.simulator.world import World

STATUS_RESET, STATUS_ACTIVATING, STATUS_ACTIVE = 0, 1, 3
FAULT_NOT_ACTIVATED, FAULT_ACTIVATING, FAULT_OVERCURRENT = 0x07, 0x05, 0x0E
WRITABLE = ("ACT", "GTO", "ATR", "ARD", "FOR", "SPE", "POS")
_OBJECT_FLAG = {
    JawMotion.MOVING: 0,
    JawMotion.STOPPED_OPENING: 1,
    JawMotion.STOPPED_CLOSING: 2,
    JawMotion.AT_TARGET: 3,
}
_ACTIVATION_WIDTHS_M = (STROKE_M, 0.0, STROKE_M)
_ACTIVATION_SPEED_M_S, _ACTIVATION_FORCE_N = 0.100, 40.0


class GripperDevice:
    """Turns register writes into motions of the world's jaws.

    Attributes:
        readable: the registers as a client sees them; replaced as a whole, so any thread may read it.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._written = dict.fromkeys(WRITABLE, 0)
        self._written.update(SPE=255, FOR=0)
        self._status = STATUS_RESET
        self._fault = 0
        self._still_to_go: list[float] = []
        self.readable: Mapping[str, int] = {}
        self._publish()

    @property
    def busy(self) -> bool:
        """Whether an activation is under way."""
        return self._status == STATUS_ACTIVATING and not self._broken

    @property
    def _broken(self) -> bool:
        return self._fault == FAULT_OVERCURRENT

    def write(self, values: Mapping[str, int]) -> None:
        """Take new register values (each 0..255) and act on them."""
        before = dict(self._written)
        self._written.update({name: min(max(value, 0), 255) for name, value in values.items()})
        if self._written["ACT"] == 0:
            self._reset()
        elif before["ACT"] == 0:
            self._activate()
        elif self._status == STATUS_ACTIVE and not self._broken:
            self._act_on(values, before)
        if "POS" in values and self._status != STATUS_ACTIVE and not self._broken:
            self._fault = FAULT_ACTIVATING if self._status == STATUS_ACTIVATING else FAULT_NOT_ACTIVATED
        self._publish()

    def break_down(self) -> None:
        """An overcurrent: the jaws stop until the gripper is reset and activated again."""
        self._fault = FAULT_OVERCURRENT
        self._still_to_go = []
        self._world.halt_jaws()
        self._publish()

    def lose_power(self) -> None:
        """As after a power cycle: not active, and the jaws stay where they are."""
        self._written.update(ACT=0, GTO=0)
        self._reset()
        self._publish()

    def tick(self, period_s: float) -> None:
        """Go on with the activation; called after every ``World.advance``."""
        if self.busy and self._world.jaws.motion is not JawMotion.MOVING:
            if self._still_to_go:
                self._world.command_jaws(self._still_to_go.pop(0), _ACTIVATION_SPEED_M_S, _ACTIVATION_FORCE_N)
            else:
                self._status = STATUS_ACTIVE
                self._fault = 0
        self._publish()

    def _reset(self) -> None:
        self._status, self._fault, self._still_to_go = STATUS_RESET, 0, []
        self._world.halt_jaws()

    def _activate(self) -> None:
        self._status = STATUS_ACTIVATING
        first, *self._still_to_go = _ACTIVATION_WIDTHS_M
        self._world.command_jaws(first, _ACTIVATION_SPEED_M_S, _ACTIVATION_FORCE_N)

    def _act_on(self, values: Mapping[str, int], before: Mapping[str, int]) -> None:
        if self._written["GTO"] == 0:
            if before["GTO"] == 1:
                self._world.halt_jaws()
        elif before["GTO"] == 0 or "POS" in values:
            speed = MIN_SPEED_M_S + (MAX_SPEED_M_S - MIN_SPEED_M_S) * self._written["SPE"] / 255
            force = MIN_FORCE_N + (MAX_FORCE_N - MIN_FORCE_N) * self._written["FOR"] / 255
            self._world.command_jaws(register_to_width_m(self._written["POS"]), speed, force)

    def _publish(self) -> None:
        jaws = self._world.jaws
        self.readable = MappingProxyType(
            self._written
            | {
                "STA": self._status,
                "FLT": self._fault,
                "PRE": self._written["POS"],
                "POS": width_to_register(jaws.width_m),
                "OBJ": _OBJECT_FLAG[jaws.motion] if self._status == STATUS_ACTIVE else 0,
            }
        )
