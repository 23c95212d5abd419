"""How far a held thing reaches below the fingertips."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from cell.surroundings import HeldBox
from robot.geometry import transform


@pytest.mark.parametrize(("tilt_rad", "below_m"), [(0.0, 0.19), (np.pi / 2, 0.11), (np.pi, 0.19)])
def test_a_long_thing_reaches_below_the_tip(tilt_rad, below_m):
    turned = Rotation.from_rotvec([tilt_rad, 0.0, 0.0]).as_matrix()
    box = HeldBox(transform(turned, [0.0, 0.0, 0.09]), np.array([0.03, 0.02, 0.10]))
    assert box.below_tcp_m == pytest.approx(below_m)


def test_a_thing_above_the_tip_reaches_nowhere_below_it():
    assert HeldBox(transform(np.eye(3), [0.0, 0.0, -0.5]), np.full(3, 0.01)).below_tcp_m == 0.0
