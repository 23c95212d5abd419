"""Cornell's layout is read as it was published and as it is handed on; what is not whole is left out and counted."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest

from detectors.cornell.camera import assumed_camera
from detectors.cornell.reading import DEPTHS, iter_images
from detectors.evaluation.folds import folds
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics
from tests.detectors.cornell.made import RECTANGLE, cloud_text, write_image
from tests.detectors.depth_scenes import Box, render

CAMERA = Intrinsics(98.0, 98.0, 59.5, 49.5, 120, 100)
BLOCKS = "no z.txt says which images show one thing"


@pytest.fixture(scope="module")
def frame() -> Frame:
    return render([Box(0.0, 0.0, 0.12, 0.06, 0.05, 0.4)], camera=CAMERA, hole_share=0.02)


@pytest.fixture(scope="module")
def cloud(frame) -> str:
    return cloud_text(frame)


def read(folder, depth="auto", camera=None):
    skipped, told = Counter(), []
    images = list(iter_images(folder, depth=depth, camera=camera, skipped=skipped, tell=told.append))
    assert told[0].startswith((BLOCKS, "z.txt"))
    return images, skipped, told[1:]


def test_an_image_comes_with_depth_colour_labels_and_thing(tmp_path, frame, cloud):
    write_image(tmp_path, 107, frame, cloud=cloud)
    (image,), skipped, told = read(tmp_path)
    assert (image.name, image.thing, skipped, told) == ("pcd0107", "images 0100 to 0119", Counter(), [])
    (truth,) = image.truths
    assert (truth.u, truth.v, truth.angle_rad, truth.width_px, truth.height_px) == (65.0, 45.0, 0.0, 30.0, 10.0)
    np.testing.assert_allclose(image.frame.depth_m, frame.depth_m, atol=1e-3)
    assert image.frame.intrinsics.fx == pytest.approx(98.0, abs=0.3)
    assert image.frame.color is not None
    assert tuple(image.frame.color[0, 0]) == (107, 100, 200), "RGB"


def test_depth_comes_from_where_it_is_asked_for(tmp_path, frame, cloud):
    converted = Frame(np.full((100, 120), 1.25, np.float32), CAMERA)
    write_image(tmp_path, 100, converted, tiff=True, cloud=cloud)
    depths = {depth: read(tmp_path, depth)[0][0].frame for depth in DEPTHS}
    assert (depths["tiff"].depth_m == np.float32(1.25)).all()
    np.testing.assert_array_equal(depths["auto"].depth_m, depths["cloud"].depth_m, "the point cloud, if it is there")
    assert depths["auto"].intrinsics == depths["cloud"].intrinsics
    assert depths["tiff"].intrinsics == assumed_camera(120, 100)
    assert depths["cloud"].intrinsics.fx == pytest.approx(98.0, abs=0.3)
    assert not depths["none"].valid.any()
    assert depths["none"].color is not None


def test_where_only_distances_from_the_base_are_left_it_is_told_in_one_line(tmp_path, frame, cloud):
    for number in (100, 101):
        write_image(tmp_path, number, frame, tiff=True)
    write_image(tmp_path, 102, frame, tiff=True, cloud=cloud)
    write_image(tmp_path, 103, frame)
    images, _, told = read(tmp_path)
    assert [image.depth for image in images] == ["tiff", "tiff", "cloud", "none"]
    assert (images[0].frame.depth_m == frame.depth_m).all()
    assert told == [
        "2 image(s) have no point cloud: their depth is d.tiff's distance from the robot's base, in which a table is "
        "no plane",
        "1 image(s) have no depth file: colour alone",
    ]
    assert read(tmp_path, "tiff")[2] == [], "it was asked for"


def test_whoever_has_enough_is_told_as_well(tmp_path, frame):
    for number in (100, 101):
        write_image(tmp_path, number, frame, tiff=True)
    told = []
    images = iter_images(tmp_path, depth="auto", camera=None, skipped=Counter(), tell=told.append)
    next(images)
    assert len(told) == 1
    images.close()
    assert told[1].startswith("1 image(s) have no point cloud")


def test_colour_alone_is_enough(tmp_path, frame):
    write_image(tmp_path, 100, frame)
    (image,), skipped, told = read(tmp_path)
    assert skipped == Counter()
    assert told == ["1 image(s) have no depth file: colour alone"]
    assert image.frame.color is not None
    assert image.frame.depth_m.shape == (100, 120)
    assert not image.frame.depth_m.any()
    assert read(tmp_path, "none")[2] == []


def test_the_camera_can_be_given(tmp_path, frame, cloud):
    given = Intrinsics(101.0, 102.0, 60.0, 50.0, 120, 100)
    write_image(tmp_path, 100, frame, cloud=cloud)
    write_image(tmp_path, 101, Frame(np.ones((50, 60), np.float32), assumed_camera(60, 50)))
    (image,), skipped, _ = read(tmp_path, camera=given)
    assert image.frame.intrinsics == given
    np.testing.assert_allclose(image.frame.depth_m, frame.depth_m, atol=1e-3)
    assert skipped == {"another size than the camera's 120 x 100": 1}


def test_the_size_is_the_images_and_a_kinect_is_assumed(tmp_path):
    for number, (width, height) in enumerate([(640, 480), (224, 224), (321, 321)]):
        write_image(tmp_path, 100 + number, Frame(np.zeros((height, width), np.float32), assumed_camera(width, height)))
    images, *_ = read(tmp_path)
    assert [image.frame.depth_m.shape for image in images] == [(480, 640), (224, 224), (321, 321)]
    assert images[0].frame.intrinsics == Intrinsics(525.0, 525.0, 319.5, 239.5, 640, 480)


def test_what_is_not_whole_is_left_out_and_counted(tmp_path, frame, cloud):
    nan = "NaN NaN\n256 313\n277 313\nNaN NaN\n"
    write_image(tmp_path, 100, frame, RECTANGLE + nan + "1 2\n3 4\n", cloud=cloud)
    write_image(tmp_path, 101, frame, None)
    write_image(tmp_path, 102, frame, nan)
    write_image(tmp_path, 103, frame, "")
    write_image(tmp_path, 104, frame, color=False)
    write_image(tmp_path, 105, frame, cloud=cloud[: len(cloud) // 2])
    stem = write_image(tmp_path, 106, frame)
    assert cv2.imwrite(f"{stem}d.tiff", np.ones((90, 120), np.float32))
    stem.with_name("pcd0107d.tiff").write_bytes(b"II*\x00torn")
    write_image(tmp_path, 107, frame)
    stem = write_image(tmp_path, 108, frame)
    png = stem.with_name("pcd0108r.png")
    png.write_bytes(png.read_bytes()[:60])
    stem = write_image(tmp_path, 109, frame)
    assert cv2.imwrite(f"{stem}d.tiff", np.full((100, 120), 800, np.uint16))
    images, skipped, told = read(tmp_path)
    assert [image.name for image in images] == ["pcd0100"]
    assert skipped == {
        "no cpos.txt with rectangles": 1,
        "no whole rectangle in its cpos.txt": 2,
        "no colour image": 1,
        "its point cloud is cut off or damaged": 1,
        "colour and depth image are of different sizes": 1,
        "an image cannot be read": 3,
    }
    assert told == ["2 rectangle(s) are none and were left out (NaN, text, no size, or cut off)"]


def test_depth_that_is_asked_for_must_be_there(tmp_path, frame):
    write_image(tmp_path, 100, frame)
    assert read(tmp_path, "tiff")[:2] == ([], {"no d.tiff depth image": 1})
    assert read(tmp_path, "cloud")[:2] == ([], {"no point cloud": 1})


def test_a_cloud_that_fits_no_camera_is_used_and_told(tmp_path, frame):
    points = np.random.default_rng(0).uniform(0.5, 1.0, (100, 120, 3))
    write_image(tmp_path, 100, frame, cloud=cloud_text(frame, points))
    (image,), _, told = read(tmp_path)
    assert image.frame.intrinsics == assumed_camera(120, 100)
    assert image.depth == "cloud from its origin"
    assert len(told) == 1
    assert "fits no camera" in told[0]


def test_order_numbers_and_folders(tmp_path, frame):
    """A part or the whole can be named; backgrounds, and what else lies there, is passed over."""
    for number in (1000, 200, 101):
        write_image(tmp_path / "data", number, frame)
    write_image(tmp_path / "data" / "crops", 101, frame)
    for name in ("pcdb0002r.png", "pcd0101r.png.part", "readme.txt", "pcdlist.txt"):
        (tmp_path / "data" / "01" / name).write_bytes(b"")
    images, skipped, _ = read(tmp_path)
    assert [image.name for image in images] == ["pcd0101", "pcd0200", "pcd1000", "pcd0101"]
    assert [image.frame.number for image in images] == [0, 1, 2, 3]
    assert not skipped
    assert len(read(tmp_path / "data" / "01")[0]) == 1
    names, things = [image.name for image in images], [image.thing for image in images]
    for by in ("image", "object"):
        found = folds(names, things, by=by, count=3)
        assert found[0] == found[3], "two crops of one photograph stay together"


@pytest.mark.parametrize("name", [None, "pcdb0002r.png", "notes.txt"])
def test_a_folder_of_something_else_is_an_error_that_says_what_is_expected(tmp_path, name):
    if name:
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"01/pcd0100cpos\.txt"):
        read(tmp_path)


def test_an_unknown_kind_of_depth_is_an_error(tmp_path, frame):
    write_image(tmp_path, 100, frame)
    with pytest.raises(SettingsError, match="auto, cloud, tiff, none"):
        read(tmp_path, "stereo")
