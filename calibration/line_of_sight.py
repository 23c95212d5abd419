"""Whether the arm stands between the camera and the board."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robot.kinematics import ArmModel, link_transforms

UPPER_ARM_ASIDE_M, FOREARM_ASIDE_M = 0.137, 0.012
"""How far the links stand beside the plane through the shoulder's axis, along the shoulder lift's axis."""
LINK_RADIUS_M = 0.07
_SAMPLES = 9


def in_sight(
    arm: ArmModel,
    q: NDArray[np.float64],
    camera_m: NDArray[np.float64],
    targets_m: NDArray[np.float64],
    *,
    camera_on_wrist: bool = False,
) -> bool:
    """Whether no link comes near a line from (3,) ``camera_m`` to one of (N, 3) ``targets_m``, all in the base frame.

    Args:
        q: (6,) joints [rad].
        camera_on_wrist: leaves out the wrist's own links, from which such a camera looks away.
    """
    frames = link_transforms(arm, q)
    shoulder, elbow, wrist = frames[0, :3, 3], frames[1, :3, 3], frames[2, :3, 3]
    aside = frames[0, :3, 2]  # the shoulder lift's axis, which the elbow's is parallel to
    upper, fore = UPPER_ARM_ASIDE_M * aside, FOREARM_ASIDE_M * aside
    chain = frames[3:6, :3, 3]
    starts = np.stack([shoulder + upper, elbow + fore, wrist, chain[0], chain[1]])
    ends = np.stack([elbow + upper, wrist + fore, chain[0], chain[1], chain[2]])
    if camera_on_wrist:
        starts, ends = starts[:2], ends[:2]
    share = np.linspace(0.0, 1.0, _SAMPLES)[:, None, None]
    points = (starts + share * (ends - starts)).reshape(-1, 3)
    return bool(_from_lines_m(points, camera_m, targets_m) > LINK_RADIUS_M)


def _from_lines_m(points: NDArray[np.float64], start: NDArray[np.float64], ends: NDArray[np.float64]) -> float:
    """Least distance of (N, 3) points from the lines between (3,) ``start`` and (M, 3) ``ends``."""
    along = ends - start
    away = points[:, None] - start
    share = np.clip((away * along).sum(axis=-1) / np.square(along).sum(axis=-1), 0.0, 1.0)
    return float(np.linalg.norm(away - share[..., None] * along, axis=-1).min())
