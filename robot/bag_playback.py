"""Frames from a recording that librealsense made: ``.bag``, or ``.db3`` from its newer releases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robot.deadline import Deadline
from robot.errors import CameraError
from robot.frame_source import CameraDetails, SensorStreams, details, realsense

_SLICE_S = 0.05


class BagPlayback:
    """A recording played at its own pace, again from its beginning after each ``start``."""

    is_live = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._context: Any = None
        self._device: Any = None
        self._streams: SensorStreams | None = None
        self._details = CameraDetails()

    def start(self) -> None:
        rs = realsense()
        self.stop()
        if not self._path.is_file():
            raise CameraError(f"{self._path}: no such recording")
        try:
            self._context = rs.context()
            self._device = self._context.load_device(str(self._path))
            self._device.set_real_time(True)
            self._details = details(rs, self._device)
        except RuntimeError as error:
            self._device = None
            raise CameraError(f"{self._path}: not a recording that librealsense can play: {error}") from None
        self._streams = SensorStreams(rs, self._device)
        self._details = details(rs, self._device, self._streams)

    def stop(self) -> None:
        if self._streams is not None:
            self._streams.stop()
            self._streams = None
        self._device = None
        self._context = None

    def discard_old(self) -> None:
        if self._streams is not None:
            self._streams.drain()

    def wait(self, timeout_s: float) -> Any | None:
        if self._streams is None:
            raise CameraError("the recording is not being played")
        deadline = Deadline(timeout_s)
        while True:
            playing = self._playing()
            frames = self._streams.wait(min(_SLICE_S, deadline.remaining_s))
            if frames is not None or deadline.passed:
                return frames
            if not playing:
                raise CameraError(f"{self._path}: the recording has ended", "it starts again at the next attempt")

    def reset(self, timeout_s: float) -> bool:
        return False

    def describe(self) -> str:
        return f"recording {self._path.name}" + (f" of {self._details}" if str(self._details) else "")

    def details(self) -> CameraDetails:
        return self._details

    def _playing(self) -> bool:
        return bool(self._device.current_status() == realsense().playback_status.playing)
