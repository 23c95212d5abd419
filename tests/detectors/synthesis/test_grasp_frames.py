"""Grasps from image to table and back; carried out at the height at which the cell carries them out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cell.perception import GraspInBase, grasp_in_base
from cell.planning import Planner
from cell.settings import DEFAULT_CELL_FILE, load_cell
from detectors.grasp import Grasp
from detectors.synthesis.grasp_frames import (
    TABLE_CLEARANCE_M,
    TIP_BELOW_GRASP_M,
    ImageGrasps,
    TableGrasps,
    joined,
    to_image,
    to_table,
)
from robot.frame import Intrinsics
from robot.geometry import transform
from robot.gripper_geometry import STROKE_M, TIP_FROM_FLANGE_CLOSED_M, tip_from_flange_m
from robot.kinematics import UR5
from tests.detectors.synthesis.lying_things import grasp, grasps

CELL = load_cell(DEFAULT_CELL_FILE)
ARC_CREST_M = 0.0003  # just before they close the tips stand this much lower than when closed


class FreeSpace:
    def contacts(self, q, width_m):
        return {}


@st.composite
def cameras(draw):
    tilt, towards, turn = draw(st.floats(0.0, 0.17)), draw(st.floats(-np.pi, np.pi)), draw(st.floats(-np.pi, np.pi))
    lean = Rotation.from_rotvec(tilt * np.array([np.cos(towards), np.sin(towards), 0.0]))
    down = Rotation.from_euler("z", turn) * Rotation.from_euler("x", np.pi)
    place = [draw(st.floats(-0.1, 0.1)), draw(st.floats(-0.1, 0.1)), draw(st.floats(0.5, 0.9))]
    fx = draw(st.floats(300.0, 900.0))
    intrinsics = Intrinsics(fx, fx * draw(st.floats(0.8, 1.25)), 199.5, 205.0, 400, 400)
    return intrinsics, transform(lean * down, place)


TABLE_GRASPS = st.builds(
    grasp,
    st.floats(-0.15, 0.15),
    st.floats(-0.15, 0.15),
    st.floats(-0.04, 0.2),
    st.floats(-np.pi, np.pi),
    st.floats(0.006, STROKE_M),
)


def half_turns_apart(a, b):
    return np.abs((a - b + np.pi / 2) % np.pi - np.pi / 2)


@settings(deadline=None)
@given(cameras(), TABLE_GRASPS)
def test_what_is_carried_out_is_what_was_labelled(camera, there):
    back = to_table(to_image(there, *camera), *camera)
    np.testing.assert_allclose(back.centre_m, there.centre_m, atol=1e-9)
    assert half_turns_apart(back.yaw_rad, there.yaw_rad).max() < 1e-9
    np.testing.assert_array_equal(back.width_m, there.width_m)


@settings(deadline=None)
@given(cameras(), st.floats(0, 399), st.floats(0, 399), st.floats(0.4, 0.9), st.floats(-1.57, 1.57))
def test_image_to_table_and_back(camera, u, v, depth, angle):
    seen = ImageGrasps(*(np.array([value]) for value in (u, v, depth, angle, 0.05)))
    again = to_image(to_table(seen, *camera), *camera)
    np.testing.assert_allclose([again.u[0], again.v[0]], [u, v], atol=1e-6)
    assert again.depth_m[0] == pytest.approx(depth, abs=1e-9)
    assert half_turns_apart(again.angle_rad, angle).max() < 1e-8
    assert -np.pi / 2 <= again.angle_rad[0] <= np.pi / 2


@settings(deadline=None)
@given(cameras(), st.floats(0, 399), st.floats(0, 399), st.floats(0.4, 0.9), st.floats(-1.57, 1.57))
def test_the_cell_sees_the_same_grasp(camera, u, v, depth, angle):
    intrinsics, T = camera
    expected = grasp_in_base(Grasp(u, v, depth, angle, 0.05, quality=0.5), intrinsics, T)
    found = to_table(ImageGrasps(*(np.array([value]) for value in (u, v, depth, angle, 0.05))), intrinsics, T)
    np.testing.assert_allclose(found.centre_m[0], expected.center_base_m, atol=1e-9)
    np.testing.assert_allclose(found.closing[0], expected.closing_base, atol=1e-9)


def test_a_camera_straight_above_sees_the_closing_direction_mirrored():
    T = transform(Rotation.from_euler("x", np.pi), [0.0, 0.0, 0.7])  # image right is the table's x, image down its -y
    seen = to_image(grasp(0.1, 0.05, 0.0, 0.4, 0.05), Intrinsics(500, 500, 200, 200, 400, 400), T)
    assert seen.angle_rad[0] == pytest.approx(-0.4)
    assert (seen.u[0], seen.v[0]) == pytest.approx((200 + 500 * 0.1 / 0.7, 200 - 500 * 0.05 / 0.7))
    assert seen.depth_m[0] == pytest.approx(0.7)


@settings(deadline=None)
@given(TABLE_GRASPS)
def test_the_flange_goes_where_the_cell_sends_it(there):
    planner = Planner(CELL, UR5, FreeSpace())
    centre = there.centre_m[0] + [0.0, 0.0, CELL.table_height_m]
    tip = planner.closed_tip(GraspInBase(centre, there.closing[0], float(there.width_m[0])))
    flange = tip[2] - CELL.table_height_m + TIP_FROM_FLANGE_CLOSED_M
    assert there.flange_m[0] == pytest.approx(flange, abs=2e-5)


@given(TABLE_GRASPS, st.floats(0.0, STROKE_M))
def test_tips_travel_on_the_grippers_arc_and_never_into_the_table(there, opening):
    tip = there.tip_m(np.array([opening]))[0]
    assert tip == pytest.approx(there.flange_m[0] - tip_from_flange_m(opening), abs=2e-5)
    assert tip >= TABLE_CLEARANCE_M - ARC_CREST_M
    assert there.flange_m[0] - TIP_FROM_FLANGE_CLOSED_M >= TABLE_CLEARANCE_M


def test_the_tips_stand_below_a_high_grasp_when_the_pads_touch():
    """A thing 40 mm wide, the usual 16 mm of room: the tips are 10 mm below the grasp point at contact."""
    high = grasp(0.0, 0.0, 0.06, 0.0, 0.056)
    assert high.tip_m(np.array([0.040]))[0] == pytest.approx(0.06 - TIP_BELOW_GRASP_M, abs=2e-5)


def test_the_numbers_are_the_cells():
    assert CELL.grasp.tip_below_grasp_m == TIP_BELOW_GRASP_M
    assert CELL.grasp.table_clearance_m == TABLE_CLEARANCE_M


def test_grasps_are_picked_and_joined_in_order():
    several = grasps((0, 0, 0.01, 0.1, 0.02), (1, 0, 0.02, 0.2, 0.03), (2, 0, 0.03, 0.3, 0.04))
    again = joined([several[np.array([2])], several[:2]])
    np.testing.assert_array_equal(again.centre_m[:, 0], [2, 0, 1])
    np.testing.assert_array_equal(again.width_m, [0.04, 0.02, 0.03])
    assert len(several[np.array([False, True, False])]) == 1
    assert isinstance(again, TableGrasps)
