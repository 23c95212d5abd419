from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robot.bag_playback import BagPlayback
from robot.camera import CameraSettings, RealSenseCamera
from robot.frame_source import SensorStreams, realsense
from robot.software_camera import _Picture, _SoftwareDevice
from tests.robot.camera_channel import COLOR, DEPTH, T_COLOR_DEPTH

FRAMES = 15


class _YesterdaysDevice(_SoftwareDevice):
    """Stamps by the host's clock, as a camera on USB does: when it is played, that is long ago."""

    def _frame(self, *args: Any) -> Any:
        frame = super()._frame(*args)
        frame.domain = self._rs.timestamp_domain.global_time
        frame.timestamp -= 86_400_000.0
        return frame


@pytest.fixture(scope="module", params=[_SoftwareDevice, _YesterdaysDevice])
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second recorded by librealsense: depth 701, 702, ... mm, a red patch in the colour image."""
    rs = realsense()
    path = tmp_path_factory.mktemp("recording") / "table.db3"
    info = {"name": "Recorded", "serial": "77", "depth": DEPTH, "color": COLOR, "depth_unit_m": 0.001}
    device = request.param(rs, info | {"T_color_depth": T_COLOR_DEPTH})
    recorder = rs.recorder(str(path), device.handle)
    streams = SensorStreams(rs, recorder)
    color = np.zeros((480, 640, 3), np.uint8)
    color[100:120, 200:240, 0] = 255
    for number in range(1, FRAMES + 1):
        device.feed(_Picture(number, np.full((480, 640), 700 + number, np.uint16), color))
        time.sleep(1 / 30)
    streams.stop()
    del recorder, streams, device
    return path


def test_recording_is_played_through_the_same_camera(recording: Path) -> None:
    settings = CameraSettings(warm_up_frames=1, attempts=2, frame_timeout_s=1.0)
    with RealSenseCamera(settings, BagPlayback(recording)) as camera:
        frames = [camera.read() for _ in range(4)]
        assert "77" in camera.describe()
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    for frame in frames:
        assert np.median(frame.depth_m[frame.valid]) == pytest.approx(0.700 + frame.number * 0.001, abs=1e-6)
        assert frame.color is not None
        assert frame.color[110, 220].tolist() == [255, 0, 0]
        assert (frame.intrinsics.fx, frame.intrinsics.cx) == (COLOR["fx"], COLOR["cx"])


def test_recording_begins_again_after_its_end(recording: Path) -> None:
    settings = CameraSettings(warm_up_frames=1, attempts=2, frame_timeout_s=1.0)
    with RealSenseCamera(settings, BagPlayback(recording)) as camera:
        numbers = [camera.read().number for _ in range(FRAMES + 5)]
    assert min(numbers[FRAMES // 2 :]) < max(numbers)
    assert all(1 <= number <= FRAMES for number in numbers)
