import threading
import time

import pytest

from robot.errors import DeviceError
from robot.simulator.loop import SETTLE_S, SimulationLoop
from robot.simulator.registers import DONE, READY
from robot.simulator.report import Report
from tests.simulator.driver import Driver
from tests.simulator.ideal_world import HOME


class Running:
    """A loop on a thread of its own; the test's thread plays the servers."""

    def __init__(self, speed: float | None) -> None:
        self.driver = Driver()
        self.controller, self.world = self.driver.controller, self.driver.world
        self.loop = SimulationLoop(self.controller, self.world, speed)
        self.published: list[float] = []
        self.controller.attach(
            lambda report, version, arrived: self.published.append(report["timestamp"]), lambda: None
        )
        self._thread = threading.Thread(target=self.loop.run, daemon=True)

    def _publish(self, report: Report, version: int, arrived: bool) -> None:
        self.published.append(report["timestamp"])

    def __enter__(self) -> "Running":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.loop.request_stop()
        self._thread.join(5)
        assert not self._thread.is_alive()

    def send(self, code: int, doubles: list[float] | None = None) -> None:
        values = {"input_int_register_0": code, "input_int_register_1": 0}
        values.update({f"input_double_register_{i}": value for i, value in enumerate(doubles or [])})
        self.controller.inbox.post(lambda: self.controller.receive(values))

    def wait(self, condition, timeout_s: float = 10.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def move(self, *q: float) -> None:
        """As the client does it: until the controller is ready again, a "done" may still be the last move's."""
        self.send(1, [*q, 1.0, 2.0])
        self.wait(lambda: self.driver.handshake == DONE)
        self.send(0)
        self.wait(lambda: self.driver.handshake == READY)


NEAR = [HOME[0] + 0.3, *HOME[1:]]


def test_as_fast_as_possible_the_world_stands_still_between_commands():
    with Running(None) as running:
        running.move(*NEAR)
        running.wait(lambda: running.loop.call(lambda: True, 5.0))  # calls wait for rest
        rest = running.world.time_s
        count = len(running.published)
        time.sleep(0.1)
        assert running.world.time_s == rest
        assert len(running.published) > count
        assert running.published[-1] > running.published[count - 1]


def test_the_same_commands_give_the_same_world_however_long_the_client_thinks():
    ends = []
    for pause_s in (0.0, 0.02, 0.1):
        with Running(None) as running:
            for q in (NEAR, HOME, NEAR):
                running.move(*q)
                time.sleep(pause_s)
            running.loop.call(lambda: None, 5.0)
            ends.append((running.world.time_s, running.world.q.tolist()))
    assert ends[0] == ends[1] == ends[2]
    assert ends[0][0] > 3 * SETTLE_S


def test_ordinary_calls_wait_for_rest_and_urgent_ones_do_not():
    with Running(None) as running:
        running.controller.io.slider = 0.1  # a move of some 1 000 periods
        running.send(1, [*NEAR, 1.0, 2.0])
        running.wait(lambda: running.controller.busy)
        assert running.loop.call(lambda: running.controller.busy, 5.0, urgent=True)
        assert not running.loop.call(lambda: running.controller.busy, 30.0)


def test_calls_hand_back_results_and_errors_and_keep_their_deadline():
    with Running(None) as running:
        assert running.loop.call(lambda: 42, 1.0) == 42
        with pytest.raises(ZeroDivisionError):
            running.loop.call(lambda: 1 // 0, 1.0)
        running.world.busy = True
        with pytest.raises(DeviceError, match=r"0\.05 s"):
            running.loop.call(lambda: 42, 0.05)
        running.world.busy = False


def test_a_world_that_never_rests_does_not_silence_its_devices():
    with Running(None) as running:
        running.world.busy = True
        assert running.loop.call(lambda: running.world.busy, 10.0)
        running.world.busy = False


def test_a_speed_factor_locks_simulated_time_to_wall_time():
    gained = []
    for speed in (2.0, 10.0):
        with Running(speed) as running:
            running.loop.call(lambda: None, 5.0)
            start, began = running.world.time_s, time.monotonic()
            time.sleep(0.4)
            gained.append((running.world.time_s - start) / (time.monotonic() - began))
    assert gained[1] / gained[0] == pytest.approx(5.0, rel=0.3)


def test_publishing_does_not_follow_the_physics_as_fast_as_possible():
    with Running(None) as running:
        running.controller.io.slider = 0.02
        before, began = len(running.published), time.monotonic()
        running.move(*NEAR)
        packets, wall_s = len(running.published) - before, time.monotonic() - began
        assert packets < 10 + wall_s / 0.003
        assert running.world.time_s / 0.008 > 3 * packets
