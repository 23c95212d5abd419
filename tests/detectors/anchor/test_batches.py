"""What a step of training is shown: so many views of each source, with their truths and targets."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from detectors.anchor.anchors import Anchors
from detectors.anchor.batches import Batch, Source, batches, view_of
from detectors.anchor.matching import match_angles
from detectors.anchor.recipe import Recipe
from detectors.anchor.views import ColorPicture
from tests.detectors.anchor.bars import BarColors

ANCHORS = Anchors(50.0, 20.0)
RECIPE = Recipe(epochs=1, views=6, batch=3)


def source(count: int = 8, share: float = 1.0, name: str = "bar") -> Source:
    return Source(BarColors(count, name=name), np.arange(1, count), share)


def equal(one: Batch, other: Batch) -> bool:
    return torch.equal(one.image, other.image) and all(
        torch.equal(a, b) for a, b in zip(one.truths, other.truths, strict=True)
    )


def test_a_batch_holds_views_their_truths_and_what_the_anchors_should_say() -> None:
    made = source()
    found = list(batches([made], ANCHORS, RECIPE, 0))
    assert len(found) == RECIPE.steps == 2
    for batch in found:
        assert batch.image.shape == (3, 3, 320, 320)
        assert batch.image.dtype == torch.float32
        assert batch.image.is_contiguous(memory_format=torch.channels_last)
        assert len(batch.truths) == len(batch.targets) == 3
        for truths, targets in zip(batch.truths, batch.targets, strict=True):
            assert truths.shape == (1, 5)
            expected = match_angles(truths, ANCHORS, 20, 20)
            assert torch.equal(targets.positive, expected.positive)
            torch.testing.assert_close(targets.deltas, expected.deltas)
            assert torch.equal(targets.ignored, expected.ignored)
    assert sum(len(t.positive) for batch in found for t in batch.targets) > 3
    pictures = made.pictures
    assert isinstance(pictures, BarColors)
    assert len(pictures.asked) == 6
    assert 0 not in pictures.asked, "only the rows that may be used"


def test_seed_epoch_and_step_decide_every_view() -> None:
    one, same = (list(batches([source()], ANCHORS, RECIPE, 2)) for _ in range(2))
    assert all(equal(a, b) for a, b in zip(one, same, strict=True))
    assert not equal(one[0], one[1])
    for other in (batches([source()], ANCHORS, RECIPE, 3), batches([source()], ANCHORS, Recipe(1, 6, 3, seed=1), 2)):
        assert not equal(next(iter(other)), one[0])


@pytest.mark.parametrize("share", [0.5, 0.3, 1.0, 0.05])
def test_sources_are_seen_by_their_share(share: float) -> None:
    ours, real = source(20, 1 - share, "ours"), source(20, share, "real")
    list(batches([ours, real], ANCHORS, Recipe(1, 60, 4, seed=3), 0))
    asked = [len(one.pictures.asked) for one in (ours, real)]  # type: ignore[attr-defined]
    assert sum(asked) == 60
    assert asked[1] / 60 == pytest.approx(share, abs=0.08)


def test_a_view_without_a_truth_in_it_is_possible_and_has_no_targets() -> None:
    class Far(BarColors):
        def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
            one = super().picture(index, rng)
            return ColorPicture(one.image, one.truths + np.array([5000.0, 0, 0, 0, 0]), one.scale, one.focus)

    far = Source(Far(4), np.arange(4), 1.0)
    batch = next(iter(batches([far], ANCHORS, RECIPE, 0)))
    assert all(len(targets.positive) == 0 for targets in batch.targets)


def test_views_of_a_source_differ_each_time() -> None:
    rng = np.random.default_rng(0)
    one, other = view_of(source(), rng), view_of(source(), rng)
    assert (one[0] != other[0]).mean() > 0.5


def test_an_error_of_a_source_reaches_whoever_waits_and_no_thread_is_left() -> None:
    class Failing(BarColors):
        def picture(self, index: int, rng: np.random.Generator | None = None) -> ColorPicture:
            raise OSError("the disk is gone")

    before = threading.active_count()
    with pytest.raises(OSError, match="the disk is gone"):
        list(batches([Source(Failing(3), np.arange(3), 1.0)], ANCHORS, RECIPE, 0))
    assert threading.active_count() == before
