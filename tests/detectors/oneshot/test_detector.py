"""What comes before and after a one-shot network: nothing to grasp, regions, unknown depth, several grasps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.antipodal.detector import NO_DEPTH, NO_TABLE, NOT_ALLOWED, NOTHING_THERE
from detectors.antipodal.settings import AntipodalSettings
from detectors.directgrasp.network import DirectGrasp, DirectGraspConfig
from detectors.gqcnn.metric import RobustnessMetric
from detectors.gqstn.network import GqStn, GqStnConfig
from detectors.grasp import Grasp
from detectors.multigrasp.network import MultiGrasp, MultiGraspConfig
from detectors.oneshot import detector as under_test
from detectors.oneshot.detector import (
    CELL_PX,
    Looked,
    OneShotDetector,
    OneShotNetwork,
    as_arrays,
)
from detectors.oneshot.grasp_batch import GraspBatch
from detectors.oneshot.settings import FAR_PX, FAR_STEP_M
from detectors.warming_up import bar_on_a_table
from robot.frame import Frame, Intrinsics
from tests.detectors.depth_scenes import Box, Tube, render
from tests.detectors.gqcnn.critic import ConstantCritic, GeometricCritic
from tests.detectors.oneshot.bars import TINY, picture, small_networks

CAMERA = Intrinsics(fx=190.0, fy=190.0, cx=79.5, cy=59.5, width=160, height=120)
ONE = picture(3, CAMERA)
METRIC = RobustnessMetric(GeometricCritic())
Row = Sequence[float]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


class Fixed:
    """A network that proposes what it was told, and remembers what it was shown."""

    any_size = True
    parameter_count = 7

    def __init__(self, rows: Sequence[Row], any_size: bool = True) -> None:
        self.table, self.any_size = torch.tensor(rows, dtype=torch.float32)[None], any_size
        self.seen: list[tuple[Looked, int]] = []

    def propose(self, looked: Looked, count: int) -> GraspBatch:
        self.seen.append((looked, count))
        some = self.table[:, :count]
        return GraspBatch(some[..., :2], some[..., 2], some[..., 3], some[..., 4])


def untrained(kind: str, seed: int = 0) -> OneShotNetwork:
    torch.manual_seed(seed)
    network = {
        "gqstn": lambda: GqStn(GqStnConfig(TINY)),
        "paper": lambda: GqStn(GqStnConfig(TINY, "paper")),
        "directgrasp": lambda: DirectGrasp(DirectGraspConfig(TINY)),
        "multigrasp": lambda: MultiGrasp(MultiGraspConfig(TINY)),
    }[kind]()
    return network.eval()


def detector(network: OneShotNetwork) -> OneShotDetector:
    return OneShotDetector("one", network, METRIC)


GOOD = [tuple(map(float, row)) for row in ONE.grasps[:3]]


def test_the_proposal_becomes_a_grasp_and_gqcnns_word_its_quality() -> None:
    found = detector(Fixed(GOOD)).detect(ONE.frame)
    assert len(found.grasps) == 1
    grasp = found.grasps[0]
    values = (grasp.u, grasp.v, grasp.depth_m, grasp.angle_rad, grasp.width_m)
    assert values == pytest.approx(GOOD[0], abs=1e-5)
    assert grasp.quality == pytest.approx(METRIC.quality(ONE.frame, [grasp])[0], abs=1e-6)
    assert grasp.quality > 0.5
    assert grasp.robust is True
    assert found.reason == ""


def test_a_grasp_that_is_not_robust_is_proposed_all_the_same() -> None:
    found = OneShotDetector("one", Fixed(GOOD), RobustnessMetric(ConstantCritic(0.2))).detect(ONE.frame)
    assert [(grasp.quality, grasp.robust) for grasp in found.grasps] == [(0.2, False)]


def test_the_detector_says_whose_it_is(tmp_path) -> None:
    found = OneShotDetector("one", Fixed(GOOD), METRIC, tmp_path / "a.safetensors")
    assert (found.name, found.parameter_count, found.weights_path) == ("one", 7, tmp_path / "a.safetensors")


@settings(deadline=None)
@given(st.floats(-20, 20))
def test_angles_are_folded(angle: float) -> None:
    row = (*GOOD[0][:3], angle, GOOD[0][4])
    grasp = detector(Fixed([row])).detect(ONE.frame).grasps[0]
    assert -math.pi / 2 <= grasp.angle_rad < math.pi / 2
    assert math.remainder(grasp.angle_rad - angle, math.pi) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("kind", ["gqstn", "paper", "directgrasp", "multigrasp"])
@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (Frame(np.zeros((120, 160), np.float32), CAMERA), NO_DEPTH),
        (Frame(np.random.default_rng(0).uniform(0.3, 3.0, (120, 160)).astype(np.float32), CAMERA), NO_TABLE),
        (render([], camera=CAMERA), NOTHING_THERE),
        (render([], camera=CAMERA, noise_m=0.001), NOTHING_THERE),
    ],
)
def test_nothing_to_grasp_comes_with_its_reason(kind: str, frame: Frame, reason: str) -> None:
    found = detector(untrained(kind)).detect(frame)
    assert found.grasps == ()
    assert found.reason == reason


def test_something_flat_is_seen_and_something_outside_the_region_is_not() -> None:
    flat = render([Box(0.0, 0.0, 0.06, 0.03, 0.008)], camera=CAMERA)
    beside = np.zeros((120, 160), dtype=bool)
    beside[:, 120:] = True
    assert detector(Fixed([(79.5, 59.5, 0.69, 0.0, 0.05)])).detect(flat).grasps
    assert detector(Fixed(GOOD)).detect(flat, region=beside).reason == NOTHING_THERE


def test_an_empty_region_allows_nothing() -> None:
    found = detector(untrained("gqstn")).detect(ONE.frame, region=np.zeros((120, 160), dtype=bool))
    assert found.grasps == ()
    assert found.reason == NOT_ALLOWED


def with_holes(seed: int) -> Frame:
    depth = np.array(ONE.frame.depth_m)
    depth[np.random.default_rng(seed).random(depth.shape) < 0.2] = 0.0
    return Frame(depth, CAMERA)


def assert_allowed(grasps: Sequence[Grasp], frame: Frame, region: NDArray[np.bool_]) -> None:
    for grasp in grasps:
        assert region[round(grasp.v), round(grasp.u)]
        assert frame.valid[round(grasp.v), round(grasp.u)]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 159), st.integers(0, 119), st.integers(1, 160), st.integers(1, 120), st.integers(0, 9))
def test_a_proposal_counts_only_inside_the_region_on_measured_depth(
    left: int, top: int, width: int, height: int, seed: int
) -> None:
    """Whatever the region, and wherever the network points."""
    region, frame = np.zeros((120, 160), dtype=bool), with_holes(seed)
    region[top : top + height, left : left + width] = True
    rng = np.random.default_rng(seed)
    rows = [(*rng.uniform((-20, -20), (180, 140)), 0.68, 0.0, 0.05) for _ in range(3)]
    found = detector(Fixed(rows)).detect(frame, top=3, region=region)
    assert_allowed(found.grasps, frame, region)
    inside = [r for r in rows if 0 <= round(r[0]) < 160 and 0 <= round(r[1]) < 120 and
              region[round(r[1]), round(r[0])] and frame.valid[round(r[1]), round(r[0])]]  # fmt: skip
    if found.grasps:
        assert (found.grasps[0].u, found.grasps[0].v) == pytest.approx(inside[0][:2], abs=1e-3)
    else:
        assert found.reason in (NOTHING_THERE, NOT_ALLOWED)
        assert found.reason == NOTHING_THERE or not inside


@pytest.mark.parametrize("kind", ["gqstn", "paper", "directgrasp", "multigrasp"])
def test_real_networks_keep_to_any_region_too(kind: str) -> None:
    rng, one, proposed = np.random.default_rng(1), detector(untrained(kind)), 0
    for seed in range(12):
        frame = with_holes(seed)
        (left, top), (width, height) = rng.integers(0, (100, 80)), rng.integers((20, 20), (160, 120))
        region = np.zeros((120, 160), dtype=bool)
        region[top : top + height, left : left + width] = True
        region &= rng.random(region.shape) < 0.9
        found = one.detect(frame, top=3, region=region, seed=seed)
        assert_allowed(found.grasps, frame, region)
        assert len(found.grasps) <= 3
        proposed += len(found.grasps)
    assert proposed


def test_several_grasps_are_asked_for_three_at_most() -> None:
    network = Fixed([(*row[:3], row[3] + 0.01, row[4]) for row in GOOD])
    found = detector(network).detect(ONE.frame, top=10)
    assert [count for _, count in network.seen] == [3]
    assert len(found.grasps) == 3
    assert len(detector(network).detect(ONE.frame, top=2).grasps) == 2


def test_of_grasps_at_one_place_and_in_one_direction_the_first_is_kept() -> None:
    u, v, depth, angle, width = GOOD[0]
    rows = [GOOD[0], (u + 1.0, v, depth, angle + 0.1 + math.pi, width), (u + 1.0, v, depth, angle + 0.8, width)]
    found = detector(Fixed(rows)).detect(ONE.frame, top=3)
    assert [grasp.u for grasp in found.grasps] == pytest.approx([u, u + 1.0], abs=1e-4)
    assert found.grasps[0].angle_rad != pytest.approx(found.grasps[1].angle_rad, abs=0.5)


@pytest.mark.parametrize("kind", ["gqstn", "multigrasp"])
def test_real_networks_give_different_grasps(kind: str) -> None:
    """Untrained they point anywhere, so they are asked about a place with something under every middle."""
    frame = render([Box(0.0, 0.0, 0.36, 0.26, 0.04)], camera=CAMERA)
    for seed in range(5):
        grasps = detector(untrained(kind, seed)).detect(frame, top=3, region=frame.depth_m < 0.69).grasps
        assert len(grasps) == 3
        for one, other in ((a, b) for i, a in enumerate(grasps) for b in grasps[:i]):
            apart_m = math.hypot(one.u - other.u, one.v - other.v) * one.depth_m / CAMERA.fx
            turned = abs(math.remainder(one.angle_rad - other.angle_rad, math.pi))
            assert apart_m > 0.007 or turned > math.radians(19)


@pytest.mark.parametrize("kind", ["gqstn", "paper", "directgrasp", "multigrasp"])
def test_the_same_frame_and_seed_give_the_same_grasps(kind: str) -> None:
    one, other = (detector(untrained(kind)).detect(with_holes(1), top=2, seed=4) for _ in range(2))
    assert one.grasps == other.grasps != ()


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1])
@pytest.mark.parametrize("column", [2, 4])
def test_what_is_no_grasp_is_left_out(column: int, wrong: float) -> None:
    bad = list(GOOD[0])
    bad[column] = wrong
    found = detector(Fixed([bad, GOOD[1]])).detect(ONE.frame, top=2)
    assert [grasp.u for grasp in found.grasps] == pytest.approx([GOOD[1][0]], abs=1e-4)
    assert detector(Fixed([bad])).detect(ONE.frame).reason == NOT_ALLOWED
    assert len(as_arrays(Fixed([bad, GOOD[1]]).propose(None, 2))) == 1  # type: ignore[arg-type]


LEFT, RIGHT = Box(-0.16, 0.07, 0.10, 0.03, 0.03), Box(0.15, -0.06, 0.03, 0.10, 0.03)
PX_PER_M = 190.0 / 0.70


def looked_at(frame: Frame, region: NDArray[np.bool_] | None = None, any_size: bool = True) -> Looked:
    network = Fixed([(*GOOD[0][:2], 0.68, 0.0, 0.05)], any_size)
    detector(network).detect(frame, region=region)
    return network.seen[0][0]


def half(where: str) -> NDArray[np.bool_]:
    region = np.zeros((120, 160), dtype=bool)
    region[:, :80] = where == "left"
    region[:, 80:] = where == "right"
    return region


def bounds_px(found: Looked) -> NDArray[np.float64]:
    """Left, right, top and bottom of what the first view shows."""
    (u, v), (rows, columns) = found.views.centre_px[0, 0].tolist(), found.shape
    x, y = columns * FAR_STEP_M * PX_PER_M / 2, rows * FAR_STEP_M * PX_PER_M / 2
    return np.array([u - x, u + x, v - y, v + y])


@pytest.mark.parametrize("solids", [[LEFT], [RIGHT], [LEFT, RIGHT]])
def test_the_view_covers_all_that_stands_and_room_for_the_jaws_and_no_more_than_it_must(solids: list[Box]) -> None:
    frame = render(solids, camera=CAMERA)
    found = looked_at(frame)
    left, right, top, bottom = bounds_px(found)
    v, u = np.nonzero(frame.depth_m < 0.69)
    margin, coarse = 0.06 * PX_PER_M, 3.0
    for low, high, edge, first, last in ((left, right, 159, u.min(), u.max()), (top, bottom, 119, v.min(), v.max())):
        assert low <= max(first - margin + coarse, 0)
        assert high >= min(last + margin - coarse, edge)
        assert high - low <= last - first + 2 * margin + 16 * FAR_STEP_M * PX_PER_M + coarse
    assert found.far.shape == (1, 1, *found.shape)
    assert found.allowed.shape == (found.shape[0] // CELL_PX, found.shape[1] // CELL_PX)


def test_what_stands_outside_the_region_is_not_looked_for() -> None:
    both = render([LEFT, RIGHT], camera=CAMERA)
    whole = bounds_px(looked_at(both))
    left, right = (bounds_px(looked_at(both, half(where))) for where in ("left", "right"))
    assert whole[1] - whole[0] > left[1] - left[0]
    assert left[1] < 90
    assert right[0] > 70


@pytest.mark.parametrize("solids", [[LEFT], [RIGHT]])
def test_a_network_of_one_size_gets_its_size_about_what_stands(solids: list[Box]) -> None:
    found = looked_at(render(solids, camera=CAMERA), any_size=False)
    assert found.shape == (FAR_PX, FAR_PX)
    middle = 79.5 + solids[0].x_m * PX_PER_M
    left, right, _, _ = bounds_px(found)
    assert left < middle < right


@pytest.mark.parametrize("any_size", [True, False])
def test_cells_are_allowed_inside_the_region_on_measured_depth(any_size: bool) -> None:
    """By the eye of one who knows where they lie: 12 mm apart about the middle of the view."""
    depth = np.array(render([LEFT], camera=CAMERA).depth_m)
    depth[20:60] = 0.0
    found = looked_at(Frame(depth, CAMERA), half("left"), any_size)
    rows, columns = found.allowed.shape
    (u, v), step = found.views.centre_px[0, 0].tolist(), CELL_PX * FAR_STEP_M * PX_PER_M
    x, y = u + (np.arange(columns) - (columns - 1) / 2) * step, v + (np.arange(rows) - (rows - 1) / 2) * step
    edges_x, edges_y = np.array([-0.5, 79.5]), np.array([-0.5, 19.5, 59.5, 119.5])
    unsure = (np.abs(x[:, None] - edges_x) < 1).any(1)[None] | (np.abs(y[:, None] - edges_y) < 1).any(1)[:, None]
    expected = ((x > 0) & (x < 79.5))[None] & (((y > 0) & (y < 20)) | ((y > 60) & (y < 119)))[:, None]
    assert expected.any()
    assert not expected.all()
    np.testing.assert_array_equal(found.allowed[~unsure], expected[~unsure])


def test_what_is_too_tall_to_be_an_object_is_no_place_for_a_grasp() -> None:
    """A part of the cell, such as a post under the camera."""
    post = Box(0.0, 0.0, 0.06, 0.06, AntipodalSettings.max_height_m + 0.05)
    assert detector(untrained("gqstn")).detect(render([post], camera=CAMERA)).reason == NOTHING_THERE
    found = looked_at(render([LEFT, post], camera=CAMERA), any_size=False)
    rows, columns = found.allowed.shape
    (u, v), step = found.views.centre_px[0, 0].tolist(), CELL_PX * FAR_STEP_M * PX_PER_M
    x, y = u + (np.arange(columns) - (columns - 1) / 2) * step, v + (np.arange(rows) - (rows - 1) / 2) * step
    on_it = (np.abs(x - 79.5) < 15)[None] & (np.abs(y - 59.5) < 15)[:, None]
    assert on_it.any()
    assert not found.allowed[on_it].any()
    assert found.allowed[(x < 60)[None] & ((y > 0) & (y < 119))[:, None] & (x > 0)[None]].all()


def test_where_the_best_place_is_not_measured_the_next_best_is_proposed() -> None:
    depth = np.array(ONE.frame.depth_m)
    depth[round(GOOD[0][1]) - 1 : round(GOOD[0][1]) + 2, round(GOOD[0][0]) - 1 : round(GOOD[0][0]) + 2] = 0.0
    network = Fixed(GOOD)
    found = detector(network).detect(Frame(depth, CAMERA))
    assert [count for _, count in network.seen] == [1, 3]
    assert [grasp.u for grasp in found.grasps] == pytest.approx([GOOD[1][0]], abs=1e-4)


RING = Tube(0.0, 0.0, 0.045, 0.05, bore_m=0.035)
HOLLOW, WALL = (79.5, 59.5, 0.68, 0.0, 0.05), (79.5 + 0.04 * 190.0 / 0.65, 59.5, 0.66, 0.0, 0.03)


OPPOSITE = (2 * 79.5 - WALL[0], *WALL[1:])


def test_a_place_across_a_hollow_gives_way_to_the_next_one_on_something() -> None:
    ring = render([RING], camera=CAMERA)
    network = Fixed([HOLLOW, WALL])
    assert [grasp.u for grasp in detector(network).detect(ring).grasps] == pytest.approx([WALL[0]], abs=1e-4)
    alone = detector(Fixed([HOLLOW])).detect(ring).grasps
    assert [grasp.u for grasp in alone] == pytest.approx([HOLLOW[0]], abs=1e-4)


@pytest.mark.parametrize("top", [1, 2, 3])
def test_a_place_across_a_hollow_is_none_where_there_is_one_on_something(top: int) -> None:
    ring = render([RING], camera=CAMERA)
    for rows in ([HOLLOW, WALL, OPPOSITE], [WALL, HOLLOW, OPPOSITE], [WALL, OPPOSITE, HOLLOW]):
        found = detector(Fixed(rows)).detect(ring, top=top).grasps
        assert [grasp.u for grasp in found] == pytest.approx([WALL[0], OPPOSITE[0]][:top], abs=1e-4)


def test_where_all_places_are_across_hollows_they_stay_in_order() -> None:
    rows = [HOLLOW, (HOLLOW[0], HOLLOW[1], 0.68, 1.0, 0.05)]
    found = detector(Fixed(rows)).detect(render([RING], camera=CAMERA), top=2).grasps
    assert [grasp.angle_rad for grasp in found] == pytest.approx([0.0, 1.0], abs=1e-4)


def test_time_to_fill_holes_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    honest = under_test.fill_holes

    def slow(depth_m, valid):
        now[0] += 5.0
        return honest(depth_m, valid)

    class Slow(Fixed):
        def propose(self, looked: Looked, count: int) -> GraspBatch:
            now[0] += 2.0
            return super().propose(looked, count)

    monkeypatch.setattr(under_test, "fill_holes", slow)
    monkeypatch.setattr(under_test.time, "perf_counter", lambda: now[0])
    found = detector(Slow(GOOD)).detect(ONE.frame)
    assert (found.inpaint_ms, found.detect_ms) == (5000.0, 2000.0)


def test_warming_up_is_done_on_something_to_grasp() -> None:
    assert detector(Fixed([(159.5, 119.5, 0.67, 1.5, 0.05)])).detect(bar_on_a_table()).grasps
