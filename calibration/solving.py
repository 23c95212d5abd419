"""Where the camera is, by every closed-form solver that OpenCV has; the wrong ones are found out by the others.

With ``parent`` the camera's (base or flange) and ``other`` the board's (flange or base), both mounts are one problem:
T_parent_camera @ T_camera_board = T_parent_other @ T_other_board, where the arm gives T_parent_other of each view.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from calibration.settings import Mount
from calibration.views import View
from robot.geometry import Transform, invert, rotation_angle, transform

DISSENT_M = 0.005
DISSENT_RAD = math.radians(0.5)
"""A solver farther than this from the consensus is dropped."""
LEAST_AGREEING = 3
FARTHEST_M = 10.0
RIGID_TOLERANCE = 1e-3

HAND_EYE_METHODS = ("TSAI", "PARK", "HORAUD", "ANDREFF", "DANIILIDIS")
ROBOT_WORLD_METHODS = ("SHAH", "LI")


@dataclass(frozen=True, eq=False)
class SolverResult:
    """What one solver says.

    Attributes:
        name: as OpenCV calls the method.
        T_parent_camera, T_other_board: None where it gave none.
        dropped: why it is not believed; empty when it is.
    """

    name: str
    T_parent_camera: Transform | None
    T_other_board: Transform | None = None
    dropped: str = ""


def parent_from_other(view: View, mount: Mount) -> Transform:
    """(4, 4) T_parent_other: T_base_flange of a fixed camera's view, T_flange_base of one on the wrist."""
    return view.T_base_flange if mount == "fixed" else invert(view.T_base_flange)


def solve(views: Sequence[View], T_camera_boards: Sequence[Transform], mount: Mount) -> tuple[SolverResult, ...]:
    """Run every solver on at least three views; never raises for views that do not determine the answer.

    The consensus is the result with the smallest median distance to the others, a distance of 1 being ``DISSENT_M``
    or ``DISSENT_RAD``, whichever is reached first; it takes ``LEAST_AGREEING`` solvers to make one.
    """
    known = [parent_from_other(view, mount) for view in views], T_camera_boards
    results = [
        *(_attempt(f"handeye {name.lower()}", partial(_hand_eye, *known, name)) for name in HAND_EYE_METHODS),
        *(_attempt(f"robot-world {name.lower()}", partial(_robot_world, *known, name)) for name in ROBOT_WORLD_METHODS),
    ]
    return _without_dissenters(results)


def hand_eye(T_parent_others: Sequence[Transform], T_camera_boards: Sequence[Transform], method: str) -> Transform:
    """(4, 4) T_parent_camera by ``cv2.calibrateHandEye``, unchecked.

    Raises:
        cv2.error: OpenCV refuses the views.
    """
    import cv2

    # OpenCV knows the camera on the wrist only; one that stands still is on the wrist of a world that moves.
    T_other_parents = [invert(T) for T in T_parent_others]
    rotation, translation = cv2.calibrateHandEye(
        *_parts(T_other_parents), *_parts(T_camera_boards), method=getattr(cv2, f"CALIB_HAND_EYE_{method}")
    )
    return transform(rotation, np.ravel(translation))


def board_by_view(T_parent_camera: Transform, T_parent_other: Transform, T_camera_board: Transform) -> Transform:
    """(4, 4) T_other_board as one view has it, if the camera is at ``T_parent_camera``."""
    return np.asarray(invert(T_parent_other) @ T_parent_camera @ T_camera_board)


def mean_pose(poses: Sequence[Transform]) -> Transform:
    """(4, 4) the mean of poses that are near to each other."""
    rotations = Rotation.from_matrix(np.array([T[:3, :3] for T in poses]))
    return transform(rotations.mean(), np.mean([T[:3, 3] for T in poses], axis=0))


def _hand_eye(
    T_parent_others: Sequence[Transform], T_camera_boards: Sequence[Transform], method: str
) -> tuple[Transform, None]:
    return hand_eye(T_parent_others, T_camera_boards, method), None


def _robot_world(
    T_parent_others: Sequence[Transform], T_camera_boards: Sequence[Transform], method: str
) -> tuple[Transform, Transform]:
    import cv2

    R_board_other, t_board_other, R_camera_parent, t_camera_parent = cv2.calibrateRobotWorldHandEye(
        *_parts(T_camera_boards), *_parts(T_parent_others), method=getattr(cv2, f"CALIB_ROBOT_WORLD_HAND_EYE_{method}")
    )
    T_camera_parent = transform(R_camera_parent, np.ravel(t_camera_parent))
    T_board_other = transform(R_board_other, np.ravel(t_board_other))
    return invert(T_camera_parent), invert(T_board_other)


def _parts(poses: Sequence[Transform]) -> tuple[list[Any], list[Any]]:
    return [T[:3, :3] for T in poses], [T[:3, 3] for T in poses]


def _attempt(name: str, solver: Callable[[], tuple[Transform, Transform | None]]) -> SolverResult:
    import cv2

    level = cv2.utils.logging.setLogLevel(0)  # what OpenCV has to say on stderr stands in ``dropped``
    try:
        T_parent_camera, T_other_board = solver()
    except (cv2.error, ValueError, np.linalg.LinAlgError):
        return SolverResult(name, None, dropped="gives up on these views")
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not np.all(np.isfinite(T_parent_camera)):
        return SolverResult(name, None, dropped="gives no number (NaN)")
    if not is_rigid(T_parent_camera):
        return SolverResult(name, None, dropped="gives no rotation")
    if not is_plausible(T_parent_camera):
        return SolverResult(name, None, dropped=f"puts the camera more than {FARTHEST_M:g} m away")
    return SolverResult(name, T_parent_camera, T_other_board)


def is_plausible(T: Transform) -> bool:
    """Whether (4, 4) is a pose that a camera may have."""
    return is_rigid(T) and bool(np.linalg.norm(T[:3, 3]) <= FARTHEST_M)


def is_rigid(T: Transform) -> bool:
    """Whether the (4, 4) matrix is finite, and its upper left (3, 3) a rotation."""
    R = T[:3, :3]
    if not np.all(np.isfinite(T)):
        return False
    return bool(np.abs(R @ R.T - np.eye(3)).max() < RIGID_TOLERANCE and np.linalg.det(R) > 0)


def _without_dissenters(results: Sequence[SolverResult]) -> tuple[SolverResult, ...]:
    sound = [r.T_parent_camera for r in results if r.T_parent_camera is not None]
    if not sound:
        return tuple(results)
    distances = np.array([[_distance(a, b) for b in sound] for a in sound])
    middle = int(np.argmin(np.median(distances, axis=1)))
    if np.count_nonzero(distances[middle] <= 1.0) < LEAST_AGREEING:
        return tuple(replace(r, dropped=r.dropped or "no three solvers agree") for r in results)
    consensus = sound[middle]
    return tuple(_judged(result, consensus) for result in results)


def _judged(result: SolverResult, consensus: Transform) -> SolverResult:
    T = result.T_parent_camera
    if T is None or _distance(T, consensus) <= 1.0:
        return result
    off_m, off_rad = np.linalg.norm(T[:3, 3] - consensus[:3, 3]), rotation_angle(T, consensus)
    words = f"{off_m * 1e3:.1f} mm and {math.degrees(off_rad):.2f} degrees from the consensus"
    return replace(result, dropped=words)


def _distance(T_a: Transform, T_b: Transform) -> float:
    return max(
        float(np.linalg.norm(T_a[:3, 3] - T_b[:3, 3])) / DISSENT_M,
        rotation_angle(T_a, T_b) / DISSENT_RAD,
    )
