"""A table with marks and boxes under a camera: colour and depth as a D435 would give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from calibration.records import TableMark
from robot.calibration_board import MARK_SIDE_M, BoardSettings
from robot.frame import Frame
from robot.geometry import Transform, invert, transform
from robot.placement_settings import BoxSettings
from tests.calibration.board_pictures import LENS, blank, draw, mark_picture, photo

TABLE_M = -0.25
WORKSPACE = BoxSettings(min_m=(0.32, -0.20, -0.25), max_m=(0.68, 0.20, 0.25))
MARK_PLACES = ((0.31, 0.27), (0.69, 0.27), (0.31, -0.27), (0.69, -0.27))
FACING_DOWN = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
T_BASE_CAMERA: Transform = transform(FACING_DOWN, [0.50, 0.0, 0.45])
BOXES = ((0.40, 0.50, -0.10, 0.05, 0.03), (0.55, 0.62, 0.00, 0.15, 0.08))
"""x from, x to, y from, y to, height [m]."""


@dataclass(frozen=True)
class KnownCamera:
    """What the check asks of a calibration."""

    T_now: Transform
    marks: tuple[TableMark, ...] = ()
    mount: str = "fixed"
    T_other_board: Transform | None = None
    board: BoardSettings = field(default_factory=BoardSettings)

    def T_base_camera(self, T_base_flange: Transform) -> Transform:
        return self.T_now


def look(
    T_base_camera: Transform,
    rng: np.random.Generator,
    *,
    marks: Sequence[int] = (0, 1, 2, 3),
    moved_marks: Mapping[int, tuple[float, float]] | None = None,
    boxes: Sequence[tuple[float, float, float, float, float]] = BOXES,
    depth_drift_m: float = 0.0,
    hole_share: float = 0.05,
    T_base_board: Transform | None = None,
) -> Frame:
    """``moved_marks``: by how much (x, y) [m] single marks lie elsewhere than in MARK_PLACES."""
    canvas = blank()
    for number in marks:
        place = np.add(MARK_PLACES[number], (moved_marks or {}).get(number, (0.0, 0.0)))
        half = MARK_SIDE_M * 0.75  # with the white border
        corner = np.array([*place, TABLE_M]) - FACING_DOWN @ [half, half, 0.0]
        T_base_corner = transform(FACING_DOWN, corner)
        canvas = draw(canvas, mark_picture(number, MARK_SIDE_M), invert(T_base_camera) @ T_base_corner)
    if T_base_board is not None:
        board = BoardSettings()
        T_board_corner = transform(np.eye(3), [-board.margin_m, -board.margin_m, 0.0])
        canvas = draw(canvas, board.picture(), invert(T_base_camera) @ T_base_board @ T_board_corner)
    return Frame(_depth(T_base_camera, boxes, depth_drift_m, hole_share, rng), LENS, photo(canvas, rng))


def _depth(
    T_base_camera: Transform,
    boxes: Sequence[tuple[float, float, float, float, float]],
    drift_m: float,
    hole_share: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Noise of 1.5 mm that hangs together over some pixels, quantised to 1 mm, with patches of holes."""
    shape = (LENS.height, LENS.width)
    v, u = np.mgrid[0 : LENS.height, 0 : LENS.width]
    rays = LENS.deproject(u, v, np.ones(shape)) @ T_base_camera[:3, :3].T
    origin = T_base_camera[:3, 3]
    depth = (TABLE_M - origin[2]) / rays[..., 2]
    for x0, x1, y0, y1, height in boxes:
        top = (TABLE_M + height - origin[2]) / rays[..., 2]
        x, y = (origin[:2] + top[..., None] * rays[..., :2]).transpose(2, 0, 1)
        depth = np.where((x > x0) & (x < x1) & (y > y0) & (y < y1), top, depth)
    grain = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), 1.5)
    depth = np.round(depth + drift_m + 0.0015 * grain / grain.std(), 3)
    patches = cv2.GaussianBlur(rng.random(shape), (0, 0), 1.0)
    depth[patches < np.quantile(patches, hole_share)] = 0.0
    return depth.astype(np.float32)
