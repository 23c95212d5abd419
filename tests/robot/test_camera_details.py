"""What a camera says of itself, and how often its frames come."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from robot.camera import CameraSettings, RealSenseCamera
from robot.errors import CameraError
from robot.frame_source import CameraDetails
from robot.software_camera import SoftwareCamera
from tests.robot.camera_channel import CameraChannel, camera_channel

SETTINGS = CameraSettings(warm_up_frames=1, attempts=1, frame_timeout_s=0.5)


@pytest.fixture
def channel() -> Iterator[CameraChannel]:
    with camera_channel() as served:
        yield served


def camera_at(channel: CameraChannel) -> RealSenseCamera:
    return RealSenseCamera(SETTINGS, SoftwareCamera(port=channel.port))


def test_details(channel: CameraChannel) -> None:
    camera = camera_at(channel)
    assert camera.details() == CameraDetails()
    assert camera.serial == ""
    with camera:
        said = camera.details()
        assert (said.name, said.serial, said.usb_type, said.firmware) == ("Test camera", "42", "", "")
        assert said.fps == 30
        assert said.streams == "depth 640 x 480 at 30/s, color 640 x 480 at 30/s"
        assert camera.serial == "42"


def test_usb_and_firmware_are_taken_from_the_channel(channel: CameraChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    info = channel._info() | {"usb": "2.1", "firmware": "5.16.0.1"}
    monkeypatch.setattr(channel, "_info", lambda: info)
    with camera_at(channel) as camera:
        said = camera.details()
    assert (said.usb_type, said.firmware) == ("2.1", "5.16.0.1")
    assert str(said) == "Test camera, serial 42, USB 2.1, firmware 5.16.0.1"


def test_frame_rate_is_by_the_cameras_clock(channel: CameraChannel) -> None:
    with camera_at(channel) as camera:
        assert camera.frame_rate() == pytest.approx(30.0, rel=0.01)
        camera.read()  # goes on as before


def test_frozen_picture_has_no_rate(channel: CameraChannel) -> None:
    with camera_at(channel) as camera:
        channel.faults = ["frozen!"]
        with pytest.raises(CameraError, match="frozen"):
            camera.frame_rate()


def test_silent_camera_has_no_rate(channel: CameraChannel) -> None:
    with camera_at(channel) as camera:
        channel.faults = ["silence!"]
        with pytest.raises(CameraError, match="silent"):
            camera.frame_rate()


def test_rate_of_a_camera_that_is_not_connected() -> None:
    with pytest.raises(CameraError, match="not connected"):
        RealSenseCamera(SETTINGS, SoftwareCamera()).frame_rate()
