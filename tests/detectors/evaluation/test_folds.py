"""Folds are balanced, repeatable and keep together what belongs together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.evaluation.folds import folds
from robot.errors import SettingsError

COUNTS = st.integers(2, 7)
SEEDS = st.integers(0, 2**32 - 1)
THINGS = st.lists(st.sampled_from([f"thing {i}" for i in range(25)]), min_size=30, max_size=120)


def names_of(things):
    return [f"image {i}" for i in range(len(things))]


@given(st.integers(7, 200), COUNTS, SEEDS)
def test_image_wise_folds_differ_by_one_image_at_most(images, count, seed):
    names = [str(i) for i in range(images)]
    fold_of = folds(names, [""] * images, by="image", count=count, seed=seed)
    sizes = np.bincount(fold_of, minlength=count)
    assert fold_of.shape == (images,)
    assert (len(sizes), sizes.max() - sizes.min() <= 1) == (count, True)


@given(THINGS, COUNTS, SEEDS)
def test_object_wise_no_thing_is_in_two_folds_and_folds_are_balanced(things, count, seed):
    if len(set(things)) < count:
        return
    fold_of = folds(names_of(things), things, by="object", count=count, seed=seed)
    assert len(set(zip(things, fold_of.tolist(), strict=True))) == len(set(things))
    sizes = np.bincount(fold_of, minlength=count)
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= max(Counter(things).values())


@given(THINGS, st.sampled_from(["image", "object"]), SEEDS, st.randoms())
def test_the_draw_depends_on_what_is_there_not_on_its_order(things, by, seed, random):
    if len(set(things)) < 2:
        return
    names = names_of(things)
    fold_of = folds(names, things, by=by, count=2, seed=seed)
    np.testing.assert_array_equal(fold_of, folds(names, things, by=by, count=2, seed=seed))
    order = list(range(len(things)))
    random.shuffle(order)
    again = folds([names[i] for i in order], [things[i] for i in order], by=by, count=2, seed=seed)
    np.testing.assert_array_equal(again, fold_of[order])


def test_another_seed_is_another_draw():
    names = names_of(range(100))
    draws = {tuple(folds(names, names, by=by, seed=seed)) for by in ("image", "object") for seed in range(3)}
    assert len(draws) == 3
    assert tuple(folds(names, names, by="image")) in draws, "five folds and seed 0, if nothing is said"


def test_crops_of_one_photograph_stay_together():
    names = ["pcd0100", "pcd0101", "pcd0100", "pcd0102"]
    fold_of = folds(names, [""] * 4, by="image", count=3)
    assert fold_of[0] == fold_of[2]
    assert set(fold_of) == {0, 1, 2}


@pytest.mark.parametrize(
    ("names", "things", "changed", "said"),
    [
        (["a", "b"], ["x", "x"], {"by": "object"}, r"1 different thing.* fewer folds, or split by image"),
        (["a", "b"], ["x", ""], {"by": "object"}, "of 1 of 2 images .*split by image"),
        (["a", "b", "a"], ["", "", ""], {"count": 3}, "2 image.* cannot be split into 3 folds"),
        ([], [], {}, "0 image"),
        (["a", "b"], ["", ""], {"count": 1}, "two or more"),
        (["a", "b"], ["", ""], {"by": "thing"}, "'image' or by 'object'"),
    ],
)
def test_what_cannot_be_split_is_an_error_with_a_remedy(names, things, changed, said):
    with pytest.raises(SettingsError, match=said):
        folds(names, things, **({"by": "image", "count": 2} | changed))


def test_every_name_needs_a_thing():
    with pytest.raises(ValueError, match="2 names"):
        folds(["a", "b"], [""], by="image", count=2)
