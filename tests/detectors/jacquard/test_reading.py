"""Jacquard's layout is read as it is published; what is not whole is left out and counted."""

from __future__ import annotations

import math
from collections import Counter

import cv2
import numpy as np
import pytest

from detectors.jacquard.reading import iter_images, read_rectangles
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics
from tests.detectors.depth_scenes import Box, render
from tests.detectors.jacquard.made import THING, write_image

CAMERA = Intrinsics(150.0, 150.0, 59.5, 49.5, 120, 100)
LINE = "60.0;50.0;0.0;30.0;10.0\n"


@pytest.fixture(scope="module")
def frame() -> Frame:
    return render([Box(0.0, 0.0, 0.08, 0.03, 0.05)], camera=CAMERA, hole_share=0.02)


def read(folder, depth="stereo", camera=CAMERA):
    skipped, told = Counter(), []
    images = list(iter_images(folder, depth=depth, camera=camera, skipped=skipped, tell=told.append))
    return images, skipped, told


def test_lines_become_rectangles_in_our_angle(tmp_path):
    """theta counts from +x (right) towards +y (down): at 30 degrees the jaws lie upper left and lower right."""
    path = tmp_path / "grasps.txt"
    path.write_text("575.0;521.69834;30.0;131.095;26.3213\n575.0;521.69834;-120.5;131.095;52.6426\n", encoding="utf-8")
    (one, other), dropped = read_rectangles(path)
    assert dropped == 0
    assert (one.u, one.v, one.width_px, one.height_px) == (575.0, 521.69834, 131.095, 26.3213)
    assert one.angle_rad == pytest.approx(math.radians(30.0))
    assert other.angle_rad == pytest.approx(math.radians(59.5)), "folded by half a turn"
    first, second, third, fourth = one.corners()
    right_jaw, left_jaw = np.add(second, third) / 2, np.add(first, fourth) / 2
    np.testing.assert_allclose(right_jaw - left_jaw, 131.095 * np.array([math.sqrt(3) / 2, 0.5]))
    assert right_jaw[1] > left_jaw[1], "the right jaw is the lower one: rows count downwards"


def test_an_image_comes_with_depth_colour_and_labels(tmp_path, frame):
    write_image(tmp_path, 0, frame, LINE)
    (image,), skipped, told = read(tmp_path)
    assert (image.name, skipped, told) == (f"0_{THING}", Counter(), [])
    assert len(image.truths) == 1
    np.testing.assert_array_equal(image.frame.depth_m, frame.depth_m)
    assert (image.frame.depth_m == 0).any(), "-1 is no reading"
    assert image.frame.color is not None
    assert image.frame.intrinsics == CAMERA
    (perfect,), *_ = read(tmp_path, "perfect")
    assert (perfect.frame.depth_m > 0).all()


def test_a_part_or_one_thing_can_be_named_and_the_order_is_by_thing_and_pose(tmp_path, frame):
    for pose in (10, 2):
        write_image(tmp_path / "Jacquard_Dataset_1", pose, frame, LINE)
    write_image(tmp_path / "Jacquard_Dataset_0", 3, frame, LINE, thing="ffff")
    images, *_ = read(tmp_path)
    assert [image.name for image in images] == ["3_ffff", f"2_{THING}", f"10_{THING}"]
    assert [image.frame.number for image in images] == [0, 1, 2]
    assert [image.thing for image in images] == ["ffff", THING, THING]
    assert len(read(tmp_path / "Jacquard_Dataset_1" / THING)[0]) == 2


def test_what_is_not_whole_is_left_out_and_counted(tmp_path, frame):
    write_image(tmp_path, 0, frame, LINE + "nan;1;2;3;4\n1;2;3\n60;50;0;0;10\nx;y;z;a;b\n\n")
    write_image(tmp_path, 1, frame, None)
    write_image(tmp_path, 2, frame, "nan;nan;nan;nan;nan\n")
    write_image(tmp_path, 3, frame, LINE, leave_out=("stereo_depth.tiff",))
    write_image(tmp_path, 4, render([], camera=Intrinsics(150.0, 150.0, 59.5, 59.5, 120, 120)), LINE)
    torn = write_image(tmp_path, 5, frame, LINE)
    torn.with_name(f"{torn.name}_stereo_depth.tiff").write_bytes(b"II*\x00torn")
    write_image(tmp_path, 6, frame, LINE, leave_out=("RGB.png", "mask.png"))
    images, skipped, told = read(tmp_path)
    assert [image.name.partition("_")[0] for image in images] == ["0", "6"]
    assert images[1].frame.color is None
    assert skipped == {
        "no grasps file": 1,
        "no whole rectangle in its grasps file": 1,
        "no stereo depth image": 1,
        "another size than the camera's 120 x 100": 1,
        "an image cannot be read": 1,
    }
    assert told == ["4 line(s) of grasps files hold no rectangle (NaN, text or no size)"]
    assert len(images[0].truths) == 1


def test_colour_alone_is_enough(tmp_path, frame):
    write_image(tmp_path, 0, frame, LINE, leave_out=("stereo_depth.tiff", "perfect_depth.tiff"))
    write_image(tmp_path, 1, frame, LINE, leave_out=("RGB.png",))
    write_image(tmp_path, 2, render([], camera=Intrinsics(150.0, 150.0, 59.5, 59.5, 120, 120)), LINE)
    torn = write_image(tmp_path, 3, frame, LINE)
    torn.with_name(f"{torn.name}_RGB.png").write_bytes(b"\x89PNG torn")
    (image,), skipped, _ = read(tmp_path, "none")
    assert image.frame.color is not None
    assert image.frame.depth_m.shape == (100, 120)
    assert not image.frame.valid.any()
    assert skipped == {
        "no colour image": 1,
        "another size than the camera's 120 x 100": 1,
        "an image cannot be read": 1,
    }


def test_depths_that_are_no_metres_are_left_out(tmp_path, frame):
    stem = write_image(tmp_path, 0, frame, LINE)
    assert cv2.imwrite(f"{stem}_stereo_depth.tiff", np.full((100, 120), 1500.0, np.float32))
    assert read(tmp_path)[1] == {"an image cannot be read": 1}


def test_a_folder_of_something_else_is_an_error(tmp_path):
    (tmp_path / "notes_of_mine.txt").write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"N_ID_grasps\.txt"):
        read(tmp_path)
