"""The cross-entropy method: it finds places, narrows in on the best, stays within what the gripper can do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.gqcnn.refinement import fit_modes, redraw
from detectors.gqcnn.sampling import Poses, Samples, sample
from detectors.gqcnn.settings import GqcnnSettings, RefinementSettings
from robot.frame import Frame
from robot.gripper_geometry import STROKE_M
from tests.detectors.depth_scenes import Box, render

SETTINGS = GqcnnSettings()


def poses(places_m: list[tuple[float, float]], degrees: list[float], heights_m: list[float] | None = None) -> Poses:
    n, angle = len(places_m), np.radians(degrees)
    return Poses(
        centre_m=np.array(places_m, dtype=np.float64),
        axis=np.stack([np.cos(angle), np.sin(angle)], axis=1),
        height_m=np.array(heights_m if heights_m else [0.02] * n),
        contact_width_m=np.full(n, 0.03),
        opening_m=np.full(n, 0.046),
        owner=np.zeros(n, dtype=np.int32),
    )


def drawn(frame: Frame, count: int = 60) -> Samples:
    return sample(frame, count, np.random.default_rng(0), SETTINGS)


def test_places_become_modes_best_first() -> None:
    some = poses([(0.0, 0.0), (0.1, 0.0), (0.002, 0.0), (0.101, 0.0)], [0, 0, 3, 80])
    modes = fit_modes(some, np.array([0.6, 0.9, 0.5, 0.4]), RefinementSettings(elite=4))
    assert [mode.best for mode in modes] == [1, 0, 3]  # the last lies beside the first but points elsewhere
    assert modes[1].weight == pytest.approx(1.1)


def test_a_grasp_and_its_half_turn_are_one_direction() -> None:
    (mode,) = fit_modes(poses([(0.0, 0.0)] * 3, [89, -89, 271]), np.array([0.9, 0.8, 0.7]), RefinementSettings())
    assert abs(mode.mean[1]) < math.radians(2)
    assert mode.spread[1] < math.radians(5)


def test_the_fit_leans_towards_quality_and_never_collapses() -> None:
    some = poses([(0.0, 0.0), (0.0, 0.004), (0.0, 0.008)], [0, 0, 0], [0.02, 0.03, 0.04])
    settings = RefinementSettings()
    (mode,) = fit_modes(some, np.array([0.9, 0.6, 0.0]), settings)
    assert mode.mean[0] == pytest.approx(0.4 * 0.004, abs=1e-4)  # across the closing direction, +y here
    assert mode.mean[2] == pytest.approx(0.4 * 0.010, abs=1e-4)
    (lonely,) = fit_modes(poses([(0.0, 0.0)], [0]), np.array([0.5]), settings)
    assert lonely.spread.tolist() == [
        settings.least_across_m, settings.least_angle_rad, settings.least_height_m, settings.least_play_m
    ]  # fmt: skip


def test_only_the_elite_counts() -> None:
    some = poses([(0.05 * k, 0.0) for k in range(10)], [0] * 10)
    modes = fit_modes(some, np.linspace(0.9, 0.1, 10), RefinementSettings(elite=3, modes=9))
    assert [mode.best for mode in modes] == [0, 1, 2]
    assert len(fit_modes(some, np.linspace(0.9, 0.1, 10), RefinementSettings(elite=9, modes=4))) == 4


def test_draws_stay_within_what_the_gripper_can_do() -> None:
    frame = render([Box(0.0, 0.0, 0.16, 0.066, 0.05, 0.3)], noise_m=0.001)
    samples = drawn(frame)
    wild = RefinementSettings(draws=200, least_across_m=0.05, least_angle_rad=0.3, least_height_m=0.1, least_play_m=0.1)
    quality = np.random.default_rng(1).random(len(samples.poses))
    new = redraw(samples.poses, quality, samples.scene, SETTINGS.geometry, wild, np.random.default_rng(2))
    assert 20 < len(new) <= 200
    assert (new.opening_m <= STROKE_M).all()
    assert (new.opening_m >= new.contact_width_m + 0.004).all()
    assert (new.height_m <= 0.05 + 0.006).all()
    assert (new.height_m >= 0.010).all()
    rows, columns = samples.scene.cells(new.centre_m)
    assert (samples.scene.objects.labels[rows, columns] > 0).all()  # the grasp point stays on the object


def test_rounds_climb_towards_the_best_place_and_depth() -> None:
    """Quality peaks at one place on the bar and at one height; three rounds must come closer than a sample as large."""
    frame = render([Box(0.0, 0.0, 0.16, 0.03, 0.06)])

    def quality(some: Poses) -> np.ndarray:
        off_place = (some.centre_m[:, 0] - 0.037) / 0.02
        off_height = (some.height_m - 0.047) / 0.01
        off_angle = some.axis[:, 0] / 0.2
        return np.exp(-(off_place**2) - off_height**2 - off_angle**2)

    better = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        samples = sample(frame, 60, rng, SETTINGS)
        found = samples.poses
        for _ in range(3):
            new = redraw(found, quality(found), samples.scene, SETTINGS.geometry, SETTINGS.refinement, rng)
            found = found.joined(new)
        larger = sample(frame, len(found), np.random.default_rng(seed), SETTINGS).poses
        assert quality(found).max() > 0.93
        better += quality(found).max() > quality(larger).max()
    assert better >= 5


def test_worthless_grasps_are_redrawn_without_complaint() -> None:
    samples = drawn(render([Box(0.0, 0.0, 0.16, 0.03, 0.05)]))
    nothing = np.zeros(len(samples.poses))
    new = redraw(
        samples.poses, nothing, samples.scene, SETTINGS.geometry, SETTINGS.refinement, np.random.default_rng(0)
    )
    assert len(new) > 5
    assert np.isfinite(new.height_m).all()


@pytest.mark.parametrize("wrong", [{"rounds": -1}, {"draws": 0}, {"elite": 0}, {"modes": 0}])
def test_senseless_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        RefinementSettings(**wrong)
