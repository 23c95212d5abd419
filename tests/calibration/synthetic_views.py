"""Views of a board from poses of a plausible UR5 cell, with the truth that they were made from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from calibration.settings import CalibrationSettings, Mount
from calibration.views import View
from robot.calibration_board import BoardSettings, T_flange_board
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert, transform
from robot.kinematics import UR5, inverse
from robot.placement_settings import PoseSettings

INTRINSICS = Intrinsics(fx=615.0, fy=615.0, cx=321.5, cy=239.5, width=640, height=480)
BOARD = BoardSettings()
MOUNTS = ("fixed", "wrist")
TURNINGS = ("free", "one_axis", "none")
TABLE_HEIGHT_M = -0.25
IMAGE_MARGIN_PX = 8.0
CAMERA_GUESSES = {
    "fixed": PoseSettings(position_m=(0.50, 0.0, 0.45), rotation_vector_rad=(2.2214414691, -2.2214414691, 0.0)),
    "wrist": PoseSettings(position_m=(0.0, -0.075, 0.03), rotation_vector_rad=(0.0, 0.0, 0.0)),
}


@dataclass(frozen=True)
class Cell:
    """The truth: X and Z of AX = ZB, and which views were spoiled."""

    mount: Mount
    T_parent_camera: Transform
    T_other_board: Transform
    views: tuple[View, ...]
    spoiled: frozenset[int] = frozenset()

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(view.number for view in self.views)

    def T_base_camera(self, view: View) -> Transform:
        return self.T_parent_camera if self.mount == "fixed" else view.T_base_flange @ self.T_parent_camera

    def T_camera_board(self, view: View) -> Transform:
        board = view.T_base_flange @ self.T_other_board if self.mount == "fixed" else self.T_other_board
        return invert(self.T_base_camera(view)) @ board


def settings(mount: Mount, **changes) -> CalibrationSettings:
    """As a cell file would give them; the camera's guess is the one that ``make_cell``'s truth lies around."""
    return replace(CalibrationSettings(mount=mount, folder="unused", camera_guess=CAMERA_GUESSES[mount]), **changes)


def make_cell(
    mount: Mount,
    seed: int,
    count: int = 20,
    *,
    noise_px: float = 0.12,
    turning: str = "free",
    board_scale: float = 1.0,
    flange_noise_m: float = 0.0,
) -> Cell:
    """``count`` views. ``turning``: about which axes the poses turn (one of TURNINGS); ``board_scale``: how much
    larger the print is than BOARD says; ``flange_noise_m``: how badly the controller knows its flange (per axis)."""
    rng = np.random.default_rng([seed, MOUNTS.index(mount)])
    X = CAMERA_GUESSES[mount].transform @ nudge(rng, 0.02, np.radians(4.0))
    Z = _board(mount, rng)
    views: list[View] = []
    first_turn = _turn(rng)
    while len(views) < count:
        view = _view(mount, X, Z, _rotation(rng, turning, first_turn), rng, noise_px, board_scale)
        if view is not None:
            T = transform(view.T_base_flange[:3, :3], view.T_base_flange[:3, 3] + rng.normal(0, 1, 3) * flange_noise_m)
            views.append(replace(view, number=len(views) + 1, T_base_flange=T))
    return Cell(mount, X, Z, tuple(views))


def spoil(cell: Cell, share: float, seed: int, kinds: tuple[str, ...] = ("shifted", "shuffled", "moved")) -> Cell:
    """``share`` of the views made wrong: corners shifted or shuffled, or the arm moved between image and pose."""
    rng = np.random.default_rng([seed, 77])
    chosen = rng.choice(len(cell.views), round(share * len(cell.views)), replace=False)
    views = list(cell.views)
    for place in chosen:
        views[place] = _spoiled(views[place], str(rng.choice(kinds)), rng)
    return replace(cell, views=tuple(views), spoiled=frozenset(int(views[place].number) for place in chosen))


def nudge(rng: np.random.Generator, largest_m: float, largest_rad: float, least: float = 0.0) -> Transform:
    """A small motion about a random axis; ``least``: its smallest size as a share of the largest."""
    return transform(
        Rotation.from_rotvec(_direction(rng) * largest_rad * rng.uniform(least, 1.0)),
        _direction(rng) * largest_m * rng.uniform(least, 1.0),
    )


def _board(mount: Mount, rng: np.random.Generator) -> Transform:
    if mount == "fixed":
        return T_flange_board(BOARD) @ nudge(rng, 0.003, np.radians(2.0))
    width, height = BOARD.size_m
    facing_up = np.diag([1.0, -1.0, -1.0])
    flat = Rotation.from_rotvec([0.0, 0.0, rng.uniform(-1, 1) * np.radians(8.0)])
    center_m = [0.50 + rng.uniform(-0.015, 0.015), rng.uniform(-0.015, 0.015), TABLE_HEIGHT_M + BOARD.thickness_m]
    rotation = flat.as_matrix() @ facing_up
    return transform(rotation, center_m - rotation @ [width / 2, height / 2, 0.0])


def _turn(rng: np.random.Generator) -> Rotation:
    """How a board that faces the camera is tilted and rolled, camera axes."""
    azimuth = rng.uniform(0, 2 * np.pi)
    tilt = Rotation.from_rotvec(np.array([np.cos(azimuth), np.sin(azimuth), 0.0]) * np.radians(rng.uniform(0, 40)))
    return tilt * Rotation.from_rotvec([0.0, 0.0, rng.uniform(-np.pi, np.pi)])


def _rotation(rng: np.random.Generator, turning: str, first: Rotation) -> Rotation:
    if turning == "none":
        return first
    if turning == "one_axis":
        return Rotation.from_rotvec([0.0, 0.0, rng.uniform(-0.7, 0.7)]) * first
    return _turn(rng)


def _view(
    mount: Mount, X: Transform, Z: Transform, turn: Rotation, rng: np.random.Generator, noise_px: float, scale: float
) -> View | None:
    u, v = rng.uniform([180, 140], [460, 340])
    center_m = INTRINSICS.deproject(u, v, rng.uniform(0.35, 0.65))
    T_camera_board = transform(turn, center_m - turn.apply(BOARD.corners_m.mean(axis=0)))
    flange = X @ T_camera_board @ invert(Z)
    T_base_flange = flange if mount == "fixed" else invert(flange)
    points = apply(T_camera_board, BOARD.corners_m * scale)
    pixels = INTRINSICS.project(points)
    image = np.array([INTRINSICS.width, INTRINSICS.height])
    inside = pixels.min() > IMAGE_MARGIN_PX and bool(np.all(pixels < image - IMAGE_MARGIN_PX))
    solutions = inverse(UR5, T_base_flange) if inside else []
    if len(solutions) == 0:
        return None
    seen = rng.random(len(points)) < rng.choice([1.0, 1.0, 0.8])
    return View(
        number=0,
        q=solutions[0],
        T_base_flange=T_base_flange,
        ids=np.flatnonzero(seen),
        pixels=(pixels + rng.normal(0, noise_px, pixels.shape))[seen],
        depth_m=(points[:, 2] + rng.normal(0, 0.001, len(points)))[seen],
    )


def _spoiled(view: View, kind: str, rng: np.random.Generator) -> View:
    if kind == "shifted":
        azimuth = rng.uniform(0, 2 * np.pi)
        return replace(view, pixels=view.pixels + rng.uniform(15, 60) * np.array([np.cos(azimuth), np.sin(azimuth)]))
    if kind == "shuffled":
        return replace(view, pixels=rng.permutation(view.pixels))
    return replace(view, T_base_flange=view.T_base_flange @ nudge(rng, 0.03, np.radians(5.0), least=0.2))


def _direction(rng: np.random.Generator) -> np.ndarray:
    direction = rng.normal(size=3)
    return np.asarray(direction / np.linalg.norm(direction))
