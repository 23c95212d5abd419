"""A world without physics for the controller's tests: the arm follows its target, a springy table pushes back.

``python -m tests.simulator.ideal_world --address A --model cb3 --speed max`` serves it. Each line on standard input is
a Python dictionary with a fault to inject or a wrench to apply; ``ready`` and one line per request come on standard
output. Ends when standard input is closed.
"""

from __future__ import annotations

import argparse
import ast
import sys
import threading

import numpy as np

from robot.kinematics import UR5, UR5E, ArmModel, forward
from robot.simulator.loop import SimulationLoop
from robot.simulator.ur_controller import start_ur_controller

HOME = (0.0, -1.6, 1.8, -1.8, -1.5708, 0.0)
TIP_M = 0.15
TABLE_Z_M = -0.15
TABLE_N_M = 8000.0


class IdealWorld:
    def __init__(self, model: ArmModel, q: tuple[float, ...] = HOME, lag_s: float = 0.0) -> None:
        self.model = model
        self.time_s = 0.0
        self.busy = False
        self.extra_wrench = np.zeros(6)
        self.blocked = False
        self._q = np.array(q, dtype=float)
        self._qd = np.zeros(6)
        self._target = self._q.copy()
        self._lag_s = lag_s

    @property
    def q(self) -> np.ndarray:
        return self._q.copy()

    @property
    def qd(self) -> np.ndarray:
        return self._qd.copy()

    @property
    def joint_torque(self) -> np.ndarray:
        return np.array([0.0, -40.0, -15.0, 1.0, 0.1, 0.0])

    def flange_wrench(self) -> np.ndarray:
        T = forward(self.model, self._q)
        tip = T[:3, 3] + TIP_M * T[:3, 2]
        push = max(0.0, TABLE_Z_M - float(tip[2])) * TABLE_N_M
        force = np.array([0.0, 0.0, push])
        return np.concatenate([force, np.cross(tip - T[:3, 3], force)]) + self.extra_wrench

    def set_arm_target(self, q: np.ndarray, qd: np.ndarray) -> None:
        self._target = np.array(q)

    def advance(self, duration_s: float) -> None:
        if not self.blocked:
            share = 1.0 if self._lag_s == 0.0 else 1.0 - float(np.exp(-duration_s / self._lag_s))
            q = self._q + (self._target - self._q) * share
            self._qd, self._q = (q - self._q) / duration_s, q
        self.time_s += duration_s


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--model", default="cb3")
    parser.add_argument("--speed", default="max")
    parser.add_argument("--lag", type=float, default=0.0)
    arguments = parser.parse_args()
    world = IdealWorld(UR5 if arguments.model == "cb3" else UR5E, lag_s=arguments.lag)
    servers = start_ur_controller(arguments.address, world, arguments.model)
    loop = SimulationLoop(servers.controller, world, None if arguments.speed == "max" else float(arguments.speed))

    def obey() -> None:
        for line in sys.stdin:
            request = ast.literal_eval(line)
            print(loop.call(lambda request=request: act(request), 5.0, urgent=True), flush=True)
        loop.request_stop()

    def act(request: dict) -> object:
        if "inject" in request:
            servers.controller.inject(request["inject"], request.get("delay_s", 0.1))
        if "clear" in request:
            servers.controller.clear_faults()
        if "wrench" in request:
            world.extra_wrench = np.array(request["wrench"], dtype=float)
        if "stop_after_s" in request:
            threading.Timer(request["stop_after_s"], loop.request_stop).start()
        if "blocked" in request:
            world.blocked = bool(request["blocked"])
        return {"q": world.q.tolist(), "time_s": world.time_s, "force_mode": servers.controller.arm.in_force_mode}

    threading.Thread(target=obey, daemon=True).start()
    print("ready", flush=True)
    loop.run()
    servers.close()


if __name__ == "__main__":
    main()
