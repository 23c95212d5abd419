"""What a step is shown: the right targets, and still the right ones after turning, mirroring and shifting."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.oneshot.batches import Batch, Targets, batches, make_batch
from detectors.oneshot.looking import see
from detectors.oneshot.prepared import PreparedScenes
from detectors.oneshot.settings import FAR_PX, FAR_STEP_M
from tests.detectors.oneshot.bars import GRASPS, picture, prepared_bars

COUNT = 8
SCENES = prepared_bars(COUNT)
ROWS = np.arange(COUNT)
SEEDS = st.integers(0, 2**32 - 1)


def first_grasps(seed: int, vary: bool = True, scenes: PreparedScenes = SCENES) -> Batch:
    """Every image with its best grasp."""
    return make_batch(scenes, ROWS, ROWS[:, None] * GRASPS, np.random.default_rng(seed), vary)


def folded(difference: torch.Tensor) -> np.ndarray:
    return np.abs((difference.numpy() + math.pi / 2) % math.pi - math.pi / 2)


@settings(deadline=None, max_examples=30)
@given(SEEDS)
def test_however_it_is_looked_at_the_target_is_where_and_as_the_batch_says(seed: int) -> None:
    batch = make_batch(SCENES, ROWS, ROWS[:, None] * GRASPS + [[0, 2, 4]], np.random.default_rng(seed), True)
    offset, angle = batch.offset_in(batch.views), batch.angle_in(batch.views)
    for place in range(3):
        moved = batch.views.moved(batch.images, offset[:, place : place + 1])
        torch.testing.assert_close(moved.centre_px[:, 0], batch.pixels[:, place], atol=1e-2, rtol=0)
        turned = moved.turned(angle[:, place : place + 1])
        assert folded(turned.angle_rad[:, 0] - batch.angle_rad[:, place]).max() < 1e-4


@settings(deadline=None, max_examples=10)
@given(SEEDS)
def test_a_view_moved_and_turned_to_the_target_shows_the_bar_across_the_closing_direction(seed: int) -> None:
    batch = first_grasps(seed)
    views = batch.views.moved(batch.images, batch.offset_in(batch.views)).turned(batch.angle_in(batch.views))
    for shown in see(batch.images, views, (40, 40), 0.003)[:, 0] > 0.3:
        rows, columns = torch.nonzero(shown, as_tuple=True)
        assert np.ptp(rows.numpy()) > 1.5 * np.ptp(columns.numpy())
        assert abs(float(columns.float().mean()) - 19.5) < 2.0


def test_views_are_mirrored_turned_and_shifted_every_way() -> None:
    views = [first_grasps(seed).views for seed in range(20)]
    turn = torch.cat([one.turn for one in views])[:, 0]
    centre = torch.cat([one.centre_px for one in views])[:, 0]
    assert 0.3 < float((torch.linalg.det(turn) > 0).float().mean()) < 0.7
    quadrant = torch.atan2(turn[:, 1, 0], turn[:, 0, 0]).div(math.pi / 2).floor()
    assert set(quadrant.tolist()) == {-2.0, -1.0, 0.0, 1.0}
    metres = (centre - 47.5) * 0.70 / 175.0
    assert float(metres.abs().max()) > 0.05
    assert abs(float(metres.mean())) < 0.01


@settings(deadline=None, max_examples=20)
@given(SEEDS)
def test_the_target_lies_in_the_view_however_far_out_it_is(seed: int) -> None:
    grasps = SCENES.grasps.copy()
    grasps[::GRASPS, :2] = np.random.default_rng(seed).choice([2.0, 93.0], (COUNT, 2))
    batch = first_grasps(seed, scenes=replace(SCENES, grasps=grasps))
    offset = batch.offset_in(batch.views)
    assert float(offset.norm(dim=-1).max()) < FAR_PX * FAR_STEP_M / 2 - 0.015


def test_without_variation_every_view_lies_on_the_middle() -> None:
    views = first_grasps(3, vary=False).views
    assert (views.centre_px == 47.5).all()
    assert (views.turn == torch.eye(2)).all()


def test_heights_are_those_of_the_grasp_points_above_the_table() -> None:
    expected = [picture(number).bar.height_m - 0.010 for number in range(COUNT)]
    assert first_grasps(0).height_m()[:, 0].tolist() == pytest.approx(expected, abs=1.5e-3)


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_a_forced_view_lies_on_the_target_and_as_far_off_as_asked(seed: int, x: float, y: float) -> None:
    batch = first_grasps(seed)
    views = batch.at_target(torch.tensor([x, y]).expand(COUNT, 1, 2))
    apart = (views.centre_px - batch.pixels)[:, 0] * 0.70 / 175.0
    torch.testing.assert_close(apart, torch.tensor([x, y]).expand(COUNT, 2), atol=1e-3, rtol=0)
    assert torch.equal(views.turn, batch.views.turn)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=8), st.integers(0, 5), SEEDS)
def test_targets_are_the_images_best_good_grasps(counts: list[int], picks: int, seed: int) -> None:
    """However many grasps the images have, and however few of them are good."""
    rng = np.random.default_rng(seed)
    owner = np.repeat(np.arange(len(counts)), counts)
    scenes = replace(
        SCENES, number=np.arange(len(counts)), owner=owner, success=rng.choice([0.0, 0.5, 1.0], len(owner)),
        quality=rng.uniform(0, 1, len(owner)).round(1),
    )  # fmt: skip
    good = (scenes.success > 0.5) & ((scenes.quality >= 0.5) | (picks == 0))
    targets = Targets(scenes, picks)
    assert targets.known.tolist() == [bool(good[owner == image].any()) for image in range(len(counts))]
    rows = np.flatnonzero(targets.known)
    drawn = targets.draw(rows, 200, rng)
    for image, found in zip(rows, drawn, strict=True):
        own = np.flatnonzero(good & (owner == image))
        assert set(found) <= set(own)
        best = np.sort(scenes.quality[own])[::-1][: picks or None]
        assert scenes.quality[found].min() >= best[-1]
        assert len(set(found)) == len(best)  # of 200 draws each is one


def test_a_pass_shows_every_image_once_but_for_an_incomplete_batch() -> None:
    rng, targets = np.random.default_rng(0), Targets(SCENES, 0)
    seen = [batch.images.depth_m for batch in batches(SCENES, targets, ROWS, 3, rng)]
    assert [len(one) for one in seen] == [3, 3]
    pictures = {one.numpy().tobytes() for batch in seen for one in batch}
    assert len(pictures) == 6
    assert pictures <= {SCENES.depth_m(ROWS[row : row + 1]).tobytes() for row in ROWS}


def test_judging_sees_all_images_in_their_order() -> None:
    found = batches(SCENES, Targets(SCENES, 0), ROWS, 3, np.random.default_rng(0), vary=False)
    seen = torch.cat([batch.images.depth_m for batch in found])
    assert torch.equal(seen[:, 0], torch.from_numpy(SCENES.depth_m(ROWS)))


def test_the_dice_decide_everything() -> None:
    a, b = (next(batches(SCENES, Targets(SCENES, 4), ROWS, 4, np.random.default_rng(5))) for _ in range(2))
    other = next(batches(SCENES, Targets(SCENES, 4), ROWS, 4, np.random.default_rng(6)))
    assert torch.equal(a.views.centre_px, b.views.centre_px)
    assert torch.equal(a.pixels, b.pixels)
    assert not torch.equal(a.views.centre_px, other.views.centre_px)
