"""Where the camera hangs: over the table or on the wrist, a little off its nominal place, and sometimes bumped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from robot.geometry import Transform, transform

MOUNTS = ("fixed", "wrist")
Mount = Literal["fixed", "wrist"]

_OFF_MAX_M, _OFF_MAX_RAD = 0.010, math.radians(1.0)
_LEAST_SHARE = 0.3  # of the two above, so that a tape measure is never right by luck
_SEED_TAG = 0xCA11


@dataclass(frozen=True, kw_only=True)
class CameraMount:
    """How the camera was mounted.

    Attributes:
        mount: "fixed": it stands still over the table; "wrist": it travels with the flange.
        seed: how it came to hang off its nominal place; every seed moves and turns it.
    """

    mount: Mount = "fixed"
    seed: int = 0

    @property
    def T_parent_color(self) -> Transform:
        """(4, 4) where the colour sensor really is: in the base frame (fixed) or in the flange's (wrist)."""
        rng = np.random.default_rng([_SEED_TAG, self.seed % 2**32])
        off_m, off_rad = rng.uniform(_LEAST_SHARE, 1.0, size=2) * (_OFF_MAX_M, _OFF_MAX_RAD)
        turn = Rotation.from_rotvec(off_rad * random_direction(rng))
        return nominal_T_parent_color(self.mount) @ transform(turn, off_m * random_direction(rng))


class CameraPlace:
    """The camera as it hangs now. On the simulation thread."""

    def __init__(self, mount: CameraMount) -> None:
        self.mount: Mount = mount.mount
        self._T_parent_mounted = mount.T_parent_color
        self.T_parent_color = self._T_parent_mounted

    def bump(self, translation_m: ArrayLike, rotation_vector_rad: ArrayLike) -> None:
        """Move and turn it, each (3,) in the camera's own axes, from where it hangs."""
        self.T_parent_color = self.T_parent_color @ transform(Rotation.from_rotvec(rotation_vector_rad), translation_m)

    def put_back(self) -> None:
        """Undo all bumps."""
        self.T_parent_color = self._T_parent_mounted

    def T_base_color(self, T_base_flange: Transform) -> Transform:
        """(4, 4) where the colour sensor is while the flange is at ``T_base_flange``."""
        return T_base_flange @ self.T_parent_color if self.mount == "wrist" else self.T_parent_color


def nominal_T_parent_color(mount: Mount) -> Transform:
    """(4, 4) where the colour sensor was meant to be.

    Fixed, in the base frame: 0.70 m above the table's middle, looking straight down. On the wrist, in the flange's
    frame: beside the palm, looking along the fingers, with the fingers at the lower edge of the picture.
    """
    if mount == "wrist":
        return transform([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [0.08, 0.0, 0.02])
    return transform([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0]], [0.50, 0.0, 0.45])


def random_direction(rng: np.random.Generator) -> NDArray[np.float64]:
    """(3,) of length 1, all directions alike."""
    direction = rng.normal(size=3)
    return np.asarray(direction / np.linalg.norm(direction))
