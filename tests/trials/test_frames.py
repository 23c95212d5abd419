from pathlib import Path

import numpy as np
import pytest

from tests.trials.fake_run import fake_frame, schedule
from trials.frames import FrameNotStored, color_path, depth_path, read_color, read_depth, write_frame


def test_a_frame_comes_back_to_the_millimetre_and_the_pixel(tmp_path: Path) -> None:
    depth, color = fake_frame(schedule(1)[0])
    depth[:3] = np.nan
    depth[3] = np.inf
    write_frame(tmp_path, 7, depth, color)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0007_color.png", "0007_depth.png"]
    again = read_depth(tmp_path, 7)
    assert again is not None
    assert (again[:4] == 0).all()
    np.testing.assert_allclose(again[4:], depth[4:], atol=0.000501)
    np.testing.assert_array_equal(read_color(tmp_path, 7), color)


def test_any_viewer_sees_red_as_red(tmp_path: Path) -> None:
    import cv2

    red = np.zeros((4, 5, 3), np.uint8)
    red[..., 0] = 255
    write_frame(tmp_path, 1, np.ones((4, 5)), red)
    image = cv2.imread(str(color_path(tmp_path, 1)))
    assert image is not None
    assert image[0, 0].tolist() == [0, 0, 255]


def test_what_is_not_there_or_no_frame_is_none(tmp_path: Path) -> None:
    assert read_depth(tmp_path, 1) is None
    assert read_color(tmp_path, 1) is None
    for path in (depth_path(tmp_path, 1), color_path(tmp_path, 1)):
        path.write_bytes(b"\x89PNG cut off")
    assert read_depth(tmp_path, 1) is None
    assert read_color(tmp_path, 1) is None


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FrameNotStored, match=r"0001_depth\.png: cannot be written"):
        write_frame(tmp_path / "gone", 1, np.ones((4, 5)))
