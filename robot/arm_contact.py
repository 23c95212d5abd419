"""Telling a contact from everything else that changes the force at the tool."""

from __future__ import annotations

import math
from collections.abc import Sequence

_SETTLING_S = 0.1


class ContactWatch:
    """Watches the force through one linear motion.

    A CB3 has no force sensor: it infers the force from its motors' currents, so speeding up and the friction of
    joints that begin to turn look like a push. While the arm speeds up, only ``surge_limit_n`` counts; then
    ``limit_n``, against the force of the steady motion. ``surge_limit_n`` against the force at rest counts throughout,
    so that a push which began in the surge cannot pass for the steady motion's own and grow from there.
    """

    def __init__(
        self, at_rest_n: Sequence[float], limit_n: float, surge_limit_n: float, speed: float, acceleration: float
    ) -> None:
        """``at_rest_n``: (3,) force before the motion [N]; speed [m/s], acceleration [m/s^2]."""
        self._at_rest_n = at_rest_n
        self._limit_n = limit_n
        self._surge_limit_n = surge_limit_n
        self._surge_s = speed / acceleration + _SETTLING_S
        self._begun_s: float | None = None
        self._steady_n: Sequence[float] | None = None

    def touched(self, force_n: Sequence[float], stamp_s: float) -> bool:
        """Whether (3,) ``force_n`` at the controller's time ``stamp_s`` means a contact; call it from the start on."""
        if self._begun_s is None:
            self._begun_s = stamp_s
        if math.dist(force_n, self._at_rest_n) > self._surge_limit_n:
            return True
        if stamp_s - self._begun_s < self._surge_s:
            return False
        if self._steady_n is None:
            self._steady_n = force_n
        return math.dist(force_n, self._steady_n) > self._limit_n
