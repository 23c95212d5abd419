"""What the camera saw in each trial, as files that any viewer opens: depth in millimetres, colour as it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robot.errors import CellError


class FrameNotStored(CellError):
    """The disk did not take a frame; the run can be resumed once there is room."""

    exit_code = 1


def depth_path(frames: Path, trial: int) -> Path:
    """Where the depth of a trial lies."""
    return frames / f"{trial:04d}_depth.png"


def color_path(frames: Path, trial: int) -> Path:
    """Where the colour of a trial lies."""
    return frames / f"{trial:04d}_color.png"


def write_frame(
    frames: Path, trial: int, depth_m: NDArray[np.floating], color: NDArray[np.uint8] | None = None
) -> None:
    """Store one look; what an earlier, voided attempt at the trial left there is replaced.

    Args:
        frames: the run's folder for them.
        trial: number of the trial.
        depth_m: (H, W) [m]; 0 or NaN where unknown. Stored as 16-bit millimetres.
        color: (H, W, 3) RGB, or None.

    Raises:
        FrameNotStored: the disk does not take it.
    """
    millimetres = np.clip(np.rint(np.nan_to_num(depth_m, posinf=0.0) * 1000.0), 0, 65535).astype(np.uint16)
    _write_png(depth_path(frames, trial), millimetres)
    if color is not None:
        write_color(color_path(frames, trial), color)


def write_color(path: Path, color: NDArray[np.uint8]) -> None:
    """Store (H, W, 3) RGB. Raises FrameNotStored."""
    _write_png(path, np.ascontiguousarray(color[..., ::-1]))


def read_depth(frames: Path, trial: int) -> NDArray[np.float32] | None:
    """(H, W) depth of a trial [m], 0 where unknown; None if none was stored or it cannot be read."""
    image = _read_png(depth_path(frames, trial))
    if image is None or image.dtype != np.uint16 or image.ndim != 2:
        return None
    return (image.astype(np.float32) * 0.001).astype(np.float32)


def read_color(frames: Path, trial: int) -> NDArray[np.uint8] | None:
    """(H, W, 3) RGB of a trial; None if none was stored or it cannot be read."""
    image = _read_png(color_path(frames, trial))
    if image is None or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        return None
    return np.ascontiguousarray(image[..., ::-1])


def _write_png(path: Path, image: NDArray[np.generic]) -> None:
    import cv2

    done, data = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        if not done:
            raise OSError(0, "not an image")
        temporary.write_bytes(data.tobytes())
        temporary.replace(path)
    except OSError as error:
        raise FrameNotStored(
            f"{path}: cannot be written: {error.strerror}", "make room and go on with --resume"
        ) from None


def _read_png(path: Path) -> NDArray[np.generic] | None:
    import cv2

    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError:
        return None
    image: NDArray[np.generic] | None = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    return image
