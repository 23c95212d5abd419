"""The arm's joint servos: stiff, with velocity and acceleration fed forward, never above the motors' torque."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray


class ArmServo:
    """Leads the six joints along straight lines between targets; call :meth:`attach` when the model changes."""

    def __init__(self, q: ArrayLike) -> None:
        self._target = self._reference = np.array(q, dtype=np.float64)
        self._target_speed = self._reference_speed = np.zeros(6)

    def attach(self, model: Any, data: Any) -> None:
        """Drive this model from now on."""
        self._model, self._data = model, data
        self._stiffness = np.array(model.actuator_gainprm[:6, 0])
        self._damping = -np.array(model.actuator_biasprm[:6, 2])
        self._inertia = np.zeros((model.nv, model.nv))

    def aim(self, q: ArrayLike, qd: ArrayLike) -> None:
        """(6,) joint angles [rad] and velocities [rad/s] to be reached at the end of the next advance."""
        self._target, self._target_speed = np.array(q, dtype=np.float64), np.array(qd, dtype=np.float64)

    def plan(self, duration_s: float, steps: int) -> NDArray[np.float64]:
        """(steps, 6) actuator commands for the next advance."""
        mujoco.mj_fullM(self._model, self._data, self._inertia)
        torque = self._inertia[:6, :6] @ ((self._target_speed - self._reference_speed) / duration_s)
        share = np.arange(1, steps + 1)[:, None] / steps
        q = self._reference + share * (self._target - self._reference)
        qd = self._reference_speed + share * (self._target_speed - self._reference_speed)
        self._reference, self._reference_speed = self._target, self._target_speed
        return np.asarray(q + (self._damping * qd + torque) / self._stiffness)
