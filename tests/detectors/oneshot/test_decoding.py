"""What raw outputs stand for: window, opening, height and angle, and where the losses are least."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from detectors.gqcnn.crop import window_m
from detectors.oneshot.decoding import (
    HEIGHT_MEAN_M,
    HEIGHT_UNIT_M,
    NARROWEST_M,
    angle_loss,
    angle_of,
    grasps_at,
    height_of,
    shift_of,
    size_loss,
    window_of,
)
from robot.gripper_geometry import STROKE_M
from tests.detectors.oneshot.images import CAMERA, first_view, one, smooth_image, tilted_table

GAMMA_M = 0.115
ANGLES = st.floats(-math.pi, math.pi)
RAW = st.floats(-50, 50)
IMAGES = smooth_image()


def pair(a: float, b: float, gradient: bool = False) -> Tensor:
    return torch.tensor([[[a, b]]], dtype=torch.float64, requires_grad=gradient)


def encoded_angle(angle: float) -> Tensor:
    """Raw outputs that stand for an angle."""
    wanted = torch.tensor([math.sin(2 * angle), math.cos(2 * angle)], dtype=torch.float64)
    return torch.logit((1 + 0.999 * wanted) / 2)


@given(RAW, RAW)
def test_a_shift_never_leaves_the_view(x: float, y: float) -> None:
    assert (shift_of(pair(x, y)).abs() <= 0.5).all()
    assert shift_of(pair(0.0, 0.0)).tolist() == [[[0.0, 0.0]]]


@given(st.floats(-2, 2))
def test_the_window_is_gamma_times_e_to_the_raw_and_the_opening_what_gqcnn_shows_it_for(raw: float) -> None:
    window = float(window_of(pair(raw, 0.0), GAMMA_M))
    assert window == pytest.approx(GAMMA_M * math.exp(raw))
    width = float(grasps_at(IMAGES, first_view(IMAGES), pair(raw, 0.0), GAMMA_M).width_m)
    held = min(max(window - 0.060, NARROWEST_M), STROKE_M)
    assert window_m(width) == pytest.approx(held + 0.060)


@given(RAW)
def test_the_opening_is_one_that_the_gripper_has_and_the_gradient_passes(raw: float) -> None:
    size = pair(raw, 0.0, gradient=True)
    width = grasps_at(IMAGES, first_view(IMAGES), size, GAMMA_M).width_m
    assert NARROWEST_M - 1e-9 <= float(width.detach()) <= STROKE_M + 1e-9
    width.sum().backward()
    slope = float(size.grad[0, 0, 0])
    assert slope == pytest.approx(GAMMA_M * math.exp(raw) if abs(raw) <= 2 else 0.0)


@settings(deadline=None)
@given(st.floats(60, 140), st.floats(40, 120), st.floats(-2, 4))
def test_the_depth_is_that_of_a_point_so_high_above_a_tilted_table(u: float, v: float, raw: float) -> None:
    view = first_view(IMAGES)
    view = type(view)(torch.tensor([[[u, v]]], dtype=torch.float64), view.turn, view.distance_m)
    depth = float(grasps_at(IMAGES, view, pair(0.0, raw), GAMMA_M).depth_m)
    ray = np.array([(u - CAMERA.cx) / CAMERA.fx]), np.array([(v - CAMERA.cy) / CAMERA.fy])
    height = tilted_table().height_m(*ray, np.array([depth]))[0]
    assert height == pytest.approx(HEIGHT_MEAN_M + HEIGHT_UNIT_M * raw, abs=1e-6)
    assert height == pytest.approx(float(height_of(pair(0.0, raw))), abs=1e-6)


def test_grasps_lie_at_the_middles_of_their_views_and_point_along_them() -> None:
    view = first_view(IMAGES, 0.4)
    both = type(view)(view.centre_px.expand(1, 2, 2), view.turn.expand(1, 2, 2, 2), view.distance_m.expand(1, 2))
    turned = both.turned(torch.tensor([[0.1, -0.3]], dtype=torch.float64))
    found = grasps_at(IMAGES, turned, torch.zeros(1, 2, 2, dtype=torch.float64), GAMMA_M)
    assert found.angle_rad[0].tolist() == pytest.approx([0.5, 0.1])
    torch.testing.assert_close(found.pixels, both.centre_px)


@given(ANGLES)
def test_every_direction_can_be_reached(angle: float) -> None:
    """With plain sigmoids, as the paper prints them, only those between 0 and 45 degrees could."""
    found = float(angle_of(encoded_angle(angle)))
    assert math.remainder(found - angle, math.pi) == pytest.approx(0.0, abs=1e-9)


@given(ANGLES, RAW, RAW)
def test_half_a_turn_changes_no_loss(angle: float, alpha: float, beta: float) -> None:
    raw = pair(alpha, beta)[0, 0]
    here, there = (float(angle_loss(raw, torch.tensor(angle + turn))) for turn in (0.0, math.pi))
    assert here == pytest.approx(there, abs=1e-5)


@given(ANGLES, st.floats(0.1, math.pi - 0.1))
def test_the_loss_of_an_angle_is_least_at_it(angle: float, off: float) -> None:
    raw = encoded_angle(angle)
    right, wrong = (float(angle_loss(raw, torch.tensor(angle + turn, dtype=torch.float64))) for turn in (0.0, off))
    assert right < 1e-5 < wrong


@given(st.floats(NARROWEST_M, STROKE_M), st.floats(0.0, 0.1))
def test_the_loss_of_a_size_vanishes_where_it_decodes_to_it(width: float, height: float) -> None:
    raw = pair(math.log((width + 0.060) / GAMMA_M), (height - HEIGHT_MEAN_M) / HEIGHT_UNIT_M)
    assert float(window_of(raw, GAMMA_M)) - 0.060 == pytest.approx(width)
    assert float(height_of(raw)) == pytest.approx(height)
    at = one(width, raw).detach(), one(height, raw).detach()
    assert float(size_loss(raw, *at, GAMMA_M)) == pytest.approx(0.0, abs=1e-12)
    assert float(size_loss(raw + 0.1, *at, GAMMA_M)) == pytest.approx(0.02)
