"""What a network is shown of a frame, where its answers count, and both of it for the eye."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from detectors.antipodal.table import fit_table
from detectors.fcn.seeing import see
from detectors.fcn.settings import STEP_M
from detectors.inpainting import fill_holes
from detectors.oneshot.looking import table_row
from robot.frame import Frame, Intrinsics
from tests.detectors.depth_scenes import Box, render
from tests.detectors.fcn.bars import TINY, as_if_trained, measured, tiny_layout
from tests.detectors.fcn.eyes import BAR, CAMERA, CLOSE, SMALL, THREE, BarReader, Pointing, detector


@pytest.mark.parametrize("solids", [[THREE[0]], [THREE[2]], list(THREE), [Box(0.18, 0.14, 0.05, 0.05, 0.05)]])
def test_the_network_is_shown_all_that_stands_and_what_is_beside_it_upright(solids: list[Box]) -> None:
    frame, network = render(solids, camera=CAMERA), BarReader()
    detector(network).detect(frame)
    view = network.seen[0]
    assert view.shape[0] % 16 == view.shape[1] % 16 == 0
    assert min(view.shape) >= 128
    rows, columns = np.nonzero(view > 0.25)
    for first, last, size in ((rows.min(), rows.max(), view.shape[0]), (columns.min(), columns.max(), view.shape[1])):
        assert first >= 44
        assert last < size - 44
        assert size <= max(last - first + 2 * 48 + 24, 128)
    shown_m2 = (view > 0.25).sum() * STEP_M**2
    there = int((frame.depth_m < 0.69).sum())
    assert shown_m2 == pytest.approx(there * (0.70 / CAMERA.fx) ** 2, rel=0.06)


def test_a_view_is_never_larger_than_two_metres_and_things_are_never_made_smaller() -> None:
    wide = Intrinsics(fx=60.0, fy=60.0, cx=79.5, cy=59.5, width=160, height=120)
    boxes = [Box(x, y, 0.3, 0.2, 0.1) for x in (-1.1, 1.1) for y in (-0.8, 0.8)]
    seen: list[NDArray[np.float32]] = []

    def look(view: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(view)
        return (view > 1).astype(np.float32)

    assert detector(Pointing(look)).detect(render(boxes, camera=wide, distance_m=1.0)).grasps
    assert max(seen[0].shape) <= 1600


def test_pixels_that_are_not_square_are_made_so() -> None:
    camera = Intrinsics(fx=300.0, fy=200.0, cx=160.0, cy=80.0, width=320, height=160)
    network = BarReader()
    grasp = detector(network).detect(render([BAR], camera=camera)).grasps[0]
    _, _, direction, length, height = measured((network.seen[0] > 0.25).astype(np.float32))
    assert abs(math.remainder(direction - BAR.angle_rad, math.pi)) < 0.02
    assert length / height == pytest.approx(BAR.length_m / BAR.width_m, rel=0.05)
    assert (grasp.u, grasp.v) == pytest.approx((160.0, 80.0), abs=1.0)


@pytest.mark.parametrize(("camera", "distance_m"), [(SMALL, 0.33), (SMALL, 0.70), (CAMERA, 0.62), (CLOSE, 0.51)])
def test_every_allowed_pixel_of_the_view_is_one_that_may_be_grasped(camera: Intrinsics, distance_m: float) -> None:
    depth, rng = np.array(render([BAR], camera=camera, distance_m=distance_m).depth_m), np.random.default_rng(0)
    depth[rng.random(depth.shape) < 0.3] = 0.0
    frame, region = Frame(depth, camera), rng.random(depth.shape) < 0.7
    table = fit_table(frame, rng)
    assert table is not None
    seen = see(frame, fill_holes(frame.depth_m, frame.valid), table_row(table), region)
    assert seen is not None
    rows, columns = np.nonzero(seen.allowed)
    assert len(rows) > 200
    pixels = (np.stack([columns, rows], axis=1) - seen.matrix[:, 2]) / seen.matrix[0, 0]
    u, v = np.rint(pixels).astype(int).T
    assert (frame.valid & region)[v, u].all()
    wanted = (frame.valid & region & (depth < distance_m - 0.01)).sum()
    share = len(rows) * (camera.fx * STEP_M / distance_m) ** 2 / wanted
    assert share > 0.95, "all of the bar that may be, and its rim"


def test_the_picture_shows_the_grasps_and_the_maps_they_came_from() -> None:
    frame, one = render([BAR], camera=CAMERA), detector(BarReader())
    grasps = one.detect(frame).grasps
    drawn, empty = one.draw(frame, grasps), one.draw(frame, ())
    assert drawn.dtype == np.uint8
    assert drawn.shape[0] >= 240
    assert drawn.shape[1] > 320 + 256
    assert (drawn[:240, :320] != empty[:240, :320]).any()
    np.testing.assert_array_equal(drawn[:, 330:], empty[:, 330:])


@pytest.mark.parametrize("frame", [Frame(np.zeros((120, 160), np.float32), SMALL), render([], camera=SMALL)])
def test_where_no_map_was_made_the_picture_is_the_frame_alone(frame: Frame) -> None:
    network = Pointing(lambda view: pytest.fail("the network was asked"))
    assert detector(network).draw(frame, ()).shape == (120, 160, 3)


def test_gradients_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_layout(monkeypatch)
    network = as_if_trained("fcn", {"layout": TINY})
    maps = detector(network).maps(np.zeros((32, 48), np.float32))
    assert maps.quality.shape == (1, 32, 48)
    assert not maps.quality.requires_grad
    assert torch.is_grad_enabled()
