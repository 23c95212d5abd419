"""Labelled images as pictures: depth in our scenes' own scale, colour as it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.evaluation.labelled import LabelledImage
from detectors.evaluation.rectangles import Rectangle
from detectors.fcn.rectangle_pictures import COLOR_WIDTH_PX, INPUTS, RectanglePictures
from detectors.fcn.settings import STEP_M, VIEW_PX, WIDTH_UNIT_PX
from detectors.fcn.views import moved, view_matrix
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics
from tests.detectors.depth_scenes import Box, render

CAMERA = Intrinsics(fx=150.0, fy=150.0, cx=63.5, cy=47.5, width=128, height=96)
BAR = Box(0.02, 0.01, 0.12, 0.03, 0.04, 0.6)
TRUTHS = (Rectangle(70.0, 50.0, 0.5, 14.0, 6.0), Rectangle(60.0, 40.0, -0.5, 12.0, 5.0))


def colors(seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (96, 128, 3)).astype(np.uint8)


def image(
    name: str = "one", *, camera: Intrinsics = CAMERA, distance_m: float = 0.70, color: bool = True, thing: str = "mug",
    solids: Sequence[Box] = (BAR,),
) -> LabelledImage:  # fmt: skip
    frame = render(solids, camera=camera, distance_m=distance_m)
    return LabelledImage(name, replace(frame, color=colors() if color else None), TRUTHS, thing)


def without_table(name: str) -> LabelledImage:
    depth = np.random.default_rng(0).uniform(0.3, 3.0, (96, 128)).astype(np.float32)
    return LabelledImage(name, Frame(depth, CAMERA, colors()), TRUTHS, "clutter")


def without_depth(name: str) -> LabelledImage:
    return LabelledImage(name, Frame(np.zeros((96, 128), np.float32), CAMERA, colors(1)), TRUTHS, "photo")


def test_rectangles_are_as_drawn_to_paint_and_to_judge_by() -> None:
    picture = RectanglePictures([image()], "depth").picture(0)
    expected = [[70.0, 50.0, 0.5, 14.0, 6.0], [60.0, 40.0, -0.5, 12.0, 5.0]]
    np.testing.assert_allclose(picture.rectangles, expected)
    np.testing.assert_allclose(picture.truths, expected)
    assert picture.plate_px is None
    assert picture.middle == (63.5, 47.5), "of the image: that of its grasps would tell where to look"


@pytest.mark.parametrize(("focal_px", "distance_m"), [(150.0, 0.70), (110.0, 0.5), (230.0, 0.9)])
def test_depth_is_shown_in_the_scale_of_our_own_scenes(focal_px: float, distance_m: float) -> None:
    camera = replace(CAMERA, fx=focal_px, fy=focal_px)
    pictures = RectanglePictures([image(camera=camera, distance_m=distance_m)], "depth")
    picture = pictures.picture(0)
    assert (pictures.channels, pictures.width_unit_px) == (1, WIDTH_UNIT_PX)
    assert picture.image.shape == (96, 128)
    assert float(picture.image.max()) == pytest.approx(BAR.height_m / 0.04, abs=0.03)
    opening_px = 0.06 * focal_px / distance_m  # at the table
    row = np.array([[70.0, 50.0, 0.0, opening_px, 1.0]])
    seen = moved(row, view_matrix(picture.middle, VIEW_PX, picture.scale))
    assert seen[0, 3] * STEP_M == pytest.approx(0.06, rel=0.005)


def test_holes_are_filled_before_anything_is_shown() -> None:
    one = image()
    depth = np.array(one.frame.depth_m)
    depth[5:30, 5:30] = 0.0
    holed = replace(one, frame=Frame(depth, CAMERA, one.frame.color))
    found = RectanglePictures([holed], "depth").picture(0).image
    assert np.abs(found[5:30, 5:30]).max() < 0.05


def test_colour_is_shown_as_it_is_its_longer_side_across_the_view() -> None:
    pictures = RectanglePictures([image()], "color")
    picture = pictures.picture(0)
    assert (pictures.channels, pictures.width_unit_px) == (3, COLOR_WIDTH_PX)
    assert picture.image.shape == (96, 128, 3)
    assert picture.scale == pytest.approx(VIEW_PX / 128)
    assert np.corrcoef(picture.image.ravel(), colors().astype(float).ravel())[0, 1] == pytest.approx(1.0)


def test_each_image_keeps_its_name_and_thing_and_place() -> None:
    images = [image("a", thing="mug"), image("b", thing="", solids=[replace(BAR, height_m=0.08)])]
    pictures = RectanglePictures(images, "depth")
    assert (len(pictures), pictures.names.tolist(), pictures.things.tolist()) == (2, ["a", "b"], ["mug", ""])
    assert float(pictures.picture(1).image.max()) > 1.5 * float(pictures.picture(0).image.max())


def test_what_has_not_what_is_to_be_shown_is_left_out() -> None:
    images = [without_table("wall"), image("bare", color=False), without_depth("photo"), image("whole")]
    assert RectanglePictures(images, "depth").names.tolist() == ["bare", "whole"]
    shown = RectanglePictures(images, "color")
    assert shown.names.tolist() == ["wall", "photo", "whole"]
    np.testing.assert_array_equal(shown.picture(0).image, shown.picture(2).image)
    assert not np.array_equal(shown.picture(0).image, shown.picture(1).image)


def test_nothing_to_show_is_refused_with_the_other_way() -> None:
    with pytest.raises(SettingsError, match=r"none of 2 images has depth with a table in it \(.*--input color\)"):
        RectanglePictures([without_table("a"), without_depth("b")], "depth")
    with pytest.raises(SettingsError, match=r"none of 1 images has colour \(.*--input depth\)"):
        RectanglePictures([image(color=False)], "color")


def test_two_images_of_one_name_have_each_its_own_table() -> None:
    pictures = RectanglePictures([image("same", distance_m=0.70), image("same", distance_m=0.80)], "depth")
    near, far = (pictures.picture(index) for index in (0, 1))
    assert np.median(np.abs(near.image)) < 0.05
    assert far.scale / near.scale == pytest.approx(8 / 7, rel=0.01)


def test_no_more_images_are_taken_than_are_asked_for() -> None:
    taken: list[str] = []

    def images() -> Iterator[LabelledImage]:
        for name in ("photo", "a", "wall", "b", "c"):
            taken.append(name)
            yield {"photo": without_depth, "wall": without_table}.get(name, image)(name)

    pictures = RectanglePictures(images(), "depth", 2)
    assert (pictures.names.tolist(), pictures.lacking) == (["a", "b"], 2)
    assert taken == ["photo", "a", "wall", "b"]


def nearer(one: LabelledImage) -> LabelledImage:
    return replace(one, frame=replace(one.frame, depth_m=one.frame.depth_m - np.float32(0.01)))


def turned(one: LabelledImage) -> LabelledImage:
    return replace(one, truths=(replace(TRUTHS[0], angle_rad=-0.5), TRUTHS[1]))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, name="two"),
        lambda one: replace(one, thing="cup"),
        lambda one: replace(one, depth="tiff"),
        lambda one: replace(one, truths=TRUTHS[:1]),
        turned,
        nearer,
    ],
)
def test_other_labels_and_another_depth_are_other_data(change: Callable[[LabelledImage], LabelledImage]) -> None:
    one = replace(image(), depth="cloud")
    usual = RectanglePictures([one], "depth").sha256()
    assert RectanglePictures([replace(image(), depth="cloud")], "depth").sha256() == usual
    assert RectanglePictures([change(one)], "depth").sha256() != usual
    last_digit = replace(one, frame=replace(one.frame, depth_m=one.frame.depth_m * np.float32(1 + 1e-7)))
    assert RectanglePictures([last_digit], "depth").sha256() == usual, "as another machine may have it"


def test_other_colours_are_other_data_where_colour_is_seen() -> None:
    other = replace(image(), frame=replace(image().frame, color=colors(1)))
    found = {shown: [RectanglePictures([one], shown).sha256() for one in (image(), other)] for shown in INPUTS}
    assert len({*found["depth"]}) == 1
    assert len({*found["color"]}) == 2


def test_kinds_of_depth_are_counted_where_depth_is_seen() -> None:
    images = [replace(image(), depth=kind) for kind in ("tiff", "cloud", "tiff")]
    assert RectanglePictures(images, "depth").depths() == "1 cloud, 2 tiff"
    assert RectanglePictures(images, "color").depths() == ""
    assert RectanglePictures([image()], "depth").depths() == ""


def test_the_labels_of_a_bar_are_those_of_the_same_bar_in_a_scene() -> None:
    """Across the bar at its middle: the rectangle's place is where the picture has it highest."""
    top = 0.70 - BAR.height_m
    u, v = CAMERA.project(np.array([BAR.x_m, BAR.y_m, top]))
    across = math.remainder(BAR.angle_rad + math.pi / 2, math.pi)
    truth = Rectangle(float(u), float(v), across, 0.05 * 150.0 / top, 5.0)
    picture = RectanglePictures([replace(image(), truths=(truth,))], "depth").picture(0)
    high = np.argwhere(picture.image > 0.9).mean(axis=0)
    assert tuple(high[::-1]) == pytest.approx(tuple(picture.rectangles[0, :2]), abs=0.5)
