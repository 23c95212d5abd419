"""Where librealsense frames come from, as the camera class sees it; and what all sources share.

``rs`` stands for pyrealsense2, which is imported late: it is heavy, and needs libusb loaded first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from robot.errors import CameraError
from robot.native_libraries import load_libusb

DEPTH_SENSOR, COLOR_SENSOR = "Stereo Module", "RGB Camera"
_COLOR_FORMATS = ("rgb8", "bgr8")


@dataclass(frozen=True)
class CameraDetails:
    """What a camera says of itself; empty where it does not say.

    Attributes:
        usb_type: the USB that it is plugged in by, such as "3.2" or "2.1"; empty where there is no USB.
        recommended_firmware: what this release of librealsense was tried with.
        streams: what the running streams are, in words.
        fps: frames per second that the depth stream is set to; 0 while it does not run.
    """

    name: str = ""
    serial: str = ""
    usb_type: str = ""
    firmware: str = ""
    recommended_firmware: str = ""
    streams: str = ""
    fps: int = 0

    def __str__(self) -> str:
        said = {"": self.name, "serial ": self.serial, "USB ": self.usb_type, "firmware ": self.firmware}
        return ", ".join(word + value for word, value in said.items() if value)


class FrameSource(Protocol):
    """One librealsense device, opened at the sensor level, whose frames its syncer pairs.

    Attributes:
        is_live: its frames show the present; a recording's time stamps tell of the past.
    """

    is_live: bool

    def start(self) -> None:
        """Find the device and start both streams.

        Raises:
            CameraError: no such device, or it lacks the wanted streams.
        """
        ...

    def stop(self) -> None:
        """Stop the streams; harmless when they do not run."""
        ...

    def discard_old(self) -> None:
        """From now on ``wait`` returns only what was captured after this call."""
        ...

    def wait(self, timeout_s: float) -> Any | None:
        """The next frame set (an ``rs.composite_frame``; it may hold one stream only), or None after ``timeout_s``.

        Raises:
            CameraError: it is certain that no frame will come.
        """
        ...

    def reset(self, timeout_s: float) -> bool:
        """Reset the hardware and wait until it is back; False where there is no hardware to reset."""
        ...

    def describe(self) -> str:
        """Name, serial, USB type and firmware as far as they are known, for messages."""
        ...

    def details(self) -> CameraDetails:
        """The same apart, and the streams that run; nothing before the first ``start``."""
        ...


def realsense() -> Any:
    """The pyrealsense2 module.

    Raises:
        CameraError: it is not installed, or cannot be loaded.
    """
    try:
        load_libusb()
        import pyrealsense2
    except (ImportError, OSError) as error:
        raise CameraError(
            f"pyrealsense2 cannot be loaded: {error}", "install it with: pip install pyrealsense2"
        ) from None
    return pyrealsense2


class SensorStreams:
    """The depth and the colour stream of one device, running into one syncer."""

    def __init__(self, rs: Any, device: Any, size: tuple[int, int] | None = None, fps: int | None = None) -> None:
        """Open and start the first profiles that fit; ``size`` (width, height) and ``fps`` of None take what there is.

        Raises:
            CameraError: the device does not offer such streams.
        """
        self.syncer = rs.syncer(8)
        self._running: list[Any] = []
        self._profiles: list[Any] = []
        try:
            chosen = [_choose(rs, device, kind, size, fps) for kind in (rs.stream.depth, rs.stream.color)]
            for sensor, profile in chosen:
                sensor.open(profile)
                self._running.append(sensor)
                sensor.start(self.syncer)
                self._profiles.append(profile)
        except RuntimeError as error:
            self.stop()
            raise CameraError(
                f"the camera's streams do not start: {error}", "is another program using the camera?"
            ) from None

    def wait(self, timeout_s: float) -> Any | None:
        """The next composite frame, or None."""
        arrived, frames = self.syncer.try_wait_for_frames(max(1, round(timeout_s * 1000)))
        return frames.as_frameset() if arrived else None

    def drain(self) -> None:
        """Forget what has already arrived."""
        while self.syncer.poll_for_frames().size() > 0:
            pass

    @property
    def fps(self) -> int:
        """Frames per second that the depth stream is set to."""
        return int(self._profiles[0].fps())

    def describe(self) -> str:
        """Kind, size and rate of both streams."""
        return ", ".join(
            f"{_name(profile.stream_type())} {video.width()} x {video.height()} at {profile.fps()}/s"
            for profile, video in ((p, p.as_video_stream_profile()) for p in self._profiles)
        )

    def stop(self) -> None:
        for sensor in self._running:
            for action in (sensor.stop, sensor.close):
                try:
                    action()
                except RuntimeError:  # an unplugged camera cannot be stopped, and need not be
                    continue
        self._running.clear()


def details(rs: Any, device: Any, streams: SensorStreams | None = None) -> CameraDetails:
    """What a device and its running streams say of themselves."""

    def info(key: Any) -> str:
        return str(device.get_info(key)) if device.supports(key) else ""

    return CameraDetails(
        name=info(rs.camera_info.name),
        serial=info(rs.camera_info.serial_number),
        usb_type=info(rs.camera_info.usb_type_descriptor),
        firmware=info(rs.camera_info.firmware_version),
        recommended_firmware=info(rs.camera_info.recommended_firmware_version),
        streams=streams.describe() if streams is not None else "",
        fps=streams.fps if streams is not None else 0,
    )


def _choose(rs: Any, device: Any, kind: Any, size: tuple[int, int] | None, fps: int | None) -> tuple[Any, Any]:
    formats = [rs.format.z16] if kind == rs.stream.depth else [getattr(rs.format, name) for name in _COLOR_FORMATS]
    offered = []
    for wanted in formats:
        for sensor in device.query_sensors():
            for profile in sensor.get_stream_profiles():
                if profile.stream_type() != kind or not profile.is_video_stream_profile():
                    continue
                video = profile.as_video_stream_profile()
                offered.append(f"{video.width()}x{video.height()}@{profile.fps()}")
                fits = size in (None, (video.width(), video.height())) and fps in (None, profile.fps())
                if fits and profile.format() == wanted:
                    return sensor, profile
    name, wanted_text = _name(kind), f"{size[0]}x{size[1]} at {fps} fps" if size else "video"
    raise CameraError(
        f"{details(rs, device)}: no {name} stream of {wanted_text}",
        "offered: " + (", ".join(sorted(set(offered))) or "none") + "; a camera on USB 2 offers less than on USB 3",
    )


def _name(kind: Any) -> str:
    return str(kind).rpartition(".")[2]
