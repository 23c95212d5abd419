"""Frames that a camera channel sends, put through librealsense's software device.

The channel answers one request with one frame, as a camera with a software trigger does. A request
is a JSON line; a reply is a JSON line and, for a frame, the raw depth (uint16) and colour (RGB8) bytes.
Everything after this module is what a USB camera's frames go through: syncer, alignment, checks.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.channel import Channel, ChannelError, ChannelTimeout
from robot.deadline import Deadline
from robot.errors import CameraError
from robot.frame_source import COLOR_SENSOR, DEPTH_SENSOR, CameraDetails, SensorStreams, details, realsense

PORT = 63360
_FPS = 30
_FRAME_GAP_MS = 1000.0 / _FPS
_DEPTH_UID, _COLOR_UID = 0, 1


@dataclass(frozen=True)
class _Picture:
    number: int
    depth: NDArray[np.uint16]
    color: NDArray[np.uint8]


class SoftwareCamera:
    """The camera at the other end of a camera channel."""

    is_live = True

    def __init__(self, address: str = "127.0.0.1", *, port: int = PORT, connect_timeout_s: float = 2.0) -> None:
        self._address = address
        self._port = port
        self._connect_timeout_s = connect_timeout_s
        self._channel: Channel | None = None
        self._info: dict[str, Any] = {}
        self._device: _SoftwareDevice | None = None
        self._streams: SensorStreams | None = None
        self._last = (-1, -1.0)  # number and time stamp of the newest frame, kept over restarts: see _fetch

    def start(self) -> None:
        self.stop()
        deadline = Deadline(self._connect_timeout_s)
        try:
            self._info, _ = self._ask("info", deadline)
        except ChannelError as error:
            raise CameraError(f"camera: {error}", "is the camera's channel being served at this address?") from None
        if self._device is None:
            self._device = _SoftwareDevice(realsense(), self._info)
        self._streams = SensorStreams(realsense(), self._device.handle)

    def stop(self) -> None:
        if self._streams is not None:
            self._streams.stop()
            self._streams = None
        self._hang_up()

    def discard_old(self) -> None:
        """Nothing to do: a frame is captured when ``wait`` asks for it."""

    def wait(self, timeout_s: float) -> Any | None:
        if self._streams is None or self._device is None:
            raise CameraError("the camera is not started")
        deadline = Deadline(timeout_s)
        try:
            picture = self._fetch(deadline)
        except ChannelTimeout:
            self._hang_up()
            return None
        except ChannelError as error:
            self._hang_up()
            raise CameraError(f"camera: {error}") from None
        # The syncer lets the first frame of a stream go alone, for it does not know yet that there is
        # another stream. It gets the same picture again then, not the picture of a later moment.
        frames = None
        self._streams.drain()
        for _ in range(3):
            self._device.feed(picture)
            while (frames := self._streams.wait(0.001)) is not None:
                if frames.size() > 1:
                    return frames
        return frames

    def reset(self, timeout_s: float) -> bool:
        return False

    def describe(self) -> str:
        if not self._info:
            return f"camera at {self._address}:{self._port}"
        return f"{self._info.get('name')}, serial {self._info.get('serial')}, at {self._address}:{self._port}"

    def details(self) -> CameraDetails:
        if self._device is None:
            return CameraDetails()
        return details(realsense(), self._device.handle, self._streams)

    def _fetch(self, deadline: Deadline) -> _Picture:
        header, channel = self._ask("frame", deadline)
        try:
            number, timestamp_ms = int(header["number"]), float(header["timestamp_ms"])
            sizes = int(header["depth_bytes"]), int(header["color_bytes"])
        except (KeyError, TypeError, ValueError):
            raise CameraError(f"camera: unreadable frame header {str(header)[:80]}") from None
        depth_intrinsics, color_intrinsics = self._info["depth"], self._info["color"]
        depth_shape = depth_intrinsics["height"], depth_intrinsics["width"]
        color_shape = color_intrinsics["height"], color_intrinsics["width"], 3
        expected = depth_shape[0] * depth_shape[1] * 2, color_shape[0] * color_shape[1] * 3
        if sizes != expected:
            self._hang_up()
            raise CameraError(f"camera: a frame of {sizes} bytes arrived, expected {expected}", "wrong image size?")
        depth = np.frombuffer(channel.read_exactly(sizes[0], deadline), dtype="<u2").reshape(depth_shape)
        color = np.frombuffer(channel.read_exactly(sizes[1], deadline), dtype=np.uint8).reshape(color_shape)
        # A counter or a clock that stands still means that this is the old picture once more.
        if number == self._last[0] or timestamp_ms == self._last[1]:
            number = self._last[0]
        else:
            self._last = number, timestamp_ms
        return _Picture(number, depth, color)

    def _ask(self, what: str, deadline: Deadline) -> tuple[dict[str, Any], Channel]:
        if self._channel is None:
            self._channel = Channel(self._address, self._port, min(self._connect_timeout_s, deadline.remaining_s))
        self._channel.send(json.dumps({"get": what}).encode() + b"\n", deadline)
        line = self._channel.read_line(deadline)
        try:
            reply = json.loads(line)
        except json.JSONDecodeError:
            reply = None
        if not isinstance(reply, dict) or "error" in reply:
            self._hang_up()
            raise CameraError(f"camera: the channel answered {line[:80]!r} to the request for {what}")
        return reply, self._channel

    def _hang_up(self) -> None:
        """A late reply must not be taken for the next one."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None


class _SoftwareDevice:
    """A librealsense software device with a depth and a colour sensor."""

    def __init__(self, rs: Any, info: dict[str, Any]) -> None:
        self._rs = rs
        self.handle = rs.software_device()
        self.handle.register_info(rs.camera_info.name, str(info.get("name", "software camera")))
        said = {"serial": "serial_number", "usb": "usb_type_descriptor", "firmware": "firmware_version"}
        for key, name in said.items():
            if info.get(key):
                self.handle.register_info(getattr(rs.camera_info, name), str(info[key]))
        self._unit_m = float(info["depth_unit_m"])
        self._depth_sensor = self.handle.add_sensor(DEPTH_SENSOR)
        self._color_sensor = self.handle.add_sensor(COLOR_SENSOR)
        self._depth_sensor.add_read_only_option(rs.option.depth_units, self._unit_m)
        depth = _stream(rs, rs.stream.depth, _DEPTH_UID, rs.format.z16, 2, info["depth"])
        color = _stream(rs, rs.stream.color, _COLOR_UID, rs.format.rgb8, 3, info["color"])
        self._depth_profile = self._depth_sensor.add_video_stream(depth).as_video_stream_profile()
        self._color_profile = self._color_sensor.add_video_stream(color).as_video_stream_profile()
        self._depth_profile.register_extrinsics_to(self._color_profile, _extrinsics(rs, info["T_color_depth"]))
        self.handle.create_matcher(rs.matchers.default)
        self._stamp_ms = time.time() * 1000.0

    def feed(self, picture: _Picture) -> None:
        """Put one picture through both sensors.

        The stamps advance by one frame's time, as a camera's do, however fast frames are asked for:
        the syncer pairs by them, and takes frames that come too close or too late for another pair's.
        """
        self._stamp_ms += _FRAME_GAP_MS
        depth = self._frame(picture.depth, 2, picture.number, self._depth_profile)
        depth.depth_units = self._unit_m
        self._depth_sensor.on_video_frame(depth)
        self._color_sensor.on_video_frame(self._frame(picture.color, 3, picture.number, self._color_profile))

    def _frame(self, pixels: NDArray[Any], bytes_per_pixel: int, number: int, profile: Any) -> Any:
        frame = self._rs.software_video_frame()
        frame.pixels = pixels
        frame.bpp = bytes_per_pixel
        frame.stride = pixels.shape[1] * bytes_per_pixel
        frame.timestamp = self._stamp_ms
        frame.domain = self._rs.timestamp_domain.hardware_clock
        frame.frame_number = number
        frame.profile = profile
        return frame


def _stream(rs: Any, kind: Any, uid: int, pixel_format: Any, bytes_per_pixel: int, of: dict[str, Any]) -> Any:
    intrinsics = rs.intrinsics()
    intrinsics.width, intrinsics.height = int(of["width"]), int(of["height"])
    intrinsics.fx, intrinsics.fy = float(of["fx"]), float(of["fy"])
    intrinsics.ppx, intrinsics.ppy = float(of["cx"]), float(of["cy"])
    intrinsics.model, intrinsics.coeffs = rs.distortion.none, [0.0] * 5
    stream = rs.video_stream()
    stream.type, stream.index, stream.uid = kind, 0, uid
    stream.width, stream.height, stream.fps = intrinsics.width, intrinsics.height, _FPS
    stream.fmt, stream.bpp, stream.intrinsics = pixel_format, bytes_per_pixel, intrinsics
    return stream


def _extrinsics(rs: Any, T_color_depth: Any) -> Any:
    T = np.asarray(T_color_depth, dtype=np.float64)
    extrinsics = rs.extrinsics()
    extrinsics.rotation = T[:3, :3].T.ravel().tolist()  # librealsense stores columns first
    extrinsics.translation = T[:3, 3].tolist()
    return extrinsics
