"""Angles into maps and back, and what happens where a half turn makes no difference."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.fcn.maps import ANGLE_FORMS, AngleForm, Maps, angle_maps, check_angle_form, map_count
from robot.errors import SettingsError

FORMS = pytest.mark.parametrize("form", ANGLE_FORMS)
NEAR = 0.01  # rad, from the seam at +-90 degrees


def maps_of(angles: list[float], form: AngleForm) -> Maps:
    angle = torch.tensor(angles, dtype=torch.float64)[None, None]
    zero = torch.zeros_like(angle)
    return Maps(zero, angle_maps(angle, form), zero)


@FORMS
@settings(deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=8))
def test_angles_come_back_as_the_same_direction(form: AngleForm, angles: list[float]) -> None:
    maps = maps_of(angles, form)
    assert maps.angle.shape == (1, map_count(form) - 2, 1, len(angles))
    assert float(maps.angle.abs().max()) <= 1 + 1e-9
    found = maps.angle_rad()[0, 0].tolist()
    for back, angle in zip(found, angles, strict=True):
        assert abs(math.remainder(back - angle, math.pi)) < 1e-6
        assert -math.pi / 2 - 1e-9 <= back <= math.pi / 2 + 1e-9


@FORMS
def test_the_middle_of_the_range_and_its_quarters(form: AngleForm) -> None:
    expected = {"raw": [[0.0, 0.5, -0.5]], "double": [[0.0, 1.0, -1.0], [1.0, 0.0, 0.0]]}[form]
    found = maps_of([0.0, math.pi / 4, -math.pi / 4], form).angle[0, :, 0]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_at_the_seam_the_raw_form_jumps_and_the_double_one_does_not() -> None:
    sides = [math.pi / 2 - NEAR, -math.pi / 2 + NEAR]
    raw, double = (maps_of(sides, form).angle[0, :, 0] for form in ("raw", "double"))
    assert float((raw[:, 0] - raw[:, 1]).abs().max()) > 1.9
    assert float((double[:, 0] - double[:, 1]).abs().max()) < 5 * NEAR


def test_unsure_between_both_sides_the_raw_form_answers_across_and_the_double_one_does_not() -> None:
    sides = [math.pi / 2 - NEAR, -math.pi / 2 + NEAR]
    answers = {}
    for form in ANGLE_FORMS:
        unsure = maps_of(sides, form).angle.mean(dim=-1, keepdim=True)
        answers[form] = abs(float(Maps(unsure[:, 0], unsure, unsure[:, 0]).angle_rad()[0, 0, 0]))
    assert answers["raw"] == pytest.approx(0.0, abs=1e-9)
    assert answers["double"] == pytest.approx(math.pi / 2, abs=1e-6)


def test_a_raw_answer_beyond_its_range_is_its_end() -> None:
    angle = torch.tensor([1.7, -3.0, 0.5]).reshape(1, 1, 1, 3)
    found = Maps(angle[:, 0], angle, angle[:, 0]).angle_rad()[0, 0]
    torch.testing.assert_close(found, torch.tensor([math.pi / 2, -math.pi / 2, math.pi / 4]))


@pytest.mark.parametrize("length", [0.01, 1.0, 40.0])
def test_how_long_the_double_answer_is_does_not_matter(length: float) -> None:
    angle = length * maps_of([0.7], "double").angle
    assert float(Maps(angle[:, 0], angle, angle[:, 0]).angle_rad()) == pytest.approx(0.7)


@FORMS
def test_stacked_maps_are_quality_then_width_then_angle(form: AngleForm) -> None:
    stacked = torch.arange(map_count(form)).float()[None, :, None, None].expand(2, -1, 3, 5)
    maps = Maps.split(stacked)
    assert maps.quality.shape == maps.width.shape == (2, 3, 5)
    assert (maps.quality == 0).all()
    assert (maps.width == 1).all()
    assert maps.angle[0, :, 0, 0].tolist() == [2.0, 3.0][: map_count(form) - 2]


def test_an_unknown_form_is_named_with_those_there_are() -> None:
    with pytest.raises(SettingsError, match=r"unknown angle form 'cosine'.*double, raw"):
        check_angle_form("cosine")
    for form in ANGLE_FORMS:
        check_angle_form(form)
