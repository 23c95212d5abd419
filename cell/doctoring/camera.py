"""The camera: which one, how it is plugged in, and whether good frames come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cell.doctoring.latencies import FRAME
from cell.doctoring.lines import Facts, Line, broken, ok, warning
from cell.doctoring.parts import Part
from robot.camera import CameraSettings, RealSenseCamera
from robot.errors import CameraError
from robot.frame_source import CameraDetails, FrameSource

_LEAST_RATE = 0.5
_PATIENCE_S = 4.0  # a single late frame is nothing to report


def camera_part(settings: CameraSettings, source: FrameSource, facts: Facts) -> Part:
    """What the camera says of itself and what it delivers."""
    names = ("camera", "camera USB", "camera firmware", "camera frames", "camera depth")
    # Waiting instead of a second attempt: that would bring a hardware reset, which is more than a look.
    gentle = replace(
        settings, attempts=1, max_hole_share=1.0, frame_timeout_s=max(_PATIENCE_S, settings.frame_timeout_s)
    )
    camera = RealSenseCamera(gentle, source)
    return Part(names, lambda: _camera(camera, settings.max_hole_share, facts), timeout_s=15.0)


def _camera(camera: RealSenseCamera, max_hole_share: float, facts: Facts) -> Iterator[Line]:
    try:
        camera.connect()
    except CameraError as error:
        cause = "it is there, but gives no pictures" if camera.serial else "camera missing"
        raise CameraError(f"{cause}: {error.message}", error.hint) from None
    with camera:
        said = camera.details()
        facts.camera_serial = said.serial
        yield ok("camera", f"{said.name}, serial {said.serial or 'unknown'}")
        yield usb_line(said)
        yield firmware_line(said)
        yield rate_line(said, camera.frame_rate())
        began = time.perf_counter()
        frame = camera.read()
        facts.latencies_ms[FRAME] = (time.perf_counter() - began) * 1e3
        holes = 1.0 - float(np.count_nonzero(frame.valid)) / frame.valid.size
        words = f"{holes:.0%} unknown, {max_hole_share:.0%} allowed"
        if holes > max_hole_share:
            yield broken("camera depth", words, "is the lens covered, or the table too near or too far?")
        else:
            yield ok("camera depth", words)


def usb_line(said: CameraDetails) -> Line:
    """How it is plugged in."""
    if not said.usb_type:
        return ok("camera USB", "not on USB")
    if said.usb_type.startswith(("1", "2")):
        found = f"USB {said.usb_type}: slow, it offers less and drops frames"
        return warning("camera USB", found, "use a USB 3 port and cable, straight into the computer")
    return ok("camera USB", f"USB {said.usb_type}")


def firmware_line(said: CameraDetails) -> Line:
    """Whether it is as new as librealsense wants it."""
    name, recommended = "camera firmware", said.recommended_firmware
    if not said.firmware:
        return ok(name, "it has none")
    if recommended and _number(said.firmware) < _number(recommended):
        return warning(name, f"{said.firmware}, recommended {recommended}", "update it with rs-fw-update")
    return ok(name, said.firmware)


def rate_line(said: CameraDetails, rate_hz: float) -> Line:
    """Whether frames come as often as they are set to."""
    words = f"{said.streams}; {rate_hz:.0f} frames/s come"
    if said.fps and rate_hz < _LEAST_RATE * said.fps:
        return warning("camera frames", words, "more light, a USB 3 port, and no other camera on the same hub")
    return ok("camera frames", words)


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
