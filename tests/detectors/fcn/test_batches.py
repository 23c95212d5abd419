"""What a step of training is shown: views that fit their label maps, made ahead of time by a thread that ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.fcn.batches import Batch, batches, make_view
from detectors.fcn.recipe import Recipe
from detectors.fcn.samples import Picture
from tests.detectors.fcn.bars import BarPictures, Colored, measured

RECIPE = Recipe(epochs=1, batch=3, view_px=96, variation="paper")
STRONG = replace(RECIPE, variation="strong")
MAPS = ("mask", "quality", "angle_rad", "width")
ROWS = np.arange(7)


class Failing(BarPictures):
    """A data source of which one picture cannot be read."""

    def picture(self, index: int) -> Picture:
        if index == 5:
            raise OSError("the disk is gone")
        return super().picture(index)


def equal(one: Batch, other: Batch) -> bool:
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("image", *MAPS))


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    until = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < until, "a thread goes on"
        time.sleep(0.01)


def test_a_pass_shows_every_picture_once_but_for_an_incomplete_batch() -> None:
    pictures = BarPictures(9)
    seen = list(batches(pictures, ROWS, RECIPE, 0))
    assert len(seen) == 2
    assert len(pictures.asked) == 6 == len(set(pictures.asked))
    assert set(pictures.asked) <= set(ROWS.tolist())
    for batch in seen:
        assert batch.image.shape == (3, 1, 96, 96)
        for name in MAPS:
            assert getattr(batch, name).shape == (3, 96, 96)
            assert getattr(batch, name).dtype == torch.float32


def test_the_order_is_drawn_anew_by_the_seed() -> None:
    orders = []
    for seed in (1, 1, 2):
        pictures = BarPictures(12)
        list(batches(pictures, np.arange(12), RECIPE, seed))
        orders.append(pictures.asked)
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != sorted(orders[0])


def test_the_seed_decides_every_view() -> None:
    one, same, other = (list(batches(BarPictures(9), ROWS, STRONG, seed)) for seed in (4, 4, 5))
    assert all(equal(a, b) for a, b in zip(one, same, strict=True))
    assert not any(equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_view_does_not_depend_on_what_else_is_learnt_from() -> None:
    """Every picture has dice of its own."""
    images = []
    for rows in (np.array([3, 5]), np.array([0, 3, 1, 5, 8])):
        found = torch.cat([batch.image for batch in batches(BarPictures(9), rows, replace(STRONG, batch=2), 7)])
        images.append({one.numpy().tobytes() for one in found})
    few, many = images
    assert len(few) == 2
    together = torch.cat(
        [b.image for b in batches(BarPictures(9), np.array([0, 3, 1, 5]), replace(STRONG, batch=2), 7)]
    )
    assert few <= {one.numpy().tobytes() for one in together}
    assert len(many) == 4


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 8), st.integers(0, 10**6), st.booleans())
def test_the_labels_lie_on_the_bar_across_it(index: int, seed: int, strong: bool) -> None:
    pictures = BarPictures(9)
    recipe = replace(STRONG if strong else RECIPE, view_px=180)  # so large that all of the bar is seen
    image, labels = make_view(pictures.picture(index), pictures.width_unit_px, recipe, np.random.default_rng(seed))
    u, v, direction, _, height = measured(image)
    rows, columns = np.nonzero(labels.mask)
    assert (columns.mean(), rows.mean()) == pytest.approx((u, v), abs=0.8)
    angle, width = labels.angle_rad[rows, columns], labels.width[rows, columns]
    assert np.ptp(angle) == np.ptp(width) == 0
    assert abs(abs(math.remainder(float(angle[0]) - direction, math.pi)) - math.pi / 2) < math.radians(2)
    opening_px = float(width[0]) * pictures.width_unit_px
    picture = pictures.picture(index)
    zoom = opening_px / picture.rectangles[0, 3]
    assert 0.79 < zoom < (1.21 if strong else 1.01)
    assert height == pytest.approx((picture.rectangles[0, 3] - 12) * zoom, abs=0.7)


def test_colour_comes_channels_first() -> None:
    batch = next(iter(batches(Colored(3), np.arange(3), RECIPE, 0)))
    assert batch.image.shape == (3, 3, 96, 96)
    torch.testing.assert_close(batch.image[:, 1], 2 * batch.image[:, 0])
    torch.testing.assert_close(batch.image[:, 2], -batch.image[:, 0])
    assert float(batch.image[:, 0].max()) > 0.9


def test_the_form_of_the_masks_is_the_recipes() -> None:
    found = {}
    for mask in ("flat", "tapered"):
        batch = next(iter(batches(BarPictures(3), np.arange(3), replace(RECIPE, mask=mask), 0)))
        found[mask] = len(torch.unique(batch.quality))
        assert (batch.quality[batch.mask > 0] > 0).all()
    assert found == {"flat": 2, "tapered": 4}


def test_the_focus_is_any_of_a_pictures_grasps() -> None:
    picture = BarPictures(1).picture(0)
    far = np.vstack([picture.rectangles, picture.rectangles])
    far[:, :2] = [[10.0, 10.0], [80.0, 85.0]]
    both = replace(picture, rectangles=far)
    recipe, seen = replace(RECIPE, view_px=32), set()
    for seed in range(40):
        _, labels = make_view(both, 40.0, recipe, np.random.default_rng(seed))
        seen.add(bool(labels.mask.any()))
    assert seen == {True, False}, "from 40 px away some see it and some do not"


def test_an_error_of_the_data_source_reaches_whoever_waits() -> None:
    with pytest.raises(OSError, match="the disk is gone"):
        list(batches(Failing(9), np.arange(9), RECIPE, 0))


def test_what_was_made_before_the_error_is_given_first() -> None:
    whole = np.random.default_rng(3).permutation(12).tolist().index(5) // 2
    running = batches(Failing(12), np.arange(12), replace(RECIPE, batch=2), 3)
    assert len([next(running) for _ in range(whole)]) == whole > 0
    with pytest.raises(OSError, match="the disk is gone"):
        next(running)


def test_whoever_leaves_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    pictures = BarPictures(60)
    running = batches(pictures, np.arange(60), RECIPE, 0)
    next(running)
    assert threading.active_count() == before + 1
    running.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
    assert len(pictures.asked) < 60
