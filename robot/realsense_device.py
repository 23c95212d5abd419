"""Frames from a RealSense camera on USB."""

from __future__ import annotations

from typing import Any

from robot.channel import pause
from robot.deadline import Deadline
from robot.errors import CameraError
from robot.frame_source import CameraDetails, SensorStreams, details, realsense

_LEAVING_S, _POLL_S = 3.0, 0.05


class RealSenseDevice:
    """One camera, by its serial number, or the only one that is plugged in."""

    is_live = True

    def __init__(self, *, serial: str | None = None, width: int = 640, height: int = 480, fps: int = 30) -> None:
        self._serial = serial
        self._size = (width, height)
        self._fps = fps
        self._context: Any = None
        self._device: Any = None
        self._streams: SensorStreams | None = None

    def start(self) -> None:
        rs = realsense()
        self._context = self._context or rs.context()
        self._device = self._find()
        self._streams = SensorStreams(rs, self._device, self._size, self._fps)

    def stop(self) -> None:
        if self._streams is not None:
            self._streams.stop()
            self._streams = None

    def discard_old(self) -> None:
        """Drop what has arrived, and one frame more: its exposure may have begun before the call."""
        if self._streams is not None:
            self._streams.drain()
            self._streams.wait(2.0 / self._fps)

    def wait(self, timeout_s: float) -> Any | None:
        if self._streams is None:
            raise CameraError("the camera is not started")
        return self._streams.wait(timeout_s)

    def reset(self, timeout_s: float) -> bool:
        if self._device is None:
            return False
        self.stop()
        try:
            self._device.hardware_reset()
        except RuntimeError:
            return False
        self._device, deadline = None, Deadline(timeout_s)
        # It stays listed for a moment before it leaves the bus; what is opened then is lost again.
        self._await_listed(False, Deadline(min(_LEAVING_S, timeout_s)))
        return self._await_listed(True, deadline)

    def describe(self) -> str:
        if self._device is None:
            return f"RealSense camera {self._serial or '(any)'}"
        return str(self.details())

    def details(self) -> CameraDetails:
        if self._device is None:
            return CameraDetails()
        return details(realsense(), self._device, self._streams)

    def _await_listed(self, wanted: bool, deadline: Deadline) -> bool:
        while True:
            try:
                self._device = self._find()
            except CameraError:
                self._device = None
            if (self._device is not None) is wanted:
                return True
            if deadline.passed:
                return False
            pause(_POLL_S, deadline)

    def _find(self) -> Any:
        rs = realsense()
        serial = rs.camera_info.serial_number
        try:  # a device may leave the bus between any two of these calls; one in recovery mode has no such number
            devices = {d.get_info(serial): d for d in self._context.query_devices() if d.supports(serial)}
        except RuntimeError as error:
            raise CameraError(f"the USB devices cannot be listed: {error}", "replug the camera") from None
        if self._serial is None and len(devices) == 1:
            return next(iter(devices.values()))
        if self._serial in devices:
            return devices[self._serial]
        listed = ", ".join(sorted(devices)) or "none"
        if self._serial is None and devices:
            raise CameraError("several RealSense cameras are plugged in", f"name one in the cell file: {listed}")
        raise CameraError(
            f"no RealSense camera{f' with serial {self._serial}' if self._serial else ''} is plugged in",
            f"found: {listed}; check the cable, the USB 3 port and the udev rules",
        )
