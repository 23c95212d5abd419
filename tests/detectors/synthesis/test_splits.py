"""The splits: disjoint, covering, and every family in each."""

import numpy as np
import pytest

from detectors.synthesis.splits import SPLITS, THINGS, numbers_of, split_of
from detectors.synthesis.things import FAMILY_NAMES, family_of


def test_every_thing_is_in_one_split() -> None:
    together = np.concatenate([numbers_of(split) for split in SPLITS])
    assert sorted(together.tolist()) == list(range(THINGS))
    for split in SPLITS:
        assert {split_of(number) for number in numbers_of(split).tolist()} == {split}


def test_the_last_digit_decides() -> None:
    assert [split_of(number) for number in (0, 7, 17, 8, 1238, 9, 2999)] == [
        "train", "train", "train", "validation", "validation", "test", "test",
    ]  # fmt: skip


def test_the_shares_are_eight_one_one_for_any_catalogue() -> None:
    assert [len(numbers_of(split)) for split in SPLITS] == [2400, 300, 300]
    assert numbers_of("test", 25).tolist() == [9, 19]
    assert numbers_of("train", 0).size == 0


def test_every_split_holds_every_family() -> None:
    for split in SPLITS:
        assert {family_of(number) for number in numbers_of(split).tolist()} == set(FAMILY_NAMES)


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="-1"):
        split_of(-1)
    with pytest.raises(ValueError, match="holdout"):
        numbers_of("holdout")  # type: ignore[arg-type]
