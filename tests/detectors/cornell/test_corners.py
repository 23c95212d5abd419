"""Four corners become a rectangle in our angle; what is none is left out and counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.cornell.corners import read_rectangles
from detectors.evaluation.rectangles import Rectangle, angle_difference_rad

GOOD = "50 40\n80 40\n80 50\n50 50\n"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def lines(corners):
    return "".join(f"{u:.6f} {v:.6f}\n" for u, v in corners)


@pytest.mark.parametrize("degrees", range(-180, 180, 45))
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_first_edge_is_the_closing_direction_in_every_octant(tmp_path, degrees, mirrored):
    """Whichever corner is the first and whichever way round they go: rows count downwards, so 45 degrees is down."""
    along = np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]) * 30
    across = np.array([-along[1], along[0]]) / 3 * (-1 if mirrored else 1)
    first = np.array([100.0, 90.0])
    corners = [first, first + along, first + along + across, first + across]
    (read,), dropped = read_rectangles(write(tmp_path / "pcd0100cpos.txt", lines(corners)))
    assert dropped == 0
    assert (read.u, read.v) == pytest.approx(tuple(first + along / 2 + across / 2))
    assert (read.width_px, read.height_px) == pytest.approx((30.0, 10.0))
    assert angle_difference_rad(read.angle_rad, math.radians(degrees)) == pytest.approx(0.0, abs=1e-6)
    assert -math.pi / 2 <= read.angle_rad < math.pi / 2


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("10 10\n40 10\n40 20\n10 20\n", 0),
        ("10 10\n30 30\n25 35\n5 15\n", 45),
        ("10 40\n40 10\n45 15\n15 45\n", -45),
        ("10 10\n10 40\n0 40\n0 10\n", -90),
    ],
)
def test_golden_rectangles(tmp_path, text, degrees):
    (read,), _ = read_rectangles(write(tmp_path / "x", text))
    assert math.degrees(read.angle_rad) == pytest.approx(degrees)


@given(
    st.builds(Rectangle, st.floats(0, 640), st.floats(0, 480), st.floats(-3, 3), st.floats(1, 200), st.floats(1, 200))
)
def test_our_own_corners_are_read_back(tmp_path_factory, rectangle):
    path = write(tmp_path_factory.getbasetemp() / "cpos.txt", lines(rectangle.corners()))
    (read,), dropped = read_rectangles(path)
    assert dropped == 0
    np.testing.assert_allclose(read.corners(), rectangle.corners(), atol=1e-4)


def test_hand_made_rectangles_need_not_be_quite_rectangular(tmp_path):
    (read,), _ = read_rectangles(write(tmp_path / "x", "253 319.7\n309 324\n307 350\n251 345.7\n"))
    assert (read.u, read.v) == pytest.approx((280.0, 334.85))
    assert read.width_px == pytest.approx(math.hypot(56, 4.3))
    assert read.height_px == pytest.approx(math.hypot(2, 26))
    assert read.angle_rad == pytest.approx(math.atan2(4.3, 56))


def test_nan_text_no_size_and_half_a_rectangle_are_counted_and_harm_no_other(tmp_path):
    bad = "NaN NaN\n256 313\n277 313\nNaN NaN\nx y\n1 2\n3 4\n5 6\n7 7\n7 7\n7 9\n7 9\n1 2 3\n4 5\n6 7\n8 9\n"
    whole, dropped = read_rectangles(write(tmp_path / "x", GOOD + bad + "\n" + GOOD + "50 40\n80 40\n"))
    assert dropped == 5
    assert [rectangle.u for rectangle in whole] == [65.0, 65.0]


def test_an_empty_file_holds_none(tmp_path):
    assert read_rectangles(write(tmp_path / "x", " \n\n")) == ((), 0)
