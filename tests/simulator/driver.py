"""Drives a controller without any network: commands go straight to its registers."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from robot.deadline import Clock
from robot.simulator.controller import URController
from robot.simulator.registers import DONE, READY
from robot.simulator.safety import SafetySettings
from robot.simulator.versions import VERSIONS
from tests.simulator.ideal_world import IdealWorld

SCRIPT = "def rtde_control():\n  # int register offset\n0  process_cmd(rtde_cmd())\nend\n"


class Driver:
    def __init__(
        self,
        model: str = "cb3",
        settings: SafetySettings | None = None,
        lag_s: float = 0.0,
        start: bool = True,
        wall_clock: Clock = time.monotonic,
    ) -> None:
        version = VERSIONS[model]
        self.world = IdealWorld(version.model, lag_s=lag_s)
        self.controller = URController(self.world, version, settings, wall_clock)
        self.arm = self.controller.arm
        if start:
            self.upload()

    def upload(self, script: str = SCRIPT) -> None:
        self.controller.load_script(script, "rtde_control")
        self.controller.poll()

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.controller.tick()
            self.world.advance(self.controller.period_s)

    def send(self, code: int, doubles: Sequence[float] = (), ints: Sequence[int] = ()) -> None:
        values: dict = {"input_int_register_0": code}
        values.update({f"input_int_register_{i + 1}": value for i, value in enumerate(ints)})
        values.update({f"input_double_register_{i}": float(value) for i, value in enumerate(doubles)})
        self.controller.receive(values)
        self.controller.poll()

    @property
    def handshake(self) -> int:
        return self.controller.registers.int_out(0)

    def run(self, code: int, doubles: Sequence[float] = (), ints: Sequence[int] = (), limit_s: float = 30.0) -> bool:
        """As the client does: send, wait for done, clear. False when the program dies or nothing happens in time."""
        assert self.handshake == READY
        self.send(code, doubles, ints)
        self.until(lambda: self.handshake == DONE or self.controller.runtime_state != 2, limit_s)
        done = self.handshake == DONE and self.controller.runtime_state == 2
        self.send(0)
        return done

    def until(self, condition, limit_s: float = 30.0) -> float:
        """Tick until ``condition``; the simulated time it took."""
        start = self.world.time_s
        while not condition():
            assert self.world.time_s - start < limit_s, "the condition never came true"
            self.tick()
        return self.world.time_s - start

    def doubles(self, count: int = 6) -> np.ndarray:
        return np.array([self.controller.registers.published(f"output_double_register_{i}") for i in range(count)])

    @property
    def flag(self) -> int:
        return self.controller.registers.int_out(1)
