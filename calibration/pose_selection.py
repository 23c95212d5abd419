"""From where to look at the board: poses that turn about every axis and fill the image, within reach and in view."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from calibration.line_of_sight import in_sight
from calibration.settings import Mount
from robot.calibration_board import BoardSettings
from robot.frame import Intrinsics
from robot.geometry import Transform, apply, invert, transform
from robot.kinematics import ArmModel

Joints = NDArray[np.float64]

NEAREST_M, FARTHEST_M = 0.35, 0.65
LEAST_TILT_RAD, MOST_TILT_RAD = math.radians(8.0), math.radians(40.0)
GUESS_OFF_M, GUESS_TURNED_RAD = 0.03, math.radians(5.0)
"""How far the guess of the camera's pose may be off without a corner leaving the image."""

# What counts as equally far apart when poses are compared.
_TURN_RAD, _PLACE_PX, _DISTANCE_M = 0.35, 120.0, 0.10
_CANDIDATES_PER_POSE = 5
_DRAWS_PER_POSE = 150
_WAYS_PER_POSE = 12


class Reach(Protocol):
    """What the arm can do, as the cell knows it."""

    def postures(self, T_base_flange: Transform) -> Sequence[Joints]:
        """(6,) joints [rad] that put the flange there, inside the limits and free of collisions, the held plate's too;
        empty when there are none."""
        ...

    def free(self, q_from: Joints, q_to: Joints) -> bool:
        """Whether the joint move between two (6,) postures meets nothing on its way."""
        ...


@dataclass(frozen=True, eq=False)
class Pose:
    """Where to look from: (6,) joints [rad] and (4, 4) of the flange that they give."""

    q: Joints
    T_base_flange: Transform


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A pose that can be reached; ``features`` (12,) tell how different it is from another."""

    T_base_flange: Transform
    postures: tuple[Joints, ...]
    features: NDArray[np.float64]


def choose_poses(
    guess: Transform,
    T_other_board: Transform,
    mount: Mount,
    board: BoardSettings,
    intrinsics: Intrinsics,
    reach: Reach,
    q_start: Joints,
    count: int,
    rng: np.random.Generator,
    *,
    arm: ArmModel,
) -> tuple[Pose, ...]:
    """At most ``count`` poses, in the order of a walk that starts at ``q_start`` and is free all the way.

    Fewer when no more can be reached; none when none can.

    Args:
        guess: T_base_camera (fixed mount) or T_flange_camera (wrist).
        T_other_board: T_flange_board (fixed) or T_base_board (wrist).
        arm: whose links must not stand between camera and board.
    """
    scene = _Scene(guess, T_other_board, mount, board, intrinsics, arm)
    wanted = count * _CANDIDATES_PER_POSE
    candidates = []
    for T_camera_board in _draws(board, intrinsics, count * _DRAWS_PER_POSE, rng):
        candidate = scene.candidate(T_camera_board, reach)
        if candidate is not None:
            candidates.append(candidate)
            if len(candidates) == wanted:
                break
    return _walk(_most_different_first(candidates), q_start, count, reach)


@dataclass(frozen=True, eq=False)
class _Scene:
    """Turns a view of the board into a pose of the arm."""

    guess: Transform
    T_other_board: Transform
    mount: Mount
    board: BoardSettings
    intrinsics: Intrinsics
    arm: ArmModel

    def candidate(self, T_camera_board: Transform, reach: Reach) -> _Candidate | None:
        """The pose that shows the board at ``T_camera_board``; None when the arm cannot, or would stand in the way."""
        if self.mount == "fixed":
            T_base_camera = self.guess
            T_base_flange = T_base_camera @ T_camera_board @ invert(self.T_other_board)
        else:
            T_base_camera = self.T_other_board @ invert(T_camera_board)
            T_base_flange = T_base_camera @ invert(self.guess)
        corners = apply(T_base_camera @ T_camera_board, _outline(self.board))
        postures = tuple(
            q
            for q in reach.postures(T_base_flange)
            if in_sight(self.arm, q, T_base_camera[:3, 3], corners, camera_on_wrist=self.mount == "wrist")
        )
        return _Candidate(T_base_flange, postures, self._features(T_camera_board)) if postures else None

    def _features(self, T_camera_board: Transform) -> NDArray[np.float64]:
        middle = apply(T_camera_board, np.array([*self.board.size_m, 0.0]) / 2)
        # Rotation matrices are sqrt(2) times the angle apart, as long as it is small.
        turn = T_camera_board[:3, :3].ravel() / (math.sqrt(2.0) * _TURN_RAD)
        place = self.intrinsics.project(middle) / _PLACE_PX
        return np.array([*turn, *place, np.linalg.norm(middle) / _DISTANCE_M])


def _draws(board: BoardSettings, intrinsics: Intrinsics, count: int, rng: np.random.Generator) -> Iterator[Transform]:
    """Up to ``count`` random ``T_camera_board`` that show all of the board, whatever the guess's error."""
    middle = np.array([*board.size_m, 0.0]) / 2
    size_px = np.array([intrinsics.width, intrinsics.height])
    for _ in range(count):
        tilt, about, roll = rng.uniform([LEAST_TILT_RAD, 0, -math.pi], [MOST_TILT_RAD, 2 * math.pi, math.pi])
        distance_m = rng.uniform(NEAREST_M, FARTHEST_M)
        u, v = rng.uniform(0.15 * size_px, 0.85 * size_px)
        axis = np.array([math.cos(about), math.sin(about), 0.0])
        turned = (Rotation.from_rotvec(tilt * axis) * Rotation.from_rotvec([0.0, 0.0, roll])).as_matrix()
        T_camera_board = transform(turned, intrinsics.deproject(u, v, distance_m) - turned @ middle)
        if shows_all(T_camera_board, board, intrinsics):
            yield T_camera_board


def shows_all(T_camera_board: Transform, board: BoardSettings, intrinsics: Intrinsics) -> bool:
    """Whether every corner stays inside the image even when the camera stands GUESS_OFF_M and GUESS_TURNED_RAD away."""
    corners = apply(T_camera_board, _outline(board))
    if corners[:, 2].min() < NEAREST_M / 2:
        return False
    margin_px = intrinsics.fx * (GUESS_OFF_M / corners[:, 2:] + GUESS_TURNED_RAD)
    pixels = intrinsics.project(corners)
    last = np.array([intrinsics.width - 1, intrinsics.height - 1])
    return bool(((pixels >= margin_px) & (pixels <= last - margin_px)).all())


def _outline(board: BoardSettings) -> NDArray[np.float64]:
    """(4, 3) the outermost of the board's inner corners, in its frame."""
    corners = board.corners_m.reshape(board.rows - 1, board.columns - 1, 3)
    return corners[[0, 0, -1, -1], [0, -1, 0, -1]]


def _most_different_first(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """In an order in which each is as different as possible from all before it."""
    if not candidates:
        return []
    features = np.array([c.features for c in candidates])
    order = [int(np.argmax(np.linalg.norm(features - features.mean(axis=0), axis=1)))]
    nearest = np.full(len(candidates), np.inf)
    while len(order) < len(candidates):
        nearest = np.minimum(nearest, np.linalg.norm(features - features[order[-1]], axis=1))
        nearest[order] = -1.0
        order.append(int(np.argmax(nearest)))
    return [candidates[i] for i in order]


def _walk(candidates: Sequence[_Candidate], q_start: Joints, count: int, reach: Reach) -> tuple[Pose, ...]:
    """A short walk through the first ``count`` of the candidates; the next ones stand in for what is not reached."""
    now = np.asarray(q_start, dtype=np.float64)
    poses: list[Pose] = []
    open_, reserve = list(candidates[:count]), list(candidates[count:])
    ways_left = count * _WAYS_PER_POSE
    while open_ and len(poses) < count:
        found = None
        for candidate, q in _nearest_first(open_, now)[: min(ways_left, _WAYS_PER_POSE)]:
            ways_left -= 1
            if reach.free(now, q):
                found = candidate, q
                break
        if found is not None:
            candidate, now = found
            poses.append(Pose(now, candidate.T_base_flange))
            open_.remove(candidate)
        elif reserve and ways_left > 0:
            open_, reserve = open_ + reserve[:count], reserve[count:]
        else:
            break
    return tuple(poses)


def _nearest_first(candidates: Sequence[_Candidate], q: Joints) -> list[tuple[_Candidate, Joints]]:
    """Every posture of every candidate, the one that takes the least time from (6,) ``q`` first."""
    pairs = [(candidate, posture) for candidate in candidates for posture in candidate.postures]
    travel = np.abs(np.array([posture for _, posture in pairs]) - q).max(axis=1)
    return [pairs[i] for i in np.argsort(travel, kind="stable")]
