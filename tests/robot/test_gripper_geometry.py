"""The 2F-85's arc and registers. A peer's constant tip length would fail here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robot.gripper_geometry import (
    STROKE_M,
    fingertip_advance_m,
    force_to_register,
    register_to_width_m,
    speed_to_register,
    tip_from_flange_m,
    width_to_register,
)


def test_tip_positions_of_the_manual():
    assert tip_from_flange_m(STROKE_M) == pytest.approx(0.1493)
    assert tip_from_flange_m(0.0) == pytest.approx(0.1628)


@given(st.floats(0.0, STROKE_M), st.floats(0.0, STROKE_M))
def test_tips_advance_while_closing_until_the_links_stand_straight(a, b):
    wide, narrow = max(a, b), min(a, b)
    straight = 0.0106  # the arc's crest: below this opening the tips come back a little
    if narrow > straight:
        assert fingertip_advance_m(wide) <= fingertip_advance_m(narrow) + 1e-12
    assert -1e-12 <= fingertip_advance_m(a) <= 0.0138


@given(st.integers(3, 230))
def test_register_round_trip(register):
    assert width_to_register(register_to_width_m(register)) == register


def test_registers_beyond_the_ends_are_the_ends():
    assert register_to_width_m(0) == STROKE_M
    assert register_to_width_m(255) == 0.0
    assert (force_to_register(1), force_to_register(1000)) == (0, 255)
    assert (speed_to_register(0.001), speed_to_register(9.0)) == (0, 255)
