"""How deep a grasp goes, and how wide: as far as the pads reach, never onto anything, never into the table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.antipodal.settings import AntipodalSettings
from detectors.fcn.reach import Reach, Surface, reach
from robot.frame import Intrinsics
from robot.gripper_geometry import STROKE_M
from tests.detectors.depth_scenes import Box, Rod, Solid, render

GRIPPER = AntipodalSettings()
CAMERA = Intrinsics(fx=560.0, fy=560.0, cx=120.0, cy=120.0, width=241, height=241)  # 1.25 mm a pixel at the table
TABLE_M, OPENING_M = 0.70, 0.055
THING = Box(0.0, 0.0, 0.03, 0.06, 0.06)  # 30 mm along the closing direction


def surface(*solids: Solid, measured: NDArray[np.bool_] | None = None) -> Surface:
    depth = render(solids, camera=CAMERA, distance_m=TABLE_M).depth_m
    seen = np.ones(depth.shape, bool) if measured is None else measured
    return Surface(depth, (TABLE_M - depth).astype(np.float32), seen, CAMERA)


def found(
    *solids: Solid, angle: float = 0.0, width_m: float = OPENING_M, at: Sequence[float] = (0.0, 0.0),
    measured: NDArray[np.bool_] | None = None,
) -> Reach:  # fmt: skip
    return reach(surface(*solids, measured=measured), np.array(at), angle, width_m)


def height(*solids: Solid, angle: float = 0.0, width_m: float = OPENING_M) -> float:
    return found(*solids, angle=angle, width_m=width_m).height_m


def cuboid(along: tuple[float, float], across: tuple[float, float], top_m: float, turn: float = 0.0) -> Box:
    """From and to along x and y [m], turned about the origin."""
    x, y = sum(along) / 2, sum(across) / 2
    c, s = math.cos(turn), math.sin(turn)
    return Box(c * x - s * y, s * x + c * y, along[1] - along[0], across[1] - across[0], top_m, turn)


@pytest.mark.parametrize("top", [0.04, 0.06, 0.10])
def test_the_tips_go_down_beside_a_tall_thing_as_far_as_the_pads_reach(top: float) -> None:
    tip = height(Box(0.0, 0.0, 0.03, 0.06, top)) - GRIPPER.tip_to_centre_m
    assert tip == pytest.approx(top - GRIPPER.pad_reach_m, abs=1e-5)


@pytest.mark.parametrize("top", [0.006, 0.010, 0.018])
def test_beside_something_flat_the_pads_meet_it_in_the_middle_of_its_height(top: float) -> None:
    assert height(Box(0.0, 0.0, 0.03, 0.06, top)) == pytest.approx(top / 2, abs=1e-5)


def test_in_between_the_tips_stay_above_the_table() -> None:
    expected = GRIPPER.tip_margin_m + GRIPPER.tip_to_centre_m
    assert height(Box(0.0, 0.0, 0.03, 0.06, 0.030)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("angle", [0.0, 1.1])
def test_something_round_is_held_below_its_middle_but_no_deeper_than_the_palm_allows(angle: float) -> None:
    """A rod lying across the closing direction: its rim is seen at half its height."""
    for radius in (0.025, 0.030):
        rod = Rod(0.0, 0.0, 0.12, radius, angle + math.pi / 2)
        tip = height(rod, angle=angle, width_m=2 * radius + 0.012) - GRIPPER.tip_to_centre_m
        assert tip < radius - 0.004, "the tips are below the middle"
        assert tip >= 2 * radius - GRIPPER.max_reach_m - 0.001


@pytest.mark.parametrize("side", [-1, 1])
def test_a_step_is_held_by_its_lower_side(side: int) -> None:
    ends = sorted((0.0, side * 0.015))
    step = (cuboid((-0.015, 0.015), (-0.03, 0.03), 0.045), cuboid((ends[0], ends[1]), (-0.03, 0.03), 0.060))
    tip = height(*step) - GRIPPER.tip_to_centre_m
    assert tip == pytest.approx(0.045 - GRIPPER.pad_reach_m, abs=1e-3)
    assert height(*step) < height(THING)


@pytest.mark.parametrize("side", [-1, 1])
def test_the_tips_stay_above_what_a_finger_comes_down_on(side: int) -> None:
    ends = sorted((side * 0.030, side * 0.060))
    blocked = height(THING, cuboid((ends[0], ends[1]), (-0.03, 0.03), 0.045))
    assert blocked == pytest.approx(0.045 + GRIPPER.tip_margin_m + GRIPPER.tip_to_centre_m, abs=1e-4)
    ends = sorted((side * 0.060, side * 0.090))
    assert height(THING, cuboid((ends[0], ends[1]), (-0.03, 0.03), 0.045)) == height(THING), "out of reach"
    ends = sorted((side * 0.030, side * 0.060))
    assert height(THING, cuboid((ends[0], ends[1]), (0.018, 0.05), 0.045)) == height(THING), "beside the finger"


def test_a_neighbour_never_makes_the_tips_go_deeper() -> None:
    thing = Box(0.0, 0.0, 0.03, 0.06, 0.078)
    assert height(thing, cuboid((-0.065, -0.033), (-0.035, 0.035), 0.031)) >= height(thing) - 0.001


def test_the_palm_stays_above_what_stands_under_it() -> None:
    beside = cuboid((-0.02, 0.02), (0.045, 0.080), 0.11)
    under_it = cuboid((-0.02, 0.02), (0.025, 0.060), 0.11)
    low = Box(0.0, 0.0, 0.03, 0.04, 0.06)
    assert height(low, beside) == pytest.approx(height(low), abs=1e-5)
    expected = 0.11 - GRIPPER.palm_reach_m + GRIPPER.tip_to_centre_m
    assert height(low, under_it) == pytest.approx(expected, abs=1e-3)


@settings(deadline=None, max_examples=20)
@given(st.floats(-math.pi, math.pi), st.floats(0.03, 0.09), st.floats(0.01, 0.05), st.sampled_from([-1, 1]))
def test_turning_the_world_changes_nothing(angle: float, top: float, beside: float, side: int) -> None:
    ends, heights = sorted((side * 0.036, side * 0.065)), []
    for turn in (0.0, angle):
        neighbour = cuboid((ends[0], ends[1]), (-0.035, 0.035), beside, turn)
        heights.append(height(Box(0.0, 0.0, 0.03, 0.06, top, turn), neighbour, angle=turn))
    assert heights[0] == pytest.approx(heights[1], abs=1e-3)


@pytest.mark.parametrize(("x_m", "y_m"), [(0.06, 0.0), (-0.05, 0.05), (0.0, -0.06)])
def test_away_from_the_middle_of_the_picture_it_is_the_same_though_things_lean_there(x_m: float, y_m: float) -> None:
    """Between two taller neighbours that the open jaws just clear, seen from above."""
    for top_m in (0.04, 0.08):
        thing = Box(x_m, y_m, 0.03, 0.05, top_m)
        crowd = [thing, *(Box(x_m + off, y_m, 0.02, 0.05, 0.05) for off in (-0.062, 0.062))]
        here, middle = found(*crowd, at=(x_m, y_m)), found(Box(0.0, 0.0, 0.03, 0.05, top_m))
        assert here.height_m == pytest.approx(middle.height_m, abs=0.012 if top_m == 0.08 else 1e-3)
        assert here.width_m == middle.width_m


@settings(deadline=None, max_examples=40)
@given(st.floats(-3.2, 3.2), st.floats(0.01, 0.085), st.integers(0, 1000), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
def test_never_below_the_table_nor_far_above_what_stands_there(
    angle: float, width_m: float, seed: int, x_m: float, y_m: float
) -> None:
    depth = np.random.default_rng(seed).uniform(0.62, 0.704, (241, 241)).astype(np.float32)
    one = Surface(depth, TABLE_M - depth, np.ones(depth.shape, bool), CAMERA)
    answer = reach(one, np.array([x_m, y_m]), angle, width_m)
    assert width_m <= answer.width_m <= min(width_m + 0.010, STROKE_M) + 1e-9
    assert 0.0 <= answer.height_m <= 0.08 + GRIPPER.tip_margin_m + GRIPPER.tip_to_centre_m + 1e-6
    assert 0.0 <= answer.seen <= 1.0


def test_where_nothing_stands_it_is_on_the_table() -> None:
    assert height() == pytest.approx(0.0, abs=1e-6)


def test_single_pixels_in_the_air_do_not_count() -> None:
    plain = surface(THING)
    depth = np.array(plain.depth_m)
    depth[np.random.default_rng(0).random(depth.shape) < 0.0008] = 0.55
    spoilt = Surface(depth, (TABLE_M - depth).astype(np.float32), plain.measured, CAMERA)
    assert reach(spoilt, np.zeros(2), 0.0, OPENING_M).height_m == pytest.approx(height(THING), abs=0.002)


def test_the_jaws_open_ten_millimetres_wider_where_there_is_room() -> None:
    assert found(THING).width_m == pytest.approx(OPENING_M + 0.010)


@pytest.mark.parametrize(("gap_m", "play_m"), [(0.050, 0.010), (0.0425, 0.005), (0.0400, 0.0)])
@pytest.mark.parametrize("side", [-1, 1])
def test_beside_a_neighbour_they_open_as_far_as_they_can_come_down(side: int, gap_m: float, play_m: float) -> None:
    """The fingers are 11 mm thick; a neighbour stands from ``gap_m`` on."""
    ends = sorted((side * gap_m, side * (gap_m + 0.03)))
    crowded = found(THING, cuboid((ends[0], ends[1]), (-0.04, 0.04), 0.055))
    assert crowded.width_m == pytest.approx(OPENING_M + play_m)
    assert crowded.height_m == height(THING)


def test_where_they_cannot_come_down_at_any_opening_they_open_wide() -> None:
    blocked = found(THING, cuboid((0.025, 0.070), (-0.04, 0.04), 0.055))
    assert blocked.width_m == pytest.approx(OPENING_M + 0.010)


@pytest.mark.parametrize("width_m", [0.080, 0.085])
def test_they_open_no_wider_than_they_can(width_m: float) -> None:
    assert found(THING, width_m=width_m).width_m == pytest.approx(STROKE_M)


def test_what_the_worse_finger_comes_down_on_is_said_to_be_seen_or_not() -> None:
    assert found(THING).seen == 1.0
    nothing = np.zeros((241, 241), bool)
    assert found(THING, measured=nothing).seen == 0.0
    for columns in (slice(0, 121), slice(121, 241)):
        one_side = np.ones((241, 241), bool)
        one_side[:, columns] = False
        assert found(THING, measured=one_side).seen < 0.05
    half = np.ones((241, 241), bool)
    half[:121, 121:] = False
    assert found(THING, measured=half).seen == pytest.approx(0.5, abs=0.1)
    middle = np.ones((241, 241), bool)
    middle[:, 105:136] = False
    assert found(THING, measured=middle).seen == 1.0, "between the fingers it does not matter"
