"""What is proposed to the network: where, how deep, how wide, and why sometimes nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.antipodal.settings import AntipodalSettings
from detectors.gqcnn.sampling import Samples, sample, spread
from detectors.gqcnn.settings import GqcnnSettings, plain_settings
from robot.frame import Frame
from robot.gripper_geometry import STROKE_M, still_to_come_m
from tests.detectors.depth_scenes import CAMERA, Box, Solid, Tube, render

SETTINGS = GqcnnSettings()
GEOMETRY = SETTINGS.geometry


def drawn(frame: Frame, count: int = 100, seed: int = 0, chosen: GqcnnSettings = SETTINGS, **options) -> Samples:
    return sample(frame, count, np.random.default_rng(seed), chosen, **options)


def heights_m(samples: Samples) -> np.ndarray:
    return samples.poses.height_m


def tops_at_the_contacts_m(samples: Samples) -> np.ndarray:
    """(n,) height of the object just inside the lower of the two contacts."""
    poses, sides = samples.poses, []
    for side in (-0.5, 0.5):
        inside = [(side * (poses.contact_width_m - 2 * step))[:, None] * poses.axis for step in (0.0015, 0.003, 0.0045)]
        cells = [samples.scene.cells(poses.centre_m + offset) for offset in inside]
        sides.append(np.max([samples.scene.height_m[cell] for cell in cells], axis=0))
    return np.minimum(*sides)


def test_every_object_gets_its_share() -> None:
    """A large box has many times the edge pairs of a small one; both must be tried equally often."""
    samples = drawn(render([Box(-0.08, 0.0, 0.18, 0.05, 0.03, 1.2), Box(0.08, 0.0, 0.03, 0.02, 0.03)]))
    on_left = samples.grasps.u < CAMERA.cx
    assert len(samples.grasps) == pytest.approx(100, abs=3)
    assert 0.4 < on_left.mean() < 0.6


def test_depths_reach_from_the_lowest_tips_to_the_top_of_the_object() -> None:
    samples = drawn(render([Box(0.0, 0.0, 0.16, 0.03, 0.060)]))
    heights = heights_m(samples)
    usual = 0.060 - GEOMETRY.pad_reach_m + GEOMETRY.tip_to_centre_m
    share_usual = (np.abs(heights - usual) < 0.001).mean()
    assert 0.3 < share_usual < 0.7  # the geometric depth is one of them, and only one
    assert heights.max() == pytest.approx(0.060, abs=0.004)
    lowest_tip = 0.060 - GEOMETRY.max_reach_m  # lower, and the palm would meet the top
    assert heights.min() == pytest.approx(lowest_tip + GEOMETRY.tip_to_centre_m, abs=0.003)
    assert np.allclose(samples.scene.table.offset_m, -0.70, atol=0.002)
    assert np.allclose(0.70 - samples.grasps.depth_m, heights, atol=0.002)


def test_a_flat_object_leaves_no_choice_of_depth() -> None:
    heights = heights_m(drawn(render([Box(0.0, 0.0, 0.12, 0.02, 0.010)])))
    assert np.allclose(heights, 0.005, atol=0.002)


def test_openings_leave_play_and_never_exceed_the_stroke() -> None:
    slim = drawn(render([Box(0.0, 0.0, 0.16, 0.03, 0.05)])).poses
    play = (slim.opening_m - slim.contact_width_m) / 2
    assert min(GEOMETRY.clearances_m) - 1e-9 <= play.min() < 0.003
    assert 0.009 < play.max() <= max(GEOMETRY.clearances_m) + 1e-9
    assert np.median(slim.contact_width_m) == pytest.approx(0.033, abs=0.003)
    wide = drawn(render([Box(0.0, 0.0, 0.16, 0.076, 0.05)])).grasps.width_m
    assert wide.max() <= STROKE_M


def test_fewer_pairs_than_asked_for_are_taken_at_several_depths() -> None:
    few = GqcnnSettings(geometry=AntipodalSettings(pairs=20), geometric_share=1.0)
    samples = drawn(render([Box(0.0, 0.0, 0.10, 0.03, 0.060)]), 200, chosen=few)
    places = np.round(samples.poses.centre_m, 6)
    assert len(samples.poses) > 150
    assert len(np.unique(places, axis=0)) <= 20
    assert len(np.unique(np.round(heights_m(samples), 5))) > 100


def test_no_grasp_outside_the_region_or_on_a_hole() -> None:
    depth = np.array(render([Box(0.0, 0.0, 0.16, 0.03, 0.025)]).depth_m)
    depth[200:280, 290:353] = 0.0  # the middle of the bar was not measured
    frame = Frame(depth, CAMERA)
    region = np.zeros(depth.shape, dtype=bool)
    region[:, :320] = True
    samples = drawn(frame, region=region)
    assert len(samples.grasps) > 50
    for u, v in zip(samples.grasps.u, samples.grasps.v, strict=True):
        assert frame.valid[round(v), round(u)]
        assert u < 320
    nowhere = drawn(frame, region=np.zeros_like(region))
    assert nowhere.grasps is None
    assert "region" in nowhere.reason


def test_same_seed_same_sample() -> None:
    frame = render([Box(0.0, 0.0, 0.10, 0.04, 0.03, 0.4)], noise_m=0.001)
    first, again, other = (drawn(frame, seed=seed).grasps for seed in (3, 3, 4))
    assert np.array_equal(first.u, again.u)
    assert np.array_equal(first.width_m, again.width_m)
    assert not np.array_equal(first.u, other.u)


def _half_a_table() -> Frame:
    depth = np.array(render([]).depth_m)
    depth[:, 60:] = 0.0  # beyond the table nothing is near enough to be measured
    depth[:, 60:64] = 0.9
    return Frame(depth, CAMERA)


def _clutter_in_depth() -> Frame:
    rng = np.random.default_rng(0)
    depth = np.kron(rng.uniform(0.3, 1.5, (24, 32)), np.ones((20, 20)))
    return Frame(depth.astype(np.float32), CAMERA)


@pytest.mark.parametrize(
    ("frame", "word"),
    [
        (Frame(np.zeros((480, 640), np.float32), CAMERA), "no valid pixel"),
        (render([], noise_m=0.002), "no object"),
        (_clutter_in_depth(), "no table"),
        (_half_a_table(), "no object"),
        (render([Box(0.36, 0.0, 0.20, 0.03, 0.05)]), "out of view"),
        (render([Box(0.0, 0.0, 0.12, 0.10, 0.05, 0.3)]), "wide"),
    ],
)
def test_nothing_to_propose_is_said_in_words(frame: Frame, word: str) -> None:
    samples = drawn(frame)
    assert samples.grasps is None
    assert samples.poses is None
    assert word in samples.reason


def test_an_object_on_a_table_that_is_only_partly_in_view_is_still_sampled() -> None:
    depth = np.array(render([Box(-0.10, 0.0, 0.10, 0.03, 0.03)]).depth_m)
    depth[:, 420:] = 1.4  # the floor beside the table
    samples = drawn(Frame(depth, CAMERA))
    assert len(samples.grasps) > 50
    assert samples.grasps.u.max() < 320


def test_spread_takes_turns_and_prefers_weight() -> None:
    owner = np.array([0] * 90 + [1] * 10, dtype=np.int32)
    weight = np.where(np.arange(100) % 2 == 0, 1.0, 0.0)
    first = np.array([spread(owner, weight, np.random.default_rng(seed))[:10] for seed in range(50)])
    assert (owner[first] == 1).sum(axis=1).tolist() == [5] * 50
    assert weight[first].mean() > 0.8
    assert sorted(spread(owner, weight, np.random.default_rng(0)).tolist()) == list(range(100))


def test_the_plain_version_is_the_papers() -> None:
    plain = plain_settings()
    assert (plain.name, plain.candidates, plain.refinement.rounds) == ("gqcnn-1000", 1000, 0)
    samples = drawn(render([Box(0.0, 0.0, 0.16, 0.03, 0.05)]), plain.candidates, chosen=plain)
    assert len(samples.grasps) > 950


@pytest.mark.parametrize("wrong", [{"candidates": 0}, {"geometric_share": 1.5}, {"geometric_share": -0.1}])
def test_senseless_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must"):
        GqcnnSettings(**wrong)


_SOLIDS = st.one_of(
    st.builds(
        Box,
        x_m=st.floats(-0.15, 0.15),
        y_m=st.floats(-0.1, 0.1),
        length_m=st.floats(0.03, 0.2),
        width_m=st.floats(0.01, 0.1),
        height_m=st.floats(0.005, 0.15),
        angle_rad=st.floats(-1.5, 1.5),
    ),
    st.builds(
        Tube, x_m=st.floats(-0.15, 0.15), y_m=st.floats(-0.1, 0.1), radius_m=st.floats(0.01, 0.06),
        height_m=st.floats(0.01, 0.15), bore_m=st.sampled_from([0.0, 0.006]),
    ),
)  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(solids=st.lists(_SOLIDS, max_size=3), noise=st.sampled_from([0.0, 0.0015]), tilt=st.floats(-0.15, 0.15))
def test_every_sample_can_be_carried_out(solids: list[Solid], noise: float, tilt: float) -> None:
    frame = render(solids, noise_m=noise, tilt_rad=tilt, hole_share=0.02 if noise else 0.0)
    samples = drawn(frame)
    assert (samples.grasps is None) == bool(samples.reason)
    if samples.grasps is None:
        return
    grasps, heights = samples.grasps, heights_m(samples)
    assert all(frame.valid[round(v), round(u)] for u, v in zip(grasps.u, grasps.v, strict=True))
    assert ((grasps.width_m > 0.004) & (grasps.width_m <= STROKE_M)).all()
    floor = GEOMETRY.tip_margin_m + np.array([still_to_come_m(width) for width in samples.poses.contact_width_m])
    half_way_up = 0.4 * tops_at_the_contacts_m(samples)  # what is flat is held half-way up, with the tips at the table
    assert (heights > np.minimum(floor + GEOMETRY.tip_to_centre_m, half_way_up) - 0.002).all()
    assert (heights > 0).all()
    assert np.isfinite(grasps.angle_rad).all()
    assert (np.abs(np.linalg.norm(samples.poses.axis, axis=1) - 1) < 1e-6).all()
    assert math.isfinite(samples.scene.table.offset_m)
