"""The paper's weighted loss: 5, 3 and 4, and where the mask is not there is neither angle nor width."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from detectors.fcn.losses import map_losses
from detectors.fcn.maps import ANGLE_FORMS, AngleForm, Maps, map_count

FORMS = pytest.mark.parametrize("form", ANGLE_FORMS)
MASK = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])


def zeros() -> Tensor:
    return torch.zeros(1, 2, 2)


def said(quality: float = 0.0, width: float = 0.0, angle: list[float] | None = None) -> Maps:
    """The same everywhere."""
    angle = [0.0, 1.0] if angle is None else angle
    return Maps(
        torch.full((1, 2, 2), quality), torch.tensor(angle)[None, :, None, None].expand(1, -1, 2, 2),
        torch.full((1, 2, 2), width),
    )  # fmt: skip


def test_quality_counts_five_everywhere() -> None:
    quality = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    found = map_losses(said(quality=0.5), MASK, quality, zeros(), zeros(), "double")
    assert float(found["quality"]) == pytest.approx(5 * 0.25)
    assert float(found["angle"]) == float(found["width"]) == 0.0
    assert float(found["loss"]) == pytest.approx(5 * 0.25 / 2)


def test_the_angle_counts_three_in_the_mask() -> None:
    quarter = torch.full((1, 2, 2), math.pi / 4)  # sine 1, cosine 0 of twice the angle; the answer is 0 and 1
    found = map_losses(said(), MASK, zeros(), quarter, zeros(), "double")
    assert float(found["angle"]) == pytest.approx(3 * (1 + 1) / 4)
    assert float(found["loss"]) == pytest.approx(3 * 2 / 4 / 2)
    raw = map_losses(said(angle=[-0.5]), MASK, zeros(), quarter, zeros(), "raw")
    assert float(raw["angle"]) == pytest.approx(3 * 1.0 / 4)


def test_the_width_counts_four_in_the_mask() -> None:
    found = map_losses(said(width=0.7), MASK, zeros(), zeros(), torch.full((1, 2, 2), 0.2), "double")
    assert float(found["width"]) == pytest.approx(4 * 0.25 / 4)
    assert float(found["loss"]) == pytest.approx(4 * 0.25 / 4 / 2)


def test_all_three_are_added_and_halved() -> None:
    """By hand: 5 x 0.09, 3 x 2 / 4 and 4 x 0.16 / 4, halved."""
    found = map_losses(
        said(quality=0.3, width=0.4), MASK, zeros(), torch.full((1, 2, 2), math.pi / 4), zeros(), "double"
    )
    assert float(found["loss"]) == pytest.approx((0.45 + 1.5 + 0.16) / 2)
    parts = [float(found[name]) for name in ("quality", "angle", "width")]
    assert float(found["loss"]) == pytest.approx(sum(parts) / 2)


def case(form: AngleForm, seed: int = 0) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Stacked maps (2, n, 3, 4) and labels at random, in double precision."""
    dice = torch.Generator().manual_seed(seed)
    stacked = torch.randn(2, map_count(form), 3, 4, generator=dice, dtype=torch.float64)
    mask = (torch.rand(2, 3, 4, generator=dice) < 0.5).double()
    quality, width = (torch.rand(2, 3, 4, generator=dice, dtype=torch.float64) for _ in range(2))
    return stacked, (mask, quality, 4 * torch.rand(2, 3, 4, generator=dice, dtype=torch.float64) - 2, width)


def loss_of(stacked: Tensor, labels: tuple[Tensor, Tensor, Tensor, Tensor], form: AngleForm) -> Tensor:
    return map_losses(Maps.split(stacked), *labels, form)["loss"]


@FORMS
def test_what_is_said_outside_the_mask_about_angle_and_width_does_not_matter(form: AngleForm) -> None:
    stacked, labels = case(form)
    before = loss_of(stacked, labels, form)
    outside, changed = labels[0] == 0, stacked.clone()
    changed[:, 1:] += 7.0 * outside[:, None]
    torch.testing.assert_close(loss_of(changed, labels, form), before)
    changed[:, :1] += 0.1 * outside[:, None]
    assert float(loss_of(changed, labels, form)) != pytest.approx(float(before), rel=1e-6), "the quality does"


@FORMS
def test_the_gradient_is_that_of_finite_differences(form: AngleForm) -> None:
    stacked, labels = case(form, seed=1)
    stacked.requires_grad_()
    loss_of(stacked, labels, form).backward()
    assert stacked.grad is not None
    step, flat = 1e-5, stacked.detach().reshape(-1)
    for place in range(len(flat)):
        sides = []
        for sign in (1, -1):
            moved = flat.clone()
            moved[place] += sign * step
            sides.append(float(loss_of(moved.reshape(stacked.shape), labels, form)))
        expected = (sides[0] - sides[1]) / (2 * step)
        assert float(stacked.grad.reshape(-1)[place]) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@FORMS
def test_a_half_turn_of_the_label_makes_no_difference(form: AngleForm) -> None:
    stacked, (mask, quality, angle, width) = case(form)
    turned = (mask, quality, angle + math.pi, width)
    torch.testing.assert_close(loss_of(stacked, turned, form), loss_of(stacked, (mask, quality, angle, width), form))


def test_a_view_without_any_grasp_has_a_loss_all_the_same() -> None:
    found = map_losses(said(quality=0.2), zeros(), zeros(), zeros(), zeros(), "double")
    assert float(found["loss"]) == pytest.approx(5 * 0.04 / 2)
