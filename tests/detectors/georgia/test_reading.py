"""Georgia's layout is read as its repository describes it; what is not whole is left out and counted."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from detectors.cornell.camera import assumed_camera
from detectors.evaluation.folds import folds
from detectors.georgia.reading import iter_images
from robot.errors import SettingsError
from robot.frame import Intrinsics

FIRST = "400 226\n438 242\n429.3228 262.6084\n391.3228 246.6084\n"
SECOND = "281.5 210.5\n305 173\n324.7092 185.3511\n301.2092 222.8511\n"
COLOR = np.full((48, 64, 3), (200, 100, 50), np.uint8)
DEPTH = np.full((48, 64), 750, np.uint16)


def write(folder, number, text=FIRST + SECOND, color=COLOR, depth=DEPTH, *, named="annotations", ending="jpg"):
    (folder / "rgbd").mkdir(parents=True, exist_ok=True)
    (folder / named).mkdir(exist_ok=True)
    if color is not None:
        assert cv2.imwrite(str(folder / "rgbd" / f"rgb_{number:04d}.{ending}"), color)
    if depth is not None:
        assert cv2.imwrite(str(folder / "rgbd" / f"depth_{number:04d}.png"), depth)
    if text is not None:
        (folder / named / f"rgb_{number:04d}_annotations.txt").write_text(text, encoding="utf-8")


def read(folder, depth="auto", camera=None):
    skipped, told = Counter(), []
    images = list(iter_images(folder, depth=depth, camera=camera, skipped=skipped, tell=told.append))
    return images, skipped, told


@pytest.mark.parametrize(("named", "ending"), [("annotations", "jpg"), ("annotation", "png")])
def test_an_image_comes_with_the_rectangles_of_all_its_things(tmp_path, named, ending):
    write(tmp_path / "grasp_multiObject", 3, named=named, ending=ending)
    (image,), skipped, told = read(tmp_path)
    assert (image.name, image.thing, skipped, told) == ("rgb_0003", "", Counter(), [])
    assert [round(truth.u) for truth in image.truths] == [415, 303]
    assert image.truths[0].width_px == pytest.approx(np.hypot(38, 16))
    assert (image.frame.depth_m == np.float32(0.75)).all(), "millimetres"
    assert image.frame.intrinsics == assumed_camera(64, 48)
    assert image.frame.color is not None


def test_all_files_may_lie_in_one_folder(tmp_path):
    write(tmp_path, 3)
    flat = tmp_path / "flat"
    flat.mkdir()
    for part in ("rgbd", "annotations"):
        for file in (tmp_path / part).iterdir():
            file.rename(flat / file.name)
    assert len(read(tmp_path)[0]) == 1


def test_colour_alone_is_enough(tmp_path):
    write(tmp_path, 0, depth=None)
    write(tmp_path, 1)
    for depth in ("auto", "none"):
        images, skipped, _ = read(tmp_path, depth)
        assert not skipped
        assert not images[0].frame.valid.any()
        assert images[1].frame.valid.all() == (depth == "auto")


def test_what_is_not_whole_is_left_out_and_counted(tmp_path):
    write(tmp_path, 0, FIRST + "NaN 1\n2 3\n4 5\n6 7\n" + "1 2\n3 4\n")
    write(tmp_path, 1, None)
    write(tmp_path, 2, color=None)
    write(tmp_path, 3, "nan nan\n" * 4)
    write(tmp_path, 4, depth=DEPTH[:40])
    write(tmp_path, 5, depth=DEPTH.astype(np.uint8))
    write(tmp_path, 6)
    (tmp_path / "rgbd" / "rgb_0006.jpg").write_bytes(b"\xff\xd8torn")
    write(tmp_path, 7, color=None, depth=None)
    (tmp_path / "annotations" / "rgb_0001_annotations.txt~").write_text(FIRST, encoding="utf-8")
    images, skipped, told = read(tmp_path)
    assert [image.name for image in images] == ["rgb_0000"]
    assert skipped == {
        "no annotations file": 1,
        "no colour image": 2,
        "no whole rectangle in its annotations file": 1,
        "colour and depth image are of different sizes": 1,
        "an image cannot be read": 2,
    }
    assert told == ["2 rectangle(s) are none and were left out (NaN, text, no size, or cut off)"]


def test_the_camera_can_be_given_and_another_size_is_left_out(tmp_path):
    given = Intrinsics(60.0, 60.0, 31.5, 23.5, 64, 48)
    write(tmp_path, 0)
    write(tmp_path, 1, color=COLOR[:40], depth=DEPTH[:40])
    (image,), skipped, _ = read(tmp_path, camera=given)
    assert image.frame.intrinsics == given
    assert skipped == {"another size than the camera's 64 x 48": 1}


def test_two_copies_keep_apart_and_there_are_folds_by_image_only(tmp_path):
    for copy in ("a", "b"):
        for number in range(2):
            write(tmp_path / copy, number, depth=DEPTH if copy == "a" else None)
    images, *_ = read(tmp_path)
    assert [image.frame.valid.any() for image in images] == [True, True, False, False]
    assert [image.frame.number for image in images] == [0, 1, 2, 3]
    names, things = [image.name for image in images], [image.thing for image in images]
    assert sorted(folds(names, things, by="image", count=2)) == [0, 0, 1, 1]
    with pytest.raises(SettingsError, match="split by image"):
        folds(names, things, by="object", count=2)


@pytest.mark.parametrize("depth", ["cloud", "tiff"])
def test_depth_that_it_does_not_have_is_an_error(tmp_path, depth):
    write(tmp_path, 0)
    with pytest.raises(SettingsError, match="'auto' or 'none'"):
        read(tmp_path, depth)


def test_a_folder_of_something_else_is_an_error_that_says_what_is_expected(tmp_path):
    (tmp_path / "rgb_notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"annotations/rgb_0000_annotations\.txt"):
        read(tmp_path)
