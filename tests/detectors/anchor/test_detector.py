"""From colour through anchors to grasps and rectangles: places, angles and openings are those of the world."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from detectors.anchor import weights_file
from detectors.anchor.detector import (
    NO_COLOR,
    PRIMARY,
    SCORER,
    AnchorDetector,
    make_with_weights,
    make_zhou_with_weights,
)
from detectors.anchor.network import AnchorConfig, AnchorNetwork, Predictions, Scores
from detectors.anchor.settings import STEP_M
from detectors.anchor.weights import save_weights
from detectors.antipodal.detector import NO_DEPTH, NO_TABLE, NOT_ALLOWED, NOTHING_THERE
from detectors.antipodal.settings import AntipodalSettings
from detectors.fcn import settings as seen_at
from detectors.gqcnn.metric import RobustnessMetric
from detectors.grasp import Grasp
from detectors.rectangle_detector import sees_color_alone
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics
from tests.detectors.anchor.bars import RED, BarColors, as_if_trained, tiny_backbone, tiny_network
from tests.detectors.anchor.eyes import BarEyes, detector, painted
from tests.detectors.depth_scenes import Box, render
from tests.detectors.fcn.eyes import BAR, CAMERA, CLOSE, SMALL, THREE
from tests.detectors.gqcnn.critic import ConstantCritic, GeometricCritic

GRIPPER = AntipodalSettings()


def picture_of(*solids: Box, camera: Intrinsics = CAMERA, distance_m: float = 0.70) -> Frame:
    return painted(render(solids, camera=camera, distance_m=distance_m), distance_m)


class Everywhere(BarEyes):
    """Answers with a score of every anchor that the seed decides; grasps are the anchors themselves, shifted a bit."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.seed = seed

    def __call__(self, images: Tensor) -> Predictions:
        found = super().__call__(images)
        rng = torch.Generator().manual_seed(self.seed)
        score = torch.rand(found.primary.shape[1], generator=rng) * 0.98 + 0.01
        deltas = torch.rand(found.deltas.shape, generator=rng) - 0.5
        return Predictions(found.features, torch.stack([torch.log1p(-score), score.log()], 1)[None], deltas)


# Rectangles from colour alone.


@pytest.mark.parametrize("scale", [None, 0.7, 1.0, 2.0])
def test_rectangles_are_in_the_pictures_own_pixels_whatever_the_scale(scale: float | None) -> None:
    picture = BarColors(3).picture(2)
    wide = np.concatenate([picture.image, np.full((160, 77, 3), (200, 200, 195), np.uint8)], axis=1)
    eyes = BarEyes(width_px=34.0, height_px=18.0)
    (found,) = detector(eyes).rectangles(wide, scale=scale)
    used = 320 / 160 if scale is None else scale
    u, v, angle, _, _ = picture.truths[0]
    assert (found.rectangle.u, found.rectangle.v) == pytest.approx((u, v), abs=0.8)
    assert abs(math.remainder(found.rectangle.angle_rad - angle, math.pi)) < math.radians(3)
    assert (found.rectangle.width_px, found.rectangle.height_px) == pytest.approx((34 / used, 18 / used), rel=1e-4)
    assert found.score == pytest.approx(0.9, abs=1e-5)
    rows, columns, _ = eyes.seen[0].shape
    assert rows % 16 == columns % 16 == 0
    assert 0 <= rows - 160 * used < 16
    assert 0 <= columns - 237 * used < 16


def test_rectangles_are_best_first_and_lie_in_the_picture() -> None:
    color = np.zeros((100, 90, 3), np.uint8)
    found = detector(Everywhere()).rectangles(color, top=2000, scale=1.0)
    assert 100 < len(found) < 7 * 6 * 6
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= one.rectangle.u < 90 and 0 <= one.rectangle.v < 100 for one in found)
    assert detector(Everywhere()).rectangles(color, top=3, scale=1.0) == found[:3]
    assert max(one.rectangle.v for one in found) > 95, "up to its edge"


def test_by_the_primary_score_another_is_first() -> None:
    class TwoMinds(Everywhere):
        def scores(self, found: Predictions) -> Scores:
            primary = super().scores(found).primary
            return Scores(primary, 1 - primary, 1 - primary)

    color = np.zeros((96, 96, 3), np.uint8)
    final = detector(TwoMinds()).rectangles(color, top=3, scale=1.0)
    primary = detector(TwoMinds(), order="primary").rectangles(color, top=300, scale=1.0)
    assert {one.rectangle for one in final} == {one.rectangle for one in primary[-3:]}


def test_it_is_one_that_can_be_shown_colour_alone() -> None:
    assert sees_color_alone(detector(BarEyes()))


def test_rectangles_of_a_network_that_predicts_no_size_have_one() -> None:
    class Thin(Everywhere):
        def __call__(self, images: Tensor) -> Predictions:
            found = super().__call__(images)
            found.deltas[..., 2:4] = -1e6
            return found

    found = detector(Thin()).rectangles(np.zeros((64, 64, 3), np.uint8), top=5)
    assert len(found) == 5
    assert all(one.rectangle.width_px > 0 and one.rectangle.height_px > 0 for one in found)


# Grasps from colour and depth.


@pytest.mark.parametrize(("camera", "distance_m"), [(CAMERA, 0.70), (CAMERA, 0.50), (CLOSE, 0.70)])
@pytest.mark.parametrize(("x_m", "y_m", "angle"), [(0.0, 0.0, 0.5), (0.05, -0.04, -1.2)])
def test_a_bar_is_held_where_it_lies_across_it_as_deep_as_the_depth_says(
    camera: Intrinsics, distance_m: float, x_m: float, y_m: float, angle: float
) -> None:
    bar = Box(x_m, y_m, 0.12, 0.03, 0.04, angle)
    found = detector(BarEyes()).detect(picture_of(bar, camera=camera, distance_m=distance_m))
    assert len(found.grasps) == 1
    grasp, top = found.grasps[0], distance_m - bar.height_m
    place_m = (np.array([grasp.u, grasp.v]) - [camera.cx, camera.cy]) * top / camera.fx
    assert tuple(place_m) == pytest.approx((x_m, y_m), abs=0.004)
    assert abs(math.remainder(grasp.angle_rad - angle - math.pi / 2, math.pi)) < math.radians(3)
    expected = bar.height_m - GRIPPER.pad_reach_m + GRIPPER.tip_to_centre_m
    assert distance_m - grasp.depth_m == pytest.approx(expected, abs=0.002)
    assert grasp.quality == pytest.approx(0.9, abs=1e-5)


def test_the_opening_is_the_boxs_width_in_metres_and_some_play() -> None:
    """The box's pixels hold at the table; the grasp is nearer to the camera."""
    for width_px in (32.0, 44.0):
        grasp = detector(BarEyes(width_px=width_px)).detect(picture_of(BAR)).grasps[0]
        assert grasp.width_m == pytest.approx(width_px * STEP_M * grasp.depth_m / 0.70 + 0.010, abs=2e-4)
    assert detector(BarEyes(width_px=90.0)).detect(picture_of(BAR)).grasps[0].width_m == pytest.approx(0.085)


def test_the_pitch_is_that_of_the_view() -> None:
    assert STEP_M == seen_at.STEP_M


def test_the_network_is_shown_all_that_stands_in_colour_at_the_tables_pitch() -> None:
    eyes, frame = BarEyes(), picture_of(*THREE)
    detector(eyes).detect(frame)
    (view,) = eyes.seen
    assert min(view.shape[:2]) == 320
    assert view.shape[0] % 16 == view.shape[1] % 16 == 0
    red = (view[..., 0] > 150) & (view[..., 1] < 120)
    there_m2 = int((frame.depth_m < 0.69).sum()) * (0.70 / CAMERA.fx) ** 2
    assert red.sum() * STEP_M**2 == pytest.approx(there_m2, rel=0.06)


def test_several_are_different_and_the_best_is_first() -> None:
    frame = picture_of(*THREE)
    found = detector(BarEyes()).detect(frame, top=5).grasps
    assert len(found) >= 3
    for grasp, bar in zip(found, THREE, strict=False):  # they are in the order of their size
        place_m = (np.array([grasp.u, grasp.v]) - [CAMERA.cx, CAMERA.cy]) * (0.70 - bar.height_m) / CAMERA.fx
        assert tuple(place_m) == pytest.approx((bar.x_m, bar.y_m), abs=0.005)
        assert abs(math.remainder(grasp.angle_rad - bar.angle_rad - math.pi / 2, math.pi)) < math.radians(5)
    qualities = [grasp.quality for grasp in found]
    assert qualities == sorted(qualities, reverse=True)
    assert len(found) == 3, "all other anchors are too bad"
    assert detector(BarEyes()).detect(frame, top=2).grasps == found[:2]
    nothing = detector(BarEyes(best=0.04)).detect(frame, top=5)
    assert nothing.grasps == ()
    assert "no anchor is good enough" in nothing.reason


class Repeating(BarEyes):
    """Says its best grasp of neighbouring anchors as well: the same once more, and turned by 40 degrees."""

    def __call__(self, images: Tensor) -> Predictions:
        found = super().__call__(images)
        anchors = self.config.anchors()
        grid = anchors.grid(*found.grid)
        best = int(found.primary[0, :, 1].argmax())
        grasp = anchors.decode(found.deltas[0, best], grid[best])
        for step, score, turn in ((1, 0.8, 0.0), (2, 0.7, math.radians(40))):
            place = best + step * self.config.orientations
            found.deltas[0, place] = anchors.encode(grasp + torch.tensor([3.0, -3.0, 0.0, 0.0, turn]), grid[place])
            found.primary[0, place] = torch.tensor([1 - score, score]).log()
        return found


def test_grasps_that_are_about_the_same_are_proposed_once() -> None:
    found = detector(Repeating()).detect(picture_of(BAR), top=5).grasps
    assert sorted((grasp.quality for grasp in found), reverse=True) == pytest.approx([0.9, 0.7], abs=1e-5)
    rectangles = detector(Repeating()).rectangles(BarColors(1).picture(0).image, top=3)
    assert [one.score for one in rectangles] == pytest.approx([0.9, 0.8, 0.7], abs=1e-5), "all, as the papers do"


def printed(frame: Frame, u: int, v: int) -> Frame:
    """A red bar that is only printed on the table, larger than any thing there."""
    assert frame.color is not None
    color = frame.color.copy()
    color[v - 14 : v + 14, u - 45 : u + 45] = RED
    return Frame(frame.depth_m, frame.intrinsics, color)


def test_what_is_only_printed_on_the_table_is_not_held_though_the_colours_say_so() -> None:
    frame = printed(picture_of(BAR), 110, 70)
    assert frame.color is not None
    found = detector(BarEyes()).detect(frame, top=3).grasps
    assert (found[0].u, found[0].v) == pytest.approx((CAMERA.cx, CAMERA.cy), abs=3.0)
    assert [round(one.score, 3) for one in detector(BarEyes()).rectangles(frame.color, top=2)] == [0.9, 0.75]
    assert found[0].quality == pytest.approx(0.75, abs=1e-5), "its second choice"


def test_what_the_jaws_would_come_down_on_is_proposed_last_though_the_colours_say_so() -> None:
    """A red bar printed on a block that is broader than the gripper opens, and a real one beside it."""
    bar, block = replace(BAR, x_m=-0.13), Box(0.08, 0.0, 0.16, 0.16, 0.05)
    beside = picture_of(bar)
    frame = printed(Frame(render([bar, block], camera=CAMERA).depth_m, CAMERA, beside.color), 198, 118)
    held, blocked = detector(BarEyes()).detect(frame, top=2).grasps
    assert (held.quality, blocked.quality) == pytest.approx((0.75, 0.9), abs=1e-5)
    assert held.u == pytest.approx(CAMERA.cx - 0.13 * CAMERA.fx / 0.66, abs=3.0)
    assert blocked.u == pytest.approx(198, abs=3.0)
    assert detector(BarEyes()).detect(frame, top=1).grasps == (held,)


def assert_allowed(grasps: Sequence[Grasp], frame: Frame, region: NDArray[np.bool_] | None = None) -> None:
    for grasp in grasps:
        assert frame.valid[round(grasp.v), round(grasp.u)]
        assert region is None or region[round(grasp.v), round(grasp.u)]


@settings(deadline=None, max_examples=20)
@given(
    st.integers(0, 1000), st.integers(0, 120), st.integers(0, 90), st.integers(10, 160), st.integers(10, 120),
    st.floats(0.0, 0.6), st.sampled_from([0.35, 0.70, 1.3]),
)  # fmt: skip
def test_whatever_the_region_and_the_holes_a_grasp_lies_inside_on_measured_depth(
    seed: int, left: int, top: int, width: int, height: int, share: float, distance_m: float
) -> None:
    rng = np.random.default_rng(seed)
    plain = picture_of(BAR, camera=SMALL, distance_m=distance_m)
    depth = np.array(plain.depth_m)
    depth[rng.random(depth.shape) < share] = 0.0
    frame = Frame(depth, SMALL, plain.color)
    region = np.zeros((120, 160), dtype=bool)
    region[top : top + height, left : left + width] = True
    found = detector(Everywhere(seed)).detect(frame, top=5, region=region)
    assert_allowed(found.grasps, frame, region)
    assert bool(found.grasps) == (found.reason == "")
    assert len(found.grasps) <= 5


def test_over_a_hole_nothing_is_grasped_at_a_guess() -> None:
    plain = picture_of(*THREE)
    first, second = detector(BarEyes()).detect(plain, top=2).grasps
    depth = np.array(plain.depth_m)
    y, x = np.mgrid[0:240, 0:320]
    depth[np.hypot(x - first.u, y - first.v) < 6] = 0.0
    found = detector(BarEyes()).detect(Frame(depth, CAMERA, plain.color)).grasps
    assert [(one.u, one.v) for one in found] == [pytest.approx((second.u, second.v), abs=1.5)]


def test_the_region_decides_which_thing_is_held() -> None:
    frame, region = picture_of(*THREE), np.zeros((240, 320), dtype=bool)
    second = detector(BarEyes()).detect(frame, top=2).grasps[1]
    region[round(second.v) - 9 : round(second.v) + 9, round(second.u) - 9 : round(second.u) + 9] = True
    found = detector(BarEyes()).detect(frame, region=region).grasps[0]
    assert (found.u, found.v) == pytest.approx((second.u, second.v), abs=1.5)


def blind() -> AnchorDetector:
    class Blind(BarEyes):
        def __call__(self, images: Tensor) -> Predictions:
            pytest.fail("the network was asked")

    return detector(Blind())


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (render([BAR], camera=SMALL), NO_COLOR),
        (Frame(np.zeros((120, 160), np.float32), SMALL, np.zeros((120, 160, 3), np.uint8)), NO_DEPTH),
        (painted(Frame(np.random.default_rng(0).uniform(0.3, 3.0, (120, 160)).astype(np.float32), SMALL)), NO_TABLE),
        (picture_of(camera=SMALL), NOTHING_THERE),
    ],
)
def test_nothing_to_grasp_comes_with_its_reason(frame: Frame, reason: str) -> None:
    found = blind().detect(frame, top=3)
    assert (found.grasps, found.reason) == ((), reason)
    assert blind().draw(frame, ()).shape == (120, 160, 3), "the frame alone"


def test_a_region_without_anything_in_it_says_so() -> None:
    frame = picture_of(BAR, camera=SMALL)
    beside, nowhere = np.zeros((120, 160), dtype=bool), np.zeros((120, 160), dtype=bool)
    beside[:, :30] = True
    assert blind().detect(frame, region=beside).reason == NOTHING_THERE
    assert blind().detect(frame, region=nowhere).reason == NOT_ALLOWED


def test_robust_is_gqcnns_word_about_the_very_grasp() -> None:
    frame = picture_of(BAR)
    for robust in (0.7, 0.2):
        assert detector(BarEyes(), robust).detect(frame).grasps[0].robust is (robust > 0.5)
    metric = RobustnessMetric(GeometricCritic())
    for eyes in (BarEyes(), BarEyes(off_px=46.0)):
        found = AnchorDetector("anchor", eyes, metric).detect(frame).grasps  # type: ignore[arg-type]
        assert [grasp.robust for grasp in found] == [bool(metric.robust(frame, [grasp])[0]) for grasp in found]


def test_the_same_frame_and_seed_give_the_same_grasps(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_backbone(monkeypatch)
    network = as_if_trained(tiny_network()).requires_grad_(False)
    frame = painted(render(THREE, camera=SMALL, noise_m=0.001, hole_share=0.1))
    one, other = (detector(network).detect(frame, top=3, seed=4) for _ in range(2))
    assert one.grasps == other.grasps != ()
    assert torch.is_grad_enabled()


def test_the_picture_shows_grasps_and_scores_beside_the_frame() -> None:
    frame, one = picture_of(BAR), detector(BarEyes())
    grasps = one.detect(frame).grasps
    drawn, empty = one.draw(frame, grasps), one.draw(frame, ())
    assert drawn.dtype == np.uint8
    assert drawn.shape[0] >= 2 * 256
    assert drawn.shape[1] > 320 + 2 * 256
    assert (drawn[:240, :320] != empty[:240, :320]).any()
    np.testing.assert_array_equal(drawn[:, 330:], empty[:, 330:])


def untrained(scorer: bool) -> AnchorNetwork:
    torch.manual_seed(1)
    return as_if_trained(AnchorNetwork(AnchorConfig("small", scorer, 50.0, 20.0)))


@pytest.mark.parametrize(("name", "make"), [("anchor", make_with_weights), ("zhou", make_zhou_with_weights)])
def test_a_weights_file_becomes_a_detector(name: str, make: Any, tmp_path: Path) -> None:
    path, metric = tmp_path / "net.safetensors", RobustnessMetric(ConstantCritic(0.9))
    network = untrained(name == "anchor")
    save_weights(path, network, {})
    found = make(path, metric)
    assert (found.name, found.weights_path) == (name, path)
    assert found.network.parameter_count <= found.parameter_count + 1
    assert len(found.rectangles(BarColors(1).picture(0).image, top=3)) == 3
    with pytest.raises(SettingsError, match=r"none\.safetensors: no such weights file"):
        make(tmp_path / "none.safetensors", metric)
    other = make_zhou_with_weights if name == "anchor" else make_with_weights
    with pytest.raises(SettingsError, match=rf"they are '{name}'s"):
        other(path, metric)


def test_the_other_orders_have_names_of_their_own_and_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detectors.anchor import detector as module

    path = tmp_path / "anchor.safetensors"
    save_weights(path, untrained(scorer=True), {})
    monkeypatch.setattr(weights_file, "SHIPPED", path)
    primary, scorer, usual = module.make_default_primary(), module.make_default_scorer(), module.make_default()
    assert (primary.name, scorer.name, usual.name) == (PRIMARY, SCORER, "anchor")
    assert primary.weights_path == scorer.weights_path == usual.weights_path == path
    image = BarColors(1).picture(0).image
    one, third, other = (made.rectangles(image, top=2400) for made in (primary, scorer, usual))
    assert {r.rectangle for r in one} == {r.rectangle for r in other} == {r.rectangle for r in third}
    assert len({tuple(r.score for r in found) for found in (one, third, other)}) == 3


def test_a_tilted_bar_elsewhere_in_the_picture_has_its_own_opening() -> None:
    """Two bars of the same size at the same place in colour, one of them taller: the depth tells them apart."""
    low, tall = (detector(BarEyes()).detect(picture_of(replace(BAR, height_m=h))).grasps[0] for h in (0.02, 0.08))
    assert low.depth_m - tall.depth_m > 0.04
    assert low.width_m > tall.width_m
