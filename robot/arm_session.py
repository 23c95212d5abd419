"""One connected controller, inside the arm's process: state kept fresh, commands carried out and watched.

Poses are UR poses (6,), plain lists throughout.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from robot.arm_messages import Message, MessageLink

_OUTPUTS = [
    "timestamp", "actual_q", "actual_qd", "actual_TCP_pose", "actual_TCP_force", "robot_mode",
    "safety_mode", "runtime_state", "robot_status_bits", "safety_status_bits", "speed_scaling",
]  # fmt: skip
_PLAYING = 2
_POLL_S, _HEARTBEAT_S = 0.001, 0.1
_AT_REST_RAD_S = 0.01
_OPERATION_START_S = 1.0
_STALE_S = 0.05
# From 0.05 m/s the first takes 0.4 mm of way, the second 0.1 mm: at a contact that is the difference of many newtons.
_STOP_DECELERATION_M_S2, _CONTACT_DECELERATION_M_S2 = 3.0, 10.0
_EXPLANATION_S = 0.25
_KICK_SHARE = 0.15  # of the watchdog's patience

PROTECTIVE_BITS = 1 << 2 | 1 << 8 | 1 << 9
SAFEGUARD_BITS = 1 << 4
EMERGENCY_BITS = 1 << 5 | 1 << 6 | 1 << 7


class Failure(Exception):
    """A command that failed; ``kind`` is the error class that the parent raises."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Session:
    """One connected controller: state kept fresh, commands carried out and watched."""

    def __init__(
        self,
        link: MessageLink,
        address: str,
        version: tuple[int, int, int],
        link_timeout_s: float,
        watchdog_hz: float,
    ) -> None:
        import rtde_control
        import rtde_receive

        self._link = link
        self._version = version
        self._link_timeout_s = link_timeout_s
        self._watchdog_hz = watchdog_hz
        self._kicked_at = time.monotonic()
        self._control = rtde_control.RTDEControlInterface(address)
        self._receive = rtde_receive.RTDEReceiveInterface(address, -1.0, _OUTPUTS)
        self._stamp = math.nan
        self._fresh_at = time.monotonic()
        self._tcp_offset = [0.0] * 6
        self._task: Any = None
        self._stop_request: Any = None

    def watch(self) -> None:
        """Note whether packets still come, and let the controller know that we are here.

        Raises:
            Failure: the link is dead.
        """
        stamp, now = self._receive.getTimestamp(), time.monotonic()
        if stamp != self._stamp:
            self._stamp, self._fresh_at = stamp, now
        elif now - self._fresh_at > self._link_timeout_s:
            raise Failure("timeout", f"no packet from the controller for {now - self._fresh_at:.1f} s")
        elif now - self._fresh_at > _STALE_S:
            self._require_connection()
        if (now - self._kicked_at) * self._watchdog_hz > _KICK_SHARE:
            self._kicked_at = now
            self._control.kickWatchdog()

    def _require_connection(self) -> None:
        if not (self._receive.isConnected() and self._control.isConnected()):
            raise Failure("lost", "the controller closed the connection")

    def handle(self, message: Message) -> Any:
        """Carry out one message and return its result."""
        handler: Callable[..., Any] = getattr(self, "do_" + message["do"])
        self._task = message["id"]
        self._require_connection()
        return handler(**message.get("with", {}))

    def do_state(self) -> Message:
        receive = self._receive
        return {
            "q": receive.getActualQ(),
            "qd": receive.getActualQd(),
            "tcp_pose": receive.getActualTCPPose(),
            "tcp_force": receive.getActualTCPForce(),
            "tcp_offset": self._tcp_offset,
            "safety_bits": receive.getSafetyStatusBits(),
            "program_running": receive.getRuntimeState() == _PLAYING,
            "robot_mode": receive.getRobotMode(),
            "speed_scaling": receive.getSpeedScaling(),
            "timestamp_s": self._stamp,
            "received_at": self._fresh_at,
        }

    def do_move_joints(self, target: list[float], speed: float, acceleration: float, tolerance: float) -> None:
        self._require_ready()
        self._run(lambda: self._control.moveJ(target, speed, acceleration, True))
        self._arrive(lambda: _largest(self._receive.getActualQ(), target), tolerance, "rad at a joint")

    def do_move_linear(
        self, target: list[float], speed: float, acceleration: float, tolerance: float, angle_tolerance: float
    ) -> None:
        self._require_ready()
        self._run(lambda: self._control.moveL(target, speed, acceleration, True))
        self._arrive_at_pose(target, tolerance, angle_tolerance)

    def do_descend(
        self,
        target: list[float],
        speed: float,
        acceleration: float,
        force_limit: float,
        tolerance: float,
        angle_tolerance: float,
    ) -> bool:
        """Linear motion that ends early, and True, when the force differs by ``force_limit`` from that at its start."""
        self._require_ready()
        force_before = self._receive.getActualTCPForce()[:3]

        def touched() -> bool:
            return math.dist(self._receive.getActualTCPForce()[:3], force_before) > force_limit

        with self._controller_side_detection(target):
            contact = self._run(lambda: self._control.moveL(target, speed, acceleration, True), touched)
            if not contact and self._detects_contact:
                contact = bool(self._control.readContactDetection())
        if contact:
            self._come_to_rest()
        else:
            self._arrive_at_pose(target, tolerance, angle_tolerance)
        return contact

    def do_stop(self) -> None:
        self._halt()
        self._come_to_rest()

    def do_set_tcp(self, offset: list[float]) -> None:
        self._require_ready()
        self._check(self._control.setTcp(offset), "set the TCP")
        self._tcp_offset = offset

    def do_set_payload(self, mass: float, cog: list[float]) -> None:
        self._require_ready()
        self._check(self._control.setPayload(mass, cog), "set the payload")

    def do_zero_force_sensor(self) -> None:
        self._require_ready()
        self._check(self._control.zeroFtSensor(), "zero the force sensor")

    def do_inverse_kinematics(self, pose: list[float], q_near: list[float]) -> list[float] | None:
        self._require_ready()
        args = (pose, q_near, 1e-10, 1e-10)
        if self._can_ask_for_solution and not self._control.getInverseKinematicsHasSolution(*args):
            self._require_ready()
            return None
        solution: list[float] = self._control.getInverseKinematics(*args)
        if len(solution) == 6:
            return solution
        self.do_reupload()  # without a solution the controller ends the program
        return None

    def do_reupload(self) -> None:
        self._control.reuploadScript()
        self._prepare()

    def do_connected(self) -> Message:
        self._wait_for(lambda: not math.isnan(self._stamp), self._link_timeout_s, "no packet arrives")
        self._prepare()
        return self.do_state()

    def _prepare(self) -> None:
        """Wait until the program runs; from then on it stops the arm when it no longer hears from us."""
        self._wait_for(self._program_runs, 5.0, "the controller did not start the program")
        self._check(self._control.setWatchdog(self._watchdog_hz), "start its watchdog")
        with contextlib.suppress(RuntimeError):  # controllers before 3.6 do not tell
            self._tcp_offset = self._control.getTCPOffset()

    def do_disconnect(self) -> None:
        self._control.stopScript()

    @property
    def _detects_contact(self) -> bool:
        """Older controllers lack ``tool_contact``; ur_rtde's program then reports a contact at once."""
        return self._version >= (5, 4, 0)

    @property
    def _can_ask_for_solution(self) -> bool:
        return self._version >= (5, 10, 0) or (3, 15, 0) <= self._version < (4, 0, 0)

    @contextlib.contextmanager
    def _controller_side_detection(self, target: list[float]) -> Iterator[None]:
        if not self._detects_contact:
            yield
            return
        here = self._receive.getActualTCPPose()
        direction = [t - h for t, h in zip(target[:3], here[:3], strict=True)]
        self._check(self._control.startContactDetection([*direction, 0.0, 0.0, 0.0]), "watch for contact")
        yield
        self._control.stopContactDetection()

    def _run(self, start: Callable[[], bool], condition: Callable[[], bool] = lambda: False) -> bool:
        """Start an asynchronous motion and watch it to its end, or stop it when ``condition`` holds, and tell that."""
        before = self._control.getAsyncOperationProgressEx().operationId()
        self._check(start(), "move")
        begun = beaten = time.monotonic()
        while True:
            status = self._control.getAsyncOperationProgressEx()
            if status.operationId() != before and not status.isAsyncOperationRunning():
                self._require_running()
                return condition()
            self.watch()
            self._require_running()
            if self._stop_requested():
                self._halt()
                self._come_to_rest()
                self._answer_stop()
                raise Failure("stopped", "the motion was stopped on request")
            if condition():
                self._halt(_CONTACT_DECELERATION_M_S2)
                self._require_running()
                return True
            now = time.monotonic()
            if status.operationId() == before and now - begun > _OPERATION_START_S:
                raise Failure("arm", "the controller accepted a motion but did not begin it")
            if now - beaten > _HEARTBEAT_S:
                beaten = now
                self._link.send({"id": self._task, "alive": True})

    def _stop_requested(self) -> bool:
        """Waits one poll interval for a message; anything but a stop is refused while the arm moves."""
        message = self._link.receive(_POLL_S)
        if message is None:
            return False
        if message["do"] == "stop":
            self._stop_request = message["id"]
            return True
        if message["do"] == "state":
            self._link.send({"id": message["id"], "result": self.do_state()})
            return False
        self._link.send({"id": message["id"], "error": "arm", "message": "the arm is moving"})
        return False

    def _answer_stop(self) -> None:
        self._link.send({"id": self._stop_request, "result": None})

    def _halt(self, deceleration: float = _STOP_DECELERATION_M_S2) -> None:
        if self._program_runs():
            self._control.stopL(deceleration, False)

    def _at_rest(self) -> bool:
        return bool(max(map(abs, self._receive.getActualQd())) < _AT_REST_RAD_S)

    def _come_to_rest(self) -> None:
        self._wait_for(self._at_rest, 2.0, "the arm did not come to rest")

    def _arrive_at_pose(self, target: list[float], tolerance: float, angle_tolerance: float) -> None:
        def position_error() -> float:
            return math.dist(self._receive.getActualTCPPose()[:3], target[:3])

        def angle_error() -> float:
            return _angle_between(self._receive.getActualTCPPose()[3:], target[3:])

        self._arrive(position_error, tolerance, "m")
        self._arrive(angle_error, angle_tolerance, "rad in orientation")

    def _arrive(self, error: Callable[[], float], tolerance: float, unit: str) -> None:
        """The two interfaces have sockets of their own: what the one has seen may be news to the other."""
        try:
            self._wait_for(lambda: self._at_rest() and error() <= tolerance, 1.0, "")
        except Failure as failure:
            if failure.kind != "arm":
                raise
            raise Failure("arm", f"the arm is {error():.4f} {unit} away from its target") from None

    def _wait_for(self, condition: Callable[[], bool], timeout_s: float, message: str) -> None:
        until = time.monotonic() + timeout_s
        self.watch()
        while not condition():
            if time.monotonic() > until:
                raise Failure("arm", message)
            time.sleep(_POLL_S)
            self.watch()

    def _program_runs(self) -> bool:
        return bool(self._receive.getRuntimeState() == _PLAYING)

    def _require_running(self) -> None:
        if not self._program_runs() or not self._safety_permits():
            self._explain("the program on the controller has ended")

    def _explain(self, otherwise: str) -> NoReturn:
        """Raise why the controller stopped. The reason may come some packets after the stop, on another socket."""
        until = time.monotonic() + _EXPLANATION_S
        while self._safety_permits() and time.monotonic() < until:
            self.watch()
            time.sleep(_POLL_S)
        self._require_connection()
        self._require_ready()
        raise Failure("arm", otherwise)

    def _safety_permits(self) -> bool:
        return not self._receive.getSafetyStatusBits() & (PROTECTIVE_BITS | SAFEGUARD_BITS | EMERGENCY_BITS)

    def _require_ready(self) -> None:
        bits = self._receive.getSafetyStatusBits()
        if bits & EMERGENCY_BITS:
            raise Failure("emergency_stop", "the emergency stop is pressed")
        if bits & PROTECTIVE_BITS:
            raise Failure("protective_stop", "the controller made a protective stop")
        if bits & SAFEGUARD_BITS:
            raise Failure("protective_stop", "the safeguard stop is open")
        if not self._program_runs():
            raise Failure("arm", "the program on the controller has ended")

    def _check(self, accepted: bool, what: str) -> None:
        if not accepted:
            self._explain(f"the controller did not {what}")


def _largest(a: list[float], b: list[float]) -> float:
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def _angle_between(rotvec_a: list[float], rotvec_b: list[float]) -> float:
    """Angle between two orientations [rad]."""
    a, b = _quaternion(rotvec_a), _quaternion(rotvec_b)
    dot = min(1.0, abs(sum(x * y for x, y in zip(a, b, strict=True))))
    sine = math.sqrt(max(0.0, 1.0 - dot * dot))
    return 2.0 * math.atan2(sine, dot)


def _quaternion(rotvec: list[float]) -> tuple[float, float, float, float]:
    angle = math.hypot(*rotvec)
    scale = math.sin(angle / 2) / angle if angle > 1e-12 else 0.5
    return (math.cos(angle / 2), *(scale * component for component in rotvec))  # type: ignore[return-value]
