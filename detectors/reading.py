"""Depth, colour and intrinsics from files, with errors that say which file and what is wrong with it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot.errors import SettingsError
from robot.frame import MAX_DEPTH_M, MIN_DEPTH_M, Frame, Intrinsics
from robot.strict_yaml import read_yaml

_KEYS = ("fx", "fy", "cx", "cy", "width", "height")
_MM_PER_M = 1000.0


def read_frame(depth_file: Path, intrinsics_file: Path, color_file: Path | None = None) -> Frame:
    """Read one look at the table from files.

    Args:
        depth_file: ``.npy`` in metres, (H, W) or (H, W, 1); 16-bit PNG in millimetres; TIFF in metres, -1 = no reading.
        intrinsics_file: JSON or YAML with fx, fy, cx, cy, width, height, or a published ``.intr``.
        color_file: PNG or JPEG of the same size, or None.

    Raises:
        SettingsError: a file is missing or unreadable, sizes disagree, or no pixel has a depth.
    """
    intrinsics = read_intrinsics(intrinsics_file)
    depth = read_depth(depth_file)
    expected = (intrinsics.height, intrinsics.width)
    if depth.shape != expected:
        raise SettingsError(
            f"{depth_file}: the depth image has shape {depth.shape}, {intrinsics_file} describes {expected}",
            "give the intrinsics that belong to this image",
        )
    color = None if color_file is None else read_color(color_file)
    if color is not None and color.shape[:2] != expected:
        raise SettingsError(
            f"{color_file}: the colour image has shape {color.shape[:2]}, the depth image {expected}",
            "give the colour image that is aligned to the depth image",
        )
    return Frame(depth_m=depth, intrinsics=intrinsics, color=color)


def read_depth(path: Path) -> NDArray[np.float32]:
    """(H, W) depth in metres, 0 where there was no reading.

    Raises:
        SettingsError: the file is missing, of another format, in another unit, or has no valid pixel.
    """
    _must_exist(path)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        depth = _metres(_load_npy(path), path)
    elif suffix == ".png":
        depth = _millimetres(_load_image(path), path)
    elif suffix in (".tif", ".tiff"):
        depth = _metres(_load_image(path), path)
    else:
        raise SettingsError(
            f"{path}: unknown depth format '{suffix}'", "use .npy (metres), 16-bit .png (mm) or .tiff (metres)"
        )
    with np.errstate(over="ignore"):  # what does not fit becomes infinite, and is refused below
        depth = np.where(np.isfinite(depth) & (depth > 0), depth, 0.0).astype(np.float32)
    valid = depth[depth > MIN_DEPTH_M]
    if valid.size == 0:
        raise SettingsError(
            f"{path}: no valid pixel in the depth image", "depth must be positive, in metres (.npy, .tiff) or mm (.png)"
        )
    if float(np.median(valid)) > MAX_DEPTH_M:
        raise SettingsError(
            f"{path}: the median depth is {float(np.median(valid)):.0f} m",
            "depth in .npy and .tiff must be in metres; divide millimetres by 1000, or write them as 16-bit PNG",
        )
    return np.asarray(depth, dtype=np.float32)


def read_color(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB.

    Raises:
        SettingsError: the file is missing or is not an image.
    """
    import cv2

    _must_exist(path)
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise SettingsError(f"{path}: not a readable image", "use PNG or JPEG")
    return np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)


def read_intrinsics(path: Path) -> Intrinsics:
    """Intrinsics from JSON, YAML or ``.intr`` (JSON whose keys begin with an underscore).

    Raises:
        SettingsError: the file is missing, malformed, or a key is missing or no number.
    """
    data = _load_mapping(path)
    numbers = {key: _number(data, key, path) for key in _KEYS}
    for key in ("width", "height"):
        if numbers[key] != int(numbers[key]):
            raise SettingsError(f"{path}: '{key}' must be a whole number of pixels, got {numbers[key]}")
    try:
        return Intrinsics(
            numbers["fx"], numbers["fy"], numbers["cx"], numbers["cy"], int(numbers["width"]), int(numbers["height"])
        )
    except SettingsError as error:
        raise SettingsError(f"{path}: {error.message}", error.hint) from None


def _must_exist(path: Path) -> None:
    if path.is_dir():
        raise SettingsError(f"{path}: is a directory, not a file")
    if not path.is_file():
        raise SettingsError(f"{path}: no such file")


def _load_npy(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SettingsError(f"{path}: not a readable .npy file ({_one_line(error)})") from None
    if not isinstance(array, np.ndarray):
        raise SettingsError(f"{path}: an archive of several arrays, not a .npy file", "save the depth image alone")
    return array


def _load_image(path: Path) -> NDArray[Any]:
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise SettingsError(f"{path}: not a readable image")
    return np.asarray(image)


def _metres(array: NDArray[Any], path: Path) -> NDArray[Any]:
    array = _single_channel(array, path)
    if not np.issubdtype(array.dtype, np.floating):
        raise SettingsError(
            f"{path}: depth has the type {array.dtype}, expected float32 metres",
            "integers are millimetres as a rule: divide by 1000, or write them as 16-bit PNG",
        )
    return array


def _millimetres(array: NDArray[Any], path: Path) -> NDArray[Any]:
    array = _single_channel(array, path)
    if array.dtype != np.uint16:
        raise SettingsError(
            f"{path}: depth PNG has the type {array.dtype}, expected uint16 millimetres", "is it the colour image?"
        )
    return array.astype(np.float32) / np.float32(_MM_PER_M)


def _single_channel(array: NDArray[Any], path: Path) -> NDArray[Any]:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2:
        raise SettingsError(
            f"{path}: the depth image has shape {array.shape}, expected (height, width)", "is it the colour image?"
        )
    return array


def _load_mapping(path: Path) -> dict[str, Any]:
    if path.suffix.lower() in (".json", ".intr"):
        _must_exist(path)
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise SettingsError(f"{path}: not valid JSON ({_one_line(error)})") from None
    else:
        data = read_yaml(path)
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: expected a mapping with {', '.join(_KEYS)}")
    return data


def _number(data: dict[str, Any], key: str, path: Path) -> float:
    value = data.get(key, data.get(f"_{key}"))
    if value is None:
        raise SettingsError(f"{path}: missing key '{key}'", f"intrinsics need {', '.join(_KEYS)}")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise SettingsError(f"{path}: '{key}' must be a number, got {value!r}")
    return float(value)


def _one_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
