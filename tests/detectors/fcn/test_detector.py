"""From a frame through maps to grasps: places, angles, openings and depths are those of the world."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors import view_detector
from detectors.antipodal.detector import NO_DEPTH, NO_TABLE, NOT_ALLOWED, NOTHING_THERE
from detectors.antipodal.settings import AntipodalSettings
from detectors.fcn import seeing
from detectors.fcn.detector import NO_PLACE, MapDetector, make_ggcnn_with_weights, make_with_weights
from detectors.fcn.reach import Surface, reach
from detectors.fcn.weights import save_weights
from detectors.gqcnn.metric import RobustnessMetric
from detectors.grasp import Grasp
from detectors.warming_up import bar_on_a_table
from robot.errors import SettingsError
from robot.frame import Frame, Intrinsics
from tests.detectors.depth_scenes import Box, render
from tests.detectors.fcn.bars import TINY, as_if_trained, tiny_layout
from tests.detectors.fcn.eyes import BAR, CAMERA, CLOSE, SMALL, THREE, BarReader, Pointing, detector
from tests.detectors.gqcnn.critic import ConstantCritic, GeometricCritic

GRIPPER = AntipodalSettings()


def height_m(grasp: Grasp, camera: Intrinsics, distance_m: float, tilt_rad: float) -> float:
    """Of the grasp point above the table, by how the picture was made."""
    c, s = math.cos(tilt_rad), math.sin(tilt_rad)
    y = (grasp.v - camera.cy) / camera.fy
    return distance_m * c - (s * y + c) * grasp.depth_m


@pytest.mark.parametrize(("camera", "distance_m"), [(CAMERA, 0.70), (CAMERA, 0.50), (CLOSE, 0.70)])
@pytest.mark.parametrize(("x_m", "y_m", "angle"), [(0.0, 0.0, 0.5), (0.05, -0.04, -1.2), (-0.06, 0.03, 1.5)])
def test_a_bar_is_held_where_it_lies_across_it(
    camera: Intrinsics, distance_m: float, x_m: float, y_m: float, angle: float
) -> None:
    bar = Box(x_m, y_m, 0.12, 0.03, 0.04, angle)
    found = detector(BarReader()).detect(render([bar], camera=camera, distance_m=distance_m))
    assert len(found.grasps) == 1
    grasp, top = found.grasps[0], distance_m - bar.height_m
    place_m = (np.array([grasp.u, grasp.v]) - [camera.cx, camera.cy]) * top / camera.fx
    assert tuple(place_m) == pytest.approx((x_m, y_m), abs=0.003)
    assert abs(math.remainder(grasp.angle_rad - angle - math.pi / 2, math.pi)) < math.radians(2)
    expected = bar.height_m - GRIPPER.pad_reach_m + GRIPPER.tip_to_centre_m
    assert distance_m - grasp.depth_m == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize(("camera", "distance_m"), [(CAMERA, 0.70), (CAMERA, 0.50), (CLOSE, 0.90)])
def test_the_opening_is_what_the_map_says_in_metres_and_some_play(camera: Intrinsics, distance_m: float) -> None:
    """What the map says holds at the table; the grasp is nearer to the camera."""
    frame = render([BAR], camera=camera, distance_m=distance_m)
    for opening_m in (0.040, 0.055):
        grasp = detector(BarReader(opening_m)).detect(frame).grasps[0]
        assert grasp.width_m == pytest.approx(opening_m * grasp.depth_m / distance_m + 0.010, abs=2e-4)
    assert detector(BarReader(0.085)).detect(frame).grasps[0].width_m == pytest.approx(0.085)
    assert 0.008 < detector(BarReader(0.0)).detect(frame).grasps[0].width_m < 0.021


@pytest.mark.parametrize("tilt_rad", [-0.2, 0.0, 0.1])
@pytest.mark.parametrize("top_m", [0.02, 0.06, 0.09])
def test_under_a_leaning_camera_the_tips_are_in_reach_of_the_thing_too(tilt_rad: float, top_m: float) -> None:
    """It sees a side of the thing, which looks like a rim that slopes down: so it may go deeper than from above."""
    bar = replace(BAR, height_m=top_m, y_m=0.02)
    grasp = detector(BarReader()).detect(render([bar], camera=CAMERA, tilt_rad=tilt_rad)).grasps[0]
    highest = top_m / 2 if top_m == 0.02 else top_m - GRIPPER.pad_reach_m + GRIPPER.tip_to_centre_m
    lowest = highest if tilt_rad == 0.0 else top_m - GRIPPER.max_reach_m + GRIPPER.tip_to_centre_m
    assert max(lowest, 0.009) - 0.003 < height_m(grasp, CAMERA, 0.70, tilt_rad) < highest + 0.002


def test_the_quality_is_the_maps_and_robust_gqcnns_word() -> None:
    frame = render([BAR], camera=SMALL)
    for best in (0.9, 0.5):
        for robust in (0.7, 0.2):
            grasp = detector(BarReader(best=best), robust).detect(frame).grasps[0]
            assert grasp.quality == pytest.approx(best, rel=0.12)  # smoothed a little
            assert grasp.robust is (robust > 0.5)


def test_gqcnn_is_asked_about_the_very_grasp() -> None:
    frame, metric = render([BAR], camera=CAMERA), RobustnessMetric(GeometricCritic())
    for reader in (BarReader(), BarReader(off_px=75.0)):
        found = MapDetector("fcn", reader, metric).detect(frame).grasps  # type: ignore[arg-type]
        assert [grasp.robust for grasp in found] == [bool(metric.robust(frame, [grasp])[0]) for grasp in found]


def test_several_are_different_and_the_best_is_first() -> None:
    frame = render(THREE, camera=CAMERA)
    found = detector(BarReader()).detect(frame, top=5).grasps
    assert len(found) == 3
    for grasp, bar in zip(found, THREE, strict=True):  # they are in the order of their size
        place_m = (np.array([grasp.u, grasp.v]) - [CAMERA.cx, CAMERA.cy]) * (0.70 - bar.height_m) / CAMERA.fx
        assert tuple(place_m) == pytest.approx((bar.x_m, bar.y_m), abs=0.004)
        assert abs(math.remainder(grasp.angle_rad - bar.angle_rad - math.pi / 2, math.pi)) < math.radians(4)
    qualities = [grasp.quality for grasp in found]
    assert qualities == sorted(qualities, reverse=True)
    assert detector(BarReader()).detect(frame, top=2).grasps == found[:2]
    assert len(detector(BarReader(best=0.4)).detect(frame, top=5).grasps) == 2, "the third is below the threshold"
    assert len(detector(BarReader(best=0.15)).detect(frame, top=5).grasps) == 1, "the first may be lower"
    nothing = detector(BarReader(best=0.08)).detect(frame, top=5)
    assert (nothing.grasps, nothing.reason) == ((), NO_PLACE)


def holed(frame: Frame, u: float, v: float, radius_px: float) -> Frame:
    y, x = np.mgrid[0 : frame.intrinsics.height, 0 : frame.intrinsics.width]
    depth = np.array(frame.depth_m)
    depth[np.hypot(x - u, y - v) <= radius_px] = 0.0
    return Frame(depth, frame.intrinsics)


def assert_allowed(grasps: Sequence[Grasp], frame: Frame, region: NDArray[np.bool_] | None = None) -> None:
    for grasp in grasps:
        assert frame.valid[round(grasp.v), round(grasp.u)]
        assert region is None or region[round(grasp.v), round(grasp.u)]


@pytest.mark.parametrize("radius_px", [2.0, 6.0])
def test_over_a_hole_the_next_best_place_is_proposed(radius_px: float) -> None:
    plain = render([BAR], camera=CAMERA)
    best = detector(BarReader()).detect(plain).grasps[0]
    frame = holed(plain, best.u, best.v, radius_px)
    assert not frame.valid[round(best.v), round(best.u)]
    found = detector(BarReader()).detect(frame).grasps
    assert len(found) == 1
    assert_allowed(found, frame)
    assert radius_px - 1 < math.hypot(found[0].u - best.u, found[0].v - best.v) < radius_px + 4


def test_over_a_large_hole_another_thing_is_held() -> None:
    plain = render(THREE, camera=CAMERA)
    first, second = detector(BarReader()).detect(plain, top=2).grasps
    frame = holed(plain, first.u, first.v, 30)
    network = BarReader()
    found = detector(network).detect(frame, top=1).grasps[0]
    assert (found.u, found.v) == pytest.approx((second.u, second.v), abs=1.5)


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 1000), st.integers(0, 120), st.integers(0, 90), st.integers(10, 160), st.integers(10, 120),
    st.floats(0.0, 0.6), st.sampled_from([0.35, 0.70, 1.3]),
)  # fmt: skip
def test_whatever_the_region_and_the_holes_a_grasp_lies_inside_on_measured_depth(
    seed: int, left: int, top: int, width: int, height: int, share: float, distance_m: float
) -> None:
    rng = np.random.default_rng(seed)
    depth = np.array(render([BAR], camera=SMALL, distance_m=distance_m).depth_m)
    depth[rng.random(depth.shape) < share] = 0.0
    frame = Frame(depth, SMALL)
    region = np.zeros((120, 160), dtype=bool)
    region[top : top + height, left : left + width] = True
    network = Pointing(lambda view: np.random.default_rng(seed).random(view.shape).astype(np.float32))
    found = detector(network).detect(frame, top=5, region=region)
    assert_allowed(found.grasps, frame, region)
    assert bool(found.grasps) == (found.reason == "")
    assert len(found.grasps) <= 5
    if region.all():
        assert found.grasps


def test_a_region_without_anything_standing_in_it_says_so() -> None:
    frame = render([BAR], camera=SMALL)
    beside, nowhere = np.zeros((120, 160), dtype=bool), np.zeros((120, 160), dtype=bool)
    beside[:, :30] = True
    assert detector(BarReader()).detect(frame, region=beside).reason == NOTHING_THERE
    assert detector(BarReader()).detect(frame, region=nowhere).reason == NOT_ALLOWED


def test_the_region_decides_which_thing_is_held() -> None:
    frame, region = render(THREE, camera=CAMERA), np.zeros((240, 320), dtype=bool)
    second = detector(BarReader()).detect(frame, top=2).grasps[1]
    region[round(second.v) - 9 : round(second.v) + 9, round(second.u) - 9 : round(second.u) + 9] = True
    found = detector(BarReader()).detect(frame, region=region).grasps[0]
    assert (found.u, found.v) == pytest.approx((second.u, second.v), abs=1.5)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (Frame(np.zeros((120, 160), np.float32), SMALL), NO_DEPTH),
        (Frame(np.random.default_rng(0).uniform(0.3, 3.0, (120, 160)).astype(np.float32), SMALL), NO_TABLE),
        (render([], camera=SMALL), NOTHING_THERE),
        (render([], camera=SMALL, noise_m=0.001), NOTHING_THERE),
    ],
)
def test_nothing_to_grasp_comes_with_its_reason(frame: Frame, reason: str) -> None:
    network = Pointing(lambda view: pytest.fail("the network was asked"))
    found = detector(network).detect(frame, top=3)
    assert found.grasps == ()
    assert found.reason == reason


def test_what_is_too_tall_to_be_an_object_is_no_place_for_a_grasp() -> None:
    post = Box(0.0, 0.0, 0.06, 0.06, GRIPPER.max_height_m + 0.05)
    found = detector(Pointing(lambda view: view)).detect(render([post], camera=SMALL))
    assert found.reason == NOTHING_THERE


def test_something_flat_is_seen() -> None:
    flat = render([Box(0.0, 0.0, 0.06, 0.03, 0.008)], camera=SMALL)
    network = Pointing(lambda view: (view > 0.1).astype(np.float32))
    assert detector(network).detect(flat).grasps


def test_the_same_frame_and_seed_give_the_same_grasps(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_layout(monkeypatch)
    frame = render(THREE, camera=SMALL, noise_m=0.001, hole_share=0.1)
    network = as_if_trained("fcn", {"layout": TINY}).requires_grad_(False)
    one, other = (detector(network).detect(frame, top=3, seed=4) for _ in range(2))
    assert one.grasps == other.grasps != ()


def test_time_to_fill_holes_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now, honest = [0.0], view_detector.fill_holes

    def slow(depth_m: Any, valid: Any) -> Any:
        now[0] += 5.0
        return honest(depth_m, valid)

    def thinking(view: NDArray[np.float32]) -> NDArray[np.float32]:
        now[0] += 2.0
        return view

    monkeypatch.setattr(view_detector, "fill_holes", slow)
    monkeypatch.setattr(view_detector.time, "perf_counter", lambda: now[0])
    found = detector(Pointing(thinking)).detect(render([BAR], camera=SMALL))
    assert (found.inpaint_ms, found.detect_ms) == (5000.0, 2000.0)


def test_weights_that_see_colour_are_refused_with_a_way_out(tmp_path: Path) -> None:
    network = BarReader(config=SimpleNamespace(channels=3))
    with pytest.raises(SettingsError, match=r"see colour.*--input depth.*detectors\.crossvalidate"):
        detector(network)
    path = tmp_path / "color.safetensors"
    save_weights(path, "ggcnn", as_if_trained("ggcnn", {"channels": 3}), {})
    with pytest.raises(SettingsError, match=r"color\.safetensors: these weights see colour"):
        make_ggcnn_with_weights(path, RobustnessMetric(ConstantCritic(0.9)))


@pytest.mark.parametrize(("name", "make"), [("fcn", make_with_weights), ("ggcnn", make_ggcnn_with_weights)])
def test_a_weights_file_becomes_a_detector(name: str, make: Any, tmp_path: Path) -> None:
    path, metric = tmp_path / "net.safetensors", RobustnessMetric(ConstantCritic(0.9))
    trained = as_if_trained(name, {})
    save_weights(path, name, trained, {})
    found = make(path, metric)
    assert (found.name, found.weights_path) == (name, path)
    assert found.parameter_count == trained.parameter_count
    assert found.detect(bar_on_a_table()).grasps
    with pytest.raises(SettingsError, match=r"none\.safetensors: no such weights file"):
        make(tmp_path / "none.safetensors", metric)


def test_reach_is_asked_about_what_the_camera_saw_in_its_own_metres(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def watched(surface: Surface, centre_m: Any, angle: float, width_m: float) -> Any:
        asked.append((centre_m, angle, width_m))
        return reach(surface, centre_m, angle, width_m)

    monkeypatch.setattr(seeing, "reach", watched)
    grasp = detector(BarReader()).detect(render([replace(BAR, x_m=0.05)], camera=CAMERA)).grasps[0]
    centre_m, angle, width_m = asked[-1]
    assert tuple(centre_m) == pytest.approx((0.05, 0.0), abs=0.003)
    assert abs(math.remainder(angle - 0.5 - math.pi / 2, math.pi)) < 0.04
    assert width_m == pytest.approx(0.050 * grasp.depth_m / 0.70, abs=5e-4)


def test_a_grasp_with_unknown_ground_under_a_finger_comes_last() -> None:
    frame, reader = render(THREE, camera=CAMERA), BarReader()
    first, second, third = detector(reader).detect(frame, top=3).grasps
    depth = np.array(frame.depth_m)
    closing = np.array([math.cos(first.angle_rad), math.sin(first.angle_rad)])
    y, x = np.mgrid[0:240, 0:320]
    along = (x - first.u) * closing[0] + (y - first.v) * closing[1]
    near = np.hypot(x - first.u, y - first.v) < 40
    depth[near & (along > 10)] = 0.0
    holes = Frame(depth, CAMERA)
    found = detector(BarReader()).detect(holes, top=3).grasps
    assert [grasp.u for grasp in found] == pytest.approx([second.u, third.u, first.u], abs=3.0)
    assert detector(BarReader()).detect(holes, top=1).grasps == found[:1]
