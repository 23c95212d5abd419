"""Images of flat targets as a camera would take them, without a simulator."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from calibration.detection import BoardSeen
from robot.calibration_board import MARK_DICTIONARY, BoardSettings
from robot.frame import Intrinsics
from robot.geometry import Transform, transform

LENS = Intrinsics(615.0, 615.0, 321.5, 239.5, 640, 480)
SUPERSAMPLING = 3
PIXELS_PER_M = 4000.0

Picture = NDArray[np.uint8]


def mark_picture(number: int, side_m: float, pixels_per_m: float = PIXELS_PER_M) -> Picture:
    """(H, W) one mark with a white border of a quarter of its side."""
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARK_DICTIONARY))
    side = round(side_m * pixels_per_m)
    return np.pad(cv2.aruco.generateImageMarker(dictionary, number, side), side // 4, constant_values=255)


def draw(
    canvas: NDArray[np.float32], picture: Picture, T_camera_corner: Transform, lens: Intrinsics = LENS
) -> NDArray[np.float32]:
    """Paint ``picture``, whose upper left corner is the origin of a frame with z into the plate, on a large canvas."""
    s = SUPERSAMPLING
    # A picture's pixel (0, 0) is centred half a pixel inside; so is the canvas's.
    to_metres = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, PIXELS_PER_M]]) / PIXELS_PER_M
    enlarge = np.array([[s, 0, (s - 1) / 2], [0, s, (s - 1) / 2], [0, 0, 1]])
    H = enlarge @ lens.matrix @ T_camera_corner[:3, [0, 1, 3]] @ to_metres
    rim = np.array([[0, 0], [picture.shape[1], 0], [0, picture.shape[0]], picture.shape[::-1]], dtype=np.float64)
    outline = cv2.perspectiveTransform(rim[None], H)[0]
    low = np.floor(outline.min(axis=0) - 2).clip(0, canvas.shape[::-1]).astype(int)
    high = np.ceil(outline.max(axis=0) + 3).clip(0, canvas.shape[::-1]).astype(int)
    if (high <= low).any():
        return canvas
    H = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ H
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    painted = cv2.warpPerspective(picture.astype(np.float32), H, size, flags=cv2.INTER_AREA)
    covered = cv2.warpPerspective(np.ones(picture.shape, np.float32), H, size, flags=cv2.INTER_LINEAR)
    result = canvas.copy()
    part = result[low[1] : high[1], low[0] : high[0]]
    part[:] = part * (1 - covered) + painted * covered
    return result


def blank(lens: Intrinsics = LENS) -> NDArray[np.float32]:
    """A grey canvas to draw on."""
    return np.full((lens.height * SUPERSAMPLING, lens.width * SUPERSAMPLING), 120.0, np.float32)


def photo(canvas: NDArray[np.float32], rng: np.random.Generator, noise: float = 2.2) -> NDArray[np.uint8]:
    """(H, W, 3) what a sensor makes of the canvas."""
    size = (canvas.shape[1] // SUPERSAMPLING, canvas.shape[0] // SUPERSAMPLING)
    small = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 0.6) * 0.8 + 20.0
    color = np.repeat(small[..., None], 3, axis=2) + rng.normal(0.0, noise, (*small.shape, 3))
    return np.asarray(np.clip(np.round(color), 0, 255), dtype=np.uint8)


def board_photo(board: BoardSettings, T_camera_board: Transform, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3) the board at ``T_camera_board``."""
    T_board_corner = transform(np.eye(3), [-board.margin_m, -board.margin_m, 0.0])
    return photo(draw(blank(), board.picture(PIXELS_PER_M), T_camera_board @ T_board_corner), rng)


def facing(tilt_rad: float, about_rad: float, roll_rad: float, center_m: tuple[float, float, float],
           board: BoardSettings) -> Transform:  # fmt: skip
    """``T_camera_board`` with the board's middle at ``center_m``, tilted about an axis in the image's plane."""
    tilt = Rotation.from_rotvec(tilt_rad * np.array([np.cos(about_rad), np.sin(about_rad), 0.0]))
    turned = (tilt * Rotation.from_rotvec([0, 0, roll_rad])).as_matrix()
    middle = np.array([*board.size_m, 0.0]) / 2
    return transform(turned, np.asarray(center_m) - turned @ middle)


def worst_miss_px(seen: BoardSeen, T_camera_board: Transform, board: BoardSettings) -> float:
    """How far the worst of the corners was found from where it is."""
    truth = LENS.project(board.corners_m[seen.ids] @ T_camera_board[:3, :3].T + T_camera_board[:3, 3])
    return float(np.linalg.norm(seen.pixels - truth, axis=1).max())
