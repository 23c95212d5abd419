"""No object in two splits; our own objects always in the same one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.dexnet.splitting import split_rows
from robot.errors import SettingsError
from tests.detectors.dexnet.grasps import make_tensors


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 200), st.integers(0, 5), st.sampled_from(["object", "image"]), st.booleans())
def test_every_grasp_is_in_one_split_and_objects_stay_whole(n: int, seed: int, by: str, own: bool) -> None:
    tensors = make_tensors(n, seed)
    split = split_rows(tensors, own=own, by=by, seed=seed)  # type: ignore[arg-type]
    assert list(split) == ["train", "validation", "test"]
    np.testing.assert_array_equal(sum(mask.astype(int) for mask in split.values()), 1)
    if by == "object":
        assert tensors.object_label is not None
        objects = [set(tensors.object_label[mask].tolist()) for mask in split.values()]
        assert sum(len(found) for found in objects) == len(set.union(*objects))


def test_our_own_objects_split_by_their_last_digit() -> None:
    tensors = dataclasses.replace(make_tensors(30), object_label=np.arange(30))
    for seed in (0, 1):
        split = split_rows(tensors, own=True, seed=seed)
        assert np.flatnonzero(split["validation"]).tolist() == [8, 18, 28]
        assert np.flatnonzero(split["test"]).tolist() == [9, 19, 29]


def test_foreign_objects_are_drawn_eight_to_one_to_one() -> None:
    labels = np.repeat(np.arange(100) * 3, 5)
    tensors = dataclasses.replace(make_tensors(500), object_label=labels)
    split = split_rows(tensors, own=False, seed=4)
    assert [int(mask.sum()) for mask in split.values()] == [400, 50, 50]
    assert not np.array_equal(split["test"], split_rows(tensors, own=False, seed=5)["test"])
    np.testing.assert_array_equal(split["test"], split_rows(tensors, own=False, seed=4)["test"])
    by_grasp = split_rows(tensors, own=False, by="image", seed=4)
    assert [int(mask.sum()) for mask in by_grasp.values()] == [400, 50, 50]
    assert set(labels[by_grasp["test"]]) & set(labels[by_grasp["train"]])


def test_a_split_that_cannot_be_is_refused() -> None:
    tensors = make_tensors(10)
    unlabelled = dataclasses.replace(tensors, object_label=None)
    with pytest.raises(SettingsError, match=r"obj_labels.*split it by image"):
        split_rows(unlabelled, own=False)
    assert split_rows(unlabelled, own=False, by="image")["train"].sum() == 8
    with pytest.raises(SettingsError, match="'object' or 'image'"):
        split_rows(tensors, own=False, by="pose")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="do not name things of ours"):
        split_rows(dataclasses.replace(tensors, object_label=np.arange(10) - 1), own=True)
