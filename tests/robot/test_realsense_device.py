"""A camera that streams by itself, as one on USB does: librealsense's software device, fed by a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from robot.camera import CameraSettings, RealSenseCamera
from robot.errors import CameraError
from robot.frame_source import realsense
from robot.realsense_device import RealSenseDevice
from robot.software_camera import _Picture, _SoftwareDevice
from tests.robot.camera_channel import COLOR, DEPTH, T_COLOR_DEPTH

SETTINGS = CameraSettings(warm_up_frames=1, attempts=2, frame_timeout_s=2.0, reset_timeout_s=5.0)
LATENCY_S = 0.15
INFO = {"name": "Streaming", "serial": "7", "depth": DEPTH, "color": COLOR, "depth_unit_m": 0.0005}


class _StampedDevice(_SoftwareDevice):
    """Stamps frames with the host's time of their capture, LATENCY_S before they come."""

    def _frame(self, *args: Any) -> Any:
        frame = super()._frame(*args)
        frame.domain = self._rs.timestamp_domain.global_time
        frame.timestamp = self.captured_at_ms
        return frame


class UsbCamera:
    """Listed on a bus, streams while it is there, leaves the bus for a while after a reset."""

    def __init__(self, rs: Any) -> None:
        self._device = _StampedDevice(rs, INFO | {"T_color_depth": T_COLOR_DEPTH})
        self.captured_at: dict[int, float] = {}
        self.listings: list[bool] = []  # what the coming listings say; then it is there
        self.resets = 0
        self.broken = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._stream)
        self._thread.start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._device.handle, name)

    def query_devices(self) -> list[UsbCamera]:
        if self.broken:
            raise RuntimeError("failed to set power state")
        return [self] if not self.listings or self.listings.pop(0) else []

    def hardware_reset(self) -> None:
        self.resets += 1
        self.listings = [True, True, False, False, False]

    def close(self) -> None:
        self._over.set()
        self._thread.join(5.0)

    def _stream(self) -> None:
        number = 0
        color = np.zeros((480, 640, 3), np.uint8)
        while not self._over.wait(1 / 30):
            number += 1
            self.captured_at[number] = time.time() - LATENCY_S
            self._device.captured_at_ms = self.captured_at[number] * 1000.0
            self._device.feed(_Picture(number, np.full((480, 640), 1400, np.uint16), color))


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[UsbCamera]:
    rs = realsense()
    camera = UsbCamera(rs)
    stand_in = SimpleNamespace(**{name: getattr(rs, name) for name in dir(rs) if not name.startswith("_")})
    stand_in.context = lambda: camera
    monkeypatch.setattr("robot.realsense_device.realsense", lambda: stand_in)
    yield camera
    camera.close()


def test_frame_from_before_the_call_is_not_taken_for_a_new_one(bus: UsbCamera) -> None:
    with RealSenseCamera(SETTINGS, RealSenseDevice()) as camera:
        for pause_s in (0.0, 0.2):  # in which frames queue up
            time.sleep(pause_s)
            asked_at = time.time()
            frame = camera.read()
            assert bus.captured_at[frame.number] >= asked_at


def test_depth_scale_comes_from_the_sensor(bus: UsbCamera) -> None:
    with RealSenseCamera(SETTINGS, RealSenseDevice(serial="7")) as camera:
        assert np.median(camera.read().depth_m) == pytest.approx(0.7)


def test_reset_waits_until_the_camera_has_left_and_come_back(bus: UsbCamera) -> None:
    source = RealSenseDevice()
    source.start()
    assert source.reset(5.0)
    assert bus.listings == []  # had it been opened while still listed, it would be lost again
    assert "serial 7" in source.describe()


def test_camera_that_does_not_come_back_ends_by_the_deadline(bus: UsbCamera) -> None:
    source = RealSenseDevice()
    source.start()
    bus.hardware_reset = lambda: setattr(bus, "listings", [False] * 10**6)  # type: ignore[method-assign]
    assert not source.reset(0.3)


def test_silent_camera_is_reset_before_the_last_attempt(bus: UsbCamera) -> None:
    settings = CameraSettings(warm_up_frames=1, attempts=3, frame_timeout_s=0.3)
    with RealSenseCamera(settings, RealSenseDevice()) as camera:
        bus.close()
        with pytest.raises(CameraError, match="silent"):
            camera.read()
        assert bus.resets == 1


def test_what_is_plugged_in_is_named(bus: UsbCamera) -> None:
    with pytest.raises(CameraError, match="serial 8") as caught:
        RealSenseDevice(serial="8").start()
    assert "found: 7" in str(caught.value)
    bus.listings = [False]
    with pytest.raises(CameraError, match="no RealSense camera"):
        RealSenseDevice().start()
    with pytest.raises(CameraError, match="1280x720"):
        RealSenseDevice(width=1280, height=720).start()


def test_failure_of_the_bus_is_a_camera_error(bus: UsbCamera) -> None:
    bus.broken = True
    with pytest.raises(CameraError, match="power state"):
        RealSenseDevice().start()
