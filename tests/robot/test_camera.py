from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from robot.camera import CameraSettings, RealSenseCamera, median_of_valid
from robot.errors import CameraError, SettingsError
from robot.geometry import invert, transform
from robot.software_camera import SoftwareCamera
from tests.robot.camera_channel import COLOR, DEPTH, CameraChannel, camera_channel

FAST = CameraSettings(frame_timeout_s=0.25, attempts=3, warm_up_frames=1)


@pytest.fixture
def channel() -> Iterator[CameraChannel]:
    with camera_channel() as served:
        yield served


@pytest.fixture
def camera(channel: CameraChannel) -> Iterator[RealSenseCamera]:
    with RealSenseCamera(FAST, SoftwareCamera(port=channel.port)) as connected:
        yield connected


def render_step(T_depth_color: np.ndarray) -> np.ndarray:
    """Depth image [mm]: a table at 0.7 m, a block's top of 0.10 x 0.06 m at 0.6 m centred before the colour camera."""
    v, u = np.mgrid[0:480, 0:640]
    x = (u - DEPTH["cx"]) / DEPTH["fx"] * 0.6 - T_depth_color[0, 3]
    y = (v - DEPTH["cy"]) / DEPTH["fy"] * 0.6 - T_depth_color[1, 3]
    return np.where((np.abs(x) < 0.05) & (np.abs(y) < 0.03), 600, 700).astype(np.uint16)


@pytest.mark.parametrize("offset_m", [(-0.015, 0.0), (0.02, -0.01)])
def test_depth_is_aligned_to_the_colour_image(channel: CameraChannel, offset_m: tuple[float, float]) -> None:
    channel.T_color_depth = transform(np.eye(3), (*offset_m, 0.0))
    channel.depth_mm = render_step(invert(channel.T_color_depth))
    with RealSenseCamera(FAST, SoftwareCamera(port=channel.port)) as camera:
        frame = camera.read()
    assert (frame.intrinsics.fx, frame.intrinsics.cx, frame.intrinsics.cy) == (615.0, COLOR["cx"], COLOR["cy"])
    vs, us = np.nonzero(np.isclose(frame.depth_m, 0.6, atol=1e-4))
    edges = frame.intrinsics.project(np.array([[-0.05, -0.03, 0.6], [0.05, 0.03, 0.6]]))
    footprint = COLOR["fx"] / DEPTH["fx"]  # of one depth pixel, in colour pixels
    assert np.allclose([us.min(), vs.min()], edges[0], atol=footprint + 0.5)
    assert np.allclose([us.max(), vs.max()], edges[1], atol=footprint + 0.5)
    inside = frame.depth_m[vs.min() + 3 : vs.max() - 3, us.min() + 3 : us.max() - 3]
    assert np.allclose(inside, 0.6, atol=1e-4)


def test_rotated_depth_sensor_is_aligned(channel: CameraChannel) -> None:
    """Tells a rotation from its inverse: a block right of the depth image's centre moves down, not up."""
    channel.T_color_depth = transform(Rotation.from_euler("z", 0.1), (0.0, 0.0, 0.0))
    channel.depth_mm[230:250, 400:420] = 600
    with RealSenseCamera(FAST, SoftwareCamera(port=channel.port)) as camera:
        depth_m = camera.read().depth_m
    vs, us = np.nonzero(np.isclose(depth_m, 0.6, atol=1e-4))
    right, down = (409.5 - DEPTH["cx"]) / DEPTH["fx"], (239.5 - DEPTH["cy"]) / DEPTH["fy"]
    assert np.mean(us) == pytest.approx(615 * (np.cos(0.1) * right - np.sin(0.1) * down) + COLOR["cx"], abs=1.5)
    assert np.mean(vs) == pytest.approx(615 * (np.sin(0.1) * right + np.cos(0.1) * down) + COLOR["cy"], abs=1.5)


def test_unknown_depth_stays_unknown_and_colour_stays_in_place(channel: CameraChannel, camera: RealSenseCamera) -> None:
    channel.depth_mm[200:280, 280:360] = 0
    channel.color[100, 200] = (10, 20, 30)
    frame = camera.read()
    assert frame.depth_m[239, 321] == 0
    assert not frame.valid[239, 321]
    assert frame.color is not None
    assert frame.color[100, 200].tolist() == [10, 20, 30]


def test_each_read_is_one_new_frame(channel: CameraChannel, camera: RealSenseCamera) -> None:
    asked_before = channel.requests
    frames = [camera.read() for _ in range(5)]
    assert channel.requests - asked_before == 5
    numbers = [frame.number for frame in frames]
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    assert all(a.captured_at < b.captured_at for a, b in itertools.pairwise(frames))
    assert abs(time.monotonic() - frames[-1].captured_at) < 5.0


def test_frames_are_paired_again_after_a_restart_and_after_a_pause(
    channel: CameraChannel, camera: RealSenseCamera
) -> None:
    camera.read()
    camera.disconnect()
    time.sleep(0.4)  # more than the frames that the syncer waits for a late stream
    camera.connect()
    time.sleep(0.4)
    asked_before = channel.requests
    assert camera.read().color is not None
    assert channel.requests == asked_before + 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [("frozen!", "frozen"), ("silence!", "silent"), ("all_holes!", "unknown"), ("wrong_size!", "bytes"),
     ("half_frame!", "silent"), ("hang_up!", "closed")],
)  # fmt: skip
def test_lasting_fault_is_an_error_that_names_the_camera(
    channel: CameraChannel, camera: RealSenseCamera, fault: str, words: str
) -> None:
    camera.read()
    channel.faults = [fault]
    with pytest.raises(CameraError, match=words) as caught:
        camera.read()
    assert "Test camera" in str(caught.value)
    assert "42" in str(caught.value)
    assert caught.value.hint
    channel.faults = []
    assert camera.read().valid.all()  # the next read starts the camera again


@pytest.mark.parametrize("fault", ["frozen", "silence", "all_holes", "wrong_size", "half_frame", "hang_up"])
def test_passing_fault_costs_one_attempt(channel: CameraChannel, camera: RealSenseCamera, fault: str) -> None:
    before = camera.read().number
    channel.faults = [fault]
    frame = camera.read()
    assert frame.number > before
    assert frame.valid.all()


def test_who_looks_at_the_colour_only_may_do_without_depth(channel: CameraChannel, camera: RealSenseCamera) -> None:
    camera.read()
    channel.faults = ["all_holes!"]
    frame = camera.read(max_hole_share=1.0)
    assert not frame.valid.any()
    assert frame.color is not None


def test_silence_costs_no_more_than_its_deadlines(channel: CameraChannel, camera: RealSenseCamera) -> None:
    channel.faults = ["silence!"]
    begun = time.monotonic()
    with pytest.raises(CameraError):
        camera.read()
    assert time.monotonic() - begun < 3 * FAST.attempts * FAST.frame_timeout_s


def test_no_camera_at_the_address() -> None:
    with pytest.raises(CameraError, match="cannot connect"):
        RealSenseCamera(FAST, SoftwareCamera(port=1)).connect()


def test_size_other_than_set_is_refused(channel: CameraChannel) -> None:
    settings = CameraSettings(width=1280, height=720, frame_timeout_s=0.25, attempts=1)
    with (
        RealSenseCamera(settings, SoftwareCamera(port=channel.port)) as camera,
        pytest.raises(CameraError, match="640 x 480"),
    ):
        camera.read()


def test_peek_returns_the_last_frame_while_it_is_young(channel: CameraChannel) -> None:
    now = [100.0]
    camera = RealSenseCamera(FAST, SoftwareCamera(port=channel.port), clock=lambda: now[0])
    with camera:
        with pytest.raises(CameraError, match="no frame"):
            camera.peek()
        frame = camera.read()
        now[0] += FAST.max_age_s
        assert camera.peek() is frame
        now[0] += 0.1
        with pytest.raises(CameraError, match="old"):
            camera.peek()
        assert camera.peek(max_age_s=10.0) is frame


def test_median_over_frames(channel: CameraChannel, camera: RealSenseCamera) -> None:
    images = [np.full((480, 640), depth, np.uint16) for depth in (700, 690, 720)]
    for image in images[:2]:
        image[:120] = 0  # two of three do not know the upper rows
    images[0][240:, :320] = 0
    channel.depths_mm = images
    depth_m = camera.read_median(3).depth_m
    assert depth_m[30, 500] == 0
    assert depth_m[400, 500] == pytest.approx(0.700)
    assert depth_m[400, 100] == pytest.approx(0.690)  # of 690 and 720 one that was measured
    with pytest.raises(SettingsError):
        camera.read_median(2)


def test_median_agrees_with_numpy_where_all_is_known() -> None:
    depths = np.random.default_rng(3).uniform(0.5, 0.9, (5, 8, 9)).astype(np.float32)
    assert np.array_equal(median_of_valid(depths), np.median(depths, axis=0).astype(np.float32))


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"max_hole_share": 0.0}, {"median_frames": 2}, {"frame_timeout_s": 0.0}]
)
def test_settings_are_validated(wrong: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        CameraSettings(**wrong)  # type: ignore[arg-type]


def test_bag_of_another_kind_is_refused(tmp_path: Path) -> None:
    from robot.bag_playback import BagPlayback

    path = tmp_path / "table.bag"
    path.write_bytes(b"no recording")
    with pytest.raises(CameraError, match="not a recording"):
        RealSenseCamera(FAST, BagPlayback(path)).connect()
    with pytest.raises(CameraError, match="no such"):
        RealSenseCamera(FAST, BagPlayback(tmp_path / "absent.bag")).connect()
