"""Scenes as pictures: in millimetres whatever the camera, and grasps that open as far as usual."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.fcn.dense_shards import DenseGrasps
from detectors.fcn.labels import paint
from detectors.fcn.samples import Picture, ScenePictures, usual_openings
from detectors.fcn.settings import PLATE_M, STEP_M, VIEW_PX, WIDTH_UNIT_PX
from detectors.fcn.views import moved, view_matrix, warp
from detectors.oneshot.looking import camera_row, table_row
from detectors.oneshot.prepared import TENTHS_PER_M, PreparedScenes
from robot.frame import Intrinsics
from robot.gripper_geometry import PAD_WIDTH_M
from tests.detectors.depth_scenes import Box, render
from tests.detectors.fcn.bars import measured
from tests.detectors.oneshot.images import tilted_table

NEAR = Intrinsics(fx=150.0, fy=150.0, cx=95.5, cy=71.5, width=192, height=144)
FAR = replace(NEAR, fx=260.0, fy=260.0)
TABLE_M, BAR = 0.70, Box(0.03, -0.02, 0.14, 0.035, 0.04, 0.5)
LEVEL = table_row(tilted_table(0.0))


def grasp_on(bar: Box, camera: Intrinsics, opening_m: float, depth_m: float = TABLE_M - BAR.height_m) -> list[float]:
    """Across the middle of a bar: u, v, depth, angle, opening."""
    u, v = camera.project(np.array([bar.x_m, bar.y_m, depth_m]))
    return [float(u), float(v), depth_m, math.remainder(bar.angle_rad + math.pi / 2, math.pi), opening_m]


def scenes_of(*cameras: Intrinsics, split: tuple[str, ...] | None = None) -> PreparedScenes:
    """The bar as each of these cameras sees it, scene numbers 10, 11, ..."""
    count = len(cameras)
    depth = [np.rint(render([BAR], camera=camera).depth_m * TENTHS_PER_M).astype(np.uint16) for camera in cameras]
    none = np.zeros(0, np.float32)
    return PreparedScenes(
        depth=(np.stack(depth),), place=np.stack([np.zeros(count, np.int64), np.arange(count)], axis=1),
        number=np.arange(10, 10 + count), split=np.array(split or ("train",) * count),
        camera=np.array([camera_row(camera) for camera in cameras], np.float32), table=np.tile(LEVEL, (count, 1)),
        grasps=np.zeros((0, 5), np.float32), owner=np.zeros(0, np.int64), success=none, quality=none,
    )  # fmt: skip


def dense_of(numbers: list[int], rows: list[list[float]]) -> DenseGrasps:
    return DenseGrasps(np.array(numbers), np.array(rows, np.float32).reshape(-1, 5), np.ones(len(rows), np.float32))


def in_view(picture: Picture, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return moved(rows, view_matrix(picture.middle, VIEW_PX, picture.scale))


@pytest.mark.parametrize("camera", [NEAR, FAR])
def test_sixty_millimetres_at_the_table_are_forty_eight_pixels_of_a_view(camera: Intrinsics) -> None:
    dense = dense_of([10, 10], [grasp_on(BAR, camera, 0.060, TABLE_M), grasp_on(BAR, camera, 0.060, 0.63)])
    picture = ScenePictures(scenes_of(camera), dense, "train").picture(0)
    for rows, height_m in ((picture.rectangles, PLATE_M), (picture.truths, PAD_WIDTH_M)):
        at_table, higher = in_view(picture, rows)
        assert at_table[3:] == pytest.approx([48.0, height_m / STEP_M], rel=1e-3)
        assert higher[3:] == pytest.approx([48.0 / 0.9, height_m / STEP_M / 0.9], rel=1e-3), "nearer, it looks larger"
    assert picture.plate_px == pytest.approx(PAD_WIDTH_M / STEP_M)
    assert ScenePictures.width_unit_px == WIDTH_UNIT_PX == pytest.approx(68.0)


@pytest.mark.parametrize("camera", [NEAR, FAR])
def test_the_bar_lies_in_the_view_where_it_lies_on_the_table_and_the_labels_lie_on_it(camera: Intrinsics) -> None:
    dense = dense_of([10], [grasp_on(BAR, camera, 0.060)])
    pictures = ScenePictures(scenes_of(camera), dense, "train")
    picture = pictures.picture(0)
    assert picture.image.shape == (144, 192)
    matrix = view_matrix(picture.middle, VIEW_PX, picture.scale)
    seen = warp(picture.image, matrix, (VIEW_PX, VIEW_PX))
    top = TABLE_M - BAR.height_m
    assert float(seen.max()) == pytest.approx(BAR.height_m / 0.04, abs=0.01)
    u, v, angle, length, height = measured((seen > 0.5).astype(np.float32))
    middle = (VIEW_PX - 1) / 2
    expected = (middle + BAR.x_m * TABLE_M / top / STEP_M, middle + BAR.y_m * TABLE_M / top / STEP_M)
    assert (u, v) == pytest.approx(expected, abs=1.5)
    assert (length, height) == pytest.approx((0.14 / STEP_M * TABLE_M / top, 0.035 / STEP_M * TABLE_M / top), abs=2.5)
    assert abs(math.remainder(angle - 0.5, math.pi)) < 0.03
    labels = paint(moved(picture.rectangles, matrix), seen.shape, pictures.width_unit_px)
    rows, columns = np.nonzero(labels.mask)
    assert (columns.mean(), rows.mean()) == pytest.approx(expected, abs=1.0)
    assert (seen[rows, columns] > 0.9).all(), "the centre third of 60 mm lies on a bar of 35 mm"
    assert float(labels.width[rows[0], columns[0]]) * STEP_M * WIDTH_UNIT_PX == pytest.approx(
        0.060 * TABLE_M / top, rel=1e-3
    )


def test_every_scene_has_its_own_picture_and_grasps() -> None:
    scenes = scenes_of(NEAR, FAR, NEAR)
    dense = dense_of(
        [10, 10, 12], [grasp_on(BAR, NEAR, 0.05), grasp_on(BAR, NEAR, 0.05, 0.69), grasp_on(BAR, NEAR, 0.07)]
    )
    pictures = ScenePictures(scenes, dense, "train")
    assert pictures.names.tolist() == ["scene 10", "scene 12"], "scene 11 has no grasp"
    assert [len(pictures.picture(i).truths) for i in range(len(pictures))] == [2, 1]
    assert pictures.picture(1).truths[0, 3] == pytest.approx(0.07 * 150.0 / 0.66, rel=1e-5)
    assert pictures.channels == 1


def test_only_the_split_that_is_wanted() -> None:
    scenes = scenes_of(NEAR, NEAR, FAR, split=("train", "validation", "validation"))
    dense = dense_of([10, 11, 12], [grasp_on(BAR, NEAR, 0.05), grasp_on(BAR, NEAR, 0.05), grasp_on(BAR, FAR, 0.05)])
    names = {split: ScenePictures(scenes, dense, split).names.tolist() for split in ("train", "validation", "test")}
    assert names == {"train": ["scene 10"], "validation": ["scene 11", "scene 12"], "test": []}
    far = ScenePictures(scenes, dense, "validation").picture(1)
    assert far.scale == pytest.approx(TABLE_M / (260.0 * STEP_M), rel=1e-4)


def test_what_is_painted_opens_as_usual_and_what_is_judged_by_as_labelled() -> None:
    rows = [grasp_on(BAR, NEAR, opening) for opening in (0.040, 0.050, 0.066)]
    picture = ScenePictures(scenes_of(NEAR), dense_of([10] * 3, rows), "train").picture(0)
    px_per_m = 150.0 / 0.66
    assert picture.truths[:, 3] / px_per_m == pytest.approx([0.040, 0.050, 0.066], rel=1e-5)
    assert picture.rectangles[:, 3] / px_per_m == pytest.approx([0.052] * 3, rel=1e-5)
    np.testing.assert_array_equal(picture.truths[:, :3], picture.rectangles[:, :3])


def grasps(*rows: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Of u, v, angle in degrees and opening in millimetres."""
    return np.array([[u, v, 0.66, math.radians(angle), opening / 1e3] for u, v, angle, opening in rows])


def test_the_usual_opening_is_the_mean_of_those_about_the_same() -> None:
    found = usual_openings(grasps((50, 50, 10, 40), (53, 54, 20, 50), (50, 50, 0, 60), (80, 50, 10, 30)))
    assert found * 1e3 == pytest.approx([50, 45, 50, 30]), "20 and 0 degrees are too far apart, 80 too far away"


def test_across_the_seam_they_are_the_same_direction() -> None:
    assert usual_openings(grasps((50, 50, 88, 40), (50, 50, -88, 60))) * 1e3 == pytest.approx([50, 50])
    assert usual_openings(grasps((50, 50, 88, 40), (50, 50, 2, 60))) * 1e3 == pytest.approx([40, 60])


ROWS = st.lists(
    st.tuples(st.floats(0, 30), st.floats(0, 30), st.floats(-90, 90), st.floats(5, 85)), min_size=0, max_size=12
)


@settings(deadline=None)
@given(ROWS, st.integers(0, 1000))
def test_whatever_the_grasps_the_usual_opening_lies_among_them_and_their_order_does_not_matter(
    rows: list[tuple[float, float, float, float]], seed: int
) -> None:
    table = grasps(*rows).reshape(-1, 5)
    found = usual_openings(table)
    assert found.shape == (len(rows),)
    if rows:
        assert table[:, 4].min() - 1e-12 <= found.min()
        assert found.max() <= table[:, 4].max() + 1e-12
    order = np.random.default_rng(seed).permutation(len(rows))
    np.testing.assert_allclose(usual_openings(table[order]), found[order])
