"""The cross-entropy method: fit Gaussians to the best grasps so far, draw from them, rank, and again.

As in Dex-Net's cross-entropy policy a mixture is fitted to the elite. Here each component stands for one place on an
object, and a draw varies what the gripper can vary there: the place across the closing direction, the direction, the
depth and the opening. Along the closing direction a grasp is always centred between the pads' contacts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.antipodal.sampling import Pairs
from detectors.antipodal.scene import Scene
from detectors.antipodal.settings import AntipodalSettings
from detectors.gqcnn.sampling import Poses, settled
from detectors.gqcnn.settings import RefinementSettings
from robot.geometry import wrap_half_turn

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mode:
    """A Gaussian about one place: a best grasp, and mean and spread of the elite there relative to it.

    Attributes:
        best: index of the place's best grasp.
        mean, spread: (4,) across [m], angle [rad], height [m], play [m].
        weight: its share of the draws, not normalised.
    """

    best: int
    mean: Array
    spread: Array
    weight: float


def fit_modes(poses: Poses, quality: Array, settings: RefinementSettings) -> list[Mode]:
    """Group the elite by place, best first, and fit a Gaussian to each group."""
    elite = np.argsort(-quality, kind="stable")[: settings.elite]
    least = np.array(
        [settings.least_across_m, settings.least_angle_rad, settings.least_height_m, settings.least_play_m]
    )
    modes: list[Mode] = []
    while len(elite) and len(modes) < settings.modes:
        best = int(elite[0])
        offsets = _offsets(poses, elite, best)
        near = np.linalg.norm(poses.centre_m[elite] - poses.centre_m[best], axis=1) < settings.same_place_m
        near &= np.abs(offsets[:, 1]) < settings.same_angle_rad
        near[0] = True
        weight = np.maximum(quality[elite[near]], 1e-6)
        mean = np.average(offsets[near], axis=0, weights=weight)
        variance = np.average((offsets[near] - mean) ** 2, axis=0, weights=weight)
        modes.append(Mode(best, mean, np.maximum(np.sqrt(variance), least), float(weight.sum())))
        elite = elite[~near]
    return modes


def redraw(
    poses: Poses,
    quality: Array,
    scene: Scene,
    geometry: AntipodalSettings,
    settings: RefinementSettings,
    rng: np.random.Generator,
) -> Poses:
    """Up to ``settings.draws`` new grasps from the Gaussians about the best ones, as the gripper can carry them out."""
    modes = fit_modes(poses, quality, settings)
    weights = np.array([mode.weight for mode in modes])
    which = rng.choice(len(modes), size=settings.draws, p=weights / weights.sum())
    mean, spread = (np.array([getattr(mode, name) for mode in modes])[which] for name in ("mean", "spread"))
    across, turn, higher, looser = (mean + rng.standard_normal((settings.draws, 4)) * spread).T
    parents = poses[np.array([mode.best for mode in modes])[which]]
    axis = _turned(parents.axis, turn)
    pairs = Pairs(
        centre_m=parents.centre_m + across[:, None] * _quarter_turn(parents.axis),
        axis=axis,
        width_m=parents.contact_width_m,
        slant_rad=np.zeros(settings.draws),
        owner=parents.owner,
    )
    return settled(pairs, parents.height_m + higher, _play(parents) + looser, scene, geometry)


def _offsets(poses: Poses, chosen: NDArray[np.intp], best: int) -> Array:
    """(n, 4) how the chosen grasps differ from the best one: across, angle, height, play."""
    axis = poses.axis[best]
    across = (poses.centre_m[chosen] - poses.centre_m[best]) @ np.array([-axis[1], axis[0]])
    angle = np.arctan2(poses.axis[chosen, 1], poses.axis[chosen, 0]) - np.arctan2(axis[1], axis[0])
    turn = np.array([wrap_half_turn(float(a)) for a in angle])
    play = _play(poses)
    return np.stack([across, turn, poses.height_m[chosen] - poses.height_m[best], play[chosen] - play[best]], axis=1)


def _play(poses: Poses) -> Array:
    return (poses.opening_m - poses.contact_width_m) / 2


def _quarter_turn(axis: Array) -> Array:
    return np.stack([-axis[:, 1], axis[:, 0]], axis=1)


def _turned(axis: Array, angle_rad: Array) -> Array:
    c, s = np.cos(angle_rad)[:, None], np.sin(angle_rad)[:, None]
    return np.asarray(c * axis + s * _quarter_turn(axis))
