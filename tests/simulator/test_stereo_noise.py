"""The depth noise behaves like a stereo camera's."""

import numpy as np
import pytest

from robot.simulator import camera_model
from robot.simulator.rendering import CleanView
from robot.simulator.stereo_noise import StereoNoise, clean_depth, noisy_color, noisy_depth

H, W = 480, 640


def plane(depth_m: float, albedo: float = 0.5, incidence: float = 1.0) -> CleanView:
    full = np.ones((H, W), dtype=np.float32)
    return CleanView(
        depth_m=full * np.float32(depth_m),
        hidden=np.zeros((H, W), dtype=bool),
        incidence=full * np.float32(incidence),
        albedo=full * np.float32(albedo),
        color=np.full((H, W, 3), 128.0, dtype=np.float32),
    )


def step(near_m: float, far_m: float) -> CleanView:
    """The left half nearer than the right one."""
    view = plane(far_m)
    view.depth_m[:, : W // 2] = near_m
    return view


def measured(view: CleanView, seed: int = 0, noise: StereoNoise | None = None) -> np.ndarray:
    depth = noisy_depth(view, noise or StereoNoise(), np.random.default_rng(seed))
    assert depth.dtype == np.uint16
    return depth * camera_model.DEPTH_UNIT_M


def test_noise_grows_with_the_square_of_the_distance() -> None:
    fine = StereoNoise(disparity_step_px=1e-4)
    spread = {}
    for z in (0.5, 0.7, 1.0, 1.4):
        depth = measured(plane(z), noise=fine)
        spread[z] = depth[depth > 0].std()
        predicted = z**2 / (camera_model.DEPTH.fx * camera_model.BASELINE_M) * fine.disparity_px
        assert spread[z] == pytest.approx(predicted, rel=0.1)
    assert spread[1.4] / spread[0.7] == pytest.approx(4.0, rel=0.12)


def test_there_is_no_bias() -> None:
    depth = measured(plane(0.7))
    assert depth[depth > 0].mean() == pytest.approx(0.7, abs=0.0005)


def test_errors_hang_together_over_a_few_pixels_only() -> None:
    depth = measured(plane(1.0), noise=StereoNoise(disparity_step_px=1e-4, speck_share=0.0))
    error = depth - depth.mean()

    def correlation(shift: int) -> float:
        return float((error[:, shift:] * error[:, :-shift]).mean() / error.var())

    assert correlation(1) > 0.6
    assert correlation(3) < 0.35
    assert abs(correlation(12)) < 0.05


def test_depth_comes_in_the_matchers_steps() -> None:
    depth = measured(plane(2.0), noise=StereoNoise(speck_share=0.0))
    focal_baseline = camera_model.DEPTH.fx * camera_model.BASELINE_M
    disparity = focal_baseline / depth
    # At 2 m a step of 1/32 px is 6.5 mm: the rounding to millimetres cannot hide it.
    assert np.abs(disparity * 32 - np.round(disparity * 32)).max() < 0.12


def test_what_the_right_imager_does_not_see_is_lost() -> None:
    view = plane(0.7)
    view.hidden[100:200, 300:320] = True
    depth = measured(view)
    assert (depth[102:198, 302:318] == 0).all()
    assert (depth[:80] > 0).mean() > 0.99


def test_edges_have_holes_and_flying_pixels_and_wander() -> None:
    depth = measured(step(0.55, 0.70))
    band = depth[:, W // 2 - 4 : W // 2 + 4]
    inside = depth[:, W // 4 - 4 : W // 4 + 4]
    assert (band == 0).mean() > 10 * (inside == 0).mean()
    flying = (band > 0.57) & (band < 0.68)
    assert flying.mean() > 0.003
    assert not ((inside > 0.57) & (inside < 0.68)).any()
    near = (depth > 0) & (depth < 0.6)
    edge_column = np.array([np.nonzero(row)[0].max() for row in near])
    assert 0.2 < edge_column.std() < 3.0
    assert edge_column.mean() == pytest.approx(W // 2, abs=2.0)


@pytest.mark.parametrize(("dark", "bright"), [(0.01, 0.5), (0.05, 0.10)])
def test_dark_surfaces_lose_depth(dark: float, bright: float) -> None:
    lost = [(measured(plane(0.7, albedo=a)) == 0).mean() for a in (dark, bright)]
    assert lost[0] > 1.5 * lost[1]
    assert lost[0] > 0.1


def test_grazing_surfaces_lose_depth() -> None:
    lost = [(measured(plane(0.7, incidence=c)) == 0).mean() for c in (0.02, 0.15, 0.6)]
    assert lost[0] > 0.8
    assert lost[0] > lost[1] > 0.1
    assert lost[2] < 0.01


def test_too_near_is_not_measured() -> None:
    assert not measured(plane(0.1)).any()


def test_the_seed_decides_every_pixel() -> None:
    view = step(0.55, 0.70)
    assert np.array_equal(measured(view, 7), measured(view, 7))
    assert not np.array_equal(measured(view, 7), measured(view, 8))
    first, second = (noisy_color(view, StereoNoise(), np.random.default_rng(s)) for s in (7, 8))
    assert np.array_equal(first, noisy_color(view, StereoNoise(), np.random.default_rng(7)))
    assert not np.array_equal(first, second)
    assert float(first.std()) == pytest.approx(StereoNoise().color_sigma, rel=0.1)


def test_clean_mode_is_exact() -> None:
    view = step(0.55, 0.70)
    assert np.array_equal(clean_depth(view), np.round(view.depth_m * 1000).astype(np.uint16))
