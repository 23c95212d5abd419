"""The watchdog of the control script: a client that is gone must not leave the arm moving."""

from __future__ import annotations

from robot.deadline import Clock


class Watchdog:
    """Expires when no input comes for a period. Wall time, however fast the world runs: clients live in that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patience_s = 0.0
        self._fed_at = 0.0

    def arm(self, minimum_hz: float) -> None:
        """Expect an input so often; 0 disarms."""
        self._patience_s = 1.0 / minimum_hz if minimum_hz > 0 else 0.0

    def disarm(self) -> None:
        self._patience_s = 0.0

    def feed(self) -> None:
        """An input has come."""
        self._fed_at = self._clock()

    @property
    def expired(self) -> bool:
        return self._patience_s > 0 and self._clock() - self._fed_at > self._patience_s
