"""A prediction becomes the grasp that it stands for, and physics says what comes of it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.jacquardplus.judging import judge, on_table
from detectors.jacquardplus.predictions import Prediction
from robot.geometry import apply, invert
from robot.gripper_geometry import STROKE_M
from tests.detectors.jacquardplus.tiny import CAMERA, drawn, stage
from tests.detectors.synthesis.lying_things import box, laid, part, thing

BOX = box(0.04, 0.06, 0.05)
CUBE = stage(laid(BOX))


def in_picture(prediction: Prediction) -> Prediction:
    """The same without depth or width of its own."""
    return replace(prediction, depth_m=None, width_m=None)


@given(
    st.floats(-0.04, 0.04), st.floats(-0.04, 0.04), st.floats(0.001, 0.08), st.floats(-1.5, 1.5),
    st.floats(0.005, STROKE_M), st.floats(0.0, 70.0), st.floats(-180.0, 180.0),
)  # fmt: skip
def test_with_depth_and_width_the_grasp_is_the_one_that_was_drawn(x, y, z, yaw, width, tilt, turn):
    on = stage(laid(BOX), tilt_deg=tilt, turn_deg=turn)
    found = on_table(on, drawn(on, x, y, z, yaw, width))
    np.testing.assert_allclose(found.centre_m, [[x, y, z]], atol=1e-9)
    assert math.remainder(float(found.yaw_rad[0]) - yaw, math.pi) == pytest.approx(0.0, abs=1e-9)
    assert found.width_m[0] == pytest.approx(width)


def test_from_straight_above_the_opening_is_that_half_way_down_the_thing():
    found = on_table(CUBE, Prediction(200.0, 200.0, 0.0, 48.0))
    assert found.width_m[0] == pytest.approx(48.0 * 0.675 / CAMERA.fx, rel=1e-4)
    np.testing.assert_allclose(found.centre_m[0, :2], 0.0, atol=1e-9)


@given(
    st.floats(-0.05, 0.05), st.floats(-0.05, 0.05), st.floats(-1.5, 1.5), st.floats(0.005, 0.08), st.floats(0.0, 70.0),
    st.floats(-180.0, 180.0),
)  # fmt: skip
def test_the_outline_of_a_flat_strip_holds_it_from_every_side(x, y, yaw, width, tilt, turn):
    """The two sides of a strip on the table, drawn as they are seen, are where the plates come down."""
    on = stage(laid(box(0.002, 0.002, 0.001), x_m=0.5), tilt_deg=tilt, turn_deg=turn)
    T_camera_table, closing = invert(on.scene.T_table_camera), np.array([np.cos(yaw), np.sin(yaw), 0.0])
    along = np.array([-np.sin(yaw), np.cos(yaw), 0.0])
    middle = np.array([x, y, 0.0])
    ends = [middle + side * closing * width / 2 + far * along for side in (-1, 1) for far in (-1e-4, 1e-4)]
    pixels = CAMERA.project(apply(T_camera_table, ends))
    sides = pixels.reshape(2, 2, 2)
    edge = sides[:, 1] - sides[:, 0]
    edge /= np.linalg.norm(edge, axis=1, keepdims=True)
    across = np.array([edge[0, 1], -edge[0, 0]])
    apart = abs(float((sides[1, 0] - sides[0, 0]) @ across))
    u, v = pixels.mean(axis=0)
    found = on_table(on, Prediction(float(u), float(v), math.atan2(across[1], across[0]), apart))
    assert math.remainder(float(found.yaw_rad[0]) - yaw, math.pi) == pytest.approx(0.0, abs=0.25), "perspective"
    assert found.width_m[0] == pytest.approx(width, rel=0.25, abs=1e-3)


def test_an_opening_wider_than_the_stroke_is_the_stroke():
    for prediction in (Prediction(200.0, 200.0, 0.0, 1e300), Prediction(200.0, 200.0, 0.0, 30.0, 0.65, 1e300)):
        assert on_table(CUBE, prediction).width_m[0] == STROKE_M


@pytest.mark.parametrize("tilt", [0.0, 20.0, 45.0, 70.0])
def test_a_good_grasp_lifts_however_the_camera_is_tilted(tilt):
    on = stage(laid(BOX), tilt_deg=tilt, turn_deg=30.0)
    assert judge(on, drawn(on, 0.0, 0.0, 0.03, 0.0, 0.056)) == "lifted"


@pytest.mark.parametrize("tilt", [0.0, 20.0, 45.0, 70.0])
def test_a_good_rectangle_lifts_without_depth(tilt):
    on = stage(laid(BOX), tilt_deg=tilt)
    assert judge(on, in_picture(drawn(on, 0.0, 0.0, 0.025, 0.0, 0.06))) == "lifted"


def test_the_wall_of_a_cup_is_its_own_middle():
    walls = [part("box", (0.004, 0.08, 0.06), (x, 0.0, 0.0)) for x in (-0.038, 0.038)]
    walls += [part("box", (0.08, 0.004, 0.06), (0.0, y, 0.0)) for y in (-0.038, 0.038)]
    on = stage(laid(thing(*walls)), tilt_deg=40.0)
    on_rim = drawn(on, 0.0, -0.038, 0.055, math.pi / 2, 0.03)
    depth, owner = on.seen(on_rim.u, on_rim.v)
    assert owner == 0
    assert depth <= on.middle(on_rim.u, on_rim.v) < depth + 0.02


def test_the_bare_table_is_empty():
    assert judge(CUBE, Prediction(60.0, 60.0, 0.3, 40.0)) == "empty"
    assert judge(CUBE, Prediction(60.0, 60.0, 0.3, 40.0, 0.68, 0.05)) == "empty"
    assert judge(CUBE, Prediction(60.0, 60.0, 0.3, 40.0, 10.0, 0.05)) == "collision", "below the table"


def test_jaws_narrower_than_the_thing_come_down_on_it():
    assert judge(CUBE, drawn(CUBE, 0.0, 0.0, 0.03, 0.0, 0.03)) == "collision"
    assert judge(CUBE, in_picture(drawn(CUBE, 0.0, 0.0, 0.05, 0.0, 0.03))) != "lifted"


def test_a_neighbour_in_the_way_is_a_collision():
    on = stage(laid(BOX), laid(BOX, x_m=0.048))
    assert judge(on, drawn(on, 0.0, 0.0, 0.03, 0.0, 0.056)) == "collision"
    assert judge(on, drawn(on, 0.0, 0.0, 0.03, math.pi / 2, 0.075)) == "lifted"


def test_what_is_too_wide_or_too_slippery_is_not_lifted():
    wide = stage(laid(box(0.12, 0.12, 0.05)))
    assert judge(wide, Prediction(200.0, 200.0, 0.0, 80.0)) != "lifted"
    slippery = stage(laid(box(0.04, 0.06, 0.05, mass_kg=0.4, friction=0.02)))
    assert judge(slippery, drawn(slippery, 0.0, 0.0, 0.03, 0.0, 0.056)) == "dropped"


def test_the_hollow_of_a_ring_stands_for_the_ring():
    bars = [part("box", (0.01, 0.05, 0.03), (x, 0.0, 0.0)) for x in (-0.025, 0.025)]
    bars += [part("box", (0.05, 0.01, 0.03), (0.0, y, 0.0)) for y in (-0.025, 0.025)]
    on = stage(laid(thing(*bars)))
    assert on.seen(200.0, 200.0)[1] == -1
    assert judge(on, drawn(on, 0.0, 0.0, 0.015, 0.0, 0.075)) == "lifted"


def test_lifting_another_thing_than_the_one_meant_does_not_count():
    low, high = laid(box(0.03, 0.03, 0.01)), laid(BOX, y_m=0.05)
    on = stage(low, high)
    beside = drawn(on, 0.0, 0.05, 0.03, 0.0, 0.056)
    assert judge(on, beside) == "lifted"
    seen = drawn(on, 0.0, 0.0, 0.005, 0.0, 0.056)
    meant_low = replace(beside, u=seen.u, v=seen.v)
    assert judge(on, meant_low) != "lifted"


def test_a_camera_that_looks_past_the_table_finds_nothing():
    on = stage(laid(BOX), tilt_deg=70.0)
    past = replace(on, scene=replace(on.scene, camera=replace(CAMERA, fx=200.0, fy=200.0)))
    assert judge(past, Prediction(200.0, 0.0, 0.0, 40.0)) == "empty"


@settings(max_examples=10)
@given(st.floats(100, 300), st.floats(100, 300), st.floats(-2, 2), st.floats(1, 150), st.floats(0, 70))
def test_the_same_prediction_ends_the_same_way(u, v, angle, width, tilt):
    prediction = Prediction(u, v, angle, width)
    scene = (laid(BOX), laid(box(0.02, 0.1, 0.02), x_m=0.06))
    assert judge(stage(*scene, tilt_deg=tilt), prediction) == judge(stage(*scene, tilt_deg=tilt), prediction)
