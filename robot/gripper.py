"""The Robotiq 2F-85 over its URCap socket: widths in metres, forces in newtons, faults as errors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from robot import gripper_geometry as geometry
from robot import gripper_protocol as protocol
from robot.channel import pause
from robot.deadline import Deadline
from robot.errors import GripperError, SettingsError

_TARGET_TOLERANCE = 5  # registers, 1.9 mm: a "reached" further off is left over from the previous motion
_AT_REST_S = 0.3


@dataclass(frozen=True, kw_only=True)
class GripperSettings:
    """Where the gripper is, and how long it may take."""

    address: str = "127.0.0.1"
    port: int = 63352
    connect_timeout_s: float = 2.0
    answer_timeout_s: float = 1.0
    activation_timeout_s: float = 15.0
    move_timeout_s: float = 10.0
    poll_interval_s: float = 0.001

    def __post_init__(self) -> None:
        for name in ("connect_timeout_s", "answer_timeout_s", "activation_timeout_s", "move_timeout_s"):
            if not getattr(self, name) > 0:
                raise SettingsError(f"gripper.{name} must be above 0, got {getattr(self, name)}")


@dataclass(frozen=True)
class GripperState:
    """What the gripper says of itself.

    Attributes:
        width_m: jaw opening [m].
        requested_width_m: jaw opening that it was last told [m].
        activated: whether it obeys motion requests.
        moving: whether the jaws are under way.
        object_detected: whether they were stopped by something before the requested width.
        fault: FLT code, 0 when all is well.
    """

    width_m: float
    requested_width_m: float
    activated: bool
    moving: bool
    object_detected: bool
    fault: int


@dataclass(frozen=True)
class GripResult:
    """How a motion of the jaws ended.

    Attributes:
        width_m: jaw opening at the end [m].
        object_detected: whether something stopped the jaws before the requested width.
        requested_width_m: what was asked for, after clamping to the stroke [m].
    """

    width_m: float
    object_detected: bool
    requested_width_m: float


class Robotiq2F85:
    """Driver of one gripper. Requests of several threads may interleave; motions should not."""

    def __init__(self, settings: GripperSettings) -> None:
        self._settings = settings
        self._link = protocol.RegisterLink(
            settings.address, settings.port, settings.connect_timeout_s, settings.answer_timeout_s
        )

    @property
    def is_connected(self) -> bool:
        return self._link.is_open

    def connect(self) -> None:
        """Open the socket and see that a gripper answers; nothing moves.

        Raises:
            GripperError: nothing listens, or no gripper is behind it.
        """
        self._link.open()
        try:
            self._link.get("STA")
        except GripperError:
            self._link.close()
            raise

    def disconnect(self) -> None:
        self._link.close()

    def __enter__(self) -> Robotiq2F85:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def state(self) -> GripperState:
        """Read all that matters; a fault is reported here, not raised.

        Raises:
            GripperError: the gripper does not answer, or answers nonsense.
        """
        get = self._link.get
        status, flag, position = get("STA"), get("OBJ"), get("POS")
        return GripperState(
            width_m=geometry.register_to_width_m(position),
            requested_width_m=geometry.register_to_width_m(get("PRE")),
            activated=status == protocol.STATUS_ACTIVE and get("ACT") == 1,
            moving=flag == protocol.OBJECT_MOVING,
            object_detected=flag in (protocol.OBJECT_STOPPED_OPENING, protocol.OBJECT_STOPPED_CLOSING),
            fault=get("FLT"),
        )

    def activate(self) -> None:
        """Make the gripper obey; the jaws open and close once unless it already does.

        A faulted gripper is reset first, which clears the fault.

        Raises:
            GripperError: it does not become active in time, or reports a fault.
        """
        link, deadline = self._link, Deadline(self._settings.activation_timeout_s)
        status, active, fault = link.get("STA"), link.get("ACT"), link.get("FLT")
        if status == protocol.STATUS_ACTIVE and active == 1 and fault == 0:
            return
        if active == 1 or fault != 0 or status != protocol.STATUS_RESET:
            link.set(ACT=0)
            while link.get("STA") != protocol.STATUS_RESET:
                self._wait(deadline, "the gripper does not take a reset")
        link.set(ACT=1, GTO=1)
        while link.get("STA") != protocol.STATUS_ACTIVE:
            fault = link.get("FLT")
            if fault and fault not in protocol.FAULTS_DURING_ACTIVATION:
                raise _fault(fault)
            self._wait(deadline, "the gripper does not become active", "check its power, and that the fingers are free")
        self._raise_on_fault()

    def move(self, width_m: float, speed_m_s: float, force_n: float) -> GripResult:
        """Move the jaws until they reach ``width_m`` or are stopped; speed and force are clamped to the gripper's.

        Raises:
            GripperError: not activated, a fault, no answer, or no end of the motion in time.
            SettingsError: a value is not a finite number, or the width is beyond the stroke.
        """
        if not all(map(math.isfinite, (width_m, speed_m_s, force_n))):
            raise SettingsError(f"gripper: width {width_m}, speed {speed_m_s} and force {force_n} must be finite")
        if not -1e-9 <= width_m <= geometry.STROKE_M + 1e-9:
            raise SettingsError(f"gripper: width {width_m} m is outside 0..{geometry.STROKE_M} m")
        link, deadline = self._link, Deadline(self._settings.move_timeout_s)
        self._raise_on_fault()
        if link.get("STA") != protocol.STATUS_ACTIVE:
            raise GripperError("the gripper is not activated", "call activate() first")
        target, start = geometry.width_to_register(width_m), link.get("POS")
        force, speed = geometry.force_to_register(force_n), geometry.speed_to_register(speed_m_s)
        link.set(POS=target, SPE=speed, FOR=force, GTO=1)
        while link.get("PRE") != target or link.get("GTO") != 1:
            self._wait(deadline, "the gripper does not take the requested position")
        stopped_by_object = self._await_end(target, start, deadline)
        return GripResult(
            width_m=geometry.register_to_width_m(link.get("POS")),
            object_detected=stopped_by_object,
            requested_width_m=geometry.register_to_width_m(target),
        )

    def _await_end(self, target: int, start: int, deadline: Deadline) -> bool:
        """Poll until the object flag tells of *this* motion's end; it may lag behind the request by some cycles."""
        stopped = protocol.OBJECT_STOPPED_CLOSING if target >= start else protocol.OBJECT_STOPPED_OPENING
        resting_at, rest = -1, Deadline(_AT_REST_S)
        while True:
            flag, position = self._link.get("OBJ"), self._link.get("POS")
            self._raise_on_fault()
            if position != resting_at:
                resting_at, rest = position, Deadline(_AT_REST_S)
            elif flag == stopped and position != start:
                return True
            if flag == protocol.OBJECT_AT_TARGET and abs(position - target) <= _TARGET_TOLERANCE:
                return False
            if flag != protocol.OBJECT_MOVING and rest.passed:  # at rest all the while, whatever the flag's age
                return flag != protocol.OBJECT_AT_TARGET
            self._wait(deadline, f"the gripper's motion did not end (OBJ {flag}, POS {position}, wanted {target})")

    def _raise_on_fault(self) -> None:
        fault = self._link.get("FLT")
        if fault:
            raise _fault(fault)

    def _wait(self, deadline: Deadline, message: str, hint: str = "") -> None:
        if deadline.passed:
            raise GripperError(f"{message} within {deadline.timeout_s:g} s", hint)
        pause(self._settings.poll_interval_s, deadline)


def _fault(code: int) -> GripperError:
    return GripperError(
        f"gripper {protocol.fault_text(code)}", "activate it again; if the fault stays, cycle its power"
    )
