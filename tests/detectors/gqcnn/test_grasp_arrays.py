from __future__ import annotations

import numpy as np
import pytest

from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.grasp import Grasp


def make(count: int, **other: object) -> GraspArrays:
    columns = {name: np.arange(1, count + 1) for name in ("u", "v", "depth_m", "angle_rad", "width_m")}
    return GraspArrays(**{**columns, **other})  # type: ignore[arg-type]


def test_grasps_become_columns_in_order() -> None:
    grasps = [Grasp(u=1, v=2, depth_m=0.6, angle_rad=0.3, width_m=0.05, quality=1), Grasp(9, 8, 0.7, -0.2, 0.04, 0)]
    arrays = GraspArrays.from_grasps(grasps)
    np.testing.assert_allclose(arrays.u, [1, 9])
    np.testing.assert_allclose(arrays.angle_rad, [0.3, -0.2])
    np.testing.assert_allclose(arrays.width_m, [0.05, 0.04])


def test_no_grasps_are_columns_of_no_length() -> None:
    assert len(GraspArrays.from_grasps([])) == 0


def test_taking_and_joining() -> None:
    taken = make(4).take(np.array([2, 0]))
    np.testing.assert_array_equal(taken.v, [3, 1])
    np.testing.assert_array_equal(make(4).take(np.arange(4) > 1).u, [3, 4])
    np.testing.assert_array_equal(taken.joined(make(1)).depth_m, [3, 1, 1])


def test_columns_are_copies_that_cannot_be_changed() -> None:
    u = np.ones(3)
    arrays = make(3, u=u)
    u[0] = 7
    assert arrays.u[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        arrays.u[0] = 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"u": np.ones(2)}, "equally long"),
        ({"v": np.array([1.0, np.nan, 1.0])}, "v holds numbers"),
        ({"depth_m": np.array([1.0, 0.0, 1.0])}, "positive"),
        ({"width_m": np.array([1.0, -0.1, 1.0])}, "positive"),
    ],
)
def test_what_is_no_grasp_is_refused(wrong: dict[str, np.ndarray], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make(3, **wrong)
