"""What goes wrong when real people calibrate, for a dry run: bad corners, an arm that had not come to rest."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from calibration.views import View
from robot.geometry import transform

_MOTION_M, _MOTION_RAD = (0.005, 0.030), (0.02, 0.09)
_CORNERS_PX = 12.0


@dataclass(frozen=True)
class Mishaps:
    """Spoils a share of the views, alternately by wrong corners and by motion between image and pose.

    Attributes:
        share: how many of the views.
        seed: which, and how.
    """

    share: float
    seed: int

    def spoil(self, views: tuple[View, ...]) -> tuple[View, ...]:
        """The same views, some of them spoiled."""
        rng = np.random.default_rng([self.seed, 1])
        chosen = rng.permutation(len(views))[: round(self.share * len(views))]
        spoiled = list(views)
        for turn, index in enumerate(chosen):
            spoil = _wrong_corners if turn % 2 == 0 else _moved
            spoiled[index] = spoil(views[index], rng)
        return tuple(spoiled)


def _wrong_corners(view: View, rng: np.random.Generator) -> View:
    return replace(view, pixels=view.pixels + rng.normal(scale=_CORNERS_PX, size=view.pixels.shape))


def _moved(view: View, rng: np.random.Generator) -> View:
    turn, way = rng.normal(size=3), rng.normal(size=3)
    turn *= rng.uniform(*_MOTION_RAD) / np.linalg.norm(turn)
    way *= rng.uniform(*_MOTION_M) / np.linalg.norm(way)
    return replace(view, T_base_flange=view.T_base_flange @ transform(Rotation.from_rotvec(turn), way))
