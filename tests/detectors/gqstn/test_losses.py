"""The losses: GQ-CNN's gradient truly reaches the first stage; each share of the mix teaches only what it should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from detectors.gqcnn.crop import window_m
from detectors.gqcnn.weights import load_gqcnn
from detectors.gqstn.heads import PeakTranslation
from detectors.gqstn.losses import LossSettings, localisation_loss, robustness_loss, robustness_of, total_loss
from detectors.gqstn.network import NEAR_PX, NEAR_STEP_M, GqStn, GqStnConfig
from detectors.oneshot.batches import Batch, Targets, make_batch
from detectors.oneshot.looking import see
from robot.gripper_geometry import STROKE_M
from tests.detectors.oneshot.bars import (
    TINY,
    BarTeacher,
    Forbidden,
    prepared_bars,
    small_networks,
)
from tests.detectors.oneshot.images import first_view, one, smooth_image

SCENES = prepared_bars(4)
HEADS = pytest.mark.parametrize("head", ["peaks", "paper"])
STAGES = ("translation", "rotation", "scaling")
SHAPE = (128, 128)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_networks(monkeypatch)


def make(head: str = "peaks", seed: int = 0) -> GqStn:
    torch.manual_seed(seed)
    return GqStn(GqStnConfig(TINY, head, 0.095))


def bars(seed: int = 0, picks: int = 4) -> Batch:
    rng, rows = np.random.default_rng(seed), np.arange(4)
    return make_batch(SCENES, rows, Targets(SCENES, picks).draw(rows, 1, rng), rng, True)


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gradients(network: GqStn, loss: Tensor) -> dict[str, float]:
    """The largest gradient in each stage."""
    network.zero_grad(set_to_none=True)
    loss.backward()
    found = {name: [p.grad for p in getattr(network, name).parameters() if p.grad is not None] for name in STAGES}
    return {name: max((float(g.abs().max()) for g in grads), default=0.0) for name, grads in found.items()}


# The gradient from GQ-CNN to the first stage's weights -------------------------------------------------------------


def smooth_case(head: str, tilt_rad: float) -> tuple[GqStn, Batch]:
    """A network and one image, in double precision, of which everything is smooth near where they stand."""
    network = make(head, seed=3).double().eval()
    if head == "peaks":  # an untrained map is so flat that a change of a millionth would choose another place
        with torch.no_grad():
            network.translation.out.weight.mul_(50.0)
    images = smooth_image(tilt_rad=tilt_rad)
    view, zero = first_view(images), one(0.0, images.depth_m).detach()
    return network, Batch(images, view, view.centre_px, zero + 0.68, zero + 0.3, zero + 0.05)


def assert_true_gradient(
    network: GqStn, batch: Batch, parameter: Tensor, step: float, relative: float, many: int = 4
) -> None:
    """Against central differences, in the parameter's strongest places and in some by chance."""

    def loss() -> Tensor:
        return robustness_loss(network, batch, BarTeacher(), 1, dice())

    network.zero_grad()
    loss().backward()
    slope = parameter.grad.flatten()
    some = torch.randperm(len(slope), generator=dice())[:many]
    places = torch.cat([slope.abs().topk(min(many, len(slope))).indices, some])
    largest = float(slope.abs().max())
    assert largest > 1e-5, "nothing reaches it"
    for place in places.tolist():
        where = tuple(int(i) for i in np.unravel_index(place, parameter.shape))
        found = []
        with torch.no_grad():
            before = parameter[where].item()
            for value in (before + step, before - step):
                parameter[where] = value
                found.append(float(loss()))
            parameter[where] = before
        numeric = (found[0] - found[1]) / (2 * step)
        assert float(slope[place]) == pytest.approx(numeric, rel=relative, abs=relative * largest)


FIRST = {
    "peaks": lambda network: (network.translation.encoder.stem[0].weight, network.translation.out.weight),
    "paper": lambda network: (network.translation.encoder.stem[0].weight, network.translation.head[-1].weight),
}


@HEADS
@pytest.mark.parametrize("layer", [0, 1], ids=["first layer", "last layer"])
def test_gqcnns_gradient_at_the_first_stages_weights_is_the_true_one(head: str, layer: int) -> None:
    """Through the teacher, the crop at its scale, the rotation and the translation down to the first convolution.

    The table does not lean, for the depth of the table under a view is held still on purpose.
    """
    network, batch = smooth_case(head, tilt_rad=0.0)
    assert_true_gradient(network, batch, FIRST[head](network)[layer], step=1e-6, relative=1e-4)


@HEADS
def test_on_a_leaning_table_it_is_true_but_for_the_views_scale(head: str) -> None:
    """Leaning by 3.4 degrees, 6 mm in 10 cm, the scale of 1 / distance that is held still changes by less than 1 % over
    the reach of a view; what that adds to the gradient is some ten thousandths."""
    network, batch = smooth_case(head, tilt_rad=0.06)
    assert_true_gradient(network, batch, FIRST[head](network)[1], step=1e-6, relative=2e-3)


@HEADS
@pytest.mark.parametrize(("stage", "relative"), [("rotation", 1e-4), ("scaling", 1e-2)])
def test_the_other_stages_gradients_are_true_as_well(head: str, stage: str, relative: float) -> None:
    """The last stage's but for the depth by which the shaking is scaled, a thousandth."""
    network, batch = smooth_case(head, tilt_rad=0.0)
    assert_true_gradient(
        network, batch, getattr(network, stage).encoder.stem[0].weight, step=1e-6, relative=relative, many=2
    )


@HEADS
def test_the_gradient_of_the_shipped_gqcnn_reaches_every_stage_and_leaves_it_alone(head: str) -> None:
    teacher, network = load_gqcnn(), make(head)
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    found = gradients(network, robustness_loss(network, bars(), teacher, 1, dice()))
    assert all(found[name] > 1e-6 for name in STAGES)
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


# The mix -----------------------------------------------------------------------------------------------------------


def test_with_xi_one_gqcnn_is_not_even_asked() -> None:
    network = make()
    found = total_loss(network, bars(), Forbidden(), LossSettings(1.0, True), dice())
    assert set(found) == {"loss", "localisation"}
    assert torch.equal(found["loss"], found["localisation"])


def test_with_xi_nought_the_targets_play_no_part() -> None:
    network, settings = make().eval(), LossSettings(0.0, False)
    batch, other = bars(), bars()
    moved = Batch(
        other.images, other.views, other.pixels + 20, other.depth_m - 0.01, other.angle_rad + 1, other.width_m
    )
    one, two = (total_loss(network, b, BarTeacher(), settings, dice()) for b in (batch, moved))
    assert set(one) == {"loss", "robustness"}
    assert torch.equal(one["loss"], two["loss"])
    localised = [localisation_loss(network, b, True, dice()) for b in (batch, moved)]
    assert not torch.allclose(*localised)


@pytest.mark.parametrize("xi", [0.2, 0.5])
def test_in_between_both_have_their_share(xi: float) -> None:
    network = make().eval()
    found = total_loss(network, bars(), BarTeacher(), LossSettings(xi, True), dice())
    expected = xi * found["localisation"] + (1 - xi) * found["robustness"]
    torch.testing.assert_close(found["loss"], expected)
    alone = localisation_loss(network, bars(), True, dice())
    torch.testing.assert_close(found["localisation"], alone)


# Teacher forcing ---------------------------------------------------------------------------------------------------


def shown(network: GqStn, batch: Batch, forced: bool) -> dict[str, Tensor]:
    """What the second and third stage were shown."""
    seen: dict[str, Tensor] = {}
    hooks = [
        getattr(network, name).register_forward_pre_hook(lambda _, args, name=name: seen.__setitem__(name, args[0]))
        for name in ("rotation", "scaling")
    ]
    localisation_loss(network, batch, forced, dice())
    for hook in hooks:
        hook.remove()
    return seen


def point_elsewhere(network: GqStn, stage: str) -> None:
    with torch.no_grad():
        for parameter in getattr(network, stage).parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=dice(9)))


@HEADS
def test_forced_the_second_stage_is_shown_the_target_wherever_the_first_one_points(head: str) -> None:
    network, batch = make(head).eval(), bars()
    before = shown(network, batch, forced=True)
    point_elsewhere(network, "translation")
    after = shown(network, batch, forced=True)
    assert torch.equal(before["rotation"], after["rotation"])
    assert torch.equal(before["scaling"], after["scaling"])
    shift = torch.randn((4, 1, 2), generator=dice()) * 0.004
    target = see(batch.images, batch.at_target(shift), (NEAR_PX, NEAR_PX), NEAR_STEP_M)
    torch.testing.assert_close(before["rotation"], target)


@HEADS
def test_forced_the_third_stage_is_turned_to_the_target_wherever_the_second_one_points(head: str) -> None:
    network, batch = make(head).eval(), bars()
    before = shown(network, batch, forced=True)["scaling"]
    point_elsewhere(network, "rotation")
    assert torch.equal(shown(network, batch, forced=True)["scaling"], before)
    high = before[:, 0] > 0.3  # the bar lies across the closing direction: along the rows, as far as 0.1 rad leaves it
    for mask in high:
        rows, columns = torch.nonzero(mask[16:48], as_tuple=True)
        assert np.ptp(rows.numpy()) > np.ptp(columns.numpy())


@HEADS
def test_unforced_each_stage_is_shown_what_the_one_before_leads_to(head: str) -> None:
    network, batch = make(head).eval(), bars()
    before = shown(network, batch, forced=False)
    cascade = network.cascade(batch.images, batch.views, SHAPE)
    torch.testing.assert_close(before["rotation"], cascade.near)
    torch.testing.assert_close(before["scaling"], cascade.turned)
    point_elsewhere(network, "rotation")
    turned = shown(network, batch, forced=False)
    assert torch.equal(turned["rotation"], before["rotation"])
    assert not torch.allclose(turned["scaling"], before["scaling"])
    point_elsewhere(network, "translation")
    assert not torch.allclose(shown(network, batch, forced=False)["rotation"], before["rotation"])


@HEADS
@pytest.mark.parametrize(("forced", "reaches"), [(True, False), (False, True)])
def test_the_later_stages_teach_the_earlier_ones_only_unforced(head: str, forced: bool, reaches: bool) -> None:
    network = make(head).eval()
    seen = shown(network, bars(), forced)
    assert seen["rotation"].requires_grad is reaches
    assert seen["scaling"].requires_grad is reaches
    for stage in STAGES[:2]:
        parameters = list(getattr(network, stage).parameters())
        found = torch.autograd.grad(
            seen["scaling"].sum() + (0.0 * parameters[0]).sum(), parameters, allow_unused=True, retain_graph=True
        )
        largest = max(float(gradient.abs().max()) for gradient in found if gradient is not None)
        assert (largest > 0) is reaches


def test_forced_shifts_and_turns_are_as_large_as_the_stages_before_leave_undone() -> None:
    """Drawn anew in each step, so that the later stages see more than perfect views."""
    network, batch = make().eval(), bars()
    first, again = (localisation_loss(network, batch, True, dice(seed)) for seed in (1, 2))
    assert not torch.equal(first, again)


# The robustness loss -----------------------------------------------------------------------------------------------


class Sure:
    """A teacher of one opinion."""

    def __init__(self, logit: float) -> None:
        self._logit = logit

    def success_logit(self, images: Tensor, poses: Tensor) -> Tensor:
        return torch.full((len(images),), self._logit) + 0.0 * images.sum()


def cascade_of(network: GqStn, batch: Batch, places: int):
    return network.cascade(batch.images, batch.views, SHAPE, places, dice())


@pytest.mark.parametrize("logit", [-2.0, 0.0, 3.0])
def test_robustness_is_the_cross_entropy_with_robust(logit: float) -> None:
    network, batch = make().eval(), bars()
    found = float(robustness_loss(network, batch, Sure(logit), 1, dice()).detach())
    assert found == pytest.approx(np.log1p(np.exp(-logit)), rel=1e-5)


def test_of_several_places_the_loss_is_the_mean_by_weight_and_moves_the_weight_to_what_holds() -> None:
    network, batch = make(), bars()
    stages = cascade_of(network, batch, 3)
    verdicts = torch.tensor([[-3.0, 0.0, 3.0]]).expand(4, 3)

    class Verdicts:
        def success_logit(self, images: Tensor, poses: Tensor) -> Tensor:
            return verdicts.flatten()

    weight = stages.log_weight.detach().requires_grad_()
    loss = robustness_of(replace(stages, log_weight=weight), batch, Verdicts(), dice())
    each = torch.log1p(torch.exp(-verdicts))
    expected = (each * weight.softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert (weight.grad[:, 0] > 0).all()
    assert (weight.grad[:, 2] < 0).all()


def test_windows_wider_than_the_gripper_has_cost_and_lead_back() -> None:
    network, batch = make(), bars()
    stages = cascade_of(network, batch, 1)

    def cost(excess_m: float) -> tuple[float, float]:
        window = torch.full_like(stages.raw_window_m, float(window_m(STROKE_M)) + excess_m).requires_grad_()
        loss = robustness_of(replace(stages, raw_window_m=window), batch, Sure(20.0), dice())
        slope = torch.autograd.grad(loss, window, allow_unused=True)[0]
        return float(loss.detach()), 0.0 if slope is None else float(slope.sum())

    assert cost(-0.01)[0] == pytest.approx(0.0, abs=1e-6)
    assert cost(-0.01)[1] == 0.0
    assert cost(0.02)[0] == pytest.approx(0.5, abs=1e-5)
    assert cost(0.02)[1] > 0


def test_one_place_is_the_best_one_and_several_are_drawn() -> None:
    batch, network, teacher = bars(), make().eval(), BarTeacher()
    proposed = []
    follow = network.follow

    def followed(images, views, far, offset_m, weight, dice=None):
        proposed.append((offset_m.detach(), dice))
        return follow(images, views, far, offset_m, weight, dice)

    network.follow = followed  # type: ignore[method-assign]
    for places, seed in ((1, 0), (1, 1), (3, 0), (3, 1)):
        robustness_loss(network, batch, teacher, places, dice(seed))
    assert teacher.asked == [4, 4, 12, 12]
    assert torch.equal(proposed[0][0], proposed[1][0])
    assert not torch.equal(proposed[2][0], proposed[3][0])
    assert proposed[0][1] is None
    assert proposed[2][1] is not None


def test_the_targets_cell_and_height_and_opening_lead_to_the_least_localisation_loss() -> None:
    """A cascade that answers with the target has less to learn than one that answers with another."""
    batch = bars()
    network = make().eval()
    assert isinstance(network.translation, PeakTranslation)
    raw = torch.full((4, 32, 32), -20.0)
    cell = network.translation.cell_of(raw, batch.offset_in(batch.views)[:, 0])
    right = raw.flatten(1).scatter(1, cell[:, None], 20.0).reshape(raw.shape)
    wrong = raw.flatten(1).scatter(1, (cell[:, None] + 40) % 1024, 20.0).reshape(raw.shape)
    found = []
    for answer in (right, wrong):
        network.translation.forward = lambda seen, answer=answer: answer  # type: ignore[method-assign]
        found.append(float(localisation_loss(network, batch, True, dice()).detach()))
    assert found[0] + 5 < found[1]
