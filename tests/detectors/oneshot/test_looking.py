"""Views: where they lie, what they show, and that gradients through them are true."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.gqcnn.crop import crop_depths
from detectors.gqcnn.grasp_arrays import GraspArrays
from detectors.oneshot.looking import HEIGHT_UNIT_M, Views, grasp_heights, see
from tests.detectors.depth_scenes import Box, render
from tests.detectors.oneshot.images import first_view, images_of, one, smooth_image

ANGLES = st.floats(-math.pi, math.pi)
OFFSETS = st.floats(-0.1, 0.1)


def test_a_bare_table_has_no_height_however_it_leans() -> None:
    for tilt in (0.0, 0.1):
        frame = render([], tilt_rad=tilt) if tilt else render([])
        images = images_of(frame)
        assert see(images, first_view(images), (64, 64), 0.003).abs().max() * HEIGHT_UNIT_M < 1e-3


@pytest.mark.parametrize("degrees", [-70, -20, 0, 35, 80])
def test_a_view_turned_along_a_bar_shows_it_along_its_rows(degrees: int) -> None:
    along = math.radians(degrees)
    images = images_of(render([Box(0.03, -0.02, 0.12, 0.02, 0.02, along)]))
    middle = torch.tensor([[[0.03, -0.02]]])
    moved = first_view(images).moved(images, middle)
    shown = see(images, moved.turned(torch.full((1, 1), along)), (64, 64), 0.0024)[0, 0] > 0.25
    rows, columns = torch.nonzero(shown, as_tuple=True)
    assert np.ptp(columns.numpy()) > 5 * np.ptp(rows.numpy())
    assert abs(float(columns.float().mean()) - 31.5) < 2.5  # what is higher seems further out
    assert abs(float(rows.float().mean()) - 31.5) < 2.5


def test_heights_are_metres_above_the_table() -> None:
    images = images_of(render([Box(0.0, 0.0, 0.10, 0.10, 0.05)]))
    shown = see(images, first_view(images), (32, 32), 0.003)[0, 0, 12:20, 12:20]
    assert float(shown.mean()) * HEIGHT_UNIT_M == pytest.approx(0.05, abs=1e-3)


@settings(deadline=None)
@given(ANGLES, OFFSETS, OFFSETS, ANGLES)
def test_moving_and_turning_compose(start: float, x: float, y: float, turn: float) -> None:
    """An offset in a turned view is the turned offset in the image."""
    images = smooth_image()
    view = first_view(images, start)
    moved = view.moved(images, torch.tensor([[[x, y]]], dtype=torch.float64)).turned(one(turn, images.depth_m))
    c, s = math.cos(start), math.sin(start)
    metres = np.array([c * x - s * y, s * x + c * y])
    scale = np.array([300.0, 290.0]) / float(view.distance_m)
    expected = view.centre_px[0, 0].numpy() + metres * scale
    np.testing.assert_allclose(moved.centre_px[0, 0].detach().numpy(), expected, atol=1e-9)
    assert math.remainder(float(moved.angle_rad.detach()) - start - turn, 2 * math.pi) == pytest.approx(0, abs=1e-9)


@settings(deadline=None)
@given(OFFSETS, OFFSETS, ANGLES)
def test_a_pixel_goes_into_a_view_and_back(x: float, y: float, angle: float) -> None:
    images = smooth_image()
    view = first_view(images, angle)
    offset = torch.tensor([[[x, y]]], dtype=torch.float64)
    apart = (view.pixels(images, offset) - view.centre_px) * view.distance_m[..., None] / images.camera[:, None, :2]
    back = (view.turn.transpose(-1, -2) @ apart[..., None])[..., 0]
    np.testing.assert_allclose(back, offset, atol=1e-9)


def test_depth_and_height_are_inverse() -> None:
    images = smooth_image()
    pixels = torch.tensor([[[50.0, 40.0], [120.0, 90.0]]], dtype=torch.float64)
    heights = torch.tensor([[0.01, 0.07]], dtype=torch.float64)
    np.testing.assert_allclose(images.height_m(pixels, images.depth_at(pixels, heights)), heights, atol=1e-12)


@pytest.mark.parametrize("angle", [-1.2, 0.0, 0.4, 1.5])
def test_gqcnn_sees_through_a_view_what_its_own_crop_shows(angle: float) -> None:
    frame = render([Box(0.01, 0.02, 0.10, 0.03, 0.04, 0.6)])
    images = images_of(frame)
    u, v, depth, width = 331.0, 250.5, 0.68, 0.06
    grasp = GraspArrays(*(np.array([value]) for value in (u, v, depth, angle, width)))
    expected = depth - crop_depths(frame.depth_m, frame.intrinsics, grasp)[0]
    shown = grasp_heights(
        images, torch.tensor([[[u, v]]]), torch.tensor([[depth]]), torch.tensor([[angle]]), torch.tensor([[width]])
    )[0, 0]
    assert float((shown - torch.from_numpy(expected)).abs().mean()) < 2e-4  # OpenCV samples at 1/32 of a pixel


def test_gradients_of_what_gqcnn_sees_are_true() -> None:
    """Against finite differences, in all five numbers of a grasp."""
    images = smooth_image()

    def weighted(pixels, depth, angle, width):
        shown = grasp_heights(images, pixels, depth, angle, width)
        return (shown * torch.linspace(-1, 1, shown.numel(), dtype=shown.dtype).reshape(shown.shape)).sum()

    pixels = torch.tensor([[[97.3, 78.1]]], dtype=torch.float64, requires_grad=True)
    values = (pixels, one(0.66, pixels), one(0.3, pixels), one(0.05, pixels))
    assert torch.autograd.gradcheck(weighted, values, eps=1e-7, atol=1e-4, rtol=1e-3)


def test_gradients_of_a_view_are_true_in_its_place_and_angle() -> None:
    images = smooth_image(1)
    view = first_view(images)

    def shown(offset, angle):
        found = see(images, view.moved(images, offset).turned(angle), (16, 16), 0.004)
        return (found * torch.linspace(0, 1, 256, dtype=found.dtype).reshape(found.shape)).sum()

    offset = torch.tensor([[[0.011, -0.007]]], dtype=torch.float64, requires_grad=True)
    # The view's scale follows the table's depth under it, which is held still: hence not exactly the derivative.
    assert torch.autograd.gradcheck(shown, (offset, one(0.2, offset)), eps=1e-7, atol=1e-2, rtol=2e-2)


def test_a_mirrored_view_turns_the_other_way() -> None:
    images = smooth_image()
    view = first_view(images)
    mirror = torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64)).expand(1, 1, 2, 2)
    mirrored = Views(view.centre_px, view.turn @ mirror, view.distance_m).turned(one(0.3, images.depth_m))
    assert float(mirrored.angle_rad.detach()) == pytest.approx(-0.3)
