"""The gripper's motor: moves the jaws at a set speed with a limited force and knows when something stops them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from robot.gripper_body import FINGER_JOINTS, JAW_ACTUATOR, JAW_DAMPING_NS_M, JAW_STIFFNESS_N_M, SOFTEST_JAW_TRAVEL_M
from robot.gripper_geometry import MAX_FORCE_N, MAX_SPEED_M_S, MIN_FORCE_N, MIN_SPEED_M_S, STROKE_M

_STILL_S = 0.04
_STILL_M = 0.0002  # of one finger within _STILL_S: less is chatter of the contacts, not motion
_GIVE_M = 0.0006  # how far a finger that was stopped may yield before it counts as moving again
_AT_TARGET_M = 0.0015
_PLATE_SOLREF, _PLATE_SOLIMP = (0.004, 1.0), (0.99, 0.999, 1e-4)  # a plate gives way less than rubber
_SQUEEZE_M = 0.004  # how far the rubber of empty jaws gives


class JawMotion(Enum):
    """What the jaws do."""

    MOVING = "moving"
    STOPPED_OPENING = "stopped while opening"
    STOPPED_CLOSING = "stopped while closing"
    AT_TARGET = "at target"


@dataclass(frozen=True)
class JawState:
    """Jaw opening and commanded opening [m], and what the jaws do."""

    width_m: float
    target_m: float
    motion: JawMotion


class JawServo:
    """Drives the jaws of one compiled model after another; call :meth:`attach` when the model changes."""

    def __init__(self, width_m: float) -> None:
        self._target = self._reference = width_m / 2
        self._force_n = MAX_FORCE_N
        self._speed = MAX_SPEED_M_S / 2
        self._closing = False
        self._still_s = 1.0
        self._half = self._anchor = width_m / 2
        self._plate_m = 0.0
        self._model: Any = None
        self._data: Any = None

    def attach(self, model: Any, data: Any) -> None:
        """Drive this model from now on."""
        self._model, self._data = model, data
        self._actuator = model.actuator(JAW_ACTUATOR).id
        joint = model.joint(FINGER_JOINTS[0])
        self._qpos = int(joint.qposadr[0])
        self._half = self._anchor = float(data.qpos[self._qpos])
        self.stop_at(self._plate_m)

    def stop_at(self, width_m: float) -> None:
        """A plate between the pads keeps them ``width_m`` apart; 0 takes it out."""
        self._plate_m = width_m
        for name in FINGER_JOINTS:
            joint = self._model.joint(name)
            joint.range[0] = width_m / 2 if width_m else -SOFTEST_JAW_TRAVEL_M
            if width_m:
                joint.solref[:], joint.solimp[:3] = _PLATE_SOLREF, _PLATE_SOLIMP

    def command(self, width_m: float, speed_m_s: float, force_n: float) -> None:
        """Go to ``width_m``; speed of the opening and force at each pad are clamped to the gripper's ranges."""
        self._target = min(max(width_m, 0.0), STROKE_M) / 2
        self._speed = min(max(speed_m_s, MIN_SPEED_M_S), MAX_SPEED_M_S) / 2
        self._force_n = min(max(force_n, MIN_FORCE_N), MAX_FORCE_N)
        self._reference = self._half
        self._closing = self._target < self._half
        self._anchor, self._still_s = self._half, 0.0

    def halt(self) -> None:
        """Stay where the jaws are."""
        self._target = self._reference = self._anchor = self._half
        self._still_s = _STILL_S

    @property
    def state(self) -> JawState:
        return JawState(2 * self._half, 2 * self._target, self._motion())

    @property
    def closing(self) -> bool:
        """The last command closed the jaws, wholly or in part."""
        return self._closing

    @property
    def opened(self) -> bool:
        """The last command opened the jaws, and they have stopped."""
        return not self._closing and self._motion() is not JawMotion.MOVING

    def before_step(self, period_s: float) -> None:
        """Set the motor for the next physics step."""
        motion = self._motion()
        shut = self._target < 1e-4
        # At the end of its way the self-locking gear holds, whatever the set force.
        limit = 2 * (MAX_FORCE_N if motion is JawMotion.AT_TARGET and not shut else self._force_n)
        lead = limit / JAW_STIFFNESS_N_M
        # Fully closed means pressing the pads together.
        goal = self._target - (lead if shut else 0.0)
        step = self._speed * period_s
        before = self._reference
        self._reference += min(max(goal - self._reference, -step), step)
        self._reference = min(max(self._reference, self._half - 1.5 * lead), self._half + 1.5 * lead)
        velocity = (self._reference - before) / period_s
        self._model.actuator_forcerange[self._actuator] = (-limit, limit)
        self._data.ctrl[self._actuator] = self._reference + velocity * JAW_DAMPING_NS_M / JAW_STIFFNESS_N_M

    def after_step(self, period_s: float) -> None:
        """Read where the jaws are."""
        self._half = float(self._data.qpos[self._qpos])
        stopped = self._still_s >= _STILL_S
        if abs(self._half - self._anchor) > (_GIVE_M if stopped else _STILL_M):
            self._anchor, self._still_s = self._half, 0.0
            return
        pushing = abs(self._data.actuator_force[self._actuator]) > 1.9 * self._force_n
        if stopped or pushing or self._arrived:
            self._still_s += period_s

    def _motion(self) -> JawMotion:
        if self._still_s < _STILL_S:
            return JawMotion.MOVING
        if self._arrived:
            return JawMotion.AT_TARGET
        return JawMotion.STOPPED_CLOSING if self._closing else JawMotion.STOPPED_OPENING

    @property
    def _arrived(self) -> bool:
        return self._target - _SQUEEZE_M < self._half < self._target + _AT_TARGET_M / 2
