"""The tips go as deep as the pads reach, and never into the table, a neighbour or up to the palm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.antipodal.settings import AntipodalSettings
from detectors.jacquardplus.heights import centre_height_m, cut_strip
from detectors.synthesis.grasp_frames import TABLE_CLEARANCE_M, TableGrasps
from detectors.synthesis.lifting import Lying
from tests.detectors.synthesis.lying_things import box, laid, part, rays, thing

GRIPPER = AntipodalSettings()


def tip_at_contact_m(width_m: float, between_m: float, *scene: Lying, yaw: float = 0.0) -> float:
    """Where the tips are when the pads, so wide open at first, touch what is ``between_m`` wide."""
    caster, _ = rays(*scene)
    height = centre_height_m(cut_strip(caster, np.zeros(2), yaw), width_m)
    grasp = TableGrasps(np.array([[0.0, 0.0, height]]), np.array([yaw]), np.array([width_m]))
    return float(grasp.tip_m(np.array([between_m]))[0])


@pytest.mark.parametrize("width", [0.05, 0.06, 0.085])
def test_beside_a_tall_thing_the_tips_go_as_deep_as_the_pads_reach(width):
    """However wide they were open."""
    tip = tip_at_contact_m(width, 0.04, laid(box(0.04, 0.04, 0.06)))
    assert tip == pytest.approx(0.06 - GRIPPER.pad_reach_m, abs=0.002)


def test_beside_a_low_thing_they_stay_above_the_table():
    caster, _ = rays(laid(box(0.04, 0.04, 0.015)))
    height = centre_height_m(cut_strip(caster, np.zeros(2), 0.0), 0.055)
    grasp = TableGrasps(np.array([[0.0, 0.0, height]]), np.array([0.0]), np.array([0.055]))
    assert grasp.tip_m(np.zeros(1))[0] >= TABLE_CLEARANCE_M - 1e-9
    assert height >= 0.0


def test_they_do_not_go_down_onto_a_step_that_the_fingers_meet():
    step = thing(part("box", (0.03, 0.03, 0.06), (0, 0, 0.03)), part("box", (0.1, 0.03, 0.04), (0, 0, 0.02)))
    tip = tip_at_contact_m(0.05, 0.03, laid(step))
    assert tip >= 0.04 + GRIPPER.tip_margin_m - 0.002
    assert tip_at_contact_m(0.05, 0.03, laid(box(0.03, 0.03, 0.06))) == pytest.approx(0.03, abs=0.002)


def test_the_palm_stays_above_what_is_beside_the_jaws():
    post = laid(box(0.01, 0.01, 0.12), y_m=0.03)
    low = laid(box(0.04, 0.02, 0.03))
    assert tip_at_contact_m(0.06, 0.04, low, post) == pytest.approx(0.12 - GRIPPER.palm_reach_m, abs=0.002)


def test_a_ball_is_gripped_below_its_middle():
    ball = laid(thing(part("sphere", (0.03,))))
    assert tip_at_contact_m(0.07, 0.06, ball) < 0.03 - 0.005


def test_a_neighbour_between_the_jaws_is_not_what_they_hold():
    """The thing in the middle is low, the one at the rim is tall: the pads reach for the low one."""
    low, tall = laid(box(0.02, 0.03, 0.02)), laid(box(0.005, 0.004, 0.055), x_m=0.03)
    assert tip_at_contact_m(0.07, 0.02, low, tall) < 0.02


@given(st.floats(0.002, 0.1), st.floats(0.002, 0.1), st.floats(0.002, 0.12), st.floats(0.0, 0.085), st.floats(-2, 2))
def test_never_into_the_table(x, y, z, width, yaw):
    caster, _ = rays(laid(box(x, y, z)))
    assert centre_height_m(cut_strip(caster, np.zeros(2), yaw), width) >= 0.0
