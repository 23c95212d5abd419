"""The two losses and their mix: L = xi L_loc + (1 - xi) L_rob (GQ-STN, section IV-C)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

from detectors.gqcnn.crop import window_m
from detectors.gqstn.network import Cascade, GqStn
from detectors.oneshot.batches import Batch
from detectors.oneshot.decoding import size_loss
from detectors.oneshot.grasp_batch import Teacher, robustness, shaken
from detectors.oneshot.looking import Views
from detectors.oneshot.settings import FAR_PX
from robot.gripper_geometry import STROKE_M

_SHAPE = (FAR_PX, FAR_PX)
_FORCED_SHIFT_M, _FORCED_TURN_RAD = 0.004, 0.10  # what the stages before will leave undone
_SHAKE_M, _SHAKE_RAD = 0.0015, 0.03
_WIDER_WEIGHT = 50.0


@dataclass(frozen=True)
class LossSettings:
    """How the losses are computed.

    Attributes:
        xi: share of the localisation loss.
        forced: whether the localisation loss shows every stage what the true grasp leads to, instead of the stages
            before (teacher forcing); the robustness loss always follows the network's own stages.
        places: how many places an image are followed by the robustness loss: each is drawn by its weight, and the
            loss is the mean over them by weight, so that weight moves to places that hold. 1 follows the best alone,
            as in the paper.
    """

    xi: float
    forced: bool
    places: int = 1


def total_loss(
    network: GqStn, batch: Batch, teacher: Teacher, settings: LossSettings, dice: torch.Generator
) -> dict[str, Tensor]:
    """The mean losses of a batch: "loss", and "localisation" and "robustness" where they have a share in it."""
    found: dict[str, Tensor] = {}
    total = torch.zeros(())
    if settings.xi > 0:
        found["localisation"] = localisation_loss(network, batch, settings.forced, dice)
        total = total + settings.xi * found["localisation"]
    if settings.xi < 1:
        found["robustness"] = robustness_loss(network, batch, teacher, settings.places, dice)
        total = total + (1 - settings.xi) * found["robustness"]
    return {"loss": total, **found}


def localisation_loss(network: GqStn, batch: Batch, forced: bool, dice: torch.Generator) -> Tensor:
    """How far each stage is from the target grasp, seen from where the stage stands."""
    _, raw = network.locate(batch.images, batch.views, _SHAPE)
    loss = network.translation.loss(raw, batch.offset_in(batch.views)[:, 0])
    moved = _second_views(network, batch, raw, forced, dice)
    _, raw = network.near(batch.images, moved)
    target = batch.angle_in(moved)[:, 0]
    loss = loss + network.rotation.loss(raw, target)
    if forced:
        turned = moved.turned((target + _normal((len(batch),), dice) * _FORCED_TURN_RAD)[:, None])
    else:
        choice, _ = network.rotation.draw(raw, 1, None)
        turned = moved.turned(network.rotation.value(raw, choice))
    _, raw = network.size(batch.images, turned)
    loss = loss + size_loss(raw, batch.width_m[:, 0], batch.height_m()[:, 0], network.config.gamma_m)
    return loss.mean()


def robustness_loss(network: GqStn, batch: Batch, teacher: Teacher, places: int, dice: torch.Generator) -> Tensor:
    """Cross entropy between GQ-CNN's word on the grasps and "robust", climbed through all three stages."""
    stages = network.cascade(batch.images, batch.views, _SHAPE, places, dice if places > 1 else None)
    return robustness_of(stages, batch, teacher, dice)


def robustness_of(stages: Cascade, batch: Batch, teacher: Teacher, dice: torch.Generator) -> Tensor:
    """The same for a cascade that has run."""
    logit = robustness(teacher, batch.images, shaken(stages.grasps, batch.images, dice, _SHAKE_M, _SHAKE_RAD))
    beyond = (stages.raw_window_m - window_m(torch.full((), STROKE_M))).clamp(min=0) / 0.02
    each = softplus(-logit) + _WIDER_WEIGHT * 0.01 * beyond.square()
    mean: Tensor = (each * stages.log_weight.softmax(dim=1)).sum(dim=1).mean()
    return mean


def _second_views(network: GqStn, batch: Batch, raw: Tensor, forced: bool, dice: torch.Generator) -> Views:
    if forced:
        return batch.at_target(_normal((len(batch), 1, 2), dice) * _FORCED_SHIFT_M)
    choice, _ = network.translation.draw(raw, 1, None)
    return batch.views.moved(batch.images, network.translation.value(raw, choice))


def _normal(shape: tuple[int, ...], dice: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=dice, device=dice.device)
