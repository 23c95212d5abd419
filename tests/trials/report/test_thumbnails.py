import base64
from pathlib import Path

import numpy as np
import pytest

from tests.trials.fake_run import FX, fake_frame, make_record, schedule
from trials.frames import write_frame
from trials.record import TrialRecord
from trials.report.thumbnails import MAX_BYTES, PAD_WIDTH_M, SIZE_PX, depth_as_grey, draw_thumbnail, thumbnail

PLANNED = schedule(1)[0]
YELLOW = (255, 196, 0)


def with_grasp(u: float, v: float, angle_rad: float, width_m: float = 0.06, depth_m: float = 0.7) -> TrialRecord:
    grasp = {"u": u, "v": v, "angle_rad": angle_rad, "width_m": width_m, "depth_m": depth_m, "quality": 0.5}
    return make_record(PLANNED, grasp=grasp)


def yellow(picture: np.ndarray) -> np.ndarray:
    """(N, 2) pixels x, y where the jaws are drawn."""
    rows, columns = np.nonzero((np.abs(picture.astype(int) - YELLOW) < 40).all(axis=2))
    return np.stack([columns, rows], axis=1)


@pytest.mark.parametrize("angle_rad", [0.0, 0.5, -0.5, 1.3, -1.5])
def test_the_jaws_are_drawn_to_scale_along_the_closing_direction(angle_rad: float) -> None:
    grey = np.full((480, 640, 3), 90, np.uint8)
    picture = draw_thumbnail(grey, with_grasp(320.0, 240.0, angle_rad), FX)
    assert picture.shape == (SIZE_PX, SIZE_PX, 3)
    points = yellow(picture) - (SIZE_PX - 1) / 2
    closing = np.array([np.cos(angle_rad), np.sin(angle_rad)])  # v grows downwards, as rows do
    along, across = points @ closing, points @ [-closing[1], closing[0]]
    jaws = np.abs(along) > 12  # the dot in the middle is smaller
    scale = SIZE_PX / 150
    opening_px = scale * 0.06 * FX / 0.7
    assert np.abs(along[jaws]).mean() == pytest.approx(opening_px / 2, abs=0.7)
    pad_px = scale * PAD_WIDTH_M * FX / 0.7
    assert np.ptp(across[jaws]) == pytest.approx(pad_px + 5, abs=3)  # round ends


def test_a_grasp_at_the_border_is_still_in_the_picture() -> None:
    picture = draw_thumbnail(np.full((480, 640, 3), 90, np.uint8), with_grasp(6.0, 474.0, 0.0), FX)
    points = yellow(picture)
    assert points[:, 0].min() < 60
    assert points[:, 1].mean() > SIZE_PX - 40


def test_without_a_grasp_or_a_focal_length_the_whole_image_is_shown() -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    image[:, :160], image[:, 480:] = 10, 200
    for record, fx in ((make_record(PLANNED), FX), (with_grasp(320, 240, 0.0), None)):
        picture = draw_thumbnail(image, record, fx)
        assert picture[SIZE_PX // 2, 10, 0] == 10
        assert picture[SIZE_PX // 2, -10, 0] == 200
        assert len(yellow(picture)) == 0


def test_near_is_lighter_than_far_and_unknown_is_red() -> None:
    depth = np.full((10, 10), 0.7, np.float32)
    depth[2:5], depth[8] = 0.65, 0.0
    grey = depth_as_grey(depth)
    assert grey[3, 0, 0] > grey[0, 0, 0] + 50
    assert grey[8, 0, 0] > 2 * grey[8, 0, 1]
    assert depth_as_grey(np.zeros((3, 3), np.float32)).shape == (3, 3, 3)


def test_the_picture_is_a_small_jpeg(tmp_path: Path) -> None:
    write_frame(tmp_path, 1, *fake_frame(PLANNED))
    write_frame(tmp_path, 2, fake_frame(PLANNED)[0])
    record = with_grasp(320, 240, 0.3)
    for trial, kind in ((1, "color"), (1, "depth"), (2, "color")):
        address = thumbnail(tmp_path, make_record(PLANNED, trial=trial, grasp=record.grasp), FX, kind)  # type: ignore[arg-type]
        assert address is not None
        head, data = address.split(",")
        assert head == "data:image/jpeg;base64"
        assert base64.b64decode(data)[:2] == b"\xff\xd8"
        assert len(data) <= MAX_BYTES * 4 / 3 + 4
    assert thumbnail(tmp_path, make_record(PLANNED, trial=3), FX) is None
