"""A cloud in the robot's frame gives back the depth along the optical axis, and the camera that saw it."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.cornell.point_cloud import read_point_cloud
from detectors.evaluation.labelled import Unusable
from robot.frame import Frame, Intrinsics
from tests.detectors.cornell.made import cloud_text, header, in_base
from tests.detectors.depth_scenes import Box, render

CAMERA = Intrinsics(98.0, 99.0, 58.0, 51.0, 120, 100)


@pytest.fixture(scope="module")
def frame() -> Frame:
    return render([Box(0.0, 0.0, 0.12, 0.06, 0.05, 0.4)], camera=CAMERA, hole_share=0.05)


@pytest.fixture
def read(tmp_path):
    def go(text, width=120, height=100):
        path = tmp_path / "pcd0100.txt"
        path.write_text(text, encoding="utf-8")
        return read_point_cloud(path, width, height)

    return go


def assert_camera(found, expected):
    got = (found.fx, found.fy, found.cx, found.cy)
    assert got == pytest.approx((expected.fx, expected.fy, expected.cx, expected.cy), abs=0.3)
    assert (found.width, found.height) == (expected.width, expected.height)


@pytest.mark.parametrize("per_m", [1000.0, 1.0], ids=["millimetres", "metres"])
def test_camera_and_depth_follow_from_a_cloud_in_the_robots_frame(read, frame, per_m):
    cloud = read(cloud_text(frame, per_m=per_m))
    assert_camera(cloud.camera, CAMERA)
    np.testing.assert_allclose(cloud.depth_m, frame.depth_m, atol=1e-3)
    assert ((cloud.depth_m == 0) == (frame.depth_m == 0)).all(), "a pixel without a point has no reading"


def test_neither_coordinate_nor_distance_would_have_been_the_depth(frame):
    points = in_base(frame)[frame.valid]
    for wrong in (np.linalg.norm(points, axis=1), points[:, 2], points[:, 0]):
        assert np.abs(wrong - frame.depth_m[frame.valid]).max() > 0.1


def test_sensor_noise_moves_points_along_their_rays_and_does_no_harm(read, frame):
    step = 2.87e-3  # 1 / m between a Kinect's disparities
    noise = np.random.default_rng(0).normal(0, step / 2, frame.depth_m.shape)
    with np.errstate(divide="ignore"):
        inverse = np.round((1 / frame.depth_m + noise) / step) * step
    noisy = Frame(np.where(frame.valid, 1 / inverse, 0).astype(np.float32), CAMERA)
    cloud = read(cloud_text(noisy))
    assert_camera(cloud.camera, CAMERA)
    np.testing.assert_allclose(cloud.depth_m, noisy.depth_m, atol=1e-3)


def test_a_plane_settles_the_camera_in_its_own_frame_only(read):
    table = render([], camera=CAMERA)
    cloud = read(cloud_text(table, table.points_camera()))
    assert_camera(cloud.camera, CAMERA)
    np.testing.assert_allclose(cloud.depth_m, table.depth_m, atol=1e-4)
    elsewhere = read(cloud_text(table))
    assert elsewhere.camera is None


def test_a_cloud_that_no_camera_explains_is_read_as_distances_from_its_origin(read, frame):
    points = np.random.default_rng(0).uniform(0.5, 1.0, (100, 120, 3))
    cloud = read(cloud_text(frame, points))
    assert cloud.camera is None
    np.testing.assert_allclose(cloud.depth_m[frame.valid], np.linalg.norm(points, axis=-1)[frame.valid], rtol=1e-5)


def test_a_few_points_are_no_camera_but_depths(read):
    rows = ["0 0 700 0 0", "30 40 0 0 125", "nan nan nan 0 126", "0 0 0 0 127"]
    cloud = read("\n".join([*header(4), *rows]))
    assert cloud.camera is None
    assert (cloud.depth_m[0, 0], cloud.depth_m[1, 5]) == pytest.approx((0.7, 0.05))
    assert np.count_nonzero(cloud.depth_m) == 2, "NaN and the origin are no readings"


def test_fields_may_come_in_another_order(read):
    text = "\n".join(header(1)).replace("x y z rgb index", "index x y z") + "\n7 0 0 0.5\n"
    assert read(text).depth_m[0, 7] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text[: text.rindex("\n", 0, -1) + 6],
        lambda text: text.replace("DATA ascii", "DATA binary"),
        lambda text: text.replace("FIELDS x y z rgb index", "FIELDS x y z rgb"),
        lambda text: text.replace("POINTS ", "POINTS many"),
        lambda text: "\n".join(header(0)) + "\n",
        lambda text: "\n".join(text.splitlines()[:3]),
        lambda text: text.replace("DATA ascii\n", "DATA ascii\nx y z 0 1\n"),
        lambda text: "",
        lambda text: "\x00\x01ÿ",
    ],
    ids=["half", "torn line", "binary", "no index", "no number", "empty", "header", "text", "nothing", "bytes"],
)
def test_what_is_not_whole_is_unusable(read, frame, damage):
    with pytest.raises(Unusable, match="cut off or damaged"):
        read(damage(cloud_text(frame)))


def test_a_cloud_of_a_larger_image_is_unusable(read, frame):
    with pytest.raises(Unusable, match="another size than 60 x 50"):
        read(cloud_text(frame), 60, 50)
