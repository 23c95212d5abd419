"""The detection version: whole images beside the grasps, with the camera from the set itself or from outside."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from detectors.dexnet.images import has_images, iter_images
from robot.errors import SettingsError
from robot.frame import Intrinsics

SIDE, FOCAL, MIDDLE = 40, 525.0, 19.5
DEPTH = np.array([0.60, 0.62, 0.65, 0.60], np.float32)
QUALITY = np.array([0.005, 0.001, 0.003, 0.0], np.float32)


def poses(**changes):
    """Four grasps, the first two in one image; row, column, depth, angle, offsets, width."""
    row, column = np.array([10.0, 12, 20, 5]), np.array([15.0, 16, 30, 6])
    angle = np.array([0.1, 0.2, 2.0, 0.4])
    columns = [row, column, DEPTH, angle, row - MIDDLE, column - MIDDLE, FOCAL * 0.05 / DEPTH]
    found = np.stack(columns, axis=1).astype(np.float32)
    for index, values in changes.items():
        found[:, int(index[1:])] = values
    return found


def make(folder, *, hand_poses=None, folded="", **more):
    images = np.stack([np.full((SIDE, SIDE, 1), depth, np.float32) for depth in (0.70, 0.70, 0.71, 0.72)])
    arrays = {
        "depth_ims_raw_table": images,
        "hand_poses": poses() if hand_poses is None else hand_poses,
        "robust_ferrari_canny": QUALITY,
    } | more
    home = folder / folded
    home.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        if array is not None:
            np.savez_compressed(home / f"{name}_00000", array)
    return folder


def read(folder, camera=None, damaged="stop"):
    skipped, told = Counter(), []
    images = list(iter_images(folder, camera=camera, damaged=damaged, tell=told.append, skipped=skipped))
    return images, skipped, told


@pytest.mark.parametrize("folded", ["", "tensors"])
def test_images_come_with_their_good_grasps(tmp_path, folded):
    folder = make(tmp_path, folded=folded)
    assert has_images(folder)
    images, skipped, _ = read(folder)
    assert [len(image.truths) for image in images] == [1, 1]
    assert skipped == {"no good grasp among its labels": 1}
    truth = images[1].truths[0]
    assert (truth.u, truth.v) == (30.0, 20.0)
    assert truth.angle_rad == pytest.approx(2.0 - np.pi)
    assert truth.width_px == pytest.approx(FOCAL * 0.05 / 0.65, rel=1e-5)
    assert truth.height_px == pytest.approx(truth.width_px / 5)
    np.testing.assert_array_equal(images[1].frame.depth_m, np.float32(0.71))


def test_the_camera_follows_from_the_grasps(tmp_path):
    K = read(make(tmp_path))[0][0].frame.intrinsics
    assert (K.fx, K.fy) == (pytest.approx(FOCAL, rel=1e-5),) * 2
    assert (K.cx, K.cy, K.width, K.height) == (pytest.approx(MIDDLE), pytest.approx(MIDDLE), SIDE, SIDE)


def test_the_sets_own_camera_goes_before_that_and_the_users_before_all(tmp_path):
    vectors = np.tile([500.0, 510.0, 20.0, 21.0, 0.0, SIDE, SIDE], (4, 1)).astype(np.float32)
    folder = make(tmp_path, camera_intrs=vectors)
    assert read(folder)[0][0].frame.intrinsics == Intrinsics(500.0, 510.0, 20.0, 21.0, SIDE, SIDE)
    given = Intrinsics(400.0, 400.0, 19.0, 19.0, SIDE, SIDE)
    assert read(folder, given)[0][0].frame.intrinsics == given


def test_labels_say_which_rows_are_one_image(tmp_path):
    images, skipped, _ = read(make(tmp_path, image_labels=np.array([7, 8, 8, 8])))
    assert [len(image.truths) for image in images] == [1, 1]
    assert skipped == Counter()
    assert images[1].frame.depth_m[0, 0] == np.float32(0.70), "the second image is that of its first row"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hand_poses": poses(_4=0.0, _5=0.0, _6=0.0)}, "--intrinsics"),
        ({"hand_poses": poses(_0=300.0)}, "outside the images"),
        ({"hand_poses": poses(_2=np.nan)}, "not finite"),
        ({"hand_poses": poses()[:, :4]}, "hand_poses"),
        ({"robust_ferrari_canny": None}, "no robust_ferrari_canny_00000"),
        ({"depth_ims_raw_table": np.zeros((3, 4))}, "shape"),
        ({"depth_ims_raw_table": np.full((4, SIDE, SIDE, 1), 700.0, np.float32)}, "metres"),
    ],
)
def test_what_does_not_fit_is_refused_or_left_out(tmp_path, changes, words):
    folder = make(tmp_path, **changes)
    with pytest.raises(SettingsError, match="depth_ims_raw_table_00000") as caught:
        read(folder)
    assert words in str(caught.value)
    images, _, told = read(folder, damaged="skip")
    assert images == []
    assert told[-1] == "1 of 1 indices left out as damaged"


def test_intrinsics_of_another_size_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="40 x 40"):
        read(make(tmp_path), Intrinsics(400.0, 400.0, 50.0, 50.0, 100, 100))


def test_crops_are_no_images(tmp_path):
    assert not has_images(make(tmp_path, depth_ims_raw_table=None))
    assert not has_images(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["obj_labels", "object_labels"])
def test_the_object_is_known_where_the_set_says(tmp_path, name):
    images, *_ = read(make(tmp_path / "named", **{name: np.array([7, 7, 9, 9])}))
    assert [image.thing for image in images] == ["7", "9"]
    assert {image.thing for image in read(make(tmp_path / "unnamed"))[0]} == {""}
