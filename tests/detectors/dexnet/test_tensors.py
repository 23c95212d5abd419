"""Columns that belong together stay together."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.dexnet.fields import FIELDS
from detectors.dexnet.tensors import GraspTensors, concatenate, make_hand_poses
from tests.detectors.dexnet.grasps import CAMERA, make_tensors

NAMES = [field.name for field in dataclasses.fields(GraspTensors)]


def same(a: GraspTensors, b: GraspTensors) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in NAMES)


def test_every_attribute_has_a_file() -> None:
    assert sorted(NAMES) == sorted(field.attribute for field in FIELDS)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_concatenation_and_selection_are_inverse(n: int, m: int, data: st.DataObject) -> None:
    a, b = make_tensors(n, 1), make_tensors(m, 2)
    both = concatenate([a, b])
    assert len(both) == n + m
    first = np.arange(n + m) < n
    assert same(both.select(first), a)
    assert same(both.select(slice(n, None)), b)
    order = np.array(data.draw(st.permutations(range(n + m))))
    assert same(both.select(order).select(np.argsort(order)), both)


def test_nothing_selected_is_no_error() -> None:
    assert len(make_tensors(4).select(np.zeros(4, bool))) == 0


def test_parts_must_be_alike() -> None:
    a = make_tensors(3)
    with pytest.raises(ValueError, match="differ in physical_success"):
        concatenate([a, dataclasses.replace(a, physical_success=None)])
    with pytest.raises(ValueError, match="nothing"):
        concatenate([])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("width_m", np.full(4, 0.05, np.float32), "width_m has 4 rows, hand_poses 5"),
        ("width_m", np.zeros(5, np.float32), "widths must be positive"),
        ("crops_m", np.zeros((5, 32, 31), np.float32), r"expected \(n, 32, 32\)"),
        ("crops_m", np.full((5, 32, 32), np.nan, np.float32), "crops_m: .*not finite"),
        ("crops_m", np.full((5, 32, 32), np.nan, np.float16), "crops_m: .*not finite"),
        ("crops_m", np.zeros((5, 32, 31), np.float16), r"expected \(n, 32, 32\)"),
        ("physical_success", np.full(5, 1.5, np.float32), r"\[0, 1\]"),
        ("kind", np.full(5, 300), "no int8"),
        ("object_label", np.full(5, np.inf), "no int64"),
        ("robust_ferrari_canny", np.array(["a"] * 5), "type <U1"),
        ("robust_ferrari_canny", np.float32(0.1), r"shape \(\)"),
    ],
)
def test_what_does_not_fit_is_refused(name: str, value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(make_tensors(5), **{name: value})


def test_arrays_of_the_right_type_are_not_copied() -> None:
    crops = np.full((5, 32, 32), 0.7, np.float16)
    tensors = dataclasses.replace(make_tensors(5), crops_m=crops)
    assert tensors.crops_m is crops
    assert np.shares_memory(tensors.select(slice(2)).crops_m, crops)


def test_the_original_columns_from_a_grasp_in_an_image() -> None:
    one = np.ones(1, np.float32)
    row = make_hand_poses(
        u=210 * one, v=150 * one, depth_m=0.65 * one, angle_rad=0.3 * one, width_m=0.05 * one, camera=CAMERA
    )
    np.testing.assert_allclose(row, [[150, 210, 0.65, 0.3, 150 - 199.5, 210 - 199.5, 520 * 0.05 / 0.65]], rtol=1e-6)
    tensors = dataclasses.replace(make_tensors(1), hand_poses=row)
    assert (tensors.u[0], tensors.v[0]) == (210, 150)
    assert tensors.depth_m[0] == np.float32(0.65)
    assert tensors.angle_rad[0] == np.float32(0.3)
