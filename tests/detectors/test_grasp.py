"""A grasp is valid or it is not made; detectors are found by name."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.grasp import Detection, Grasp
from detectors.registry import check_name, detector_names, make_detector
from robot.errors import SettingsError
from robot.frame import Intrinsics

GOOD = {"u": 300.0, "v": 200.0, "depth_m": 0.68, "angle_rad": 0.3, "width_m": 0.05, "quality": 0.7}


@pytest.mark.parametrize(
    "change",
    [
        {"depth_m": 0.0},
        {"depth_m": -0.04},
        {"depth_m": math.nan},
        {"u": math.inf},
        {"width_m": 0.0},
        {"quality": 1.2},
        {"quality": -0.1},
        {"angle_rad": math.nan},
    ],
)
def test_nonsense_is_refused_where_it_is_made(change):
    with pytest.raises(ValueError, match=r"grasp needs|quality"):
        Grasp(**GOOD | change)


@given(st.floats(-10, 10))
def test_the_angle_is_folded_symmetrically(angle):
    folded = Grasp(**GOOD | {"angle_rad": angle}).angle_rad
    assert -math.pi / 2 <= folded < math.pi / 2
    assert (
        Grasp(**GOOD | {"angle_rad": angle + math.pi}).angle_rad == pytest.approx(folded, abs=1e-9)
        or abs(abs(folded) - math.pi / 2) < 1e-9
    )


@given(st.floats(0.3, 2.0), st.floats(0.01, 0.085), st.floats(300, 900))
def test_ggcnn_kinova_the_width_in_pixels_follows_depth_and_focal_length(depth_m, width_m, fx):
    """A peer left the width in pixels of another image size."""
    K = Intrinsics(fx, fx, 320, 240, 640, 480)
    grasp = Grasp(**GOOD | {"depth_m": depth_m, "width_m": width_m})
    left, right = K.project([[-width_m / 2, 0, depth_m], [width_m / 2, 0, depth_m]])
    assert grasp.width_px(K) == pytest.approx(right[0] - left[0])


@pytest.mark.parametrize("change", [{"grasps": ("not a grasp",)}, {"detect_ms": math.nan}, {"inpaint_ms": -1.0}])
def test_a_detection_holds_grasps_and_times(change):
    with pytest.raises(ValueError, match=r"grasps|time"):
        Detection(**{"grasps": (Grasp(**GOOD),), "detect_ms": 5.0} | change)


def test_detectors_are_found_by_name():
    for name in detector_names():
        assert make_detector(name).name == name
    with pytest.raises(SettingsError, match="did you mean 'antipodal'"):
        check_name("antipodel")
