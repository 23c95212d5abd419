"""The commands of the arm's process, carried out on one connected controller and watched to their end.

Poses are UR poses (6,), plain lists throughout.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from robot.arm_connection import POLL_S, Connection, Failure
from robot.arm_contact import ContactWatch
from robot.arm_messages import Message, MessageLink
from robot.geometry import invert, pose_to_transform, transform_to_pose

_HEARTBEAT_S = 0.1
_OPERATION_START_S = 1.0
_ARRIVAL_S, _REST_S = 1.0, 2.0
# How near the pose must come to where the new tool is [m, rad], and how long we wait for that: an arm that is moving,
# or a tool that was changed at the pendant meanwhile, must not keep us.
_SAME_TCP, _TCP_TOLD_S = (0.001, 0.01), 0.5
# From 0.05 m/s the first takes 0.4 mm of way, the second 0.1 mm: at a contact that is the difference of many newtons.
_STOP_DECELERATION_M_S2, _CONTACT_DECELERATION_M_S2 = 3.0, 10.0


class Session:
    """Carries out one message at a time; while the arm moves it heeds a ``stop`` and answers for the ``state``."""

    def __init__(self, link: MessageLink, connection: Connection) -> None:
        self._link = link
        self._connection = connection
        self._control, self._receive = connection.control, connection.receive
        self._task: Any = None
        self._stop_request: Any = None

    def handle(self, message: Message) -> Any:
        """Carry out one message and return its result. Raises Failure."""
        handler: Callable[..., Any] = getattr(self, "do_" + message["do"])
        self._task = message["id"]
        self._connection.require_connection()
        return handler(**message.get("with", {}))

    def do_connected(self) -> Message:
        self._connection.prepare()
        return self.do_state()

    def do_state(self) -> Message:
        receive, connection = self._receive, self._connection
        return {
            "q": receive.getActualQ(),
            "qd": receive.getActualQd(),
            "tcp_pose": receive.getActualTCPPose(),
            "tcp_force": receive.getActualTCPForce(),
            "tcp_offset": connection.tcp_offset,
            "safety_bits": receive.getSafetyStatusBits(),
            "program_running": connection.program_runs,
            "robot_mode": receive.getRobotMode(),
            "speed_scaling": receive.getSpeedScaling(),
            "timestamp_s": connection.stamp_s,
            "received_at": connection.fresh_at,
        }

    def do_move_joints(self, target: list[float], speed: float, acceleration: float, tolerance: float) -> None:
        self._run(lambda: self._control.moveJ(target, speed, acceleration, True))
        self._arrive(lambda: _largest(self._receive.getActualQ(), target), tolerance, "rad at a joint")

    def do_move_linear(
        self, target: list[float], speed: float, acceleration: float, tolerance: float, angle_tolerance: float
    ) -> None:
        self._run(lambda: self._control.moveL(target, speed, acceleration, True))
        self._arrive_at_pose(target, tolerance, angle_tolerance)

    def do_descend(
        self,
        target: list[float],
        speed: float,
        acceleration: float,
        force_limit: float,
        surge_limit: float,
        tolerance: float,
        angle_tolerance: float,
    ) -> bool:
        """Linear motion that ends early, and True, at a contact."""
        connection = self._connection
        connection.require_ready()
        contact_watch = ContactWatch(self._force(), force_limit, surge_limit, speed, acceleration)
        with self._controller_side_detection(target):
            contact = self._run(
                lambda: self._control.moveL(target, speed, acceleration, True),
                lambda: contact_watch.touched(self._force(), connection.stamp_s),
            )
            if not contact and connection.detects_contact:
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
        connection = self._connection
        connection.require_ready()
        T_base_flange = pose_to_transform(self._receive.getActualTCPPose()) @ invert(
            pose_to_transform(connection.tcp_offset)
        )
        target: list[float] = transform_to_pose(T_base_flange @ pose_to_transform(offset)).tolist()
        connection.check(self._control.setTcp(offset), "set the TCP")
        connection.tcp_offset = offset
        # Until the next packet the pose we hold is still that of the tool before.
        connection.settle(lambda: self._is_at(target, *_SAME_TCP), _TCP_TOLD_S)

    def do_set_payload(self, mass: float, cog: list[float]) -> None:
        self._connection.require_ready()
        self._connection.check(self._control.setPayload(mass, cog), "set the payload")

    def do_zero_force_sensor(self) -> None:
        self._connection.require_ready()
        self._connection.check(self._control.zeroFtSensor(), "zero the force sensor")

    def do_inverse_kinematics(self, pose: list[float], q_near: list[float]) -> list[float] | None:
        connection = self._connection
        connection.require_ready()
        args = (pose, q_near, 1e-10, 1e-10)
        if connection.can_ask_for_solution and not self._control.getInverseKinematicsHasSolution(*args):
            connection.require_ready()
            return None
        solution: list[float] = self._control.getInverseKinematics(*args)
        if len(solution) == 6:
            return solution
        self.do_reupload()  # without a solution the controller ends the program
        return None

    def do_reupload(self) -> None:
        self._control.reuploadScript()
        self._connection.prepare()

    def do_disconnect(self) -> None:
        self._control.stopScript()

    def _force(self) -> list[float]:
        force: list[float] = self._receive.getActualTCPForce()[:3]
        return force

    @contextlib.contextmanager
    def _controller_side_detection(self, target: list[float]) -> Iterator[None]:
        connection = self._connection
        if not connection.detects_contact:
            yield
            return
        here = self._receive.getActualTCPPose()
        direction = [t - h for t, h in zip(target[:3], here[:3], strict=True)]
        connection.check(self._control.startContactDetection([*direction, 0.0, 0.0, 0.0]), "watch for contact")
        try:
            yield
        except Failure as failure:
            # Left on, it would end motions to come; a program that has ended takes it along.
            if failure.kind not in ("timeout", "lost") and connection.program_runs:
                self._control.stopContactDetection()
            raise
        self._control.stopContactDetection()

    def _run(self, start: Callable[[], bool], condition: Callable[[], bool] = lambda: False) -> bool:
        """Start an asynchronous motion and watch it to its end, or stop it when ``condition`` holds, and tell that."""
        connection = self._connection
        connection.require_ready()
        before = self._control.getAsyncOperationProgressEx().operationId()
        connection.check(start(), "move")
        begun = beaten = time.monotonic()
        while True:
            status = self._control.getAsyncOperationProgressEx()
            if status.operationId() != before and not status.isAsyncOperationRunning():
                connection.require_running()
                return condition()
            connection.watch()
            connection.require_running()
            if self._stop_requested():
                self._end_on_request()
            if condition():
                self._halt(_CONTACT_DECELERATION_M_S2)
                connection.require_running()
                return True
            now = time.monotonic()
            if status.operationId() == before and now - begun > _OPERATION_START_S:
                self._halt()  # lest it begin after all, with nobody watching
                raise Failure("arm", "the controller accepted a motion but did not begin it")
            if now - beaten > _HEARTBEAT_S:
                beaten = now
                self._link.send({"id": self._task, "alive": True})

    def _stop_requested(self) -> bool:
        """Waits one poll interval for a message; anything but a stop is refused while the arm moves."""
        message = self._link.receive(POLL_S)
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

    def _end_on_request(self) -> None:
        self._halt()
        self._come_to_rest()
        self._link.send({"id": self._stop_request, "result": None})
        raise Failure("stopped", "the motion was stopped on request")

    def _halt(self, deceleration: float = _STOP_DECELERATION_M_S2) -> None:
        if self._connection.program_runs:
            self._control.stopL(deceleration, False)

    def _come_to_rest(self) -> None:
        self._connection.wait_for(lambda: self._connection.at_rest, _REST_S, "the arm did not come to rest")

    def _arrive_at_pose(self, target: list[float], tolerance: float, angle_tolerance: float) -> None:
        self._arrive(lambda: self._position_error(target), tolerance, "m")
        self._arrive(lambda: self._angle_error(target), angle_tolerance, "rad in orientation")

    def _is_at(self, target: list[float], tolerance: float, angle_tolerance: float) -> bool:
        return self._position_error(target) <= tolerance and self._angle_error(target) <= angle_tolerance

    def _position_error(self, target: list[float]) -> float:
        return math.dist(self._receive.getActualTCPPose()[:3], target[:3])

    def _angle_error(self, target: list[float]) -> float:
        return _angle_between(self._receive.getActualTCPPose()[3:], target[3:])

    def _arrive(self, error: Callable[[], float], tolerance: float, unit: str) -> None:
        """The two interfaces have sockets of their own: what the one has seen may be news to the other."""
        try:
            self._connection.wait_for(lambda: self._connection.at_rest and error() <= tolerance, _ARRIVAL_S, "")
        except Failure as failure:
            if failure.kind != "arm":
                raise
            self._connection.require_ready()  # a stop that came with the motion's end is the better reason
            self._halt()
            raise Failure("arm", f"the arm is {error():.4f} {unit} away from its target") from None


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
