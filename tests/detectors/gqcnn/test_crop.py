from __future__ import annotations

import math
import time

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.gqcnn.crop import CROP_PX, crop_depths, network_input, normalisation, window_m
from detectors.gqcnn.grasp_arrays import GraspArrays
from robot.frame import Intrinsics

CAMERA = Intrinsics(fx=600.0, fy=600.0, cx=320.0, cy=240.0, width=640, height=480)
TABLE_M = 0.70


def grasp(
    u: float = 320, v: float = 240, depth_m: float = 0.65, angle: float = 0.0, width: float = 0.05
) -> GraspArrays:
    return GraspArrays(*(np.array([value]) for value in (u, v, depth_m, angle, width)))


def pixels(camera: Intrinsics = CAMERA) -> tuple[np.ndarray, np.ndarray]:
    v, u = np.mgrid[0 : camera.height, 0 : camera.width]
    return u.astype(np.float64), v.astype(np.float64)


def bar(angle: float, width_m: float, camera: Intrinsics = CAMERA, depth_m: float = 0.65) -> np.ndarray:
    """A long bar through the image's middle; ``angle`` is the direction ACROSS it, ``width_m`` its extent that way."""
    u, v = pixels(camera)
    x, y = (u - camera.cx) * depth_m / camera.fx, (v - camera.cy) * depth_m / camera.fy
    across = x * math.cos(angle) + y * math.sin(angle)
    soft = np.clip((width_m / 2 - np.abs(across)) * camera.fx / depth_m + 0.5, 0, 1)
    return (TABLE_M + (depth_m - TABLE_M) * soft).astype(np.float32)


def bar_px(crop: np.ndarray) -> float:
    """How many columns of a crop the bar takes."""
    return float(((TABLE_M - crop) / (TABLE_M - 0.65)).mean(axis=0).sum())


@settings(max_examples=40, deadline=None)
@given(angle=st.floats(-1.5, 1.5), width=st.floats(0.02, 0.085))
def test_a_bar_at_any_angle_stands_upright_in_the_middle(angle: float, width: float) -> None:
    crop = crop_depths(bar(angle, 0.03), CAMERA, grasp(angle=angle, width=width))[0]
    assert np.ptp(crop, axis=0).max() < 0.012, "every column must be of one depth but for the edges' pixels"
    assert bar_px(crop) == pytest.approx(0.03 / (width + 0.06) * CROP_PX, abs=0.25)
    np.testing.assert_allclose(crop, crop[:, ::-1], atol=0.006)


def test_columns_run_along_the_closing_direction_and_rows_a_quarter_turn_on() -> None:
    u, v = pixels()
    for angle in (0.0, 0.4, -1.1):
        along = (u - 320) * math.cos(angle) + (v - 240) * math.sin(angle)
        aside = (v - 240) * math.cos(angle) - (u - 320) * math.sin(angle)
        crop = crop_depths(along * 1e-4 + aside * 1e-5 + 0.65, CAMERA, grasp(angle=angle))[0]
        step_px = (0.05 + 0.06) * 600 / 0.65 / CROP_PX
        np.testing.assert_allclose(np.diff(crop, axis=1), step_px * 1e-4, rtol=0.05)
        np.testing.assert_allclose(np.diff(crop, axis=0), step_px * 1e-5, rtol=0.5, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), angle=st.floats(-1.5, 1.5))
def test_half_a_turn_turns_the_crop_over(seed: int, angle: float) -> None:
    noise = np.random.default_rng(seed).uniform(0.6, 0.7, (480, 640)).astype(np.float32)
    image = cv2.GaussianBlur(noise, (0, 0), 4)
    here = crop_depths(image, CAMERA, grasp(u=300.3, v=201.7, angle=angle))[0]
    there = crop_depths(image, CAMERA, grasp(u=300.3, v=201.7, angle=angle + math.pi))[0]
    np.testing.assert_allclose(there, here[::-1, ::-1], atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(
    u=st.floats(200, 440), v=st.floats(200, 280), angle=st.floats(-3.0, 3.0), width=st.floats(0.01, 0.085),
    slope=st.tuples(st.floats(-3e-4, 3e-4), st.floats(-3e-4, 3e-4)),
)  # fmt: skip
def test_a_plane_is_sampled_exactly(u: float, v: float, angle: float, width: float, slope: tuple[float, float]) -> None:
    columns, rows = pixels()
    plane = (0.65 + slope[0] * (columns - 320) + slope[1] * (rows - 240)).astype(np.float32)
    crop = crop_depths(plane, CAMERA, grasp(u, v, angle=angle, width=width))[0]
    offset = (np.arange(CROP_PX) - (CROP_PX - 1) / 2) * (width + 0.06) / CROP_PX * 600 / 0.65
    a, b = np.meshgrid(offset, offset)
    at_u = u + a * math.cos(angle) - b * math.sin(angle)
    at_v = v + a * math.sin(angle) + b * math.cos(angle)
    np.testing.assert_allclose(crop, 0.65 + slope[0] * (at_u - 320) + slope[1] * (at_v - 240), atol=2.5e-5)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_crop_shows_the_same_whatever_the_resolution(scale: float) -> None:
    camera = Intrinsics(600 * scale, 600 * scale, 320 * scale, 240 * scale, int(640 * scale), int(480 * scale))
    there = grasp(u=camera.cx, v=camera.cy, angle=0.5, width=0.06)
    assert bar_px(crop_depths(bar(0.5, 0.03, camera), camera, there)[0]) == pytest.approx(0.03 / 0.12 * 32, abs=0.25)


def test_the_crop_shows_the_same_however_far_the_camera() -> None:
    crop = crop_depths(bar(0.2, 0.03, depth_m=0.45), CAMERA, grasp(depth_m=0.45, angle=0.2, width=0.06))[0]
    high = (TABLE_M - crop) / (TABLE_M - 0.45)
    assert high.mean(axis=0).sum() == pytest.approx(0.03 / 0.12 * 32, abs=0.25)


def test_pixels_that_are_not_square_do_not_bend_it() -> None:
    camera = Intrinsics(600.0, 450.0, 320.0, 240.0, 640, 480)
    crop = crop_depths(bar(0.7, 0.03, camera), camera, grasp(angle=0.7, width=0.06))[0]
    assert bar_px(crop) == pytest.approx(0.03 / 0.12 * 32, abs=0.25)
    assert np.ptp(crop, axis=0).max() < 0.015


def test_beyond_the_image_its_edge_goes_on() -> None:
    u, _ = pixels()
    crop = crop_depths((0.6 + u * 1e-4).astype(np.float32), CAMERA, grasp(u=0.0))[0]
    np.testing.assert_allclose(crop[:, :15], 0.6, atol=1e-6)
    assert crop[0, -1] > 0.603


def test_no_grasps_give_no_crops() -> None:
    assert crop_depths(np.ones((480, 640)), CAMERA, grasp().take(slice(0, 0))).shape == (0, 32, 32)


def test_a_thousand_crops_take_a_few_hundredths_of_a_second() -> None:
    rng = np.random.default_rng(0)
    columns = ((100, 540), (100, 380), (0.6, 0.7), (-1.5, 1.5), (0.02, 0.085))
    grasps = GraspArrays(*(rng.uniform(low, high, 1000) for low, high in columns))
    image = rng.uniform(0.6, 0.7, (480, 640)).astype(np.float32)
    best = math.inf
    for _ in range(5):
        start = time.perf_counter()
        crop_depths(image, CAMERA, grasps)
        best = min(best, time.perf_counter() - start)
    assert best < 0.08, f"{best * 1e3:.0f} ms; about 14 on a free core"


def test_the_window_holds_both_open_fingers() -> None:
    widths = np.linspace(0.01, 0.085, 9)
    assert (window_m(widths) >= widths + 2 * 0.02).all()


def test_the_networks_input_is_height_above_the_grasp_in_two_centimetres() -> None:
    crops = np.full((2, 32, 32), 0.66, dtype=np.float32)
    crops[1, 0, 0], crops[1, 0, 1] = 0.30, 2.0
    images, poses = network_input(crops, np.array([0.65, 0.70]), np.array([0.055, 0.075]))
    assert images.shape == (2, 1, 32, 32)
    np.testing.assert_allclose(images[0], -0.5, atol=1e-4)
    assert images[1, 0, 0, 0] == 4.0
    assert images[1, 0, 0, 1] == -4.0
    np.testing.assert_allclose(poses, [[0.0, 0.0], [0.5, 1.0]], atol=1e-5)
    assert images.dtype == poses.dtype == np.float32


def test_torch_gives_the_same_and_carries_gradients() -> None:
    rng = np.random.default_rng(0)
    crops, depth = rng.uniform(0.62, 0.70, (5, 32, 32)), rng.uniform(0.63, 0.68, 5)
    width = rng.uniform(0.02, 0.08, 5)
    images, poses = network_input(crops.astype("f4"), depth, width)
    tensors = [torch.tensor(value, requires_grad=True) for value in (crops, depth, width)]
    torch_images, torch_poses = network_input(*tensors)
    np.testing.assert_allclose(torch_images.detach(), images, atol=1e-4)
    np.testing.assert_allclose(torch_poses.detach(), poses, atol=1e-5)
    (torch_images.sum() + torch_poses.sum()).backward()
    np.testing.assert_allclose(tensors[0].grad, -50.0)  # 1 / 2 cm, and deeper is lower
    np.testing.assert_allclose(tensors[1].grad, 50.0 * 32 * 32 + 10.0, rtol=1e-6)
    assert (tensors[2].grad > 0).all()


def test_what_was_trained_on_is_written_down() -> None:
    assert normalisation()["window_margin_m"] == 0.060
    assert normalisation()["crop_px"] == CROP_PX
