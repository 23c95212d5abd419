"""The camera: depth aligned to colour, frames that are new, whole and not too full of holes, or an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from robot.deadline import Clock, Deadline
from robot.errors import CameraError, SettingsError
from robot.frame import Frame, Intrinsics
from robot.frame_source import CameraDetails, FrameSource, realsense

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """What is asked of every frame.

    Attributes:
        max_age_s: oldest frame that ``peek`` gives as an answer to "what is there now".
        warm_up_frames: frames thrown away after each start, while exposure settles.
        attempts: how often a frame is tried for; stop and start in between, a hardware reset before the last.
        max_hole_share: share of unknown depth in a frame above which it is of no use.
        median_frames: frames in a ``read_median`` that names no number; odd.
    """

    serial: str | None = None
    width: int = 640
    height: int = 480
    fps: int = 30
    max_age_s: float = 0.5
    warm_up_frames: int = 2
    attempts: int = 3
    frame_timeout_s: float = 1.5
    reset_timeout_s: float = 10.0
    max_hole_share: float = 0.7
    median_frames: int = 3

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.fps, self.attempts, self.warm_up_frames) < 1:
            raise SettingsError("camera: width, height, fps, attempts and warm_up_frames must be at least 1")
        if min(self.max_age_s, self.frame_timeout_s, self.reset_timeout_s) <= 0:
            raise SettingsError("camera: max_age_s, frame_timeout_s and reset_timeout_s must be above 0")
        if not 0 < self.max_hole_share <= 1:
            raise SettingsError(f"camera.max_hole_share must be in (0, 1], got {self.max_hole_share}")
        _check_odd(self.median_frames, "camera.median_frames")


class _Pair(NamedTuple):
    """One frame set with both streams, and the depth stream's counter and stamp."""

    frames: Any
    number: int
    stamp_ms: float


class RealSenseCamera:
    """A RealSense camera on USB, in a recording or at the end of a channel: the source makes the difference."""

    def __init__(
        self,
        settings: CameraSettings,
        source: FrameSource,
        *,
        clock: Clock = time.monotonic,
        wall_clock: Clock = time.time,
    ) -> None:
        """``wall_clock``: seconds since 1970, what librealsense stamps frames by where the camera allows it."""
        self._settings = settings
        self._source = source
        self._clock = clock
        self._wall_clock = wall_clock
        self._align: Any = None
        self._previous: tuple[int, float] | None = None
        self._latest: Frame | None = None
        self._connected = False

    @property
    def is_connected(self) -> bool:
        return self._connected

    def connect(self) -> None:
        """Start the streams and let them warm up; tried ``attempts`` times.

        Raises:
            CameraError: no camera, or no frames from it.
        """
        rs = realsense()
        self._align = rs.align(rs.stream.color)
        if not self._connected:
            self._retry(self._restart)

    def disconnect(self) -> None:
        self._source.stop()
        self._connected = False
        self._latest = None

    def __enter__(self) -> RealSenseCamera:
        self.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def read(self, *, max_hole_share: float | None = None) -> Frame:
        """The next frame captured after this call, depth aligned to the colour image.

        Args:
            max_hole_share: how much of the depth may be unknown; None for what the settings say. 1.0 suits who
                looks at the colour only.

        Raises:
            CameraError: none of the attempts gave a usable frame; the message names the camera and why.
        """
        limit = self._settings.max_hole_share if max_hole_share is None else max_hole_share
        return self._retry(lambda: self._read_once(limit))

    def read_median(self, count: int | None = None) -> Frame:
        """The pixel-wise median of ``count`` new frames, over their valid depths.

        A pixel is known when most of the frames know it; of an even number of values the nearer of
        the middle two is taken, so that no depth is made up between an edge and its background.

        Raises:
            CameraError: as ``read``.
        """
        count = self._settings.median_frames if count is None else count
        _check_odd(count, "the number of frames")
        frames = [self.read() for _ in range(count)]
        if count == 1:
            return frames[0]
        last = frames[-1]
        self._latest = Frame(
            depth_m=median_of_valid(np.stack([f.depth_m for f in frames])),
            intrinsics=last.intrinsics,
            color=last.color,
            captured_at=last.captured_at,
            number=last.number,
        )
        return self._latest

    def peek(self, max_age_s: float | None = None) -> Frame:
        """The frame read last, without asking the camera.

        Raises:
            CameraError: it is older than ``max_age_s`` (the settings' when None), or there is none.
        """
        limit_s = self._settings.max_age_s if max_age_s is None else max_age_s
        if self._latest is None:
            raise CameraError("no frame has been read yet", "call read() first")
        age_s = self._clock() - self._latest.captured_at
        if age_s > limit_s:
            raise CameraError(f"the last frame is {age_s:.2f} s old, more than {limit_s:g} s", "call read()")
        return self._latest

    def describe(self) -> str:
        """Which camera this is."""
        return self._source.describe()

    def details(self) -> CameraDetails:
        """What the camera says of itself and of its streams; nothing before ``connect``."""
        return self._source.details()

    @property
    def serial(self) -> str:
        """The camera's serial number; empty before ``connect``, and where it has none."""
        return self.details().serial

    def frame_rate(self, count: int = 8) -> float:
        """Frames per second that arrive, by the camera's own clock: those lost on the way are missing in it.

        Args:
            count: how many frames are waited for.

        Raises:
            CameraError: not connected, or no new frames come.
        """
        if not self._connected:
            raise CameraError("the camera is not connected", "call connect() first")
        self._source.discard_old()
        pairs = [self._next_pair(0.0) for _ in range(count)]
        passed_ms = pairs[-1].stamp_ms - pairs[0].stamp_ms
        if passed_ms <= 0 or pairs[-1].number == pairs[0].number:
            raise CameraError(f"the picture is frozen: frame {pairs[0].number} comes again and again", _HINT)
        return (count - 1) * 1000.0 / passed_ms

    def _read_once(self, max_hole_share: float) -> Frame:
        if not self._connected:
            self._restart()
        asked_at_s = self._wall_clock()
        self._source.discard_old()
        pair = self._next_pair(asked_at_s)
        arrived_at = self._clock()
        previous, self._previous = self._previous, (pair.number, pair.stamp_ms)
        if previous is not None and (pair.number == previous[0] or pair.stamp_ms == previous[1]):
            raise CameraError(f"the picture is frozen: frame {pair.number} came twice")
        frame = self._to_frame(pair, arrived_at)
        holes = 1.0 - float(np.count_nonzero(frame.valid)) / frame.valid.size
        if holes > max_hole_share:
            raise CameraError(
                f"{holes:.0%} of the depth is unknown, more than {max_hole_share:.0%}",
                "is the lens covered, or the table too near or too far?",
            )
        self._latest = frame
        return frame

    def _next_pair(self, asked_at_s: float) -> _Pair:
        deadline = Deadline(self._settings.frame_timeout_s, self._clock)
        while not deadline.passed:
            frames = self._source.wait(deadline.remaining_s)
            if frames is None:
                continue
            depth, color = frames.get_depth_frame(), frames.get_color_frame()
            if depth and color and not self._captured_before(asked_at_s, depth):
                return _Pair(frames, depth.get_frame_number(), depth.get_timestamp())
        raise CameraError(f"silent: no frame within {self._settings.frame_timeout_s:g} s")

    def _captured_before(self, asked_at_s: float, frame: Any) -> bool:
        """Whether a frame is from before ``asked_at_s`` (wall clock), where its stamp is on a clock that we share.

        Frames wait in the camera, on the bus and in librealsense's queues; emptying the last does not empty the others.
        """
        own_clock = realsense().timestamp_domain.hardware_clock
        if not self._source.is_live or frame.get_frame_timestamp_domain() == own_clock:
            return False
        return bool(frame.get_timestamp() / 1000.0 < asked_at_s)

    def _to_frame(self, pair: _Pair, arrived_at: float) -> Frame:
        rs = realsense()
        aligned = self._align.process(pair.frames).as_frameset()
        depth, color = aligned.get_depth_frame(), aligned.get_color_frame()
        profile = color.get_profile().as_video_stream_profile()
        lens = profile.get_intrinsics()
        wanted = (self._settings.width, self._settings.height)
        if wanted != (lens.width, lens.height):
            raise CameraError(
                f"frames of {lens.width} x {lens.height} arrive, {wanted[0]} x {wanted[1]} are set",
                "set width and height of the camera to what it delivers",
            )
        pixels = np.asanyarray(color.get_data())
        if profile.format() == rs.format.bgr8:
            pixels = pixels[..., ::-1]
        return Frame(
            depth_m=np.asanyarray(depth.get_data()).astype(np.float32) * np.float32(depth.get_units()),
            intrinsics=Intrinsics(lens.fx, lens.fy, lens.ppx, lens.ppy, lens.width, lens.height),
            color=pixels,
            captured_at=arrived_at,
            number=pair.number,
        )

    def _retry(self, action: Callable[[], T]) -> T:
        attempts = self._settings.attempts
        for attempt in range(1, attempts + 1):
            try:
                return action()
            except CameraError as error:
                self._connected = False
                self._source.stop()
                if attempt == attempts:
                    raise CameraError(
                        f"{self._source.describe()}: {error.message}, {attempts} attempt{'s'[: attempts - 1]}",
                        error.hint or _HINT,
                    ) from None
                if attempt == attempts - 1:
                    self._source.reset(self._settings.reset_timeout_s)
        raise AssertionError("unreachable")

    def _restart(self) -> None:
        self._source.stop()
        started_at_s = self._wall_clock()
        self._source.start()
        self._previous = None
        for _ in range(self._settings.warm_up_frames):
            pair = self._next_pair(started_at_s)
            self._previous = (pair.number, pair.stamp_ms)
        self._connected = True


_HINT = "check the USB 3 cable and port, or replug the camera"


def median_of_valid(depths_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, H, W) depths, 0 where unknown -> (H, W) median of the known ones, 0 where most are unknown."""
    known = depths_m > 0
    count = known.sum(axis=0)
    ordered = np.sort(np.where(known, depths_m, np.inf), axis=0)
    middle = np.maximum(count - 1, 0) // 2
    median = np.take_along_axis(ordered, middle[None], axis=0)[0]
    return np.where(count * 2 > depths_m.shape[0], median, 0.0).astype(np.float32)


def _check_odd(count: int, name: str) -> None:
    if count < 1 or count % 2 == 0:
        raise SettingsError(f"{name} must be odd and at least 1, got {count}")
