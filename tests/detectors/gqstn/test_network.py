"""The cascade: every stage stands where the one before has led, and sees it in the picture's own detail."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from detectors.antipodal.table import Table
from detectors.gqstn.learner import GqStnLearner
from detectors.gqstn.network import NEAR_PX, NEAR_STEP_M, Cascade, GqStn, GqStnConfig
from detectors.oneshot.batches import Targets, make_batch
from detectors.oneshot.detector import Looked
from detectors.oneshot.looking import HEIGHT_UNIT_M, Images, Views, rotation, see
from detectors.oneshot.recipe import Stage
from detectors.oneshot.settings import FAR_STEP_M
from robot.errors import SettingsError
from robot.frame import Intrinsics
from robot.gripper_geometry import STROKE_M
from tests.detectors.oneshot.bars import CAMERA, TINY, BarTeacher, picture, prepared_bars, small_networks
from tests.detectors.oneshot.images import first_view, smooth_image

SHAPE = (128, 128)
SCENES = prepared_bars(4)
HEADS = pytest.mark.parametrize("head", ["peaks", "paper"])


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


def make(head: str = "peaks", seed: int = 0) -> GqStn:
    torch.manual_seed(seed)
    return GqStn(GqStnConfig(TINY, head)).eval()


def bars():
    rows, rng = np.arange(4), np.random.default_rng(0)
    return make_batch(SCENES, rows, Targets(SCENES, 4).draw(rows, 1, rng), rng, True)


def run(head: str = "peaks", count: int = 1, dice: torch.Generator | None = None) -> tuple[Images, Views, Cascade]:
    batch = bars()
    with torch.no_grad():
        return batch.images, batch.views, make(head).cascade(batch.images, batch.views, SHAPE, count, dice)


@HEADS
def test_the_grasps_lie_at_the_middles_of_the_last_views_along_their_x_axes(head: str) -> None:
    images, _, stages = run(head)
    assert torch.equal(stages.grasps.pixels, stages.views.centre_px)
    assert torch.equal(stages.grasps.angle_rad, stages.views.angle_rad)
    shown = see(images, stages.views, (NEAR_PX, NEAR_PX), NEAR_STEP_M)
    assert torch.equal(stages.turned, shown)
    assert (stages.grasps.depth_m > 0.4).all()
    assert (stages.grasps.width_m <= STROKE_M + 1e-6).all()


@HEADS
def test_the_second_view_is_moved_and_the_third_is_turned_on_the_spot(head: str) -> None:
    """The second view's axes are the first one's; the third stands where the second does."""
    images, first, stages = run(head)
    moved = Views(stages.views.centre_px, first.turn, images.table_depth(stages.views.centre_px))
    shown = see(images, moved, (NEAR_PX, NEAR_PX), NEAR_STEP_M)
    torch.testing.assert_close(stages.near, shown, atol=1e-5, rtol=0)
    assert not torch.allclose(stages.turned, shown, atol=1e-2)
    torch.testing.assert_close(torch.linalg.det(stages.views.turn), torch.linalg.det(first.turn))


def test_several_places_are_each_followed_as_if_it_were_alone() -> None:
    images, views, stages = run(count=3)
    network = make()
    for place in range(3):
        with torch.no_grad():
            far, raw = network.locate(images, views, SHAPE)
            choice, weight = network.translation.draw(raw, 3, None)
            offset = network.translation.value(raw, choice)[:, place : place + 1]
            alone = network.follow(images, views, far, offset, weight[:, place : place + 1])
        for name in ("pixels", "depth_m", "angle_rad", "width_m"):
            found, expected = getattr(stages.grasps, name)[:, place], getattr(alone.grasps, name)[:, 0]
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(stages.log_weight[:, place], alone.log_weight[:, 0], atol=1e-5, rtol=1e-4)


def test_the_weight_of_a_place_is_its_logits_of_both_stages() -> None:
    images, views, stages = run()
    network = make()
    with torch.no_grad():
        _, raw = network.locate(images, views, SHAPE)
        angles = network.rotation(stages.near.reshape(-1, 1, NEAR_PX, NEAR_PX))
    torch.testing.assert_close(stages.log_weight[:, 0], raw.flatten(1).amax(1) + angles.amax(1))


def test_dice_draw_places_and_angles() -> None:
    """Untrained, all places are about as likely; angles, too, are drawn."""
    draws = [run(dice=torch.Generator().manual_seed(seed))[2] for seed in (1, 1, 2)]
    assert torch.equal(draws[0].grasps.pixels, draws[1].grasps.pixels)
    assert not torch.equal(draws[0].grasps.pixels, draws[2].grasps.pixels)
    batch, network = bars(), make()
    zero = torch.zeros(4, 1, 2)
    with torch.no_grad():
        turned = [
            network.follow(batch.images, batch.views, zero, zero, zero[..., 0], torch.Generator().manual_seed(seed))
            for seed in (1, 2)
        ]
    assert torch.equal(turned[0].grasps.pixels, turned[1].grasps.pixels)
    assert not torch.allclose(turned[0].grasps.angle_rad, turned[1].grasps.angle_rad, atol=0.01)


# Detail ------------------------------------------------------------------------------------------------------------

PERIOD_M = 0.0055  # the first view's pixels of 3 mm cannot show it, the near views' of 2.4 mm can
FINE = Intrinsics(fx=700.0, fy=700.0, cx=299.5, cy=299.5, width=600, height=600)


def ripples(x_m: np.ndarray | Tensor) -> np.ndarray | Tensor:
    """Heights of fine ridges along y [m]."""
    wave = torch.sin if isinstance(x_m, Tensor) else np.sin
    return 0.02 + 0.005 * wave(2 * math.pi * x_m / PERIOD_M)


def fine_picture() -> Images:
    table = Table(np.array([0.0, 0.0, -1.0]), -0.70, np.zeros(6), 0.0)
    x_m = (np.arange(600) - 299.5) * 0.70 / 700.0
    depth = np.tile(0.70 - ripples(x_m), (600, 1)).astype(np.float32)
    return Images.of(depth, FINE, table)


def expected_in(views: Views, images: Images) -> Tensor:
    """What the views should show of the ridges."""
    fine = (torch.arange(2 * NEAR_PX) - (2 * NEAR_PX - 1) / 2) * NEAR_STEP_M / 2
    y, x = torch.meshgrid(fine, fine, indexing="ij")
    pixels = views.pixels(images, torch.stack([x, y], dim=-1)[None, None])
    heights = ripples((pixels[..., 0] - 299.5) * 0.70 / 700.0)
    return torch.nn.functional.avg_pool2d(heights, 2) / HEIGHT_UNIT_M


def correlation(a: Tensor, b: Tensor) -> float:
    return float(np.corrcoef(a.flatten().numpy(), b.flatten().numpy())[0, 1])


@pytest.mark.parametrize("offset", [0.0, 0.0371])
@HEADS
def test_near_views_show_detail_that_the_first_view_has_lost(head: str, offset: float) -> None:
    """They are sampled from the whole picture, not from one another."""
    images, network = fine_picture(), make(head)
    first = first_view(images)
    far = see(images, first, SHAPE, FAR_STEP_M)
    with torch.no_grad():
        stages = network.follow(images, first, far, torch.tensor([[[offset, -offset]]]), torch.zeros(1, 1))
    moved = first.moved(images, torch.tensor([[[offset, -offset]]]))
    assert correlation(stages.near, expected_in(moved, images)) > 0.95
    assert correlation(stages.turned, expected_in(stages.views, images)) > 0.95
    near_from_far = resampled(far, offset)
    assert abs(correlation(near_from_far, expected_in(moved, images))) < 0.75, "so that the test can fail"


def resampled(far: Tensor, offset: float) -> Tensor:
    """The near view as cut from the first one."""
    place = (torch.arange(NEAR_PX) - (NEAR_PX - 1) / 2) * NEAR_STEP_M / (127 * FAR_STEP_M / 2)
    shift = offset / (127 * FAR_STEP_M / 2)
    y, x = torch.meshgrid(place - shift, place + shift, indexing="ij")
    return torch.nn.functional.grid_sample(far, torch.stack([x, y], dim=-1)[None], align_corners=True)


# In use ------------------------------------------------------------------------------------------------------------


def looked_at(images: Images, allowed: np.ndarray) -> Looked:
    shape = (allowed.shape[0] * 4, allowed.shape[1] * 4)
    views = first_view(images)
    return Looked(images, views, shape, see(images, views, shape, FAR_STEP_M), allowed)


@pytest.mark.parametrize("dice", [None, 5])
def test_only_allowed_places_are_proposed(dice: int | None) -> None:
    images, network = smooth_image(dtype=torch.float32), make()
    for seed in range(5):
        allowed = np.zeros((24, 40), dtype=bool)
        rng = np.random.default_rng(seed)
        row, column = rng.integers(0, 20), rng.integers(0, 36)
        allowed[row : row + 4, column : column + 4] = True
        looked = looked_at(images, allowed)
        generator = None if dice is None else torch.Generator().manual_seed(dice)
        with torch.no_grad():
            found = network.stages(looked, 1, generator).grasps.pixels[0]
        metres = (found - looked.views.centre_px[0]) * looked.views.distance_m[0, 0] / images.camera[0, :2]
        cell = metres.numpy()[:, ::-1] / (4 * FAR_STEP_M) + [[11.5, 19.5]]
        assert (np.abs(cell - [row + 1.5, column + 1.5]) <= 2.01).all()


def test_what_it_proposes_is_what_its_cascade_says() -> None:
    images, network = smooth_image(dtype=torch.float32), make()
    looked = looked_at(images, np.ones((32, 32), dtype=bool))
    with torch.no_grad():
        one, two = network.propose(looked, 2), network.cascade(images, looked.views, SHAPE, 2).grasps
    torch.testing.assert_close(one.pixels, two.pixels)
    torch.testing.assert_close(one.width_m, two.width_m)


def test_only_maps_take_views_of_any_size() -> None:
    assert make("peaks").any_size
    assert not make("paper").any_size
    assert make().parameter_count == sum(parameter.numel() for parameter in make().parameters())


def test_a_configuration_that_cannot_be_is_refused_and_one_that_can_is_json() -> None:
    with pytest.raises(SettingsError, match="unknown head 'hands'"):
        GqStnConfig(head="hands")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="unknown backbone"):
        GqStn(GqStnConfig("huge"))
    config = GqStnConfig("small", "paper", 0.12)
    assert GqStnConfig(**config.to_json()) == config


@pytest.mark.parametrize(
    ("head", "xi", "asked"), [("peaks", 0.0, 3 * 4), ("peaks", 0.5, 4), ("paper", 0.0, 4), ("paper", 0.5, 4)]
)
def test_several_places_are_followed_only_by_maps_and_once_robustness_is_alone(
    head: str, xi: float, asked: int
) -> None:
    teacher = BarTeacher()
    learner = GqStnLearner(make(head), teacher, places=3)
    found = learner.losses(bars(), Stage(1, xi, 1e-3, xi > 0), torch.Generator().manual_seed(0))
    assert teacher.asked == [asked]
    assert ("localisation" in found) is (xi > 0)


@HEADS
def test_what_a_learner_predicts_is_the_cascades_best(head: str) -> None:
    batch, network = bars(), make(head)
    predicted = GqStnLearner(network, BarTeacher(), places=3).predict(batch)
    expected = network.cascade(batch.images, batch.views, SHAPE).grasps
    assert predicted.pixels.shape == (4, 1, 2)
    torch.testing.assert_close(predicted.pixels, expected.pixels)


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_turned_or_mirrored_picture_in_a_view_turned_alike_gives_the_same_grasp(mirrored: bool) -> None:
    """So that turning and mirroring the views in training turns and mirrors the pictures."""
    one, network = picture(5), make()
    table = Table(np.array([0.0, 0.0, -1.0]), -0.70, np.zeros(6), 0.0)
    upright = Images.of(one.frame.depth_m, CAMERA, table)
    other = one.frame.depth_m[::-1] if mirrored else np.rot90(one.frame.depth_m)  # a quarter turn from +v to +u
    changed = Images.of(np.ascontiguousarray(other), CAMERA, table)
    turn = torch.tensor([[[[1.0, 0.0], [0.0, -1.0]]]]) if mirrored else rotation(torch.full((1, 1), -math.pi / 2))
    view = first_view(upright)
    with torch.no_grad():
        plain = network.cascade(upright, view, SHAPE)
        seen = network.cascade(changed, Views(view.centre_px, turn, view.distance_m), SHAPE)
    torch.testing.assert_close(plain.far, seen.far, atol=1e-4, rtol=0)
    u, v = plain.grasps.pixels[0, 0].tolist()
    assert seen.grasps.pixels[0, 0].tolist() == pytest.approx((u, 95 - v) if mirrored else (v, 95 - u), abs=0.02)
    angle = float(plain.grasps.angle_rad)
    expected = -angle if mirrored else angle - math.pi / 2
    assert abs(math.remainder(float(seen.grasps.angle_rad) - expected, math.pi)) < 1e-3
    torch.testing.assert_close(plain.grasps.width_m, seen.grasps.width_m, atol=1e-5, rtol=0)
