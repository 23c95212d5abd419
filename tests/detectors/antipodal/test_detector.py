"""The antipodal detector on scenes whose answer is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.antipodal.detector import AntipodalDetector
from detectors.antipodal.settings import AntipodalSettings
from detectors.grasp import Grasp
from detectors.registry import make_detector
from robot.frame import Frame, Intrinsics
from robot.gripper_geometry import STROKE_M
from tests.detectors.depth_scenes import CAMERA, Box, Rod, Solid, Tube, folded_difference, render


def detect(frame: Frame, **options: Any) -> tuple[Grasp, ...]:
    return AntipodalDetector().detect(frame, **options).grasps


def centre_on_table_m(grasp: Grasp, camera: Intrinsics = CAMERA) -> tuple[float, float]:
    x, y, _ = camera.deproject(grasp.u, grasp.v, grasp.depth_m)
    return float(x), float(y)


@pytest.mark.parametrize("degrees", [-90, -75, -45, -20, 0, 20, 45, 75, 89])
def test_a_bar_is_gripped_across_at_its_middle_with_the_right_sign_of_the_angle(degrees: int) -> None:
    along = math.radians(degrees)
    (best,) = detect(render([Box(0.02, -0.03, 0.16, 0.03, 0.025, along)]))
    assert folded_difference(best.angle_rad, along + math.pi / 2) < math.radians(6)
    assert -math.pi / 2 <= best.angle_rad < math.pi / 2
    x, y = centre_on_table_m(best)
    assert math.hypot(x - 0.02, y + 0.03) < 0.02
    assert abs(-(x - 0.02) * math.sin(along) + (y + 0.03) * math.cos(along)) < 0.002  # midway between the long sides


def test_width_is_the_object_plus_play_and_the_centre_is_10_mm_above_the_tips() -> None:
    (best,) = detect(render([Box(0.0, 0.0, 0.16, 0.03, 0.060)]))
    assert best.width_m == pytest.approx(0.030 + 2 * 0.010, abs=0.004)
    reach = AntipodalSettings().pad_reach_m
    assert 0.70 - best.depth_m == pytest.approx(0.060 - reach + 0.010, abs=0.003)


def test_flat_object_is_gripped_half_way_up() -> None:
    (best,) = detect(render([Box(0.0, 0.0, 0.12, 0.02, 0.010)]))
    assert 0.70 - best.depth_m == pytest.approx(0.005, abs=0.002)


def test_tilted_noisy_table_with_holes_changes_nothing_essential() -> None:
    along = math.radians(35)
    for seed in range(4):
        frame = render(
            [Box(0.0, 0.0, 0.15, 0.035, 0.03, along)], tilt_rad=0.15, noise_m=0.0015, hole_share=0.03, seed=seed
        )
        (best,) = detect(frame, seed=seed)
        assert folded_difference(best.angle_rad, along + math.pi / 2) < math.radians(12)
        assert best.quality > 0.4


def test_round_rod_and_upright_cylinder() -> None:
    (rod,) = detect(render([Rod(0.0, 0.0, 0.14, 0.008, -0.7)], noise_m=0.001))
    assert folded_difference(rod.angle_rad, -0.7 + math.pi / 2) < math.radians(10)
    (cylinder,) = detect(render([Tube(0.05, 0.05, 0.025, 0.10)], noise_m=0.001))
    x, y = centre_on_table_m(cylinder)
    assert math.hypot(x - 0.05, y - 0.05) < 0.006  # tall and off the axis: the parallax is taken out


def test_ring_too_wide_for_the_jaws_is_gripped_by_its_wall() -> None:
    (best,) = detect(render([Tube(0.0, 0.0, 0.055, 0.05, bore_m=0.045)]))
    x, y = centre_on_table_m(best)
    assert math.hypot(x, y) == pytest.approx(0.050, abs=0.005)
    assert folded_difference(best.angle_rad, math.atan2(y, x)) < math.radians(20)


def test_object_wider_than_the_stroke_gives_no_grasp_and_says_why() -> None:
    found = AntipodalDetector().detect(render([Box(0.0, 0.0, 0.12, 0.10, 0.05, 0.3)]))
    assert found.grasps == ()
    assert "wide" in found.reason


def test_empty_table_gives_no_grasp_and_says_why() -> None:
    for noise in (0.0, 0.002):
        found = AntipodalDetector().detect(render([], noise_m=noise))
        assert found.grasps == ()
        assert found.reason == "no object above the table"


def test_a_blind_camera_gives_no_grasp_and_says_why() -> None:
    blind = Frame(np.zeros((480, 640), np.float32), CAMERA)
    assert "no valid pixel" in AntipodalDetector().detect(blind).reason


def test_fingers_find_the_open_side_between_neighbours() -> None:
    """Two bars 12 mm apart leave no room for a finger between them; the gap must not be chosen."""
    bars = [Box(0.0, -0.02, 0.060, 0.03, 0.03), Box(0.0, 0.022, 0.060, 0.03, 0.03)]
    grasps = detect(render(bars), top=10)
    assert grasps
    for grasp in grasps:
        assert abs(math.cos(grasp.angle_rad)) > 0.8  # along the bars, whose ends are free


def test_no_finger_comes_down_on_a_neighbour() -> None:
    tall = Box(0.035, 0.0, 0.02, 0.12, 0.05)
    grasps = detect(render([Box(0.0, 0.0, 0.02, 0.10, 0.03), tall]), top=20)
    assert grasps
    for grasp in grasps:
        x, y = centre_on_table_m(grasp)
        for side in (-1, 1):
            for inset in (0.0, 0.008):
                reach = side * (grasp.width_m / 2 + inset)
                fx, fy = x + reach * math.cos(grasp.angle_rad), y + reach * math.sin(grasp.angle_rad)
                assert not (abs(fx - tall.x_m) < 0.009 and abs(fy - tall.y_m) < 0.059)


def test_what_reaches_out_of_view_is_left_alone() -> None:
    found = AntipodalDetector().detect(render([Box(0.36, 0.0, 0.20, 0.03, 0.05)]))
    assert found.grasps == ()
    assert "out of view" in found.reason
    both = detect(render([Box(0.36, 0.0, 0.20, 0.03, 0.05), Box(-0.05, 0.0, 0.10, 0.03, 0.02)]), top=10)
    assert both
    assert all(centre_on_table_m(g)[0] < 0.02 for g in both)


def test_a_depth_hole_is_never_the_centre_of_a_grasp() -> None:
    depth = np.array(render([Box(0.0, 0.0, 0.16, 0.03, 0.025)]).depth_m)
    depth[200:280, 290:353] = 0.0  # the middle of the bar was not measured
    frame = Frame(depth, CAMERA)
    grasps = detect(frame, top=20)
    assert grasps
    for grasp in grasps:
        assert frame.valid[round(grasp.v), round(grasp.u)]


def test_region_is_obeyed() -> None:
    frame = render([Box(-0.10, 0.0, 0.10, 0.03, 0.03, 0.4), Box(0.10, 0.0, 0.10, 0.03, 0.03, 0.4)])
    left = np.zeros(frame.depth_m.shape, dtype=bool)
    left[:, :320] = True
    on_left, on_right = detect(frame, top=10, region=left), detect(frame, top=10, region=~left)
    assert on_left
    assert on_right
    assert all(g.u < 320 for g in on_left)
    assert all(g.u > 320 for g in on_right)
    nowhere = AntipodalDetector().detect(frame, region=np.zeros_like(left))
    assert nowhere.grasps == ()
    assert "region" in nowhere.reason


def test_same_frame_and_seed_give_the_same_grasps() -> None:
    frame = render([Box(0.0, 0.0, 0.10, 0.04, 0.03, 0.4)], noise_m=0.001)
    assert detect(frame, top=5, seed=3) == detect(frame, top=5, seed=3)
    assert detect(frame, top=5, seed=3) != detect(frame, top=5, seed=4)


def test_proposals_are_hundreds_of_candidates() -> None:
    proposals = AntipodalDetector().propose(render([Box(0.0, 0.0, 0.10, 0.04, 0.03, 0.4)]))
    assert proposals.candidates is not None
    assert len(proposals.candidates) > 100
    assert proposals.candidates.centre_m.shape == (len(proposals.candidates), 2)


def test_other_camera_same_grasp_in_metres() -> None:
    solids = [Box(0.03, 0.02, 0.14, 0.04, 0.03, 0.5)]
    small = Intrinsics(fx=300.0, fy=300.0, cx=159.5, cy=119.5, width=320, height=240)
    for camera, distance in ((CAMERA, 0.70), (small, 0.70), (CAMERA, 1.0)):
        (best,) = detect(render(solids, camera=camera, distance_m=distance))
        x, y = centre_on_table_m(best, camera)
        assert math.hypot(x - 0.03, y - 0.02) < 0.02
        assert best.width_m == pytest.approx(0.06, abs=0.006)
        assert folded_difference(best.angle_rad, 0.5 + math.pi / 2) < math.radians(8)


def test_the_registry_knows_it() -> None:
    assert make_detector("antipodal").name == "antipodal"


@pytest.mark.parametrize(
    "wrong", [{"clearances_m": ()}, {"pairs": 0}, {"stroke_m": 0.0}, {"clearances_m": (0.01, -0.01)}]
)
def test_senseless_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        AntipodalSettings(**wrong)


_SOLIDS = st.one_of(
    st.builds(
        Box,
        x_m=st.floats(-0.15, 0.15),
        y_m=st.floats(-0.1, 0.1),
        length_m=st.floats(0.03, 0.2),
        width_m=st.floats(0.01, 0.1),
        height_m=st.floats(0.005, 0.15),
        angle_rad=st.floats(-1.5, 1.5),
    ),
    st.builds(
        Tube,
        x_m=st.floats(-0.15, 0.15),
        y_m=st.floats(-0.1, 0.1),
        radius_m=st.floats(0.01, 0.06),
        height_m=st.floats(0.01, 0.15),
        bore_m=st.sampled_from([0.0, 0.006]),
    ),
)


@settings(max_examples=30, deadline=None)
@given(solids=st.lists(_SOLIDS, max_size=3), noise=st.sampled_from([0.0, 0.0015]), tilt=st.floats(-0.2, 0.2))
def test_every_grasp_can_be_carried_out(solids: list[Solid], noise: float, tilt: float) -> None:
    frame = render(solids, noise_m=noise, tilt_rad=tilt, hole_share=0.02 if noise else 0.0)
    found = AntipodalDetector().detect(frame, top=20)
    assert bool(found.grasps) != bool(found.reason)
    assert [g.quality for g in found.grasps] == sorted((g.quality for g in found.grasps), reverse=True)
    for g in found.grasps:
        assert 0 <= round(g.u) < 640
        assert 0 <= round(g.v) < 480
        assert frame.valid[round(g.v), round(g.u)]
        assert 0.004 < g.width_m <= STROKE_M
        assert 0.4 < g.depth_m < 0.9
