"""Label maps: the centre third only, the narrowest on top, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.fcn.labels import MASK_FORMS, LabelMaps, MaskForm, paint
from tests.detectors.fcn.bars import rectangle

UNIT_PX = 68.0
FORMS = pytest.mark.parametrize("form", MASK_FORMS)


def painted(*rectangles: NDArray[np.float64], shape: tuple[int, int] = (40, 60), form: MaskForm = "flat") -> LabelMaps:
    rows = np.vstack(rectangles) if rectangles else np.zeros((0, 5))
    return paint(rows, shape, UNIT_PX, form)


def block(image: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """First and last row and column of a filled upright block; it has no holes and nothing beside it."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    found = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
    assert image[found[0] : found[1] + 1, found[2] : found[3] + 1].all()
    return found


@FORMS
def test_the_mask_is_the_centre_third_along_and_all_across(form: MaskForm) -> None:
    """Golden: a rectangle 30 long and 8 high about (20, 15); pixels on its rim belong to it."""
    found = painted(rectangle(20, 15, 0.0, 30, 8), form=form)
    assert block(found.mask) == (11, 19, 15, 25)
    assert set(np.unique(found.mask)) == {0.0, 1.0}
    upright = painted(rectangle(20, 15, math.pi / 2, 30, 8), form=form)
    assert block(upright.mask) == (10, 20, 16, 24)


@FORMS
def test_inside_the_mask_are_angle_and_opening_and_outside_nothing(form: MaskForm) -> None:
    found = painted(rectangle(30, 20, 0.4, 34, 10), form=form)
    inside = found.mask > 0
    np.testing.assert_allclose(found.angle_rad[inside], 0.4, rtol=1e-6)
    np.testing.assert_allclose(found.width[inside], 34 / UNIT_PX, rtol=1e-6)
    for image in (found.quality, found.angle_rad, found.width):
        assert not image[~inside].any()
        assert image.shape == (40, 60)
        assert image.dtype == np.float32


def test_flat_quality_is_one_in_all_of_the_mask() -> None:
    found = painted(rectangle(30, 20, 0.4, 34, 10), form="flat")
    np.testing.assert_array_equal(found.quality, found.mask)


def test_tapered_quality_falls_in_three_steps_along_the_closing_direction_alone() -> None:
    """Golden: 54 long, so that the mask is 18 and its cores 12 and 6 about column 30."""
    found = painted(rectangle(30, 20, 0.0, 54, 8), form="tapered")
    assert block(found.mask) == (16, 24, 21, 39)
    row = found.quality[20]
    expected = np.zeros(60)
    expected[21:40], expected[24:37], expected[27:34] = 1 / 3, 2 / 3, 1.0
    np.testing.assert_allclose(row, expected, atol=1e-6)
    for each in found.quality[16:25]:
        np.testing.assert_array_equal(each, row)
    assert not found.quality[:16].any()
    assert not found.quality[25:].any()


@FORMS
@pytest.mark.parametrize("order", [1, -1])
def test_of_several_over_each_other_the_narrowest_is_seen(form: MaskForm, order: int) -> None:
    wide, middle, narrow = (rectangle(30, 20, angle, length, 10) for angle, length in ((0.3, 60), (0.2, 48), (0.1, 36)))
    found = painted(*(wide, narrow, middle)[::order], form=form)
    assert found.angle_rad[20, 30] == pytest.approx(0.1)
    assert found.width[20, 30] == pytest.approx(36 / UNIT_PX)
    assert found.angle_rad[20, 30 - 9] == pytest.approx(0.3)
    widths = found.width[20][found.mask[20] > 0]
    assert set(np.round(widths * UNIT_PX)) == {36.0, 48.0, 60.0}


def test_of_equally_wide_ones_the_last_given_is_seen() -> None:
    one, other = rectangle(30, 20, 0.1, 36, 10), rectangle(30, 20, 0.2, 36, 10)
    assert painted(one, other).angle_rad[20, 30] == pytest.approx(0.2)
    assert painted(other, one).angle_rad[20, 30] == pytest.approx(0.1)


@FORMS
def test_a_rectangle_partly_outside_is_painted_as_far_as_it_is_seen(form: MaskForm) -> None:
    whole = painted(rectangle(30, 20, 0.5, 42, 12), form=form)
    for dx, dy in ((-30, 0), (28, 0), (0, -20), (0, 18), (-29, 19)):
        found = painted(rectangle(30 + dx, 20 + dy, 0.5, 42, 12), form=form)
        expected = np.zeros((40, 60), np.float32)
        rows, columns = slice(max(dy, 0), 40 + min(dy, 0)), slice(max(dx, 0), 60 + min(dx, 0))
        from_rows, from_columns = slice(max(-dy, 0), 40 - max(dy, 0)), slice(max(-dx, 0), 60 - max(dx, 0))
        expected[rows, columns] = whole.quality[from_rows, from_columns]
        assert 0 < (found.mask > 0).sum() < (whole.mask > 0).sum()
        assert (found.quality != expected).sum() <= 2, "but for a pixel where a side is cut"


@FORMS
def test_far_outside_and_none_at_all_leave_everything_empty(form: MaskForm) -> None:
    for found in (painted(form=form), painted(rectangle(500, -300, 0.3, 30, 8), form=form)):
        for name in ("mask", "quality", "angle_rad", "width"):
            image = getattr(found, name)
            assert image.shape == (40, 60)
            assert image.dtype == np.float32
            assert not image.any()


def test_an_opening_beyond_the_unit_is_one() -> None:
    found = painted(rectangle(30, 20, 0.0, 2 * UNIT_PX, 8))
    assert set(np.unique(found.width)) == {0.0, 1.0}


@settings(deadline=None, max_examples=60)
@given(st.floats(10, 50), st.floats(10, 30), st.floats(-3.2, 3.2), st.floats(12, 60), st.floats(4, 20), st.booleans())
def test_whatever_the_rectangle_the_mask_is_its_centre_third_to_the_pixel(
    u: float, v: float, angle: float, length: float, height: float, flat: bool
) -> None:
    found = painted(rectangle(u, v, angle, length, height), form="flat" if flat else "tapered")
    y, x = np.mgrid[0:40, 0:60]
    c, s = math.cos(angle), math.sin(angle)
    along, across = np.abs((x - u) * c + (y - v) * s), np.abs((y - v) * c - (x - u) * s)
    over = np.maximum(along - length / 6, across - height / 2)
    assert found.mask[over < -0.75].all()
    assert not found.mask[over > 1.1].any()
    inmost = (along < length / 18 - 0.75) & (across < height / 2 - 0.75)
    assert (found.quality[inmost] == 1).all()


def test_outside_the_mask_there_is_no_quality() -> None:
    found = painted(rectangle(42.634, 10.055, 2.1444, 13.612, 15.674), form="tapered")
    assert not found.quality[found.mask == 0].any()
